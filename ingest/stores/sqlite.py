"""The embedded store: one SQLite file, written by one process and read by any.

A commit appends its batch as one blob to the log; sealing (:mod:`ingest.stores.sqlite_seal`)
turns the log into compressed chunks per series, in the background. Reads
(:mod:`ingest.stores.sqlite_view`) put both together. Rows that meet at one (series, ts) are merged
wherever they meet: in the tail, when reading, and when sealing.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from ingest.acks import Progress
from ingest.stores.base import NOTHING_OWN, Committed, Cutoff
from ingest.stores.numbers import Numbers
from ingest.stores.rows import Bool, Rows, first_of_key, to_bytes
from ingest.stores.sqlite_schema import explained, open_writer
from ingest.stores.sqlite_seal import Sealer
from ingest.stores.sqlite_view import View
from ingest.stores.write_right import WriteRight
from purna.core.ports import Appended, Latest, Touched
from purna.core.readings import DeviceEvent, Int64, Points, ReadingBatch, SeriesKey
from purna.core.rollups import Rollups

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
    seal_aside
        Sealing does its computing in a process of its own.
    forwarded
        Where a forwarder (:mod:`ingest.forwarding`) sends everything on: up to which entry of the
        log it has come. What it still needs is kept for it.

    Raises
    ------
    AskOperator
        When another process writes to the file already.
    """

    def __init__(
        self,
        path: Path,
        *,
        read_only: bool = False,
        seal_aside: bool = False,
        forwarded: Callable[[], int] | None = None,
    ) -> None:
        self._view = View(path)
        self._writer = None if read_only else _Writer(path, self._view, seal_aside, forwarded)

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
        return self._writing().sealer.seal(min_rows)

    def prune(self, default: Cutoff, own: Mapping[SeriesKey, Cutoff] = NOTHING_OWN) -> None:
        self._writing().sealer.prune(default, own)

    def read(self, keys: Sequence[SeriesKey], start: int, end: int) -> dict[SeriesKey, Points]:
        return self._view.read(keys, start, end)

    def history(self, key: SeriesKey, start: int, end: int) -> Iterator[ReadingBatch]:
        return self._view.history(key, start, end)

    def rollups(
        self, keys: Sequence[SeriesKey], start: int, end: int, step: int
    ) -> dict[SeriesKey, Rollups]:
        return self._view.rollups(keys, start, end, step)

    def touched(self, since: int) -> Touched:
        return self._view.touched(since)

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
    def __init__(
        self, path: Path, view: View, seal_aside: bool, forwarded: Callable[[], int] | None
    ) -> None:
        self._path = path
        self._view = view
        self._right = WriteRight(path)
        self._lock = threading.Lock()  # for the connection and all that is remembered here
        try:
            self._connection = open_writer(path)
            with explained(path):
                self._right.take_over(self._connection)
            self.sealer = Sealer(path, self._right, aside=seal_aside, forwarded=forwarded)
            self._series: Numbers[SeriesKey] = Numbers(
                {
                    SeriesKey(device, quantity): sid
                    for sid, device, quantity in self._rows(
                        "SELECT id, device, quantity FROM series"
                    )
                }
            )
            self._boots: Numbers[str] = Numbers(
                {name: number for number, name in self._rows("SELECT id, name FROM boot")}
            )
        except BaseException:
            self._right.close()
            raise
        newest = view.newest()
        self._newest: Int64 = np.full(len(self._series) + 1, _NEVER, np.int64)
        self._newest[newest.sid] = newest.ts

    def close(self) -> None:
        self.sealer.close()
        with self._lock, self._right.lock:
            self._connection.close()
            self._right.close()

    def commit(
        self,
        batch: ReadingBatch,
        events: Sequence[DeviceEvent],
        progress: Sequence[Progress],
    ) -> Committed:
        with self._lock, explained(self._path):
            series, boots = self._series.of(batch.series), self._boots.of(batch.boots)
            rows = Rows(
                series.numbers[batch.index],
                batch.ts,
                batch.value,
                batch.quality,
                boots.numbers[batch.origin],
                batch.seq,
            )
            newest = self._newest
            if series.new:
                newest = np.append(newest, np.full(len(series.new), _NEVER, np.int64))
            new_rows = self._new_rows(rows, newest)
            connection = self._connection
            with self._right.transaction(connection):
                connection.executemany(
                    "INSERT INTO series VALUES (?, ?, ?)",
                    [(sid, key.device, key.quantity) for key, sid in series.new.items()],
                )
                connection.executemany(
                    "INSERT INTO boot VALUES (?, ?)",
                    [(number, name) for name, number in boots.new.items()],
                )
                if rows.size:
                    connection.execute(
                        "INSERT INTO log (count, body) VALUES (?, ?)",
                        (rows.size, to_bytes(rows)),
                    )
                new_events = tuple(self._add_event(event) for event in events)
                connection.executemany(
                    "INSERT INTO ack VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (device, boot)"
                    " DO UPDATE SET first = ?3, last = ?4, ahead = ?5",
                    [(*one[:4], _json.encode(one.ahead).decode()) for one in progress],
                )
            self._series.keep(series)
            self._boots.keep(boots)
            np.maximum.at(newest, rows.sid, rows.ts)
            self._newest = newest
            return Committed(new_rows, new_events)

    def _new_rows(self, rows: Rows, newest: Int64) -> Bool:
        new = first_of_key(rows.sid, rows.ts)
        late = new & (rows.ts <= newest[rows.sid])
        if late.any():
            new[late] = ~self._view.contains(rows.sid[late], rows.ts[late])
        return new

    def _add_event(self, event: DeviceEvent) -> bool:
        row = (event.device, event.kind, event.ts, event.code, event.text)
        insert = "INSERT OR IGNORE INTO event (device, kind, ts, code, text) VALUES (?, ?, ?, ?, ?)"
        self._connection.execute(insert, row)
        if self._connection.changes():
            return True
        # What changes moves to the end: whoever follows the events by number hears of it.
        self._connection.execute(
            "DELETE FROM event WHERE device = ? AND kind = ? AND ts = ? AND code = ? AND text < ?",
            row,
        )
        if self._connection.changes():
            self._connection.execute(insert, row)
        return False

    def progress(self) -> list[Progress]:
        with self._lock, explained(self._path):
            return [
                Progress(device, boot, first, last, _ranges.decode(ahead))
                for device, boot, first, last, ahead in self._rows(
                    "SELECT device, boot, first, last, ahead FROM ack ORDER BY rowid"
                )
            ]

    def _rows(self, sql: str) -> Iterator[tuple[Any, ...]]:
        with explained(self._path):
            return iter(self._connection.execute(sql).fetchall())
