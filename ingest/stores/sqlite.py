"""The embedded store: one SQLite file, written by one process and read by any.

A commit appends its batch as one blob to the log; sealing turns the log into compressed chunks
per series, in the background. Reads put both together. Rows that meet at one (series, ts) are
merged wherever they meet: in the tail, when reading, and when sealing.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import IO, Any, TypeVar

import msgspec
import numpy as np

from ingest.acks import BOOTS_PER_DEVICE, Progress
from ingest.stores import chunks
from ingest.stores.base import Committed
from ingest.stores.rows import (
    Bool,
    Rows,
    first_of_key,
    from_bytes,
    joined,
    last_of_series,
    merged,
    of_records,
    to_bytes,
)
from ingest.stores.sqlite_schema import explained, open_writer, snapshot, transaction
from ingest.stores.sqlite_view import View, rank_of
from purna.core.errors import AskOperator
from purna.core.ports import Appended, Latest
from purna.core.readings import DeviceEvent, Int32, Int64, Points, ReadingBatch, SeriesKey
from purna.db.lock import claim

LOG_ENTRIES = 4096
"""A log with this many commits is sealed even when they are small, so that readers start fast."""

Name = TypeVar("Name", SeriesKey, str)

_NEVER = np.iinfo(np.int64).min
_json = msgspec.json.Encoder()
_ranges = msgspec.json.Decoder(tuple[tuple[int, int], ...])


class SqliteReadingStore:
    """Readings in one SQLite file.

    Parameters
    ----------
    path
        The file; made when missing, unless ``read_only``.
    read_only
        For every process but the one that ingests. The file may come later: until then the
        store is empty.

    Raises
    ------
    AskOperator
        When another process writes to the file already.
    """

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        self._view = View(path)
        self._writer = None if read_only else _Writer(path, self._view)

    def append(self, batch: ReadingBatch, events: Sequence[DeviceEvent] = ()) -> Appended:
        return self.commit(batch, events).appended

    def commit(
        self,
        batch: ReadingBatch,
        events: Sequence[DeviceEvent] = (),
        progress: Sequence[Progress] = (),
    ) -> Committed:
        return self._writing().commit(batch, events, progress)

    def progress(self) -> list[Progress]:
        return self._writing().progress()

    def seal(self, min_rows: int = 1) -> int:
        return self._writing().seal(min_rows)

    def prune(self, before: int) -> None:
        self._writing().prune(before)

    def read(self, keys: Sequence[SeriesKey], start: int, end: int) -> dict[SeriesKey, Points]:
        return self._view.read(keys, start, end)

    def latest(self, devices: Sequence[str]) -> dict[SeriesKey, Latest]:
        return self._view.latest(devices)

    def series(self) -> list[SeriesKey]:
        return self._view.series()

    def events(
        self, devices: Sequence[str], start: int, end: int, kind: str = "event"
    ) -> list[DeviceEvent]:
        return self._view.events(devices, start, end, kind)

    def span(self) -> tuple[int, int] | None:
        return self._view.span()

    def close(self) -> None:
        self._view.close()
        if self._writer is not None:
            self._writer.close()

    def _writing(self) -> _Writer:
        if self._writer is None:
            raise RuntimeError("this store was opened for reading only")
        return self._writer


class _Writer:
    def __init__(self, path: Path, view: View) -> None:
        self._path = path
        self._view = view
        self._lock_file = _claim(path)
        self._write_lock = threading.Lock()
        self._seal_lock = threading.Lock()
        try:
            self._connection = open_writer(path)
            self._sealer = open_writer(path)
        except BaseException:
            self._lock_file.close()
            raise
        self._sids = {
            SeriesKey(device, quantity): sid
            for sid, device, quantity in self._rows("SELECT id, device, quantity FROM series")
        }
        self._boots = {name: number for number, name in self._rows("SELECT id, name FROM boot")}
        self._log_rows, self._log_entries = next(
            self._rows("SELECT coalesce(sum(count), 0), count(*) FROM log")
        )
        newest = view.newest()
        self._newest: Int64 = np.full(len(self._sids) + 1, _NEVER, np.int64)
        self._newest[newest.sid] = newest.ts

    def close(self) -> None:
        with self._seal_lock, self._write_lock:
            self._sealer.close()
            self._connection.close()
            self._lock_file.close()

    def commit(
        self,
        batch: ReadingBatch,
        events: Sequence[DeviceEvent],
        progress: Sequence[Progress],
    ) -> Committed:
        with self._write_lock, explained(self._path):
            series = _new_numbers(batch.series, self._sids)
            boots = _new_numbers(batch.boots, self._boots)
            rows = Rows(
                _numbers(batch.series, self._sids, series)[batch.index],
                batch.ts,
                batch.value,
                batch.quality,
                _numbers(batch.boots, self._boots, boots)[batch.origin],
                batch.seq,
            )
            newest = self._newest
            if series:
                newest = np.append(newest, np.full(len(series), _NEVER, np.int64))
            new_rows = self._new_rows(rows, newest)
            connection = self._connection
            with transaction(connection):
                connection.executemany(
                    "INSERT INTO series VALUES (?, ?, ?)",
                    [(sid, key.device, key.quantity) for key, sid in series.items()],
                )
                connection.executemany(
                    "INSERT INTO boot VALUES (?, ?)",
                    [(number, name) for name, number in boots.items()],
                )
                if rows.size:
                    connection.execute(
                        "INSERT INTO log (count, body) VALUES (?, ?)",
                        (rows.size, to_bytes(rows)),
                    )
                new_events = tuple(self._add_event(event) for event in events)
                connection.executemany(
                    "INSERT OR REPLACE INTO ack VALUES (?, ?, ?, ?, ?)",
                    [
                        (
                            one.device,
                            one.boot,
                            one.first,
                            one.last,
                            _json.encode(one.ahead).decode(),
                        )
                        for one in progress
                    ],
                )
            self._sids.update(series)
            self._boots.update(boots)
            np.maximum.at(newest, rows.sid, rows.ts)
            self._newest = newest
            self._log_rows += rows.size
            self._log_entries += bool(rows.size)
            return Committed(new_rows, new_events)

    def _new_rows(self, rows: Rows, newest: Int64) -> Bool:
        new = first_of_key(rows.sid, rows.ts)
        late = new & (rows.ts <= newest[rows.sid])
        if late.any():
            new[late] = ~self._view.contains(rows.sid[late], rows.ts[late])
        return new

    def _add_event(self, event: DeviceEvent) -> bool:
        row = (event.device, event.kind, event.ts, event.code, event.text)
        self._connection.execute("INSERT OR IGNORE INTO event VALUES (?, ?, ?, ?, ?)", row)
        if self._connection.changes():
            return True
        self._connection.execute(
            "UPDATE event SET text = ?5"
            " WHERE device = ?1 AND kind = ?2 AND ts = ?3 AND code = ?4 AND text < ?5",
            row,
        )
        return False

    def progress(self) -> list[Progress]:
        with self._write_lock, explained(self._path):
            return [
                Progress(device, boot, first, last, _ranges.decode(ahead))
                for device, boot, first, last, ahead in self._rows(
                    "SELECT device, boot, first, last, ahead FROM ack ORDER BY rowid"
                )
            ]

    def seal(self, min_rows: int) -> int:
        with self._seal_lock, explained(self._path):
            if self._log_rows < min_rows and self._log_entries < LOG_ENTRIES:
                return 0
            with snapshot(self._sealer):
                entries: list[tuple[Any, ...]] = self._sealer.execute(
                    "SELECT id, body FROM log ORDER BY id"
                ).fetchall()
                if not entries:
                    return 0
                boots: list[tuple[Any, ...]] = self._sealer.execute(
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
                self._log_rows -= logged.size
                self._log_entries -= len(entries)
            return logged.size

    def _rearrange(self, rows: Rows, rank: Int64, replaced: list[int], added: list[Rows]) -> None:
        """Put new rows of one series into its chunks, touching as few as possible."""
        sid = int(rows.sid[0])
        stored = self._sealer.execute(
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
        [(count, *columns)] = self._sealer.execute(
            "SELECT count, ts, value, quality, boot, seq FROM chunk WHERE id = ?", (chunk_id,)
        )
        return chunks.unpack(sid, count, chunks.Columns(*columns))

    def _newest_sealed(self, rows: Rows, rank: Int64) -> Rows:
        newest = last_of_series(rows)
        known = [
            row
            for sid in newest.sid.tolist()
            for row in self._sealer.execute(
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

    def _rows(self, sql: str) -> Iterator[tuple[Any, ...]]:
        return iter(self._connection.execute(sql).fetchall())


def _claim(path: Path) -> IO[str]:
    """The lock that makes this process the only writer, held until it ends."""
    path.parent.mkdir(parents=True, exist_ok=True)

    def refusal(owner: str) -> AskOperator:
        return AskOperator(
            "store.locked",
            f"Another process ({owner}) writes to {path} already: stop it first, or give this one "
            "another file (ingest.store_url).",
        )

    return claim(path.with_name(path.name + ".lock"), refusal)


def _new_numbers(names: Sequence[Name], known: Mapping[Name, int]) -> dict[Name, int]:
    """Numbers for the names that have none yet; they go on where the known ones end."""
    new = [name for name in dict.fromkeys(names) if name not in known]
    return {name: number for number, name in enumerate(new, len(known) + 1)}


def _numbers(names: Sequence[Name], known: Mapping[Name, int], new: Mapping[Name, int]) -> Int32:
    return np.array([known.get(name) or new[name] for name in names], np.int32)


def _by_series(rows: Rows) -> Iterator[Rows]:
    borders = np.flatnonzero(rows.sid[1:] != rows.sid[:-1]) + 1
    for start, end in pairwise([0, *borders.tolist(), rows.size]):
        yield rows.take(slice(start, end))
