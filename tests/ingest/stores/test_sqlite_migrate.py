"""A file of format 1, as the first version of Purna wrote it, is brought up to date in place."""

from __future__ import annotations

from pathlib import Path

import apsw
import numpy as np
import pytest

from ingest.stores import sqlite_migrate
from ingest.stores.chunks import pack_column
from ingest.stores.rows import Rows, to_bytes
from ingest.stores.sqlite import SqliteReadingStore
from ingest.stores.sqlite_schema import VERSION
from purna.core.clock import HOUR
from purna.core.readings import SeriesKey

FORMAT_1 = """
CREATE TABLE series (id INTEGER PRIMARY KEY, device TEXT NOT NULL, quantity TEXT NOT NULL);
CREATE TABLE boot (id INTEGER PRIMARY KEY, name TEXT NOT NULL);
CREATE TABLE log (id INTEGER PRIMARY KEY AUTOINCREMENT, count INTEGER NOT NULL, body BLOB NOT NULL);
CREATE TABLE chunk (
    id INTEGER PRIMARY KEY, series INTEGER NOT NULL, t0 INTEGER NOT NULL, t1 INTEGER NOT NULL,
    count INTEGER NOT NULL, ts BLOB NOT NULL, value BLOB NOT NULL, quality BLOB NOT NULL,
    boot BLOB NOT NULL, seq BLOB NOT NULL
);
CREATE INDEX chunk_by_time ON chunk (series, t0, t1);
CREATE TABLE latest (
    series INTEGER PRIMARY KEY, ts INTEGER NOT NULL, value REAL NOT NULL,
    quality INTEGER NOT NULL, boot INTEGER NOT NULL, seq INTEGER NOT NULL
);
CREATE TABLE event (
    device TEXT NOT NULL, kind TEXT NOT NULL, ts INTEGER NOT NULL, code TEXT NOT NULL,
    text TEXT NOT NULL, PRIMARY KEY (device, kind, ts, code)
) WITHOUT ROWID;
CREATE TABLE ack (
    device TEXT NOT NULL, boot TEXT NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL,
    ahead TEXT NOT NULL, UNIQUE (device, boot)
);
CREATE TABLE state (generation INTEGER NOT NULL);
INSERT INTO state VALUES (1);
PRAGMA user_version = 1;
"""
T0 = 1_700_000_000_000_000
KEYS = [SeriesKey("p1", "temp"), SeriesKey("p1", "rpm"), SeriesKey("p2", "temp")]
SIZE = 3000


def rows_of(sid: int, first: int, size: int) -> Rows:
    ts = T0 + (first + np.arange(size)) * 10_000_000
    value = np.round(np.sin(ts / 1e9) * sid, 3)
    seq = np.arange(first, first + size)
    return Rows(
        np.full(size, sid, np.int32),
        ts,
        value,
        (seq % 7 == 0).astype(np.uint8),
        np.ones(size, np.int32),
        seq,
    )


@pytest.fixture
def old_file(tmp_path: Path) -> Path:
    """Two chunks of each of three series, a log with a newer row and a row sent again, an event."""
    connection = apsw.Connection(str(tmp_path / "r.db"))
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute(FORMAT_1)
    connection.execute("INSERT INTO boot VALUES (1, 'b1')")
    connection.execute("INSERT INTO event VALUES ('p1', 'event', 5, 'E1', 'old')")
    for sid, key in enumerate(KEYS, 1):
        connection.execute("INSERT INTO series VALUES (?, ?, ?)", (sid, *key))
        for first in (0, SIZE):
            rows = rows_of(sid, first, SIZE)
            blobs = [
                pack_column(column)
                for column in (
                    rows.ts,
                    rows.value,
                    rows.quality.astype(np.int32),
                    rows.boot,
                    rows.seq,
                )
            ]
            connection.execute(
                "INSERT INTO chunk (series, t0, t1, count, ts, value, quality, boot, seq)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (sid, int(rows.ts[0]), int(rows.ts[-1]), SIZE, *blobs),
            )
        last = rows_of(sid, 2 * SIZE - 1, 1)
        connection.execute(
            "INSERT INTO latest VALUES (?, ?, ?, ?, ?, ?)", [column.item() for column in last]
        )
        tail = rows_of(sid, 2 * SIZE - 1, 2)
        connection.execute("INSERT INTO log (count, body) VALUES (2, ?)", (to_bytes(tail),))
    connection.close()
    return tmp_path / "r.db"


def check(store: SqliteReadingStore) -> None:
    found = store.read(KEYS, 0, 2**60)
    for sid, key in enumerate(KEYS, 1):
        expected = rows_of(sid, 0, 2 * SIZE + 1)
        assert found[key].ts.tolist() == expected.ts.tolist()
        assert found[key].value.tolist() == expected.value.tolist()
        assert found[key].quality.tolist() == expected.quality.tolist()
        assert int(store.rollups([key], 0, 2**60, HOUR)[key].count.sum()) == int(
            (expected.quality == 0).sum()
        )
        assert store.latest([key.device])[key].ts == expected.ts[-1]
    assert [event.text for event in store.events(["p1"], 0, 9)] == ["old"]


def test_a_file_of_format_1_keeps_everything(old_file: Path) -> None:
    early = SqliteReadingStore(old_file, read_only=True)
    assert early.series() == []  # until the ingest process has brought it up to date
    store = SqliteReadingStore(old_file)
    check(store)
    check(early)
    connection = apsw.Connection(str(old_file))
    assert connection.pragma("user_version") == VERSION
    assert connection.pragma("auto_vacuum") == 2
    assert connection.execute("SELECT count(*) FROM chunk").get == 6
    assert connection.execute("SELECT count(*) FROM stamp").get == 4  # shared by those of p1
    connection.close()
    store.seal()
    check(store)
    early.close()
    store.close()


def test_a_migration_that_ends_half_way_begins_anew(
    old_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put, calls = sqlite_migrate.sqlite_chunks.put, []

    def dies(*args: object) -> None:
        calls.append(args)
        if len(calls) == 3:
            raise KeyboardInterrupt
        put(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(sqlite_migrate.sqlite_chunks, "put", dies)
    with pytest.raises(KeyboardInterrupt):
        SqliteReadingStore(old_file)
    monkeypatch.undo()
    store = SqliteReadingStore(old_file)
    check(store)
    store.close()
