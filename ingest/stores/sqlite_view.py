"""The reading side of the embedded store: chunks from the file, the log's tail from memory.

A view belongs to one connection. It keeps the decoded log (the *tail*) as a few sorted runs and
adds what is new at each call; when the log was sealed it starts over with what is left of it.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import apsw
import numpy as np

from ingest.stores import chunks, touches
from ingest.stores.rows import (
    EMPTY,
    Bool,
    Rows,
    from_bytes,
    joined,
    last_of_series,
    merged,
    of_records,
)
from ingest.stores.sqlite_schema import explained, open_reader, snapshot
from purna.core.clock import HOUR
from purna.core.ports import Latest, Touched
from purna.core.readings import DeviceEvent, Int32, Int64, Points, ReadingBatch, SeriesKey
from purna.core.rollups import NO_ROLLUPS, Rollups, buckets_between, combined, rolled_up

_ALWAYS = (-(2**63), 2**63 - 1)


class Tail:
    """The log in memory: sorted runs, each less than half as long as the one before it.

    New batches wait unsorted until somebody looks; so a process that only appends sorts nothing.
    """

    def __init__(self) -> None:
        self._runs: list[Rows] = []
        self._fresh: list[Rows] = []
        self.span: tuple[int, int] | None = None

    def add(self, rows: Rows) -> None:
        if not rows.size:
            return
        self._fresh.append(rows)
        first, last = int(rows.ts.min()), int(rows.ts.max())
        low, high = self.span or (first, last)
        self.span = (min(low, first), max(high, last))

    def runs(self, rank: Int64) -> list[Rows]:
        if self._fresh:
            self._runs.append(merged(joined(self._fresh), rank))
            self._fresh = []
            while len(self._runs) > 1 and self._runs[-2].size < 2 * self._runs[-1].size:
                newer, older = self._runs.pop(), self._runs.pop()
                self._runs.append(merged(joined([older, newer]), rank))
        return self._runs

    def of_series(self, sid: int, start: int, end: int, rank: Int64) -> Rows:
        """Merged rows of one series with ``start <= ts < end``."""
        parts = []
        for run in self.runs(rank):
            low, high = np.searchsorted(run.sid, (sid, sid + 1))
            if low == high:
                continue
            first, last = low + np.searchsorted(run.ts[low:high], (start, end))
            if first < last:
                parts.append(run.take(slice(first, last)))
        return parts[0] if len(parts) == 1 else merged(joined(parts), rank)


class _Chunk(NamedTuple):
    """What was read of a chunk; what was not needed is None."""

    t0: int
    t1: int
    size: int
    hours: bytes | None
    stamp: int
    value: bytes
    quality: bytes
    ts: bytes
    boot: bytes | None
    seq: bytes | None

    @property
    def meets(self) -> bool:
        """Whether rows of the tail may meet rows of the chunk."""
        return self.boot is not None

    def rows(self, sid: int) -> Rows:
        return chunks.unpack(
            sid,
            self.size,
            chunks.Stamp(self.ts, self.boot or _NOUGHT, self.seq or _NOUGHT),
            chunks.Values(self.value, self.quality),
        )


_NOUGHT = b"\x00" + bytes(8)
"""A column that repeats 0: stands for boots and numbers that make no difference."""


class View:
    """Reads one store file; safe to use from several threads.

    What needs the file is done under a lock and in one snapshot; decoding happens outside of it.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._connection: apsw.Connection | None = None
        self._seen = (0, 0)  # data version of the file, generation
        self._last_entry = 0
        self._names: list[SeriesKey] = [SeriesKey("", "")]  # numbers begin at 1
        self._sids: dict[SeriesKey, int] = {}
        self._of_device: dict[str, list[int]] = {}
        self._boots: list[str] = [""]
        self._rank: Int64 = np.zeros(1, np.int64)
        self._tail = Tail()
        self._sealed: Rows = EMPTY
        self._sealed_span: tuple[int, int] | None = None
        self._newest: Rows | None = None

    def close(self) -> None:
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def read(self, keys: Sequence[SeriesKey], start: int, end: int) -> dict[SeriesKey, Points]:
        found: dict[SeriesKey, tuple[int, list[_Chunk], Rows]] = {}
        with self._open() as connection:
            if connection is not None:
                for key in keys:
                    sid = self._sids.get(key)
                    if sid is not None:
                        tail = self._tail.of_series(sid, start, end, self._rank)
                        stored = _chunks(connection, sid, start, end, tail)
                        found[key] = (sid, stored, tail)
            rank = self._rank
        times: dict[int, Int64] = {}
        return {
            key: _points(*found[key], start, end, rank, times) if key in found else Points.empty()
            for key in keys
        }

    def history(self, key: SeriesKey, start: int, end: int) -> Iterator[ReadingBatch]:
        """All columns of the readings in ``start <= ts < end``, about a chunk at a time."""
        while start < end:
            with self._open() as connection:
                sid = self._sids.get(key)
                if connection is None or sid is None:
                    return
                last: Any = connection.execute(
                    "SELECT t1 FROM chunk WHERE series = ? AND t1 >= ? AND t0 < ?"
                    " ORDER BY t0 LIMIT 1",
                    (sid, start, end),
                ).get
                until = end if last is None else min(last + 1, end)
                tail = self._tail.of_series(sid, start, until, self._rank)
                stored = _chunks(connection, sid, start, until, tail, origin=True)
                rank, boots = self._rank, self._boots
            parts = [_between(chunk.rows(sid), start, until) for chunk in stored]
            rows = merged(joined([*parts, tail]), rank)
            if rows.size:
                yield _batch(key, rows, boots)
            start = until

    def rollups(
        self, keys: Sequence[SeriesKey], start: int, end: int, step: int
    ) -> dict[SeriesKey, Rollups]:
        start, end = buckets_between(start, end, step)
        return {key: self._rollups(key, start, end, step) for key in keys}

    def _rollups(self, key: SeriesKey, start: int, end: int, step: int) -> Rollups:
        with self._open() as connection:
            sid = self._sids.get(key)
            if connection is None or sid is None:
                return NO_ROLLUPS
            kept: list[Any] = connection.execute(
                "SELECT body FROM rollup WHERE series = ? AND step = ? AND t0 < ? AND t1 >= ?"
                " ORDER BY t0",
                (sid, min(step, HOUR), end, start),
            ).fetchall()
            pruned: int = connection.execute(
                "SELECT coalesce(max(before), ?) FROM pruned WHERE series = ?", (start, sid)
            ).get
            live = max(start, pruned)
            tail = self._tail.of_series(sid, live, end, self._rank)
            stored = _chunks(connection, sid, live, end, tail, hours=step >= HOUR)
            rank = self._rank
        final = [chunks.unpack_rollups(body).between(start, end) for (body,) in kept]
        return combined([*final, *_rolled_parts(sid, stored, tail, live, end, rank, step)], step)

    def touched(self, since: int) -> Touched:
        with self._open() as connection:
            if connection is None:
                return Touched(since, frozenset())
            parts = [
                touches.unpack(body)
                for (body,) in connection.execute(
                    "SELECT body FROM touch WHERE entry > ? ORDER BY entry", (since,)
                )
            ]
            last = since
            for last, body in connection.execute(
                "SELECT id, body FROM log WHERE id > ? ORDER BY id", (since,)
            ):
                parts.append(touches.of_rows(from_bytes(body), last))
            names = self._names
        if not parts:
            return Touched(since, frozenset())
        all_of_them = touches.together(parts).after(since)
        last = max(last, int(all_of_them.entry.max(initial=since)))
        hours = frozenset((names[sid].device, hour) for sid, hour in all_of_them.pairs())
        return Touched(last, hours)

    def newest(self) -> Rows:
        """The newest row of every series, sorted by series."""
        with self._open() as connection:
            return EMPTY if connection is None else self._newest_rows()

    def latest(self, devices: Sequence[str]) -> dict[SeriesKey, Latest]:
        with self._open() as connection:
            if connection is None:
                return {}
            newest, names = self._newest_rows(), self._names
            sids = np.array(
                [sid for device in devices for sid in self._of_device.get(device, ())], np.int32
            )
        where = np.searchsorted(newest.sid, sids)
        where = where[np.isin(sids, newest.sid)]
        return {
            names[sid]: Latest(ts, value)
            for sid, ts, value in zip(
                newest.sid[where].tolist(),
                newest.ts[where].tolist(),
                newest.value[where].tolist(),
                strict=True,
            )
        }

    def series(self) -> list[SeriesKey]:
        with self._open() as connection:
            if connection is None:
                return []
            return sorted(self._names[sid] for sid in self._newest_rows().sid.tolist())

    def span(self) -> tuple[int, int] | None:
        with self._open() as connection:
            if connection is None:
                return None
            spans = [span for span in (self._sealed_span, self._tail.span) if span]
        return (min(s[0] for s in spans), max(s[1] for s in spans)) if spans else None

    def events(self, devices: Sequence[str], start: int, end: int, kind: str) -> list[DeviceEvent]:
        with self._open() as connection:
            if connection is None:
                return []
            found = [
                DeviceEvent(*row)
                for device in set(devices)
                for row in connection.execute(
                    "SELECT device, ts, kind, code, text FROM event"
                    " WHERE device = ? AND kind = ? AND ts >= ? AND ts < ?",
                    (device, kind, start, end),
                )
            ]
        return sorted(found, key=lambda event: (event.ts, event.device, event.code))

    def contains(self, sid: Int32, ts: Int64) -> Bool:
        """For each (series, ts) whether there is such a row already."""
        out = np.zeros(len(ts), np.bool_)
        with self._open() as connection:
            if connection is None:
                return out
            for one in np.unique(sid).tolist():
                mine = sid == one
                times = ts[mine]
                start, end = int(times.min()), int(times.max()) + 1
                known = [self._tail.of_series(one, start, end, self._rank).ts]
                known += [
                    chunks.unpack_ts(blob, count)
                    for t0, t1, count, blob in connection.execute(
                        "SELECT c.t0, c.t1, c.count, s.ts FROM chunk c"
                        " JOIN stamp s ON s.id = c.stamp"
                        " WHERE c.series = ? AND c.t0 < ? AND c.t1 >= ?",
                        (one, end, start),
                    )
                    if bool(((times >= t0) & (times <= t1)).any())
                ]
                out[mine] = np.isin(times, np.concatenate(known))
        return out

    @contextmanager
    def _open(self) -> Iterator[apsw.Connection | None]:
        """The connection in a snapshot, with everything cached brought up to it."""
        with self._lock, explained(self._path):
            if self._connection is None:
                self._connection = open_reader(self._path)
            if self._connection is None:
                yield None
                return
            with snapshot(self._connection):
                self._catch_up(self._connection)
                yield self._connection

    def _catch_up(self, connection: apsw.Connection) -> None:
        version = int(connection.pragma("data_version"))
        if version == self._seen[0]:
            return
        generation = int(connection.execute("SELECT generation FROM state").get)
        self._load_names(connection)
        if generation != self._seen[1]:
            self._tail, self._last_entry = Tail(), 0
            self._load_sealed(connection)
        for entry, body in connection.execute(
            "SELECT id, body FROM log WHERE id > ? ORDER BY id", (self._last_entry,)
        ):
            self._tail.add(from_bytes(body))
            self._last_entry = entry
        self._newest = None
        self._seen = (version, generation)

    def _load_names(self, connection: apsw.Connection) -> None:
        for sid, device, quantity in connection.execute(
            "SELECT id, device, quantity FROM series WHERE id >= ? ORDER BY id",
            (len(self._names),),
        ):
            key = SeriesKey(device, quantity)
            self._names.append(key)
            self._sids[key] = sid
            self._of_device.setdefault(device, []).append(sid)
        known = len(self._boots)
        self._boots += [
            name
            for (name,) in connection.execute(
                "SELECT name FROM boot WHERE id >= ? ORDER BY id", (known,)
            )
        ]
        if len(self._boots) > known:
            self._rank = rank_of(self._boots)

    def _load_sealed(self, connection: apsw.Connection) -> None:
        self._sealed = of_records(
            connection.execute(
                "SELECT series, ts, value, quality, boot, seq FROM latest ORDER BY series"
            ).fetchall()
        )
        first: Any
        [(first, last)] = connection.execute("SELECT min(t0), max(t1) FROM chunk")
        self._sealed_span = None if first is None else (first, last)

    def _newest_rows(self) -> Rows:
        if self._newest is None:
            parts = [last_of_series(run) for run in self._tail.runs(self._rank)]
            self._newest = last_of_series(merged(joined([self._sealed, *parts]), self._rank))
        return self._newest


