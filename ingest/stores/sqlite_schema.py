"""The tables of the embedded store's file, and how it is opened.

``log``     one row per commit: the batch as it came (:func:`ingest.stores.rows.to_bytes`)
``chunk``   sealed stretches of one series that never overlap, compressed column by column
            (:mod:`ingest.stores.chunks`); ``hours`` are its hourly roll-ups, where it is dense
``stamp``   times, boots and numbers of a chunk; chunks of one device share it when they are equal
``latest``  the newest sealed row of each series, so that nobody decodes chunks to find it
``rollup``  roll-ups of readings that were pruned: blocks in steps of an hour or a minute
``pruned``  up to where the readings of a series were pruned; its roll-ups before that are final
``touch``   which (device, hour) the sealed log entries were about
``series``, ``boot``  the names behind the numbers in ``log`` and ``chunk``
``spool``   sealed entries of the log that a forwarder has not taken yet, compressed
``event``   device events, in the order in which they were stored
``ack``     acknowledgement state, in the order in which the boots were first seen
``state``   ``generation`` grows when sealing or pruning moved what readers may have cached
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import apsw

from ingest.stores import sqlite_migrate
from ingest.stores.base import STORE_FULL
from purna.core.errors import AskOperator, RetryLater, StartAgain

VERSION = 3

_INCREMENTAL = 2  # what the pragma auto_vacuum answers

READINGS = """
CREATE TABLE stamp (
    id INTEGER PRIMARY KEY, ts BLOB NOT NULL, boot BLOB NOT NULL, seq BLOB NOT NULL
);
CREATE TABLE chunk (
    id INTEGER PRIMARY KEY, series INTEGER NOT NULL, t0 INTEGER NOT NULL, t1 INTEGER NOT NULL,
    count INTEGER NOT NULL, stamp INTEGER NOT NULL, quality BLOB NOT NULL, hours BLOB,
    value BLOB NOT NULL
);
CREATE INDEX chunk_by_time ON chunk (series, t0, t1);
CREATE INDEX chunk_by_stamp ON chunk (stamp);
CREATE TABLE rollup (
    id INTEGER PRIMARY KEY, series INTEGER NOT NULL, step INTEGER NOT NULL, t0 INTEGER NOT NULL,
    t1 INTEGER NOT NULL, body BLOB NOT NULL
);
CREATE INDEX rollup_by_time ON rollup (series, step, t0, t1);
CREATE TABLE pruned (series INTEGER PRIMARY KEY, before INTEGER NOT NULL);
CREATE TABLE touch (entry INTEGER PRIMARY KEY, body BLOB NOT NULL);
"""
"""What format 2 has and format 1 had not."""

FORWARDING = """
CREATE TABLE event (
    id INTEGER PRIMARY KEY AUTOINCREMENT, device TEXT NOT NULL, kind TEXT NOT NULL,
    ts INTEGER NOT NULL, code TEXT NOT NULL, text TEXT NOT NULL, UNIQUE (device, kind, ts, code)
);
CREATE TABLE spool (id INTEGER PRIMARY KEY, count INTEGER NOT NULL, body BLOB NOT NULL);
"""
"""What format 3 has and format 2 had not, or otherwise."""

CHECKPOINT_PAGES = 1000
"""With so many pages (of 4 KiB) in it, the write-ahead log is copied into the file."""

_SCHEMA = """
CREATE TABLE series (id INTEGER PRIMARY KEY, device TEXT NOT NULL, quantity TEXT NOT NULL);
CREATE TABLE boot (id INTEGER PRIMARY KEY, name TEXT NOT NULL);
CREATE TABLE log (id INTEGER PRIMARY KEY AUTOINCREMENT, count INTEGER NOT NULL, body BLOB NOT NULL);
CREATE TABLE latest (
    series INTEGER PRIMARY KEY, ts INTEGER NOT NULL, value REAL NOT NULL,
    quality INTEGER NOT NULL, boot INTEGER NOT NULL, seq INTEGER NOT NULL
);
CREATE TABLE ack (
    device TEXT NOT NULL, boot TEXT NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL,
    ahead TEXT NOT NULL, UNIQUE (device, boot)
);
CREATE TABLE state (generation INTEGER NOT NULL);
INSERT INTO state VALUES (1);
"""


def open_writer(path: Path) -> apsw.Connection:
    """A connection that writes; makes file and tables when there are none."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with explained(path):
        connection = _connect(path, apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE)
        connection.execute("PRAGMA auto_vacuum = INCREMENTAL")  # only asks while there is no table
        make_durable(connection)
        _bring_up(connection)
        _check_version(connection, path)
    return connection


