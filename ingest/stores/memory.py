"""A store that forgets when the process ends: for tests, and for looking at a fleet in passing."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from ingest.acks import Progress
from ingest.stores.base import NOTHING_OWN, Committed, Cutoff, single_series
from purna.core.clock import HOUR
from purna.core.errors import NotFound
from purna.core.ports import Appended, Latest, Touched
from purna.core.readings import DeviceEvent, Points, ReadingBatch, SeriesKey
from purna.core.rollups import Rollups, buckets_between, rolled_up
from purna.core.waveforms import Waveform, WaveformInfo, WaveformKey, WaveformState, wins

Row = tuple[str, int, float, int]  # boot, seq, value, quality: the greatest wins


class MemoryReadingStore:
    """The plainest reading store: one dictionary per series."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._series: dict[SeriesKey, dict[int, Row]] = {}
        self._events: dict[tuple[str, int, str, str], str] = {}
        self._progress: dict[tuple[str, str], Progress] = {}
        self._commits = 0
        self._touches: dict[tuple[str, int], int] = {}

    def append(self, batch: ReadingBatch, events: Sequence[DeviceEvent] = ()) -> Appended:
        return self.commit(batch, events).appended

    def commit(
        self,
        batch: ReadingBatch,
        events: Sequence[DeviceEvent] = (),
        progress: Sequence[Progress] = (),
    ) -> Committed:
        columns = (batch.index, batch.ts, batch.value, batch.quality, batch.origin, batch.seq)
        with self._lock:
            self._commits += 1
            for index, ts in zip(batch.index.tolist(), batch.ts.tolist(), strict=True):
                self._touches[batch.series[index].device, -(-ts // HOUR) * HOUR] = self._commits
            new_rows = [
                self._put(batch.series[index], ts, (batch.boots[boot], seq, value, quality))
                for index, ts, value, quality, boot, seq in zip(
                    *(column.tolist() for column in columns), strict=True
                )
            ]
            new_events = tuple(self._put_event(event) for event in events)
            for one in progress:
                self._progress[one.device, one.boot] = one
        return Committed(np.array(new_rows, np.bool_), new_events)

    def _put(self, key: SeriesKey, ts: int, row: Row) -> bool:
        rows = self._series.setdefault(key, {})
        known = rows.get(ts)
        rows[ts] = row if known is None else max(known, row)
        return known is None

    def _put_event(self, event: DeviceEvent) -> bool:
        key = (event.device, event.ts, event.kind, event.code)
        known = self._events.get(key)
        self._events[key] = event.text if known is None else max(known, event.text)
        return known is None

    def progress(self) -> list[Progress]:
        with self._lock:
            return list(self._progress.values())

    def read(self, keys: Sequence[SeriesKey], start: int, end: int) -> dict[SeriesKey, Points]:
        with self._lock:
            return {key: self._points(key, start, end) for key in keys}

    def _points(self, key: SeriesKey, start: int, end: int) -> Points:
        rows = self._series.get(key, {})
        times = sorted(ts for ts in rows if start <= ts < end)
        return Points(
            np.array(times, np.int64),
            np.array([rows[ts][2] for ts in times], np.float64),
            np.array([rows[ts][3] for ts in times], np.uint8),
        )

    def history(self, key: SeriesKey, start: int, end: int) -> Iterator[ReadingBatch]:
        with self._lock:
            rows = sorted(
                (ts, *row) for ts, row in self._series.get(key, {}).items() if start <= ts < end
            )
        yield single_series(key, rows)

    def rollups(
        self, keys: Sequence[SeriesKey], start: int, end: int, step: int
    ) -> dict[SeriesKey, Rollups]:
        found = self.read(keys, *buckets_between(start, end, step))
        return {key: rolled_up(points, step) for key, points in found.items()}

    def latest(self, devices: Sequence[str]) -> dict[SeriesKey, Latest]:
        wanted = set(devices)
        with self._lock:
            return {
                key: Latest(max(rows), rows[max(rows)][2])
                for key, rows in self._series.items()
                if key.device in wanted
            }

    def series(self) -> list[SeriesKey]:
        with self._lock:
            return sorted(self._series)

    def events(
        self, devices: Sequence[str], start: int, end: int, kind: str = "event"
    ) -> list[DeviceEvent]:
        wanted = set(devices)
        with self._lock:
            found = [
                DeviceEvent(device, ts, of_kind, code, text)
                for (device, ts, of_kind, code), text in self._events.items()
                if device in wanted and of_kind == kind and start <= ts < end
            ]
        return sorted(found, key=lambda event: (event.ts, event.device, event.code))

    def span(self) -> tuple[int, int] | None:
        with self._lock:
            times = [ts for rows in self._series.values() for ts in rows]
        return (min(times), max(times)) if times else None

    def touched(self, since: int) -> Touched:
        with self._lock:
            hours = {key for key, commit in self._touches.items() if commit > since}
            return Touched(self._commits, frozenset(hours))

    def seal(self, min_rows: int = 1) -> int:
        return 0

    def prune(self, default: Cutoff, own: Mapping[SeriesKey, Cutoff] = NOTHING_OWN) -> None:
        with self._lock:
            for key, rows in list(self._series.items()):
                before = own.get(key, default).readings
                kept = {ts: row for ts, row in rows.items() if ts >= before}
                if kept:
                    self._series[key] = kept
                else:
                    del self._series[key]
            self._events = {
                key: text for key, text in self._events.items() if key[1] >= default.readings
            }

    def close(self) -> None:
        pass


class MemoryWaveformStore:
    """The plainest waveform store: one dictionary. A waveform counts as large as its samples."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: dict[WaveformKey, tuple[Waveform, WaveformState, str]] = {}

    def add(self, waveforms: Sequence[Waveform]) -> list[bool]:
        with self._lock:
            return [self._put(one) for one in waveforms]

    def _put(self, waveform: Waveform) -> bool:
        known = self._kept.get(waveform.key)
        if known is None or wins(waveform, known[0]):
            self._kept[waveform.key] = (waveform, WaveformState.PENDING, "")
        return known is None

    def find(
        self, device: str, quantity: str, start: int, end: int, limit: int = 1000
    ) -> list[WaveformInfo]:
        with self._lock:
            found = [
                WaveformInfo(key, w.rate, w.unit, len(w.samples), w.speed, state, error)
                for key, (w, state, error) in self._kept.items()
                if key.device == device and quantity in ("", key.quantity) and start <= key.ts < end
            ]
        return sorted(found, key=lambda info: (-info.key.ts, info.key.quantity))[:limit]

    def get(self, key: WaveformKey) -> Waveform:
        with self._lock:
            if key not in self._kept:
                raise NotFound(
                    "error.not_found", f"no waveform {key}", kind="waveform", id=f"{key.ts}"
                )
            return self._kept[key][0]

    def pending(self, limit: int) -> list[Waveform]:
        with self._lock:
            found = [w for w, state, _ in self._kept.values() if state is WaveformState.PENDING]
        return sorted(found, key=lambda one: one.ts)[:limit]

    def done(self, waveforms: Sequence[Waveform], error: str = "") -> None:
        state = WaveformState.FAILED if error else WaveformState.DONE
        with self._lock:
            for one in waveforms:
                known = self._kept.get(one.key)
                if known is not None and not wins(known[0], one):
                    self._kept[one.key] = (known[0], state, error)

    def prune(self, before: int, limit_bytes: int = 0) -> int:
        with self._lock:
            newest: dict[tuple[str, str], int] = {}
            for device, quantity, ts in self._kept:
                newest[device, quantity] = max(ts, newest.get((device, quantity), ts))
            size = sum(one.samples.nbytes for one, _, _ in self._kept.values())
            removed = 0
            for key in sorted(self._kept, key=lambda key: key.ts):
                too_much = bool(limit_bytes) and size > limit_bytes
                if key.ts < newest[key.device, key.quantity] and (key.ts < before or too_much):
                    size -= self._kept.pop(key)[0].samples.nbytes
                    removed += 1
            return removed

    def close(self) -> None:
        pass
