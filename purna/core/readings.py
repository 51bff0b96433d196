"""Readings: what devices send and stores keep.

A reading is one value of one quantity of one device at one time. Two readings with the same
(device, quantity, ts) are the same measurement sent twice; the one with the higher
(boot, seq, value) wins, in whatever order they arrive, so merging is commutative.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import IntEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Int64 = NDArray[np.int64]
Float64 = NDArray[np.float64]
UInt8 = NDArray[np.uint8]
Int32 = NDArray[np.int32]


class Quality(IntEnum):
    """What the platform thinks of a stored reading. Models use GOOD only."""

    GOOD = 0
    SUSPECT = 1  # outside the quantity's plausible range, or flagged so by the device
    BAD = 2  # flagged bad by the device: kept for people, never used


class SeriesKey(NamedTuple):
    """The two names of a time series."""

    device: str
    quantity: str


@dataclass(frozen=True, slots=True)
class Telemetry:
    """One decoded telemetry message, before it is checked and stored.

    ``rows`` holds ``(ts micros, {quantity: value})``. ``boot`` and ``seq`` are ``""`` and ``-1``
    when the device does not number its messages: then there are no gaps to find and no ``ack``.
    """

    device: str
    rows: Sequence[tuple[int, Mapping[str, float]]]
    boot: str = ""
    seq: int = -1
    units: Mapping[str, str] = field(default_factory=dict)
    quality: Mapping[str, int] = field(default_factory=dict)


EVENT_KINDS = ("event", "status", "quality", "platform")


@dataclass(frozen=True, slots=True)
class DeviceEvent:
    """Something a device said that is no measurement.

    ``kind`` is ``event`` (an error or state code raised by the device) or ``status``
    (it came online, went offline, restarted with new firmware; ``code`` is then
    ``online`` or ``offline`` and ``text`` the firmware version).
    Two kinds are what the platform noticed itself: ``quality`` (a sensor or a clock that can't be
    believed, see :mod:`ingest.sensors`) and ``platform`` (the device sent too much).
    The same (device, ts, kind, code) sent twice is one event.
    """

    device: str
    ts: int
    kind: str
    code: str
    text: str = ""


@dataclass(frozen=True, slots=True)
class ReadingBatch:
    """Readings as columns of equal length *n*, ready to be stored in one commit.

    ``index[i]`` is the position of row *i*'s series in ``series``; ``origin[i]`` the position of
    its boot in ``boots``; ``seq`` is -1 where the device sent none. ``ts`` is micros UTC, ``value``
    is in the catalogue's unit. Rows need no order.
    """

    series: Sequence[SeriesKey]
    index: Int32
    ts: Int64
    value: Float64
    quality: UInt8
    boots: Sequence[str]
    origin: Int32
    seq: Int64

    def __len__(self) -> int:
        return len(self.ts)

    def rows(self, which: slice | NDArray[np.intp]) -> ReadingBatch:
        """Some of the rows, with the names of all."""
        columns = ("index", "ts", "value", "quality", "origin", "seq")
        return replace(self, **{name: getattr(self, name)[which] for name in columns})

    @classmethod
    def of(cls, messages: Iterable[Telemetry]) -> ReadingBatch:
        """Columns from checked messages; ``quality`` of a message is by quantity, default GOOD."""
        series: dict[SeriesKey, int] = {}
        boots: dict[str, int] = {}
        index: list[int] = []
        ts: list[int] = []
        value: list[float] = []
        quality: list[int] = []
        origin: list[int] = []
        seq: list[int] = []
        for message in messages:
            device, flags = message.device, message.quality
            boot = boots.setdefault(message.boot, len(boots))
            before = len(ts)
            for at, values in message.rows:
                for quantity, number in values.items():
                    index.append(series.setdefault(SeriesKey(device, quantity), len(series)))
                    ts.append(at)
                    value.append(number)
                    quality.append(flags.get(quantity, 0))
            count = len(ts) - before
            origin.extend([boot] * count)
            seq.extend([message.seq] * count)
        return cls(
            series=tuple(series),
            index=np.array(index, np.int32),
            ts=np.array(ts, np.int64),
            value=np.array(value, np.float64),
            quality=np.array(quality, np.uint8),
            boots=tuple(boots),
            origin=np.array(origin, np.int32),
            seq=np.array(seq, np.int64),
        )


@dataclass(frozen=True, slots=True)
class Points:
    """One series over a stretch of time: strictly increasing ``ts``, duplicates already merged."""

    ts: Int64
    value: Float64
    quality: UInt8

    def __len__(self) -> int:
        return len(self.ts)

    @classmethod
    def empty(cls) -> Points:
        return cls(np.empty(0, np.int64), np.empty(0, np.float64), np.empty(0, np.uint8))


@dataclass(frozen=True, slots=True)
class Gap:
    """Messages of a device that should have come and did not: numbers ``first..last`` of a boot.

    ``missing`` of them are still missing. ``opened`` is when the gap was named (micros), ``closed``
    when the last of them came, or when they were given up (then some are still missing); None
    while it is open. A gap is named once by (device, boot, first).
    """

    device: str
    boot: str
    first: int
    last: int
    missing: int
    opened: int
    closed: int | None = None


@dataclass(frozen=True, slots=True)
class Rejected:
    """A message that was set aside: ``code`` and ``hint`` say why and what to do about it.

    ``whole`` is false where only a part of the payload was kept: it can't be taken in again.
    """

    received: int
    topic: str
    payload: bytes
    code: str
    hint: str
    device: str = ""
    field: str = ""
    content_type: str = ""
    whole: bool = True
