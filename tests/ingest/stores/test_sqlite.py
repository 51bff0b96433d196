"""What the embedded store adds to the contract: one writer, many readers, chunks, crashes."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import apsw
import numpy as np
import pytest

from ingest.stores import chunks, open_store, sqlite_schema, sqlite_seal
from ingest.stores.base import Cutoff
from ingest.stores.rows import from_bytes
from ingest.stores.sealing import End, Step
from ingest.stores.sealing_process import SealingProcess
from ingest.stores.sqlite import SqliteReadingStore
from purna.core.clock import DAY
from purna.core.errors import AskOperator, RetryLater, StartAgain
from purna.core.readings import DeviceEvent, ReadingBatch, SeriesKey, Telemetry

T0 = 1_700_000_000_000_000
KEY = SeriesKey("p1", "temp")


def points(first: int, count: int, step: int = 1, device: str = "p1") -> ReadingBatch:
    return ReadingBatch.of(
        Telemetry(device, [(T0 + at, {"temp": float(at)})], "b1", at)
        for at in range(first, first + count * step, step)
    )


def values(store: SqliteReadingStore, start: int = 0, end: int = 2**60) -> list[float]:
    return store.read([KEY], start, end)[KEY].value.tolist()


def test_a_second_writer_is_refused_in_one_sentence(tmp_path: Path) -> None:
    first = SqliteReadingStore(tmp_path / "r.db")
    with pytest.raises(AskOperator, match=rf"Another process \({os.getpid()}\) writes"):
        SqliteReadingStore(tmp_path / "r.db")
    first.close()
    SqliteReadingStore(tmp_path / "r.db").close()


def test_a_spoiled_file_is_refused_in_one_sentence(tmp_path: Path) -> None:
    store = SqliteReadingStore(tmp_path / "r.db")
    store.append(points(0, 100))
    store.close()
    with (tmp_path / "r.db").open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * (tmp_path / "r.db").stat().st_size)
    with pytest.raises(AskOperator, match="check disk and file"):
        SqliteReadingStore(tmp_path / "r.db")


def test_a_sync_that_fails_in_a_checkpoint_is_heard(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing: list[str] = []

    class File(apsw.VFSFile):
        def __init__(self, name: Any, flags: list[int]) -> None:
            self._is_log = not isinstance(name, str) and name.filename().endswith("-wal")
            super().__init__("unix", name, flags)

        def xSync(self, flags: int) -> None:  # noqa: N802 - apsw's name
            if failing and not self._is_log:
                raise apsw.IOError(failing.pop())
            super().xSync(flags)

    class Disk(apsw.VFS):
        def xOpen(self, name: Any, flags: list[int]) -> apsw.VFSFile:  # noqa: N802
            return File(name, flags)

    disk = Disk("failing", "unix")  # lives as long as this name
    monkeypatch.setattr(
        sqlite_schema,
        "_connect",
        lambda path, flags: apsw.Connection(str(path), flags, "failing"),
    )
    monkeypatch.setattr(sqlite_schema, "CHECKPOINT_PAGES", 10)
    store = SqliteReadingStore(tmp_path / "r.db")
    failing.append("the disk fails once")

    def append_some() -> None:
        for at in range(100):
            store.append(points(at, 1))

    with pytest.raises(StartAgain, match="check the disk"):
        append_some()
    store.close()
    del disk


def test_a_reader_may_come_before_the_file_and_sees_every_commit(tmp_path: Path) -> None:
    reader = SqliteReadingStore(tmp_path / "r.db", read_only=True)
    assert (reader.series(), reader.span(), values(reader)) == ([], None, [])
    writer = SqliteReadingStore(tmp_path / "r.db")
    for at in range(5):
        writer.append(points(at, 1), [DeviceEvent("p1", T0 + at, "event", "E1")])
        assert values(reader) == [float(i) for i in range(at + 1)]
        assert len(reader.events(["p1"], 0, 2**60)) == at + 1
    writer.seal()
    assert values(reader) == [0.0, 1.0, 2.0, 3.0, 4.0]
    writer.append(points(5, 1))
    assert values(reader)[-1] == 5.0
    assert reader.latest(["p1"]) == {KEY: (T0 + 5, 5.0)}
    reader.close()
    writer.close()


def test_a_reader_does_not_write(tmp_path: Path) -> None:
    SqliteReadingStore(tmp_path / "r.db").close()
    reader = SqliteReadingStore(tmp_path / "r.db", read_only=True)
    with pytest.raises(RuntimeError, match="reading only"):
        reader.append(points(0, 1))
    reader.close()


def test_content_survives_closing_and_opening(tmp_path: Path) -> None:
    store = SqliteReadingStore(tmp_path / "r.db")
    store.append(points(0, 10))
    store.seal()
    store.append(points(10, 10))
    store.close()
    store = SqliteReadingStore(tmp_path / "r.db")
    assert values(store) == [float(i) for i in range(20)]
    assert store.append(points(0, 21)) == (1, 20)
    store.close()


def test_sealing_keeps_chunks_fair_and_apart(tmp_path: Path) -> None:
    store = SqliteReadingStore(tmp_path / "r.db")
    random_ = random.Random(4)
    blocks = list(range(0, 40_000, 500))
    random_.shuffle(blocks)
    for number, first in enumerate(blocks):
        store.append(points(first, 500))
        if number % 7 == 6:
            store.seal()
    store.seal()
    assert values(store) == [float(i) for i in range(40_000)]
    assert values(store, T0 + 12_345, T0 + 12_348) == [12345.0, 12346.0, 12347.0]
    found = store._writer._connection.execute(  # type: ignore[union-attr]
        "SELECT t0, t1, count FROM chunk ORDER BY t0"
    ).fetchall()
    assert all(before[1] < after[0] for before, after in pairwise(found))
    assert all(size <= 2 * chunks.CHUNK_ROWS for _, _, size in found)
    assert len(found) <= 40_000 / 500
    store.close()


def test_a_small_log_is_left_alone_until_it_has_many_entries(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_seal, "LOG_ENTRIES", 30)
    store = SqliteReadingStore(tmp_path / "r.db")
    store.append(points(0, 10))
    assert store.seal(min_rows=11) == 0
    assert store.seal(min_rows=10) == 10
    for at in range(30):
        store.append(points(100 + at, 1))
    assert store.seal(min_rows=10**9) == 30
    assert len(values(store)) == 40
    store.close()


def test_old_readings_go_by_whole_days_and_late_ones_may_still_come(tmp_path: Path) -> None:
    store = SqliteReadingStore(tmp_path / "r.db")
    start, step = T0 // DAY * DAY - T0, 10_000_000  # 8640 readings a day
    store.append(points(start, 30_000, step))
    store.seal()
    store.prune(Cutoff(T0 // DAY * DAY + DAY + 5))
    assert values(store)[0] == float(start + DAY)
    assert len(values(store)) == 30_000 - 8640
    assert store.append(points(start, 1)) == (1, 0)
    assert values(store)[:2] == [float(start), float(start + DAY)]
    store.close()


def test_reading_and_appending_go_on_while_sealing(tmp_path: Path) -> None:
    store = SqliteReadingStore(tmp_path / "r.db")
    reader = SqliteReadingStore(tmp_path / "r.db", read_only=True)
    done = threading.Event()
    problems: list[BaseException] = []

    def sealing() -> None:
        try:
            while not done.is_set():
                store.seal()
        except BaseException as error:
            problems.append(error)

    thread = threading.Thread(target=sealing)
    thread.start()
    try:
        for at in range(100):
            assert store.append(points(at * 20, 20)) == (20, 0)
            assert store.append(points(at * 10, 5)) == (0, 5)
            for one in (store, reader):
                assert len(values(one)) == (at + 1) * 20
    finally:
        done.set()
        thread.join()
        store.close()
        reader.close()
    assert problems == []


def test_sealing_aside_gives_the_same_and_survives_its_process(tmp_path: Path) -> None:
    store = SqliteReadingStore(tmp_path / "r.db", seal_aside=True)
    store.append(points(0, 300))
    assert store.seal() == 300
    assert store.seal() == 0
    store.append(points(200, 200))
    process = store._writer.sealer._process  # type: ignore[union-attr]
    assert process is not None
    assert process._process is not None
    process._process.kill()
    process._process.wait()
    with pytest.raises(RetryLater, match="ended with status -9"):
        store.seal()
    assert values(store) == [float(i) for i in range(400)]
    assert store.seal() == 200
    assert values(store) == [float(i) for i in range(400)]
    store.close()
    assert process._process is None


def test_an_answer_that_was_not_heard_to_its_end_is_not_taken_for_the_next(tmp_path: Path) -> None:
    store = SqliteReadingStore(tmp_path / "r.db")
    store.append(points(0, 300))
    process = SealingProcess(tmp_path / "r.db")
    broken_off = process.one_round(99)
    assert isinstance(next(broken_off), Step)
    again = list(process.one_round(99))
    assert [type(found) for found in again] == [Step, End]
    store.seal()
    assert list(process.one_round(99)) == []
    process.close()
    store.close()


WRITER = """
import sys
from pathlib import Path
from typing import Any
from ingest.stores.sqlite import SqliteReadingStore
from tests.ingest.stores.test_sqlite import points
store = SqliteReadingStore(Path(sys.argv[1]))
at = int(sys.argv[2])
while True:
    store.append(points(at, 50))
    at += 50
    if at % 500 == 0:
        store.seal()
    print(at, flush=True)
