"""How the log becomes chunks: what to change in the file, found out by only reading it.

A chunk takes in the newer ones when these are together at least as long. So every row is compressed
again a few times only (the logarithm of a chunk's length to that of a sealing), and a series has
few short chunks.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any, NamedTuple

import apsw
import numpy as np

from ingest.stores import chunks, sqlite_chunks, touches
from ingest.stores.rows import Rows, from_bytes, joined, last_of_series, merged, of_records
from ingest.stores.sqlite_chunks import Change
from ingest.stores.sqlite_schema import snapshot
from ingest.stores.sqlite_view import rank_of
from purna.core.readings import Int64

ROWS_AT_ONCE = 1_000_000
"""A longer log is sealed in several rounds, so that memory stays bounded."""

SERIES_AT_ONCE = 128
"""Series whose chunks are put in place in one transaction: bounds how long a commit may wait."""


class Step(NamedTuple):
    """The new chunks of some series, and rows for the table ``latest``."""

    change: Change
    latest: list[tuple[Any, ...]]


class End(NamedTuple):
    """When all steps are done: the last log entry that stands in chunks now.

    ``rows`` is how many readings the sealed entries had, ``touched`` what they were about
    (:mod:`ingest.stores.touches`).
    """

    entry: int
    rows: int
    touched: bytes


def one_round(connection: apsw.Connection, last: int) -> Iterator[Step | End]:
    """How to seal the oldest log entries up to ``last``: steps, then one end; nothing without any.

    The steps may be carried out while the next ones are being found: each is about other series.
    """
    with snapshot(connection):
        entries = list(_oldest(connection, last))
        names: list[Any] = connection.execute("SELECT name FROM boot ORDER BY id").fetchall()
    if not entries:
        return
    rank = rank_of(["", *(name for (name,) in names)])
    logged = [from_bytes(body) for _, body in entries]
    for some in _portions(merged(joined(logged), rank)):
        with snapshot(connection):
            dropped: list[int] = []
            added: list[Rows] = []
            for series in some:
                _rearrange(connection, series, rank, dropped, added)
            newest = _newest_sealed(connection, joined(some), rank)
        latest = list(zip(*(column.tolist() for column in newest), strict=True))
        yield Step(sqlite_chunks.packed(dropped, added), latest)
    touched = touches.together(
        [touches.of_rows(part, entry) for part, (entry, _) in zip(logged, entries, strict=True)]
    )
    yield End(entries[-1][0], sum(part.size for part in logged), touches.pack(touched))


def _oldest(connection: apsw.Connection, last: int) -> Iterator[tuple[int, bytes]]:
    size = 0
    for entry, count, body in connection.execute(
        "SELECT id, count, body FROM log WHERE id <= ? ORDER BY id", (last,)
    ):
        size += count
        if size > count and size > ROWS_AT_ONCE:
            return
        yield entry, body


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
