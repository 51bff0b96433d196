"""Removing what is old from the embedded store, and giving the room back to the disk.

Readings go by whole days (UTC), so that a bucket of the roll-ups goes as a whole or not at all.
Before they go, their hourly roll-ups are put aside, and those by the minute where readings were
dense; where they were not, the roll-ups of a minute would take as much room as the readings did.
All is done in short transactions; a removal that ends half way goes on at the next one.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import apsw
import numpy as np

from ingest.acks import BOOTS_PER_DEVICE
from ingest.stores import chunks, sqlite_chunks
from ingest.stores.base import Cutoff
from ingest.stores.rows import Rows
from ingest.stores.sqlite_schema import explained, snapshot
from ingest.stores.write_right import WriteRight
from purna.core.clock import DAY, HOUR, MINUTE
from purna.core.readings import Points, SeriesKey
from purna.core.rollups import NO_ROLLUPS, Rollups, combined, rolled_up

READINGS_PER_MINUTE = 20
"""From this density on roll-ups by the minute outlive the readings."""

BLOCK_ROWS = 1024
"""A block with half as many roll-ups takes in newer ones."""

SERIES_AT_ONCE = 64
CHUNKS_AT_ONCE = 32
"""As many series, and of each as many chunks, are pruned in one transaction."""

PAGES_AT_ONCE = 256
FREE_PAGES = 256
"""At most this many free pages stay in the file, or a sixteenth of it."""


class Pruner:
    """Removes what is old from one store file; see :class:`~ingest.stores.sqlite_seal.Sealer`."""

    def __init__(self, path: Path, connection: apsw.Connection, right: WriteRight) -> None:
        self._path = path
        self._connection = connection
        self._right = right

    def prune(self, default: Cutoff, own: Mapping[SeriesKey, Cutoff]) -> None:
        connection = self._connection
        with explained(self._path):
            names: list[Any] = connection.execute(
                "SELECT id, device, quantity FROM series"
            ).fetchall()
            firsts: list[Any] = connection.execute(
                "SELECT series, min(t0) FROM chunk GROUP BY series"
            ).fetchall()
            cutoffs = {sid: own.get(SeriesKey(*name), default) for sid, *name in names}
            waiting: dict[int, int] = {
                sid: before
                for sid, first in firsts
                if first < (before := whole_days(cutoffs[sid].readings))
            }
            while waiting:
                for sid in self._step(dict(list(waiting.items())[:SERIES_AT_ONCE])):
                    del waiting[sid]
            self._remove_rollups(cutoffs)
            self._remove_others(default.readings)

    def _step(self, waiting: Mapping[int, int]) -> list[int]:
        """Prune some chunks of these series; which of them are done."""
        connection = self._connection
        with snapshot(connection):
            targets = {sid: _target(connection, sid, before) for sid, before in waiting.items()}
            dropped: list[int] = []
            kept: list[Rows] = []
            final: dict[int, dict[int, Rollups]] = {}
            for sid, target in targets.items():
                final[sid] = _taken_out(connection, sid, target, dropped, kept)
        change = sqlite_chunks.packed(dropped, kept)
        with self._right.transaction(connection):
            sqlite_chunks.put(connection, change)
            for sid, target in targets.items():
                for step, rollups in final[sid].items():
                    _put_aside(connection, sid, step, rollups)
                connection.execute(
                    "INSERT OR REPLACE INTO pruned VALUES (?, max(?, coalesce("
                    "(SELECT before FROM pruned WHERE series = ?1), ?2)))",
                    (sid, target),
                )
                connection.execute("DELETE FROM latest WHERE series = ? AND ts < ?", (sid, target))
            connection.execute("UPDATE state SET generation = generation + 1")
        return [sid for sid, before in waiting.items() if targets[sid] == before]

    def _remove_rollups(self, cutoffs: Mapping[int, Cutoff]) -> None:
        """Blocks go whole, when their newest bucket is too old."""
        connection = self._connection
        old = [
            (block,)
            for block, sid, step, t1 in connection.execute(
                "SELECT id, series, step, t1 FROM rollup"
            )
            if t1 + step <= cutoffs[sid].rollups
        ]
        if old:
            with self._right.transaction(connection):
                connection.executemany("DELETE FROM rollup WHERE id = ?", old)

    def _remove_others(self, before: int) -> None:
        connection = self._connection
        with self._right.transaction(connection):
            connection.execute("DELETE FROM event WHERE ts < ?", (before,))
            connection.execute(
                "DELETE FROM ack WHERE rowid IN (SELECT rowid FROM (SELECT rowid,"
                " row_number() OVER (PARTITION BY device ORDER BY rowid DESC) AS place"
                " FROM ack) WHERE place > ?)",
                (BOOTS_PER_DEVICE,),
            )

    def give_back(self) -> None:
        """Make the file shorter by most of its free pages."""
        with explained(self._path):
            while self._too_many_free():
                with self._right.lock:
                    # It gives back one page for each row that is fetched.
                    self._connection.execute(
                        f"PRAGMA incremental_vacuum({PAGES_AT_ONCE})"
                    ).fetchall()

    def _too_many_free(self) -> bool:
        free, pages = (
            int(self._connection.pragma(name)) for name in ("freelist_count", "page_count")
        )
        return free > PAGES_AT_ONCE + max(FREE_PAGES, pages // 16)


def whole_days(ts: int) -> int:
    """The begin of the day (UTC) of ``ts``."""
    return ts // DAY * DAY


def _target(connection: apsw.Connection, sid: int, before: int) -> int:
    """How far to prune now: up to ``before``, or a day that leaves no more chunks than allowed."""
    firsts: list[Any] = connection.execute(
        "SELECT t0 FROM chunk WHERE series = ? AND t0 < ? ORDER BY t0 LIMIT ?",
        (sid, before, CHUNKS_AT_ONCE + 1),
    ).fetchall()
    if len(firsts) <= CHUNKS_AT_ONCE:
        return before
    return min(before, max(whole_days(firsts[-1][0]), whole_days(firsts[0][0]) + DAY))


def _taken_out(
    connection: apsw.Connection, sid: int, before: int, dropped: list[int], kept: list[Rows]
) -> dict[int, Rollups]:
    """The roll-ups, by step, of all readings of a series before ``before`` that has none yet."""
    since: Any = connection.execute("SELECT before FROM pruned WHERE series = ?", (sid,)).get
    parts: dict[int, list[Rollups]] = {MINUTE: [], HOUR: []}
    size = 0
    for (chunk_id,) in connection.execute(
        "SELECT id FROM chunk WHERE series = ? AND t0 < ? ORDER BY t0", (sid, before)
    ):
        rows = sqlite_chunks.load(connection, chunk_id)
        dropped.append(chunk_id)
        first, end = np.searchsorted(rows.ts, (rows.ts[0] if since is None else since, before))
        if end < rows.size:
            kept.append(rows.take(slice(end, None)))
        going = rows.take(slice(first, end))
        size += going.size
        for step, rollups in parts.items():
            rollups.append(rolled_up(Points(going.ts, going.value, going.quality), step))
    final = {step: combined(rollups, step) for step, rollups in parts.items()}
    if size < READINGS_PER_MINUTE * len(final[MINUTE]):
        final[MINUTE] = NO_ROLLUPS
    return final


def _put_aside(connection: apsw.Connection, sid: int, step: int, rollups: Rollups) -> None:
    if not len(rollups):
        return
    newest: Any = connection.execute(
        "SELECT id, body FROM rollup WHERE series = ? AND step = ? ORDER BY t0 DESC LIMIT 1",
        (sid, step),
    ).get
    if newest is not None:
        block, body = newest
        known = chunks.unpack_rollups(body)
        if len(known) <= BLOCK_ROWS // 2:
            connection.execute("DELETE FROM rollup WHERE id = ?", (block,))
            rollups = combined([known, rollups], step)
    for at in range(0, len(rollups), BLOCK_ROWS):
        some = Rollups(*(column[at : at + BLOCK_ROWS] for column in rollups.columns))
        connection.execute(
            "INSERT INTO rollup (series, step, t0, t1, body) VALUES (?, ?, ?, ?, ?)",
            (sid, step, int(some.ts[0]), int(some.ts[-1]), chunks.pack_rollups(some)),
        )