def open_reader(path: Path) -> apsw.Connection | None:
    """A connection that only reads, or None while there is no store of the present format yet.

    It is opened for writing and held back by ``query_only``: where the last writer was killed,
    SQLite has to recover the write-ahead log before anybody can read.
    """
    if not path.exists():
        return None
    with explained(path):
        connection = _connect(path, apsw.SQLITE_OPEN_READWRITE)
        if _version(connection) < VERSION:
            connection.close()
            return None
        connection.execute("PRAGMA query_only = ON")
        _check_version(connection, path)
    return connection


def _bring_up(connection: apsw.Connection) -> None:
    """Make the tables, or bring those of an older format to the present one."""
    if _version(connection) < VERSION:
        with transaction(connection):
            version = _version(connection)  # another connection may have been quicker
            if version == 0:
                connection.execute(_SCHEMA + READINGS + FORWARDING)
            if version == 1:
                sqlite_migrate.to_2(connection, READINGS)
            if version in (1, 2):
                sqlite_migrate.to_3(connection, FORWARDING)
            connection.pragma("user_version", VERSION)
    if connection.pragma("auto_vacuum") != _INCREMENTAL:
        connection.execute("PRAGMA auto_vacuum = INCREMENTAL; VACUUM")


def make_durable(connection: apsw.Connection) -> None:
    """Every commit is synced, and no sync that fails goes unheard.

    SQLite's automatic checkpoints keep their errors to themselves; these raise out of the commit
    that was due for one. The commit itself is safe in the log then, and nobody was told so yet.
    """
    connection.pragma("journal_mode", "WAL")
    connection.pragma("synchronous", "FULL")
    connection.set_wal_hook(_checkpoint)


def _checkpoint(connection: apsw.Connection, name: str, pages: int) -> int:
    if pages >= CHECKPOINT_PAGES:
        with suppress(apsw.BusyError):  # another connection is at it
            connection.wal_checkpoint(name)
    return apsw.SQLITE_OK


@contextmanager
def transaction(connection: apsw.Connection) -> Iterator[None]:
    """A write transaction: committed at the end, rolled back when the block raises."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


@contextmanager
def snapshot(connection: apsw.Connection) -> Iterator[None]:
    """A read transaction: everything inside sees the file at one moment."""
    connection.execute("BEGIN")
    try:
        yield
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn SQLite's errors into ours.

    Raises
    ------
    RetryLater
        When somebody else holds the file right now, or the disk is full: what was begun is undone.
    StartAgain
        When reading, writing or syncing failed: nobody knows then what is on disk, and the next
        sync may claim success.
    AskOperator
        When the file can't be opened or is no readings file.
    """
    try:
        yield
    except (apsw.BusyError, apsw.LockedError) as error:
        raise RetryLater("store.busy", f"{path} is busy: {error}") from error
    except apsw.FullError as error:
        raise RetryLater(STORE_FULL, f"The disk with {path} is full: make room.") from error
    except apsw.IOError as error:
        raise StartAgain(
            "store.io", f"The disk with {path} fails ({error}): check the disk."
        ) from error
    except (
        apsw.CorruptError,
        apsw.NotADBError,
        apsw.CantOpenError,
        apsw.ReadOnlyError,
    ) as error:
        raise AskOperator(
            "store.broken",
            f"The readings file {path} can't be used ({error}): check disk and file.",
        ) from error


def _connect(path: Path, flags: int) -> apsw.Connection:
    connection = apsw.Connection(str(path), flags=flags)
    connection.set_busy_timeout(10_000)
    return connection


def _version(connection: apsw.Connection) -> int:
    return int(connection.pragma("user_version"))


def _check_version(connection: apsw.Connection, path: Path) -> None:
    version = _version(connection)
    if version != VERSION:
        raise AskOperator(
            "store.version",
            f"The readings file {path} has format {version}, this version of Purna reads "
            f"format {VERSION}: use the version of Purna that wrote it.",
        )