def rank_of(names: Sequence[str]) -> Int64:
    """The place of each name in the order of all names."""
    rank = np.empty(len(names), np.int64)
    rank[sorted(range(len(names)), key=names.__getitem__)] = np.arange(len(names))
    return rank


def _chunks(
    connection: apsw.Connection,
    sid: int,
    start: int,
    end: int,
    tail: Rows,
    *,
    origin: bool = False,
    hours: bool = False,
) -> list[_Chunk]:
    """The chunks of a series with rows in ``start <= ts < end``, in time order.

    Boot and number (``origin``) are read only when asked for, and where a row of the tail may meet
    one of the chunk. With ``hours`` only roll-ups are read where a chunk has its own and no row of
    the tail comes between.
    """
    meets, ends = (int(tail.ts[0]), int(tail.ts[-1])) if tail.size else (_ALWAYS[1], _ALWAYS[0])
    if origin:
        meets = _ALWAYS[0]
    raw = "(c.hours IS NULL OR (c.t1 >= ?1 AND c.t0 <= ?2))" if hours else "1"
    return [
        _Chunk(*row)
        for row in connection.execute(
            f"SELECT c.t0, c.t1, c.count, iif({raw}, NULL, c.hours), c.stamp,"  # noqa: S608
            f" iif({raw}, c.value, NULL), iif({raw}, c.quality, NULL), iif({raw}, s.ts, NULL),"
            " iif(c.t1 >= ?1, s.boot, NULL), iif(c.t1 >= ?1, s.seq, NULL)"
            " FROM chunk c JOIN stamp s ON s.id = c.stamp"
            " WHERE c.series = ?3 AND c.t0 < ?4 AND c.t1 >= ?5 AND ?2 IS NOT NULL ORDER BY c.t0",
            (meets, ends, sid, end, start),
        )
    ]


