"""The disk that loses power loses what it should, and only that."""

from __future__ import annotations

import errno
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults.disk import Disk

pytestmark = pytest.mark.compiler

FOLDS = range(4)


@pytest.fixture
def disk(tmp_path: Path) -> Disk:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "old").write_bytes(b"as before")
    (tmp_path / "beside").mkdir()
    return Disk(tmp_path / "data", tmp_path / "beside")


def run(disk: Disk, folder: Path, program: str) -> int:
    """A process on that disk. ``done`` ends it like a kill: nothing is closed."""
    head = "import os, sys\nfrom pathlib import Path\ndone = lambda: os._exit(0)\n"
    environment = {**os.environ, **disk.environment}
    return subprocess.run(
        [sys.executable, "-c", head + program], cwd=folder, env=environment, check=False
    ).returncode


def cuts(disk: Disk, folder: Path, program: str, seed: int) -> dict[str, bytes]:
    assert run(disk, folder, program) == 0
    disk.cut(random.Random(seed))
    return {path.name: path.read_bytes() for path in folder.iterdir()}


SYNCED = """
fd = os.open("new", os.O_RDWR | os.O_CREAT)
os.write(fd, b"a" * 5000)
os.fsync(fd)
top = os.open(".", os.O_RDONLY)
os.fsync(top)
"""


@pytest.mark.parametrize("seed", FOLDS)
def test_what_was_synced_stays_and_what_was_not_may_go(
    disk: Disk, tmp_path: Path, seed: int
) -> None:
    program = SYNCED + "os.pwrite(fd, b'b' * 5000, 0)\nos.write(fd, b'c' * 900)\ndone()"
    left = cuts(disk, tmp_path / "data", program, seed)
    assert left["old"] == b"as before"
    assert len(left["new"]) in (5000, 5900)
    assert set(left["new"][:5000]) <= set(b"ab")
    for start in range(0, 4608, 512):  # a sector is written as a whole or not at all
        assert len(set(left["new"][start : start + 512])) == 1


def test_over_many_cuts_everything_happens(disk: Disk, tmp_path: Path) -> None:
    seen = set()
    for seed in range(16):
        program = SYNCED + "os.pwrite(fd, b'b' * 5000, 0)\nos.write(fd, b'c' * 900)\ndone()"
        if seed < 8:
            program = "Path('fresh').write_text('x')\n" + program
        left = cuts(disk, tmp_path / "data", program, seed)
        seen |= {len(left["new"]), left["new"][:1], left["new"][4000:4001], "fresh" in left}
        (tmp_path / "data" / "fresh").unlink(missing_ok=True)
        (tmp_path / "data" / "new").unlink()
        disk.settle()
    assert seen >= {5000, 5900, b"a", b"b", True, False}


@pytest.mark.parametrize("seed", FOLDS)
def test_a_name_is_there_once_its_folder_was_synced(disk: Disk, tmp_path: Path, seed: int) -> None:
    program = SYNCED + "os.rename('new', 'old')\nos.fsync(top)\ndone()"
    assert cuts(disk, tmp_path / "data", program, seed) == {"old": b"a" * 5000}


@pytest.mark.parametrize("seed", FOLDS)
def test_a_replaced_file_is_the_old_or_the_new_one(disk: Disk, tmp_path: Path, seed: int) -> None:
    program = SYNCED + "os.rename('new', 'old')\ndone()"
    left = cuts(disk, tmp_path / "data", program, seed)
    assert left.get("old", b"a" * 5000) in (b"as before", b"a" * 5000)
    assert "old" in left or "new" in left


def test_a_failed_sync_says_so_once_and_leaves_the_pages_unsynced(
    disk: Disk, tmp_path: Path
) -> None:
    disk.turn(failing_syncs=1)
    program = f"""
fd = os.open("old", os.O_RDWR)
os.pwrite(fd, b"AS", 0)
try:
    os.fsync(fd)
except OSError as error:
    assert error.errno == {errno.EIO}
else:
    sys.exit("no error")
os.fsync(fd)
done()
"""
    assert run(disk, tmp_path / "data", program) == 0
    disk.cut(random.Random(4))  # with this seed nothing unsynced arrives
    assert (tmp_path / "data" / "old").read_bytes() == b"as before"


def test_a_full_disk_takes_no_more_and_gives_back_what_is_freed(disk: Disk, tmp_path: Path) -> None:
    disk.turn(room=1000)
    program = f"""
fd = os.open("old", os.O_RDWR | os.O_APPEND)
os.write(fd, b"x" * 900)
try:
    os.write(fd, b"x" * 900)
except OSError as error:
    assert error.errno == {errno.ENOSPC}
else:
    sys.exit("no error")
assert os.statvfs(".").f_bavail == 0
os.ftruncate(fd, 9)
os.write(fd, b"x" * 1000)
done()
"""
    assert run(disk, tmp_path / "data", program) == 0


def test_a_sync_counts_for_what_others_have_written(disk: Disk, tmp_path: Path) -> None:
    assert run(disk, tmp_path / "data", "Path('old').write_text('by somebody dead'); done()") == 0
    program = "os.fsync(os.open('old', os.O_RDONLY)); done()"
    assert cuts(disk, tmp_path / "data", program, 1) == {"old": b"by somebody dead"}


def test_it_looks_after_any_number_of_files_one_after_the_other(disk: Disk, tmp_path: Path) -> None:
    program = """
for number in range(200):
    Path("new").write_text(str(number))
    os.rename("new", "old")
top = os.open(".", os.O_RDONLY)
os.fsync(os.open("old", os.O_RDONLY))
os.fsync(top)
done()
"""
    assert cuts(disk, tmp_path / "data", program, 1) == {"old": b"199"}


def test_it_dies_at_the_operation_that_was_picked(disk: Disk, tmp_path: Path) -> None:
    disk.turn(die_at=2)
    program = 'fd = os.open("old", os.O_RDWR)\nfor _ in range(3): os.write(fd, b"A")'
    assert run(disk, tmp_path / "data", program) == -9
    assert (tmp_path / "data" / "old").read_bytes() == b"As before"
