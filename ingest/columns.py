"""From names to columns: what turns many messages into one batch without looking at each value.

Every series and every boot that was seen gets a number, and so does every *shape*: a device with
the names of the values it sent together, in their order. Devices send few shapes over and over, so
that all names of a message are dealt with by one look-up, and the rest is arithmetic on whole
columns.

What is remembered is bounded: :meth:`Columns.full` says when to start over with a new one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ingest.quality import Range, Ranges
from purna.core.readings import Float64, Int32, Int64, Quality, ReadingBatch, SeriesKey, Telemetry

REMEMBERED = 1_000_000
"""Entries after which everything is forgotten: a hundred bytes each."""


class Rows(NamedTuple):
    """The readings of a group as columns: ``message[i]`` is the message that row *i* came in."""

    message: Int64
    series: Int32
    ts: Int64
    value: Float64
    quality: NDArray[np.uint8]
    stream: Int32
    seq: Int64


class Columns:
    """The numbers of series, streams (a boot of a device) and shapes. They only grow."""

    def __init__(self) -> None:
        self.series: list[SeriesKey] = []
        self.boots: list[str] = []  # by stream
        self.devices: list[str] = []  # by stream
        self._series: dict[SeriesKey, int] = {}
        self._streams: dict[tuple[str, str], int] = {}
        self._low = _Growing(np.float64)
        self._high = _Growing(np.float64)
        self._members = _Growing(np.int32)  # the series of all shapes, one after the other
        self._start = _Growing(np.int32)  # by shape
        self._length = _Growing(np.int32)

    @property
    def full(self) -> bool:
        return self._members.size + len(self.boots) > REMEMBERED

    def stream(self, device: str, boot: str) -> int:
        number = self._streams.setdefault((device, boot), len(self.boots))
        if number == len(self.boots):
            self.boots.append(boot)
            self.devices.append(device)
        return number

    def series_of(self, device: str, quantity: str, plausible: Range) -> int:
        """The number of a series; its plausible range is the one given last."""
        key = SeriesKey(device, quantity)
        number = self._series.setdefault(key, len(self.series))
        if number == len(self.series):
            self.series.append(key)
            self._low.append(plausible.low)
            self._high.append(plausible.high)
        self._low.values[number], self._high.values[number] = plausible.low, plausible.high
        return number

    def shape(self, members: Sequence[int]) -> int:
        """A number for series that come together in this order."""
        number = self._start.size
        self._start.append(self._members.size)
        self._length.append(len(members))
        for member in members:
            self._members.append(member)
        return number

    def lengths(self, shape: Int32) -> Int32:
        """How many values each shape has."""
        length: Int32 = self._length.values[shape]
        return length

    def rows(
        self,
        message: Int64,
        ts: Int64,
        shape: Int32,
        value: Float64,
        stream: Int32,
        seq: Int64,
    ) -> Rows:
        """Rows from moments.

        Parameters
        ----------
        message, ts, shape, stream, seq
            By moment: whose it is, its time (micros), which series it has, its numbering.
        value
            All values of all moments, one after the other. Those outside their series' plausible
            range become SUSPECT.
        """
        length = self.lengths(shape)
        before = np.cumsum(length) - length  # values of the moments before
        place = np.repeat(self._start.values[shape] - before, length)
        place += np.arange(len(value))
        index = self._members.values[place]
        outside = value < self._low.values[index]
        outside |= value > self._high.values[index]
        return Rows(
            np.repeat(message, length),
            index,
            np.repeat(ts, length),
            value,
            outside * np.uint8(Quality.SUSPECT),
            np.repeat(stream, length),
            np.repeat(seq, length),
        )

    def rows_of(self, parts: Sequence[tuple[int, Telemetry, Ranges]]) -> Rows:
        """Rows from ``(message, checked telemetry, ranges)``; the way for a few of them."""
        found: list[tuple[int, int, int, float, int, int, int]] = []
        for message, part, ranges in parts:
            device, seq, flags = part.device, part.seq, part.quality
            stream = self.stream(device, part.boot)
            for ts, values in part.rows:
                for quantity, value in values.items():
                    series = self.series_of(device, quantity, ranges[quantity])
                    flag = flags.get(quantity, 0)
                    found.append((message, series, ts, value, flag, stream, seq))
        if not found:
            return NO_ROWS
        columns = zip(*found, strict=True)
        return Rows._make(
            np.array(column, dtype) for column, dtype in zip(columns, _DTYPES, strict=True)
        )

    def batch(self, rows: Rows) -> ReadingBatch:
        """A batch that names its rows; its names are all there are, and grow with every group."""
        return ReadingBatch(
            self.series,
            rows.series,
            rows.ts,
            rows.value,
            rows.quality,
            self.boots,
            rows.stream,
            rows.seq,
        )


_DTYPES = (np.int64, np.int32, np.int64, np.float64, np.uint8, np.int32, np.int64)
NO_ROWS = Rows._make(np.empty(0, dtype) for dtype in _DTYPES)


def joined(*parts: Rows) -> Rows:
    some = [part for part in parts if len(part.ts)] or parts[:1]
    if len(some) == 1:
        return some[0]
    return Rows._make(np.concatenate(columns) for columns in zip(*some, strict=True))


class _Growing:
    """An array to append to; ``values`` may be longer than ``size``."""

    def __init__(self, dtype: type[np.generic]) -> None:
        self.values: NDArray[Any] = np.zeros(64, dtype)
        self.size = 0

    def append(self, value: float) -> None:
        if self.size == len(self.values):
            self.values = np.concatenate([self.values, np.zeros_like(self.values)])
        self.values[self.size] = value
        self.size += 1
