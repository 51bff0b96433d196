"""Roll-ups: what the readings of a series were like in each minute, hour or day. Pure.

They are made of GOOD readings only; a bucket without one is not there. Counts, extremes, first and
last value are exact. ``mean`` and ``m2`` are found in two passes (first the mean, then the
deviations from it), so they hold where the mean is far larger than the spread. How the readings
were cut into parts on the way changes them by rounding only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from purna.core.clock import DAY, HOUR, MINUTE
from purna.core.readings import Float64, Int64, Points, Quality

STEPS = (MINUTE, HOUR, DAY)
"""The widths of buckets that every store answers, in micros. Buckets begin at multiples (UTC)."""


@dataclass(frozen=True, slots=True)
class Rollups:
    """One series in buckets of equal width: columns of equal length, strictly increasing ``ts``.

    ``ts`` is where a bucket begins (micros), ``count`` how many readings it holds (at least one),
    ``m2`` the sum of the squared deviations from ``mean`` (infinite beyond 1e308), ``first`` and
    ``last`` the values that come first and last by event time.
    """

    ts: Int64
    count: Int64
    mean: Float64
    m2: Float64
    low: Float64
    high: Float64
    first: Float64
    last: Float64

    def __len__(self) -> int:
        return len(self.ts)

    @property
    def columns(self) -> tuple[NDArray[Any], ...]:
        """All columns, in the order of the fields."""
        return tuple(getattr(self, field.name) for field in fields(self))

    @property
    def total(self) -> Float64:
        """The sum of the values."""
        return self.mean * self.count

    @property
    def sum_squares(self) -> Float64:
        """The sum of the squared values; a variance is ``m2 / count``, not made from this."""
        squares: Float64 = self.m2 + self.count * self.mean**2
        return squares

    def between(self, start: int, end: int) -> Rollups:
        """The buckets that begin at ``start <= ts < end``."""
        part = slice(*np.searchsorted(self.ts, (start, end)))
        return Rollups(*(column[part] for column in self.columns))


NO_ROLLUPS = Rollups(
    np.empty(0, np.int64),
    np.empty(0, np.int64),
    *(np.empty(0, np.float64) for _ in range(6)),
)


def rolled_up(points: Points, step: int) -> Rollups:
    """The GOOD ones of ``points`` in buckets of ``step`` micros."""
    ts, value = points.ts, points.value
    good = points.quality == Quality.GOOD
    if not good.all():
        ts, value = ts[good], value[good]
    single = np.ones(len(ts), np.int64), value, np.zeros(len(ts)), value, value, value, value
    return _put_together(Rollups(ts, *single), step)


def combined(parts: Sequence[Rollups], step: int) -> Rollups:
    """Parts that follow one another in time, in wider buckets of ``step`` micros.

    The end of one part and the beginning of the next may be the same bucket.
    """
    filled = [part.columns for part in parts if len(part)]
    if not filled:
        return NO_ROLLUPS
    return _put_together(Rollups(*map(np.concatenate, zip(*filled, strict=True))), step)


def buckets_between(start: int, end: int, step: int) -> tuple[int, int]:
    """The stretch of time that the buckets with ``start <= ts < end`` cover."""
    if step not in STEPS:
        raise ValueError(f"roll-ups come in steps of {STEPS}, not {step}")
    return -(-start // step) * step, -(-end // step) * step


def _put_together(parts: Rollups, step: int) -> Rollups:
    if not len(parts):
        return NO_ROLLUPS
    ts = parts.ts // step * step
    begins = np.append(True, ts[1:] != ts[:-1])
    first = np.flatnonzero(begins)
    last = np.append(first[1:], len(parts)) - 1
    bucket = np.cumsum(begins) - 1
    count = np.add.reduceat(parts.count, first)
    with np.errstate(over="ignore", invalid="ignore"):
        origin = parts.mean[first]
        mean = origin + np.add.reduceat(parts.count * (parts.mean - origin[bucket]), first) / count
        m2 = np.add.reduceat(parts.m2 + parts.count * (parts.mean - mean[bucket]) ** 2, first)
    return Rollups(
        ts[first],
        count,
        mean,
        m2,
        np.minimum.reduceat(parts.low, first),
        np.maximum.reduceat(parts.high, first),
        parts.first[first],
        parts.last[last],
    )
