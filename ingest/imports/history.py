"""A recorded history as values: cut it in time, publish it, or load it in bulk.

Every reading, event and replacement stands at the time at which it became known, so cutting at a
time never lets anything of the future through.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import msgspec
import numpy as np
from numpy.typing import NDArray

from ingest.imports.report import FileReport
from purna.core.catalogue import Product
from purna.core.clock import MINUTE, SECOND
from purna.core.devices import Customer, Device, Maintenance, Site
from purna.core.readings import DeviceEvent, Quality, ReadingBatch, SeriesKey

Int64 = NDArray[np.int64]
Float64 = NDArray[np.float64]

BOOT = "import"
"""What is loaded in bulk counts as sent in one boot, numbered from 1 for each device."""

VALUES_PER_MESSAGE = 256
"""A quarter of the contract's limit: small enough for brokers that take 20 KB, and for the
fast way through the decoder."""

_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class Track:
    """All readings of one device.

    ``ts`` (row,) increases strictly; ``values`` (row, quantity) has NaN where there is none;
    ``seq`` (row,) is the number of the message that carries the row.
    """

    ts: Int64
    values: Float64
    seq: Int64

    @classmethod
    def of(cls, ts: Int64, values: Float64, step: int) -> Track:
        """Number the rows: a message per grid step of ``step`` micros, more when it is full."""
        limit = max(1, VALUES_PER_MESSAGE // max(1, values.shape[1]))
        steps = ts // step
        first = np.concatenate([[True], np.diff(steps) > 0])[: len(ts)]
        begin = np.maximum.accumulate(np.where(first, np.arange(len(ts)), 0))
        starts = first | ((np.arange(len(ts)) - begin) % limit == 0)
        return cls(ts, values, np.cumsum(starts).astype(np.int64))

    def between(self, start: int, end: int) -> Track:
        a, b = np.searchsorted(self.ts, [start, end])
        return Track(self.ts[a:b], self.values[a:b], self.seq[a:b])


@dataclass(frozen=True, slots=True)
class History:
    """What was recorded of some devices of one product.

    ``quantities`` names the columns of every track; events are sorted by (ts, device, code),
    maintenance by (known_at, device, component).
    """

    product: Product
    devices: Sequence[Device]
    quantities: Sequence[str]
    tracks: Mapping[str, Track]
    events: Sequence[DeviceEvent]
    maintenance: Sequence[Maintenance]
    files: Sequence[FileReport] = ()

    @property
    def step(self) -> int:
        """Length of a grid step in micros."""
        return self.product.step_minutes * MINUTE

    @property
    def readings(self) -> int:
        return sum(int(np.isfinite(track.values).sum()) for track in self.tracks.values())

    def sites(self) -> list[Site]:
        return sorted({device.site.id: device.site for device in self.devices}.values(),
                      key=lambda site: site.id)  # fmt: skip

    def customers(self) -> list[Customer]:
        return sorted({site.customer.id: site.customer for site in self.sites()}.values(),
                      key=lambda customer: customer.id)  # fmt: skip

    def span(self) -> tuple[int, int]:
        """First and last time of any reading, event or maintenance; (0, 0) when empty."""
        times = [int(t.ts[i]) for t in self.tracks.values() if len(t.ts) for i in (0, -1)]
        times += [event.ts for event in self.events]
        times += [record.known_at for record in self.maintenance]
        return (min(times), max(times)) if times else (0, 0)

    def until(self, ts: int) -> History:
        """What was known before ``ts`` (micros)."""
        return self._between(-(2**62), ts)

    def after(self, ts: int) -> History:
        """What became known at ``ts`` or later; ``until`` and ``after`` share nothing."""
        return self._between(ts, 2**62)

    def _between(self, start: int, end: int) -> History:
        return replace(
            self,
            tracks={d: track.between(start, end) for d, track in self.tracks.items()},
            events=[event for event in self.events if start <= event.ts < end],
            maintenance=self.maintenance_between(start, end),
        )

    def maintenance_between(self, start: int, end: int) -> list[Maintenance]:
        """What became known with ``start <= known_at < end``."""
        return [record for record in self.maintenance if start <= record.known_at < end]

    def messages(self, start: int, end: int) -> Iterator[tuple[int, str, bytes]]:
        """``(ts, topic, payload)`` of the firmware contract with ``start <= ts < end``.

        In the order in which a device could have sent them: a message has the time of its newest
        row. Telling it again from the same ``start`` gives the same messages; another ``start``
        is another boot, so that what was left out in between is no gap.
        """
        boot = f"{BOOT}-{start // SECOND}"
        tracks = {d: track.between(start, end) for d, track in self.tracks.items()}
        names = sorted(tracks)
        bounds = [_message_bounds(tracks[name]) for name in names]
        device = np.repeat(np.arange(len(names)), [len(last) for _, last in bounds])
        first = _joined([first for first, _ in bounds])
        last = _joined([last for _, last in bounds])
        ts = _joined([tracks[n].ts[end] for n, (_, end) in zip(names, bounds, strict=True)])
        events = iter([event for event in self.events if start <= event.ts < end])
        event = next(events, None)
        for i in np.lexsort((device, ts)):
            while event is not None and event.ts <= ts[i]:
                yield _event_message(event)
                event = next(events, None)
            name = names[device[i]]
            yield (
                int(ts[i]),
                *self._telemetry(name, boot, tracks[name], int(first[i]), int(last[i])),
            )
        while event is not None:
            yield _event_message(event)
            event = next(events, None)

    def batches(self, rows: int = 20_000) -> Iterator[ReadingBatch]:
        """The readings in commits of about ``rows`` rows, for loading a store without MQTT.

        They equal what :meth:`messages` carries, so doing both leaves one of each.
        """
        waiting: list[tuple[str, Track]] = []
        count = 0
        for name, track in self.tracks.items():
            for at in range(0, len(track.ts), rows):
                to = at + rows
                part = Track(track.ts[at:to], track.values[at:to], track.seq[at:to])
                waiting.append((name, part))
                count += len(part.ts)
                if count >= rows:
                    yield self._batch(waiting)
                    waiting, count = [], 0
        if waiting:
            yield self._batch(waiting)

    def _telemetry(
        self, device: str, boot: str, track: Track, first: int, last: int
    ) -> tuple[str, bytes]:
        rows = [
            (_millis(ts), {q: v for q, v in zip(self.quantities, row, strict=True) if v == v})
            for ts, row in zip(
                track.ts[first : last + 1].tolist(),
                track.values[first : last + 1].tolist(),
                strict=True,
            )
        ]
        body: dict[str, object] = {"boot": boot, "seq": int(track.seq[first])}
        if len(rows) == 1:
            body["ts"], body["m"] = rows[0]
        else:
            body["r"] = rows
        return f"purna/v1/{device}/telemetry", _encode(body)

    def _batch(self, parts: Sequence[tuple[str, Track]]) -> ReadingBatch:
        series: list[SeriesKey] = []
        columns: list[tuple[Int64, Int64, Float64, Int64]] = []
        low, high = self._ranges()
        quality: list[NDArray[np.uint8]] = []
        for device, track in parts:
            row, quantity = np.nonzero(np.isfinite(track.values))
            value = track.values[row, quantity]
            columns.append((quantity + len(series), track.ts[row], value, track.seq[row]))
            outside = (value < low[quantity]) | (value > high[quantity])
            quality.append(np.where(outside, Quality.SUSPECT, Quality.GOOD).astype(np.uint8))
            series += [SeriesKey(device, name) for name in self.quantities]
        index, ts, value, seq = (np.concatenate(column) for column in zip(*columns, strict=True))
        return ReadingBatch(
            series=tuple(series),
            index=index.astype(np.int32),
            ts=ts,
            value=value,
            quality=np.concatenate(quality),
            boots=(BOOT,),
            origin=np.zeros(len(ts), np.int32),
            seq=seq,
        )

    def _ranges(self) -> tuple[Float64, Float64]:
        known = [self.product.quantity(name) for name in self.quantities]
        low = [q.low if q else -np.inf for q in known]
        high = [q.high if q else np.inf for q in known]
        return np.array(low, float), np.array(high, float)


def _message_bounds(track: Track) -> tuple[Int64, Int64]:
    """First and last row of each message."""
    starts = np.flatnonzero(np.diff(track.seq, prepend=-1))
    ends = np.append(starts[1:], len(track.ts)) - 1 if len(starts) else starts
    return starts, ends


def _joined(arrays: Sequence[Int64]) -> Int64:
    return np.concatenate([np.empty(0, np.int64), *arrays])


def _event_message(event: DeviceEvent) -> tuple[int, str, bytes]:
    body = {"ts": _millis(event.ts), "code": event.code, "text": event.text}
    return event.ts, f"purna/v1/{event.device}/event", _encode(body)


def _millis(ts: int) -> int | float:
    whole, rest = divmod(ts, 1000)
    return whole if rest == 0 else ts / 1000
