"""Waveforms in one SQLite file: the ingest process writes, others look.

Samples are compressed without loss, as int16 or float32, whichever the device sent. SQLite gives
the room of removed waveforms to new ones: the file keeps the size it once needed.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import apsw
import numpy as np
from pcodec import ChunkConfig, standalone

from ingest.stores.sqlite_schema import explained, make_durable, snapshot, transaction
from purna.core.errors import AskOperator, NotFound
from purna.core.waveforms import Samples, Waveform, WaveformInfo, WaveformKey, WaveformState, wins

VERSION = 1

_SCHEMA = """
CREATE TABLE waveform (
    id INTEGER PRIMARY KEY, device TEXT NOT NULL, quantity TEXT NOT NULL, ts INTEGER NOT NULL,
    rate REAL NOT NULL, unit TEXT NOT NULL, scale REAL NOT NULL, speed REAL NOT NULL,
    boot TEXT NOT NULL, seq INTEGER NOT NULL, count INTEGER NOT NULL, dtype TEXT NOT NULL,
    size INTEGER NOT NULL, state TEXT NOT NULL, error TEXT NOT NULL, samples BLOB NOT NULL,
    UNIQUE (device, quantity, ts)
);
CREATE INDEX waveform_by_time ON waveform (ts);
CREATE INDEX waveform_pending ON waveform (ts) WHERE state = 'pending';
CREATE TABLE total (bytes INTEGER NOT NULL);
INSERT INTO total VALUES (0);
"""

_COLUMNS = "device, quantity, ts, rate, unit, samples, scale, speed, boot, seq, dtype, count"
_CONFIG = ChunkConfig(compression_level=6)
_PRUNED_AT_ONCE = 200
_EVER = 2**63 - 1


class SqliteWaveformStore:
    """Waveforms in one SQLite file.

    Parameters
    ----------
    path
        The file; a reader finds nothing until it is there.
    read_only
        For every process but the one that ingests.
    """

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        self._path = path
        self._read_only = read_only
        self._lock = threading.Lock()
        self._connection: apsw.Connection | None = None
        if not read_only:
            self._connection = _open_writer(path)

    def close(self) -> None:
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def add(self, waveforms: Sequence[Waveform]) -> list[bool]:
        """Durable when it returns; for each waveform whether its key was new.

        Raises
        ------
        RetryLater
            When the file is busy.
        AskOperator
            When the disk is full or broken.
        """
        if not waveforms:
            return []
        packed = [_pack(one.samples) for one in waveforms]  # outside of the lock: it takes a while
        with self._writing() as connection:
            return [
                _put(connection, one, body) for one, body in zip(waveforms, packed, strict=True)
            ]

    def find(
        self, device: str, quantity: str, start: int, end: int, limit: int = 1000
    ) -> list[WaveformInfo]:
        with self._reading() as connection:
            if connection is None:
                return []
            rows: list[Any] = connection.execute(
                "SELECT device, quantity, ts, rate, unit, count, speed, state, error FROM waveform"
                " WHERE device = ?1 AND (?2 = '' OR quantity = ?2) AND ts >= ?3 AND ts < ?4"
                " ORDER BY ts DESC, quantity LIMIT ?5",
                (device, quantity, start, end, limit),
            ).fetchall()
        return [
            WaveformInfo(
                WaveformKey(device, quantity, ts),
                rate,
                unit,
                length,
                speed,
                WaveformState(state),
                error,
            )
            for device, quantity, ts, rate, unit, length, speed, state, error in rows
        ]

    def get(self, key: WaveformKey) -> Waveform:
        with self._reading() as connection:
            found = None if connection is None else _get(connection, key)
        if found is None:
            raise NotFound("error.not_found", f"no waveform {key}", kind="waveform", id=f"{key.ts}")
        return found

    def pending(self, limit: int) -> list[Waveform]:
        with self._reading() as connection:
            if connection is None:
                return []
            rows: list[Any] = connection.execute(
                f"SELECT {_COLUMNS} FROM waveform WHERE state = 'pending' ORDER BY ts LIMIT ?",  # noqa: S608
                (limit,),
            ).fetchall()
        found = [(row, _unpack(row)) for row in rows]
        if not self._read_only:
            self._give_up([WaveformKey(*row[:3]) for row, one in found if one is None])
        return [one for _, one in found if one is not None]

    def _give_up(self, unreadable: Sequence[WaveformKey]) -> None:
        if unreadable:
            with self._writing() as connection:
                for key in unreadable:
                    _set_state(
                        connection, key, WaveformState.FAILED, "the stored samples are damaged"
                    )

    def done(self, waveforms: Sequence[Waveform], error: str = "") -> None:
        state = WaveformState.FAILED if error else WaveformState.DONE
        with self._writing() as connection:
            for one in waveforms:
                known = _get(connection, one.key)
                if known is not None and not wins(known, one):
                    _set_state(connection, one.key, state, error)

    def prune(self, before: int, limit_bytes: int = 0) -> int:
        with self._writing() as connection:
            doomed = _doomed(connection, before, limit_bytes)
            connection.executemany(
                "DELETE FROM waveform WHERE id = ?", [(number,) for number, _ in doomed]
            )
            if doomed:
                connection.execute(
                    "UPDATE total SET bytes = bytes - ?", (sum(size for _, size in doomed),)
                )
        return len(doomed)

    @contextmanager
    def _writing(self) -> Iterator[apsw.Connection]:
        with self._lock, explained(self._path):
            if self._connection is None or self._read_only:
                raise RuntimeError("this waveform store was opened for reading only")
            with transaction(self._connection):
                yield self._connection

    @contextmanager
    def _reading(self) -> Iterator[apsw.Connection | None]:
        with self._lock, explained(self._path):
            if self._connection is None and self._read_only:
                self._connection = _open_reader(self._path)
            if self._connection is None:
                yield None
                return
            with snapshot(self._connection):
                yield self._connection


def _set_state(
    connection: apsw.Connection, key: WaveformKey, state: WaveformState, error: str
) -> None:
    connection.execute(
        "UPDATE waveform SET state = ?, error = ? WHERE device = ? AND quantity = ? AND ts = ?",
        (state, error, *key),
    )


def _put(connection: apsw.Connection, waveform: Waveform, body: bytes) -> bool:
    known = _get(connection, waveform.key)
    if known is not None and not wins(waveform, known):
        return False
    replaced = _remove(connection, waveform.key)
    connection.execute(
        "INSERT INTO waveform (device, quantity, ts, rate, unit, scale, speed, boot, seq, count,"
        " dtype, size, state, error, samples)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, '', ?)",
        (
            *waveform.key,
            waveform.rate,
            waveform.unit,
            waveform.scale,
            waveform.speed,
            waveform.boot,
            waveform.seq,
            len(waveform.samples),
            waveform.samples.dtype.str,
            len(body),
            WaveformState.PENDING,
            body,
        ),
    )
    connection.execute("UPDATE total SET bytes = bytes + ?", (len(body),))
    return not replaced


def _remove(connection: apsw.Connection, key: WaveformKey) -> bool:
    """Whether there was one."""
    where = "WHERE device = ? AND quantity = ? AND ts = ?"
    size: Any = connection.execute(f"SELECT size FROM waveform {where}", key).get  # noqa: S608
    if size is None:
        return False
    connection.execute(f"DELETE FROM waveform {where}", key)  # noqa: S608
    connection.execute("UPDATE total SET bytes = bytes - ?", (size,))
    return True


def _get(connection: apsw.Connection, key: WaveformKey) -> Waveform | None:
    row: Any = connection.execute(
        f"SELECT {_COLUMNS} FROM waveform WHERE device = ? AND quantity = ? AND ts = ?",  # noqa: S608
        key,
    ).fetchone()
    return None if row is None else _unpack(row)


def _doomed(connection: apsw.Connection, before: int, limit_bytes: int) -> list[tuple[int, int]]:
    """(id, size) of those to remove, the oldest first, at most ``_PRUNED_AT_ONCE``."""
    excess = 0
    if limit_bytes:
        excess = int(connection.execute("SELECT bytes FROM total").get) - limit_bytes
    doomed = []
    for number, size, ts in connection.execute(
        "SELECT id, size, ts FROM waveform w WHERE ts < ? AND EXISTS (SELECT 1 FROM waveform newer"
        " WHERE newer.device = w.device AND newer.quantity = w.quantity AND newer.ts > w.ts)"
        " ORDER BY ts LIMIT ?",
        (_EVER if excess > 0 else before, _PRUNED_AT_ONCE),
    ):
        if ts >= before and excess <= 0:
            break
        doomed.append((number, size))
        excess -= size
    return doomed


def _pack(samples: Samples) -> bytes:
    return bytes(standalone.simple_compress(np.require(samples, requirements=["C", "A"]), _CONFIG))


def _unpack(row: tuple[Any, ...]) -> Waveform | None:
    """None when the stored samples can't be read: as if they were not there."""
    device, quantity, ts, rate, unit, body, scale, speed, boot, seq, dtype, count = row
    samples = np.empty(count, np.dtype(dtype))
    try:
        progress = standalone.simple_decompress_into(body, samples)
    except (RuntimeError, TypeError, ValueError):
        return None
    if progress.n_processed != count:
        return None
    return Waveform(device, quantity, ts, rate, unit, samples, scale, speed, boot, seq)


def _open_writer(path: Path) -> apsw.Connection:
    path.parent.mkdir(parents=True, exist_ok=True)
    with explained(path):
        connection = apsw.Connection(str(path))
        connection.set_busy_timeout(10_000)
        make_durable(connection)
        if connection.pragma("user_version") == 0:
            with transaction(connection):
                connection.execute(_SCHEMA)
                connection.pragma("user_version", VERSION)
        _check_version(connection, path)
    return connection


def _open_reader(path: Path) -> apsw.Connection | None:
    if not path.exists():
        return None
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE)
    connection.set_busy_timeout(10_000)
    if connection.pragma("user_version") == 0:
        connection.close()
        return None
    connection.pragma("query_only", "ON")
    _check_version(connection, path)
    return connection


def _check_version(connection: apsw.Connection, path: Path) -> None:
    version = connection.pragma("user_version")
    if version != VERSION:
        raise AskOperator(
            "store.version",
            f"The waveform file {path} has format {version}, this version of Purna reads "
            f"format {VERSION}: use the version of Purna that wrote it.",
        )
