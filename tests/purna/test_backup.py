"""A backup taken while everything runs is complete and consistent; a damaged one is refused."""

from __future__ import annotations

import os
import stat
import threading
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import apsw
import pytest
from typer.testing import CliRunner

from ingest.stores import open_store
from ingest.stores.base import IngestStore
from purna.core.errors import BadInput
from purna.core.readings import ReadingBatch, SeriesKey, Telemetry
from purna.run.backup import MANIFEST, backup, restore
from purna.run.cli import app

T0 = 1_700_000_000_000_000
NOW = datetime(2026, 3, 1, tzinfo=UTC)
KEY = SeriesKey("p1", "temp")


def batch(first: int, count: int) -> ReadingBatch:
    return ReadingBatch.of(
        Telemetry("p1", [(T0 + at, {"temp": float(at)})], "b1", at)
        for at in range(first, first + count)
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    data = tmp_path / "data"
    (data / "catalogue").mkdir(parents=True)
    (data / "catalogue" / "pump.toml").write_text("id = 'pump'")
    (data / "instance.key").write_bytes(os.urandom(32))
    (data / "instance.key").chmod(0o400)
    (data / "ingest.json").write_text("{}")
    (data / "purna.lock").write_text("1")
    with closing(apsw.Connection(str(data / "service.sqlite"))) as connection:
        connection.pragma("journal_mode", "WAL")
        connection.execute("CREATE TABLE one (n); INSERT INTO one VALUES (7)")
    return data


def store_in(folder: Path, *, read_only: bool = False) -> IngestStore:
    return open_store(f"sqlite:///{folder}/readings.sqlite", read_only=read_only)


def values(folder: Path) -> list[float]:
    with closing(store_in(folder, read_only=True)) as store:
        return store.read([KEY], 0, 2**60)[KEY].value.tolist()


def test_a_backup_taken_while_writing_is_a_prefix_with_all_that_was_acknowledged(
    folder: Path, tmp_path: Path
) -> None:
    store = store_in(folder)
    acknowledged, done = [0], threading.Event()

    def write() -> None:
        while not done.is_set():
            store.append(batch(acknowledged[0], 50))
            acknowledged[0] += 50
            if acknowledged[0] % 1000 == 0:
                store.seal()

    thread = threading.Thread(target=write)
    thread.start()
    try:
        for number in range(4):
            before = acknowledged[0]
            backup(folder, tmp_path / f"b{number}", now=NOW)
            restore(tmp_path / f"b{number}", tmp_path / f"r{number}")
            found = values(tmp_path / f"r{number}")
            assert len(found) >= before
            assert found == [float(at) for at in range(len(found))]
    finally:
        done.set()
        thread.join()
        store.close()
    assert acknowledged[0] > before > 0


def test_everything_worth_keeping_comes_back_with_its_rights(folder: Path, tmp_path: Path) -> None:
    with closing(store_in(folder)) as store:
        store.append(batch(0, 10))
    manifest = backup(folder, tmp_path / "b", leave_out=frozenset({"ingest.json"}), now=NOW)
    assert sorted(manifest.files) == [
        "catalogue/pump.toml",
        "instance.key",
        "readings.sqlite",
        "service.sqlite",
    ]
    assert stat.S_IMODE((tmp_path / "b").stat().st_mode) == 0o700
    assert restore(tmp_path / "b", tmp_path / "r") == manifest
    key = tmp_path / "r" / "instance.key"
    assert key.read_bytes() == (folder / "instance.key").read_bytes()
    assert stat.S_IMODE(key.stat().st_mode) == 0o400
    with closing(apsw.Connection(str(tmp_path / "r" / "service.sqlite"))) as connection:
        assert connection.execute("SELECT n FROM one").get == 7
    assert values(tmp_path / "r") == [float(at) for at in range(10)]
    with closing(store_in(tmp_path / "r")) as store:
        assert store.append(batch(5, 10)) == (5, 5)


def test_a_database_elsewhere_comes_along(folder: Path, tmp_path: Path) -> None:
    with closing(open_store(f"sqlite:///{tmp_path}/other.db")) as store:
        store.append(batch(0, 3))
    backup(folder, tmp_path / "b", {"readings.sqlite": tmp_path / "other.db"}, now=NOW)
    manifest = restore(tmp_path / "b", tmp_path / "r")
    assert manifest.elsewhere == {"readings.sqlite": str(tmp_path / "other.db")}
    assert values(tmp_path / "r") == [0.0, 1.0, 2.0]


def test_a_backup_goes_into_a_new_folder_only(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").write_text("")
    with pytest.raises(BadInput, match="not empty"):
        backup(folder, tmp_path / "full", now=NOW)
    with pytest.raises(BadInput, match="inside of the data folder"):
        backup(folder, folder / "backup", now=NOW)
    backup(folder, tmp_path / "b", now=NOW)
    with pytest.raises(BadInput, match="not empty"):
        restore(tmp_path / "b", folder)


@pytest.mark.parametrize("damage", ["flipped", "shorter", "gone", "manifest", "escape"])
def test_a_damaged_backup_is_refused_and_nothing_is_put_back(
    folder: Path, tmp_path: Path, damage: str
) -> None:
    backup(folder, tmp_path / "b", now=NOW)
    path = tmp_path / "b" / ("service.sqlite" if damage != "manifest" else MANIFEST)
    content = path.read_bytes()
    if damage == "flipped":
        path.write_bytes(content[:5000] + bytes([content[5000] ^ 1]) + content[5001:])
    elif damage == "shorter":
        path.write_bytes(content[:-1])
    elif damage == "escape":
        manifest = tmp_path / "b" / MANIFEST
        manifest.write_bytes(manifest.read_bytes().replace(b"instance.key", b"../../a.key"))
    else:
        path.unlink()
    with pytest.raises(BadInput):
        restore(tmp_path / "b", tmp_path / "r")
    assert not (tmp_path / "r").exists()


def purna(*arguments: object) -> str:
    done = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert done.exit_code == 0, done.output
    return " ".join(done.output.split())


def test_the_commands_move_an_installation_and_its_readings(tmp_path: Path) -> None:
    data, moved = tmp_path / "data", tmp_path / "moved"
    purna("db", "upgrade", "--data", data)
    with closing(store_in(data)) as store:
        store.append(batch(0, 100))
    assert "100 readings of 1 series and 0 events" in purna(
        "export", tmp_path / "out", "--data", data, "--format", "csv"
    )
    purna("backup", tmp_path / "b", "--data", data)
    assert "checked" in purna("restore", tmp_path / "b", "--data", moved)
    assert "0 new readings, 100 were there already" in purna(
        "import", "readings", tmp_path / "out", "--data", moved
    )
    assert "100 new readings" in purna(
        "import", "readings", tmp_path / "out", "--data", tmp_path / "empty"
    )
    assert values(tmp_path / "empty") == values(moved) == [float(at) for at in range(100)]
