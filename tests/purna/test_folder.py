"""The data folder belongs to one platform at a time, and says so in one sentence."""

import os
import stat
from pathlib import Path

import pytest

from purna.core.errors import AskOperator
from purna.run.folder import DataFolder
from purna.run.keys import instance_key


def test_a_second_platform_on_the_same_folder_is_refused(tmp_path: Path) -> None:
    first, second = DataFolder(tmp_path / "data"), DataFolder(tmp_path / "data")
    first.create()
    first.lock()
    with pytest.raises(AskOperator, match=rf"Another Purna \(process {os.getpid()}\) already runs"):
        second.lock()
    first.release()
    second.lock()
    second.release()


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(AskOperator, match=r"data folder .*file/data can't be written"):
        DataFolder(tmp_path / "file" / "data").create()


def test_the_folder_and_its_key_are_for_the_owner_only(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path / "data")
    folder.create()
    key = instance_key(folder.path)
    assert len(key) == 32
    assert instance_key(folder.path) == key
    assert stat.S_IMODE(folder.path.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder.path / "instance.key").stat().st_mode) == 0o600