def _points(
    sid: int,
    stored: list[_Chunk],
    tail: Rows,
    start: int,
    end: int,
    rank: Int64,
    times: dict[int, Int64],
) -> Points:
    """``times`` keeps the decoded times of stamps, which several series may share."""
    ts, value, quality = [], [], []
    meeting = []
    for chunk in stored:
        if chunk.meets:
            meeting.append(_between(chunk.rows(sid), start, end))
            continue
        if chunk.stamp not in times:
            times[chunk.stamp] = chunks.unpack_ts(chunk.ts, chunk.size)
        part = slice(*np.searchsorted(times[chunk.stamp], (start, end)))
        ts.append(times[chunk.stamp][part])
        value.append(chunks.unpack_value(chunk.value, chunk.size)[part])
        quality.append(chunks.unpack_quality(chunk.quality, chunk.size)[part])
    if tail.size:
        newer = merged(joined([*meeting, tail]), rank)
        ts.append(newer.ts)
        value.append(newer.value)
        quality.append(newer.quality)
    if len(ts) == 1:
        return Points(ts[0], value[0], quality[0])
    if not ts:
        return Points.empty()
    return Points(np.concatenate(ts), np.concatenate(value), np.concatenate(quality))


def _rolled_parts(
    sid: int, stored: list[_Chunk], tail: Rows, start: int, end: int, rank: Int64, step: int
) -> Iterator[Rollups]:
    """Roll-ups of chunks and tail in ``start <= ts < end``, one part after the other in time."""
    borders = np.searchsorted(tail.ts, [at for c in stored for at in (c.t0, c.t1 + 1)]).tolist()
    borders = [0, *borders, tail.size]
    for number, chunk in enumerate(stored):
        before, first, after = borders[2 * number : 2 * number + 3]
        yield _rolled_up(tail.take(slice(before, first)), step)
        if chunk.hours is not None:
            yield chunks.unpack_rollups(chunk.hours).between(start, end)
        else:
            rows = _between(chunk.rows(sid), start, end)
            yield _rolled_up(merged(joined([rows, tail.take(slice(first, after))]), rank), step)
    yield _rolled_up(tail.take(slice(borders[-2], None)), step)


def _rolled_up(rows: Rows, step: int) -> Rollups:
    return rolled_up(Points(rows.ts, rows.value, rows.quality), step)


def _batch(key: SeriesKey, rows: Rows, names: Sequence[str]) -> ReadingBatch:
    boots, origin = np.unique(rows.boot, return_inverse=True)
    return ReadingBatch(
        (key,),
        np.zeros(rows.size, np.int32),
        rows.ts,
        rows.value,
        rows.quality,
        tuple(names[boot] for boot in boots.tolist()),
        origin.astype(np.int32),
        rows.seq,
    )


def _between(rows: Rows, start: int, end: int) -> Rows:
    return rows.take(slice(*np.searchsorted(rows.ts, (start, end))))
