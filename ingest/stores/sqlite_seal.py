"""The background side of the embedded store: sealing the log into chunks, removing what is old.

It has a connection of its own and shares only the write lock with whoever commits, and holds that
no longer than it takes to put finished chunks in place.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from ingest.acks import BOOTS_PER_DEVICE
from ingest.stores import chunks
from ingest.stores.rows import Rows, from_bytes, joined, last_of_series, merged, of_records
from ingest.stores.sqlite_schema import explained, open_writer, snapshot, transaction
from ingest.stores.sqlite_view import rank_of
from purna.core.readings import Int64

LOG_ENTRIES = 4096
"""A log with this many commits is sealed even when they are small, so that readers start fast."""


class Sealer:
    """Seals and prunes one store file.

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

    def close(self) -> None:
        with self._seal_lock:
            self._connection.close()

    def seal(self, min_rows: int) -> int:
        with self._seal_lock, explained(self._path):
            size, count = self._connection.execute(
                "SELECT coalesce(sum(count), 0), count(*) FROM log"
            ).get
            if size < min_rows and count < LOG_ENTRIES:
                return 0
            with snapshot(self._connection):
                entries: list[tuple[Any, ...]] = self._connection.execute(
                    "SELECT id, body FROM log ORDER BY id"
                ).fetchall()
                if not entries:
                    return 0
                boots: list[tuple[Any, ...]] = self._connection.execute(
                    "SELECT name FROM boot ORDER BY id"
                ).fetchall()
                rank = rank_of(["", *(name for (name,) in boots)])
                logged = joined([from_bytes(body) for _, body in entries])
                rows = merged(logged, rank)
                replaced: list[int] = []
                added: list[Rows] = []
                for series in _by_series(rows):
                    self._rearrange(series, rank, replaced, added)
                newest = self._newest_sealed(rows, rank)
            packed = [(piece, chunks.pack(piece)) for piece in added]
            with self._write_lock, transaction(self._connection):
                self._replace(replaced, packed, newest)
                self._connection.execute("DELETE FROM log WHERE id <= ?", (entries[-1][0],))
            return logged.size

    def _rearrange(self, rows: Rows, rank: Int64, replaced: list[int], added: list[Rows]) -> None:
        """Put new rows of one series into its chunks, touching as few as possible."""
        sid = int(rows.sid[0])
        stored = self._connection.execute(
            "SELECT id, t0, t1, count FROM chunk WHERE series = ? ORDER BY t0", (sid,)
        ).fetchall()
        if not stored:
            added.extend(chunks.pieces(rows))
            return
        starts = np.array([t0 for _, t0, _, _ in stored], np.int64)
        place = np.maximum(np.searchsorted(starts, rows.ts, "right") - 1, 0)
        for position in np.unique(place).tolist():
            chunk_id, _, t1, count = stored[position]
            mine = rows.take(place == position)
            full = count >= chunks.CHUNK_ROWS and position == len(stored) - 1
            if not (full and mine.ts[0] > t1):
                mine = merged(joined([self._chunk(sid, chunk_id), mine]), rank)
                replaced.append(chunk_id)
            added.extend(chunks.pieces(mine))

    def _chunk(self, sid: int, chunk_id: int) -> Rows:
        [(count, *columns)] = self._connection.execute(
            "SELECT count, ts, value, quality, boot, seq FROM chunk WHERE id = ?", (chunk_id,)
        )
        return chunks.unpack(sid, count, chunks.Columns(*columns))

    def _newest_sealed(self, rows: Rows, rank: Int64) -> Rows:
        newest = last_of_series(rows)
        known = [
            row
            for sid in newest.sid.tolist()
            for row in self._connection.execute(
                "SELECT series, ts, value, quality, boot, seq FROM latest WHERE series = ?", (sid,)
            )
        ]
        return last_of_series(merged(joined([of_records(known), newest]), rank))

    def _replace(
        self, replaced: list[int], packed: list[tuple[Rows, chunks.Columns]], newest: Rows
    ) -> None:
        self._connection.executemany(
            "DELETE FROM chunk WHERE id = ?", [(chunk_id,) for chunk_id in replaced]
        )
        self._connection.executemany(
            "INSERT INTO chunk (series, t0, t1, count, ts, value, quality, boot, seq)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                (int(piece.sid[0]), int(piece.ts[0]), int(piece.ts[-1]), piece.size, *columns)
                for piece, columns in packed
            ],
        )
        self._connection.executemany(
            "INSERT OR REPLACE INTO latest VALUES (?, ?, ?, ?, ?, ?)",
            list(zip(*(column.tolist() for column in newest), strict=True)),
        )
        self._connection.execute("UPDATE state SET generation = generation + 1")

    def prune(self, before: int) -> None:
        """Chunks go whole, when their newest row is too old."""
        self.seal(1)
        with self._seal_lock, self._write_lock, explained(self._path):
            connection = self._connection
            with transaction(connection):
                connection.execute("DELETE FROM chunk WHERE t1 < ?", (before,))
                connection.execute("DELETE FROM latest WHERE ts < ?", (before,))
                connection.execute("DELETE FROM event WHERE ts < ?", (before,))
                connection.execute(
                    "DELETE FROM ack WHERE rowid IN (SELECT rowid FROM (SELECT rowid,"
                    " row_number() OVER (PARTITION BY device ORDER BY rowid DESC) AS place"
                    " FROM ack) WHERE place > ?)",
                    (BOOTS_PER_DEVICE,),
                )
                connection.execute("UPDATE state SET generation = generation + 1")


def _by_series(rows: Rows) -> Iterator[Rows]:
    borders = np.flatnonzero(rows.sid[1:] != rows.sid[:-1]) + 1
    for start, end in pairwise([0, *borders.tolist(), rows.size]):
        yield rows.take(slice(start, end))
