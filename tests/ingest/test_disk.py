"""Before the disk is full nothing is taken in, loudly, and it goes on by itself."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import apsw
import pytest
from structlog.testing import capture_logs

from ingest.disk import DiskGuard
from ingest.stores.sqlite import SqliteReadingStore
from purna.core.errors import RetryLater, StartAgain
from tests.ingest.conftest import Desks
from tests.ingest.kit import Desk, telemetry
from tests.ingest.stores.test_sqlite import points, values

NOW = 1_780_000_000_000_000
MB = 10**6


class Room:
    """Free room that grows as time goes by."""

    def __init__(self, desk: Desk, free_again_at: float) -> None:
        self._desk, self._at = desk, free_again_at
        self.asked = 0

    def __call__(self, _folder: Path) -> int:
        self.asked += 1
        return 500 * MB if self._desk.link.now >= self._at else 100 * MB


@pytest.fixture
def desk(desks: Desks) -> Desk:
    return desks(NOW)


def guarded(desk: Desk, room: Room) -> None:
    desk.close()
    desk.open(disk=DiskGuard(desk.folder, 256 * MB, room))


def test_without_room_nothing_is_committed_or_acknowledged_until_there_is_some(desk: Desk) -> None:
    room = Room(desk, desk.link.now + 150)
    guarded(desk, room)
    shown: list[dict[str, float]] = []
    desk.ingester._each_step = lambda: shown.append(
        {
            **desk.counters.figures().gauges,
            "stored": desk.counters.as_dict()["stored"],
            "acknowledged": len(desk.link.acknowledged),
        }
    )
    with capture_logs() as logs:
        desk.send(*(telemetry(NOW + n, n, temp=1.0) for n in range(10)))
    assert len(shown) > 100  # the sign of life goes on all the time
    assert all(one["stored"] == one["acknowledged"] == 0 for one in shown)
    assert all(one["disk_guard"] == 1 for one in shown)
    assert all(one["disk_free_bytes"] == 100 * MB for one in shown)
    loud = [entry for entry in logs if entry["log_level"] == "error"]
    assert 2 <= len(loud) <= 4  # about once a minute
    assert "ingest.disk_reserve_mb" in loud[0]["why"]
    assert desk.counters.as_dict()["stored"] == len(desk.link.acknowledged) == 10
    assert desk.counters.figures().gauges["disk_guard"] == 0
    assert desk.link.acks()[-1] == 9


def test_a_stop_while_there_is_no_room_leaves_everything_unacknowledged(desk: Desk) -> None:
    guarded(desk, Room(desk, desk.link.now + 1e9))
    desk.ingester._each_step = desk.ingester._stop.set
    with pytest.raises(RetryLater, match="make room"):
        desk.send(telemetry(NOW, 1, temp=1.0))
    assert desk.link.acknowledged == []


def test_no_reserve_means_not_watched(tmp_path: Path) -> None:
    DiskGuard(tmp_path, 0, lambda _: 0).check()


def test_the_real_disk_is_asked(tmp_path: Path) -> None:
    assert DiskGuard(tmp_path, 1).room() > 0
    with pytest.raises(RetryLater, match="stay free"):
        DiskGuard(tmp_path, 2**62).check()


class Failing(apsw.VFSFile):
    """A file on a disk that can be full or broken."""

    errors: ClassVar[list[Exception]] = []

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802
        if self.errors and isinstance(self.errors[0], apsw.FullError):
            raise self.errors[0]
        super().xWrite(data, offset)

    def xSync(self, flags: int) -> None:  # noqa: N802
        if self.errors and isinstance(self.errors[0], apsw.IOError):
            raise self.errors.pop()
        super().xSync(flags)


class FailingDisk(apsw.VFS):
    """Serves such files."""

    def xOpen(self, name: Any, flags: list[int]) -> apsw.VFSFile:  # noqa: N802
        return Failing("unix", name, flags)


@pytest.fixture
def failing_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SqliteReadingStore]:
    disk = FailingDisk("failing-disk", "unix")
    monkeypatch.setattr(Failing, "errors", [])
    monkeypatch.setattr(
        "ingest.stores.sqlite_schema._connect",
        lambda path, flags: apsw.Connection(str(path), flags, "failing-disk"),
    )
    store = SqliteReadingStore(tmp_path / "full.db")
    yield store
    Failing.errors.clear()
    store.close()
    del disk


def test_a_full_disk_is_retried_and_nothing_of_the_batch_is_there(
    failing_store: SqliteReadingStore,
) -> None:
    failing_store.append(points(0, 10))
    Failing.errors.append(apsw.FullError("no room"))
    for _ in range(3):
        with pytest.raises(RetryLater, match="make room"):
            failing_store.append(points(10, 5000))
    Failing.errors.clear()
    assert len(values(failing_store)) == 10
    assert failing_store.append(points(10, 5000)) == (5000, 0)
    assert len(values(failing_store)) == 5010


def test_a_sync_that_fails_ends_the_process(failing_store: SqliteReadingStore) -> None:
    failing_store.append(points(0, 10))
    Failing.errors.append(apsw.IOError("EIO"))
    with pytest.raises(StartAgain, match="check the disk"):
        failing_store.append(points(10, 10))
