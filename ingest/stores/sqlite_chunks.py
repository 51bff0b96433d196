"""Chunks in the embedded store's file: reading one, and putting others in the place of some."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import apsw
import numpy as np

from ingest.stores import chunks
from ingest.stores.rows import Rows


class Piece(NamedTuple):
    """A chunk to put into the file; ``stamp`` is a position in :attr:`Change.stamps`."""

    series: int
    t0: int
    t1: int
    size: int
    stamp: int
    quality: bytes
    hours: bytes | None
    value: bytes


class Change(NamedTuple):
    """Chunks that go (their ids), and chunks that come, compressed, with their stamps."""

    dropped: Sequence[int]
    stamps: Sequence[chunks.Stamp]
    pieces: Sequence[Piece]


def packed(dropped: Sequence[int], added: Iterable[Rows]) -> Change:
    """Compress ``added`` (each of one series, in time order, not empty); equal stamps once."""
    stamps: list[chunks.Stamp] = []
    known: dict[tuple[int, int, int], list[tuple[Rows, int]]] = {}
    pieces = []
    for rows in added:
        t0, t1 = int(rows.ts[0]), int(rows.ts[-1])
        alike = known.setdefault((rows.size, t0, t1), [])
        stamp = next((number for other, number in alike if _same_stamp(rows, other)), None)
        if stamp is None:
            stamp = len(stamps)
            stamps.append(chunks.pack_stamp(rows))
            alike.append((rows, stamp))
        values = chunks.pack_values(rows)
        hours = chunks.hours_of(rows)
        pieces.append(
            Piece(int(rows.sid[0]), t0, t1, rows.size, stamp, values.quality, hours, values.value)
        )
    return Change(dropped, stamps, pieces)


def _same_stamp(one: Rows, other: Rows) -> bool:
    return all(
        np.array_equal(getattr(one, name), getattr(other, name)) for name in ("ts", "seq", "boot")
    )


def put(connection: apsw.Connection, change: Change) -> None:
    """Carry out a change; the caller has a write transaction open."""
    freed = set()
    for chunk_id in change.dropped:
        for (stamp,) in connection.execute(
            "DELETE FROM chunk WHERE id = ? RETURNING stamp", (chunk_id,)
        ):
            freed.add(stamp)
    numbers = []
    for stamp in change.stamps:
        connection.execute("INSERT INTO stamp (ts, boot, seq) VALUES (?, ?, ?)", stamp)
        numbers.append(connection.last_insert_rowid())
    connection.executemany(
        "INSERT INTO chunk (series, t0, t1, count, stamp, quality, hours, value)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        [piece._replace(stamp=numbers[piece.stamp]) for piece in change.pieces],
    )
    connection.executemany(
        "DELETE FROM stamp WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM chunk WHERE stamp = ?1)",
        [(stamp,) for stamp in freed],
    )


def load(connection: apsw.Connection, chunk_id: int) -> Rows:
    """The rows of one chunk."""
    [(sid, count, ts, boot, seq, value, quality)] = connection.execute(
        "SELECT c.series, c.count, s.ts, s.boot, s.seq, c.value, c.quality"
        " FROM chunk c JOIN stamp s ON s.id = c.stamp WHERE c.id = ?",
        (chunk_id,),
    )
    return chunks.unpack(sid, count, chunks.Stamp(ts, boot, seq), chunks.Values(value, quality))
