"""What the embedded store costs: time to append, bytes on disk, time to read, harm done by sealing.

    python -m benchmarks.store [--points 20000000] [--runs 3]

The load: 400 devices with 5 quantities each (2,000 series), one message of each every 10 s with
±20 ms of jitter, values are rounded random walks and noise. *Appends* stand beside rows in SQLite
(same durability) and beside a bare write + fdatasync of the same bytes, one after the other in
every run. *Bytes* are the whole file, indexes and free pages included; ``apart`` is the same load
where every series has a jitter of its own, so that no two share their times. Prints one line of
JSON per figure: medians, and ratios where the machine's speed would matter.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import apsw
import numpy as np

from ingest.settings import IngestSettings
from ingest.stores.rows import Rows, to_bytes
from ingest.stores.sqlite import SqliteReadingStore
from ingest.upkeep import Upkeep
from purna.core.clock import DAY, HOUR, MINUTE
from purna.core.readings import ReadingBatch, SeriesKey

DEVICES = 400
QUANTITIES = ("temp", "vib", "speed", "current", "flow")
KEYS = [SeriesKey(f"d{n:04}", quantity) for n in range(DEVICES) for quantity in QUANTITIES]
START = 1_764_000_000_000_000
CADENCE = 10_000_000
SEAL_ROWS = IngestSettings().seal_rows


def ticks(count: int, *, apart: bool = False, seed: int = 1) -> Iterator[ReadingBatch]:
    """``count`` ticks of the whole fleet (2,000 readings each), in batches of 25."""
    random = np.random.default_rng(seed)
    step = np.array([0.05, 0.0, 2.0, 0.02, 0.0])
    noise = np.array([0.0, 0.3, 0.0, 0.0, 1.0])
    digits = (2, 3, 0, 2, 2)
    level = np.tile(np.array([60.0, 3.0, 1500.0, 12.0, 30.0]), (DEVICES, 1))
    index = np.arange(len(KEYS), dtype=np.int32)
    for first in range(0, count, 25):
        size = min(25, count - first)
        shape = (size, DEVICES, len(QUANTITIES))
        walk = level + np.cumsum(random.normal(size=shape) * step, axis=0)
        level = walk[-1]
        value = walk + random.normal(size=shape) * noise
        for column, places in enumerate(digits):
            value[:, :, column] = np.round(value[:, :, column], places)
        jitter = random.integers(-20, 21, shape if apart else (size, DEVICES, 1)) * 1000
        due = START + (first + np.arange(size)) * CADENCE
        ts = np.broadcast_to(due[:, None, None] + jitter, shape)
        number = np.broadcast_to((first + np.arange(size))[:, None, None], shape)
        rows = value.size
        yield ReadingBatch(
            KEYS,
            np.tile(index, size),
            np.ascontiguousarray(ts).reshape(rows),
            value.reshape(rows),
            np.zeros(rows, np.uint8),
            ("boot-1",),
            np.zeros(rows, np.int32),
            np.ascontiguousarray(number).reshape(rows),
        )


def cut(batches: Iterator[ReadingBatch], size: int) -> list[ReadingBatch]:
    """The same readings in batches of ``size``, which divides 50,000."""
    return [
        ReadingBatch(
            batch.series,
            *(
                column[at : at + size]
                for column in (batch.index, batch.ts, batch.value, batch.quality)
            ),
            batch.boots,
            *(column[at : at + size] for column in (batch.origin, batch.seq)),
        )
        for batch in batches
        for at in range(0, len(batch), size)
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--points", type=int, default=20_000_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--part", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.part:
        with tempfile.TemporaryDirectory() as name:
            PARTS[given.part](Path(name), given.points, given.runs)
        return
    for part in PARTS:  # each in a process of its own, so that memory is told apart
        subprocess.run(
            [
                *(sys.executable, "-m", "benchmarks.store", "--part", part),
                *("--points", str(given.points), "--runs", str(given.runs)),
            ],
            check=True,
        )


def show(what: str, value: float, unit: str, **case: object) -> None:
    line = {"part": "store", **case, "what": what, "value": round(value, 3), "unit": unit}
    print(json.dumps(line, ensure_ascii=False), flush=True)


# Appending


def appends(folder: Path, points: int, runs: int) -> None:
    """Each batch durable before the next one; the same readings for all three."""
    for size in (5_000, 50_000):
        total = min(points, 1_000_000)
        batches = cut(ticks(total // len(KEYS)), size)
        ours, rows, bare = [], [], []
        for run in range(runs):
            where = folder / f"{size}-{run}"
            where.mkdir()
            ours.append(_append_ours(where, batches))
            rows.append(_append_rows(where, batches))
            bare.append(_append_bare(where, batches))
        show("append", statistics.median(ours), "points/s", batch=size)
        show("append, rows in SQLite", statistics.median(rows), "points/s", batch=size)
        show("append, bare write + fdatasync", statistics.median(bare), "points/s", batch=size)
        ratios = statistics.median(a / b for a, b in zip(ours, rows, strict=True))
        show("append / rows in SQLite", ratios, "ratio", batch=size)
        ratios = statistics.median(a / b for a, b in zip(ours, bare, strict=True))
        show("append / bare write", ratios, "ratio", batch=size)


def _rate(batches: list[ReadingBatch], append: Callable[[ReadingBatch], object]) -> float:
    began = time.perf_counter()
    for batch in batches:
        append(batch)
    return sum(map(len, batches)) / (time.perf_counter() - began)


def _append_ours(folder: Path, batches: list[ReadingBatch]) -> float:
    store = SqliteReadingStore(folder / "ours.db")
    rate = _rate(batches, store.append)
    store.close()
    return rate


def _append_rows(folder: Path, batches: list[ReadingBatch]) -> float:
    connection = apsw.Connection(str(folder / "rows.db"))
    connection.execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL")
    connection.execute(
        "CREATE TABLE reading (series INTEGER, ts INTEGER, value REAL, quality INTEGER,"
        " boot INTEGER, seq INTEGER, PRIMARY KEY (series, ts)) WITHOUT ROWID"
    )

    def append(batch: ReadingBatch) -> None:
        columns = (batch.index, batch.ts, batch.value, batch.quality, batch.origin, batch.seq)
        with connection:
            connection.executemany(
                "INSERT OR REPLACE INTO reading VALUES (?, ?, ?, ?, ?, ?)",
                zip(*(column.tolist() for column in columns), strict=True),
            )

    rate = _rate(batches, append)
    connection.close()
    return rate


def _append_bare(folder: Path, batches: list[ReadingBatch]) -> float:
    blobs = [
        to_bytes(Rows(batch.index, batch.ts, batch.value, batch.quality, batch.origin, batch.seq))
        for batch in batches
    ]
    handle = os.open(folder / "bare", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    began = time.perf_counter()
    for blob in blobs:
        os.write(handle, blob)
        os.fdatasync(handle)
    rate = sum(map(len, batches)) / (time.perf_counter() - began)
    os.close(handle)
    return rate


# A long load with sealing, and what is in the file afterwards


def together(folder: Path, points: int, runs: int) -> None:
    _load(folder, points, apart=False)


def apart(folder: Path, points: int, runs: int) -> None:
    _load(folder, points, apart=True)


def _load(folder: Path, points: int, *, apart: bool) -> None:
    """Appending and sealing take turns, as if both had one core."""
    times = "apart" if apart else "together"
    store = SqliteReadingStore(folder / "r.db")
    appending = sealing = 0.0
    count = points // len(KEYS)
    biggest = logged = 0
    for batch in ticks(count, apart=apart):
        began = time.perf_counter()
        store.append(batch)
        appending += time.perf_counter() - began
        logged += len(batch)
        if logged >= SEAL_ROWS:
            biggest = max(biggest, _size(folder))
            began = time.perf_counter()
            store.seal()
            sealing += time.perf_counter() - began
            logged = 0
    total = count * len(KEYS)
    show("append", total / appending, "points/s", times=times)
    show("seal", total / sealing, "points/s", times=times)
    show("append and seal in turn", total / (appending + sealing), "points/s", times=times)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    show("peak memory", memory, "MB", times=times)
    show(
        "on disk at its biggest, log and WAL included", biggest / total, "bytes/point", times=times
    )
    store.close()
    show("on disk, closed", _size(folder) / total, "bytes/point", times=times)
    _pages(folder / "r.db", total, times)
    _reads(folder / "r.db", count, times)


def _size(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.iterdir())


def _pages(path: Path, total: int, times: str) -> None:
    connection = apsw.Connection(str(path))
    parts = {
        "values": "SELECT sum(length(value) + length(quality)) FROM chunk",
        "times, boots, numbers": "SELECT sum(length(ts) + length(boot) + length(seq)) FROM stamp",
        "hourly roll-ups": "SELECT sum(length(hours)) FROM chunk",
    }
    for name, sql in parts.items():
        show(
            f"thereof {name}",
            (connection.execute(sql).get or 0) / total,
            "bytes/point",
            times=times,
        )
    free = int(connection.pragma("freelist_count")) * int(connection.pragma("page_size"))
    show("thereof free pages", free / total, "bytes/point", times=times)
    connection.close()


def _reads(path: Path, count: int, times: str) -> None:
    store = SqliteReadingStore(path, read_only=True)
    end = START + count * CADENCE
    day = [SeriesKey(f"d{n:04}", "temp") for n in range(100, 110)]
    every = [SeriesKey(f"d{n:04}", "temp") for n in range(DEVICES)]
    reads: dict[str, Callable[[], object]] = {
        "last hour of one series": lambda: store.read([KEYS[77]], end - HOUR, end),
        "24 h of 10 series": lambda: store.read(day, end - DAY, end),
        "24 h by the minute, 400 series": lambda: store.rollups(every, end - DAY, end, MINUTE),
        "24 h by the hour, 400 series": lambda: store.rollups(every, end - DAY, end, HOUR),
    }
    for name, read in reads.items():
        read()
        spent = []
        for _ in range(5 if "400" in name else 50):
            began = time.perf_counter()
            read()
            spent.append(time.perf_counter() - began)
        show(name, statistics.median(spent) * 1e3, "ms", times=times)
    store.close()


# What sealing does to those who commit at a steady pace


def disturbance(folder: Path, points: int, runs: int) -> None:
    """Commits of 2,000 readings, 50 a second, alone and with sealing going on all the time."""
    spent: dict[str, list[float]] = {"alone": [], "sealing in this process": [], "sealing": []}
    for run in range(runs):
        for number, how in enumerate(spent):
            path = folder / f"{run}-{number}.db"
            store = SqliteReadingStore(path, seal_aside=how == "sealing")
            upkeep = Upkeep(store, time.monotonic, 50_000)
            if how != "alone":
                upkeep.start()
            spent[how] += _paced(store, cut(ticks(500), 2_000))
            if how != "alone":
                upkeep.stop()
                upkeep.check()
            store.close()
    for how, times in spent.items():
        for part in (50, 99):
            value = float(np.percentile(times, part))
            show(f"commit of 2,000, p{part}", value * 1e3, "ms", beside=how)
            ratio = value / float(np.percentile(spent["alone"], part))
            show(f"commit of 2,000, p{part} / alone", ratio, "ratio", beside=how)


def _paced(store: SqliteReadingStore, batches: list[ReadingBatch]) -> list[float]:
    pause, spent = threading.Event(), []
    began = time.perf_counter()
    for number, batch in enumerate(batches):
        pause.wait(max(0.0, began + number * 0.02 - time.perf_counter()))
        at = time.perf_counter()
        store.append(batch)
        spent.append(time.perf_counter() - at)
    return spent


PARTS: dict[str, Callable[[Path, int, int], None]] = {
    "appends": appends,
    "together": together,
    "apart": apart,
    "disturbance": disturbance,
}

if __name__ == "__main__":
    main()
