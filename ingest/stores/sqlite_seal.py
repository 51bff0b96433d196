"""Sealing: the log of the embedded store becomes compressed chunks, in the background.

What was sealed stays in the log until all of it stands in chunks, so a sealing that ends half way
loses nothing and can be done again: rows that are in both merge like any others.

A chunk takes in the newer ones when these are together at least as long. So every row is compressed
again a few times only (the logarithm of a chunk's length to that of a sealing), and a series has
few short chunks.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import apsw
import numpy as np

from ingest.stores import chunks, sqlite_chunks, touches
from ingest.stores.base import Cutoff
from ingest.stores.rows import Rows, from_bytes, joined, last_of_series, merged, of_records
from ingest.stores.sqlite_prune import Pruner
from ingest.stores.sqlite_schema import explained, open_writer, snapshot, transaction
from ingest.stores.sqlite_view import rank_of
from purna.core.readings import Int64, SeriesKey

LOG_ENTRIES = 4096
"""A log with this many commits is sealed even when they are small, so that readers start fast."""

ROWS_AT_ONCE = 1_000_000
"""A longer log is sealed in several rounds, so that memory stays bounded."""

SERIES_AT_ONCE = 128
"""Series whose chunks are put in place in one transaction: bounds how long a commit may wait."""

SEALINGS_REMEMBERED = 1000
"""Of as many sealings it is kept which hours they touched."""


class Sealer:
    """Seals one store file.

    Parameters
    ----------
    path
        The store's file; only the process that may write to it makes a sealer.
    write_lock
        Held during every write transaction on the file in this process.
    """

    def __init__(self, path: Path, write_lock: threading.Lock) -> None:
        self._path = path
        self._write_lock = write_lock
        self._seal_lock = threading.Lock()
        self._connection = open_writer(path)
        self._pruner = Pruner(path, self._connection, write_lock)

    def close(self) -> None:
        with self._seal_lock:
            self._connection.close()

    def prune(self, default: Cutoff, own: Mapping[SeriesKey, Cutoff]) -> None:
        self.seal(1)
        with self._seal_lock:
            self._pruner.prune(default, own)
            self._pruner.give_back()

    def seal(self, min_rows: int) -> int:
        with self._seal_lock, explained(self._path):
            size, count, last = self._connection.execute(
                "SELECT coalesce(sum(count), 0), count(*), max(id) FROM log"
            ).get
            if size < min_rows and count < LOG_ENTRIES:
                return 0
            sealed = 0
            while some := self._seal_round(last):
                sealed += some
            self._pruner.give_back()
            return sealed

    def _seal_round(self, last: int) -> int:
        """Seal the oldest entries up to ``last``; how many rows, 0 when there are none left."""
        with snapshot(self._connection):
            entries = list(self._oldest(last))
            if not entries:
                return 0
            rank = _ranks(self._connection)
        logged = [from_bytes(body) for _, body in entries]
        rows = merged(joined(logged), rank)
        for some in _portions(rows):
            with snapshot(self._connection):
                dropped: list[int] = []
                added: list[Rows] = []
                for series in some:
                    _rearrange(self._connection, series, rank, dropped, added)
                newest = _newest_sealed(self._connection, joined(some), rank)
            change = sqlite_chunks.packed(dropped, added)
            with self._write_lock, transaction(self._connection):
                sqlite_chunks.put(self._connection, change)
                self._connection.executemany(
                    "INSERT OR REPLACE INTO latest VALUES (?, ?, ?, ?, ?, ?)",
                    list(zip(*(column.tolist() for column in newest), strict=True)),
                )
        touched = touches.together(
            [touches.of_rows(part, entry) for part, (entry, _) in zip(logged, entries, strict=True)]
        )
        with self._write_lock, transaction(self._connection):
            self._connection.execute(
                "INSERT INTO touch VALUES (?, ?)", (entries[-1][0], touches.pack(touched))
            )
            self._connection.execute(
                "DELETE FROM touch WHERE entry <= "
                "(SELECT entry FROM touch ORDER BY entry DESC LIMIT 1 OFFSET ?)",
                (SEALINGS_REMEMBERED,),
            )
            self._connection.execute("DELETE FROM log WHERE id <= ?", (entries[-1][0],))
            self._connection.execute("UPDATE state SET generation = generation + 1")
        return sum(part.size for part in logged)

    def _oldest(self, last: int) -> Iterator[tuple[int, bytes]]:
        size = 0
        for entry, count, body in self._connection.execute(
            "SELECT id, count, body FROM log WHERE id <= ? ORDER BY id", (last,)
        ):
            size += count
            if size > count and size > ROWS_AT_ONCE:
                return
            yield entry, body


def _ranks(connection: apsw.Connection) -> Int64:
    names: list[Any] = connection.execute("SELECT name FROM boot ORDER BY id").fetchall()
    return rank_of(["", *(name for (name,) in names)])


def _rearrange(
    connection: apsw.Connection, rows: Rows, rank: Int64, dropped: list[int], added: list[Rows]
) -> None:
    """Put new rows of one series into its chunks, touching as few as possible."""
    stored = _newest_chunks(connection, rows)
    newer_from = int(np.searchsorted(rows.ts, stored[-1].t1, "right")) if stored else 0
    late, newer = rows.take(slice(newer_from)), rows.take(slice(newer_from, None))
    size, kept = newer.size, len(stored)
    while kept and size and stored[kept - 1].size <= min(size, chunks.CHUNK_ROWS - 1):
        kept -= 1
        size += stored[kept].size
    starts = np.array([chunk.t0 for chunk in stored], np.int64)
    place = np.maximum(np.searchsorted(starts, late.ts, "right") - 1, 0)
    for position in np.unique(place[place < kept]).tolist():
        own = sqlite_chunks.load(connection, stored[position].id)
        added.extend(chunks.pieces(merged(joined([own, late.take(place == position)]), rank)))
        dropped.append(stored[position].id)
    taken = [chunk.id for chunk in stored[kept:]]
    parts = [sqlite_chunks.load(connection, chunk_id) for chunk_id in taken]
    end = merged(joined([*parts, late.take(place >= kept), newer]), rank)
    if end.size:
        added.extend(chunks.pieces(end))
    dropped.extend(taken)


class _Stored(NamedTuple):
    id: int
    t0: int
    t1: int
    size: int


def _newest_chunks(connection: apsw.Connection, rows: Rows) -> list[_Stored]:
    """The chunks that may have to do with new rows of their series, in time order."""
    found: list[_Stored] = []
    size = rows.size
    for row in connection.execute(
        "SELECT id, t0, t1, count FROM chunk WHERE series = ? ORDER BY t0 DESC", (int(rows.sid[0]),)
    ):
        chunk = _Stored(*row)
        found.append(chunk)
        if chunk.t0 <= rows.ts[0] and chunk.size > size:
            break
        size += chunk.size
    return found[::-1]


def _newest_sealed(connection: apsw.Connection, rows: Rows, rank: Int64) -> Rows:
    newest = last_of_series(rows)
    known = [
        row
        for sid in newest.sid.tolist()
        for row in connection.execute(
            "SELECT series, ts, value, quality, boot, seq FROM latest WHERE series = ?", (sid,)
        )
    ]
    return last_of_series(merged(joined([of_records(known), newest]), rank))


def _portions(rows: Rows) -> Iterator[list[Rows]]:
    """Rows by series, some series at a time."""
    borders = np.flatnonzero(rows.sid[1:] != rows.sid[:-1]) + 1
    stretches = list(pairwise([0, *borders.tolist(), rows.size]))
    for at in range(0, len(stretches), SERIES_AT_ONCE):
        yield [rows.take(slice(*stretch)) for stretch in stretches[at : at + SERIES_AT_ONCE]]