"""


@pytest.mark.parametrize("read_first", [True, False])
def test_nothing_committed_is_lost_when_the_writer_is_killed(
    tmp_path: Path, read_first: bool
) -> None:
    path = tmp_path / "r.db"
    at = 0
    for kill_after in (0.15, 0.3, 0.2):
        process = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path), str(at)], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(kill_after)
        process.send_signal(signal.SIGKILL)
        told = [int(line) for line in process.stdout.read().split("\n") if line]
        process.stdout.close()
        process.wait()
        at = max([at, *told[:-1]])
        if read_first:
            reader = SqliteReadingStore(path, read_only=True)
            assert values(reader)[:at] == [float(i) for i in range(at)]
            reader.close()
    store = SqliteReadingStore(path)
    assert values(store)[:at] == [float(i) for i in range(at)]
    assert at > 0
    store.close()


def test_a_file_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    store = SqliteReadingStore(tmp_path / "r.db")
    store._writer._connection.pragma("user_version", 99)  # type: ignore[union-attr]
    store.close()
    with pytest.raises(AskOperator, match="has format 99"):
        open_store(f"sqlite:///{tmp_path}/r.db")


def test_a_file_that_is_no_database_asks_the_operator(tmp_path: Path) -> None:
    (tmp_path / "r.db").write_bytes(b"not a database at all" * 100)
    with pytest.raises(AskOperator, match="check disk and file"):
        open_store(f"sqlite:///{tmp_path}/r.db")


def test_an_unknown_store_url_asks_the_operator() -> None:
    with pytest.raises(AskOperator, match="begins with"):
        open_store("mysql://somewhere")


def test_a_torn_log_entry_is_noticed() -> None:
    with pytest.raises(ValueError, match="no whole number"):
        from_bytes(b"1234567")


@pytest.mark.parametrize("size", [1, 2, 100, 9000])
def test_columns_come_back_from_a_chunk_bit_by_bit(size: int) -> None:
    random_ = np.random.default_rng(size)
    batch = points(0, size)
    rows = from_bytes(b"")._replace(
        sid=np.full(size, 3, np.int32),
        ts=np.sort(random_.integers(0, 2**55, size)),
        value=random_.normal(size=size),
        quality=random_.integers(0, 3, size).astype(np.uint8),
        boot=batch.origin,
        seq=random_.integers(-1, 2**53, size),
    )
    back = chunks.unpack(3, size, chunks.pack_stamp(rows), chunks.pack_values(rows))
    for one, other in zip(rows, back, strict=True):
        assert one.dtype == other.dtype
        assert one.tobytes() == other.tobytes()
