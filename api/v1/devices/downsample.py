"""Reduces a series to what a screen can show without losing an extreme."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from purna.core.clock import HOUR
from purna.core.ports import ReadingStore
from purna.core.readings import Float64, Int64, Points, SeriesKey
from purna.core.rollups import Rollups, combined

MOST_POINTS = 1_000_000
"""More readings than this are not read for a picture: their hourly roll-ups show the same."""


class Reduced(NamedTuple):
    """Columns of equal length. ``step`` (micros) is the buckets' width, 0 for raw points.

    ``ts`` (micros) is where a bucket begins, or the time of a raw point.
    """

    step: int
    ts: Int64
    low: Float64
    mean: Float64
    high: Float64


def downsample(points: Points, start: int, end: int, limit: int) -> Reduced:
    """At most ``limit`` rows for the points in ``start <= ts < end`` (micros).

    Points that fit stay as they are. Otherwise the stretch is cut into ``limit`` equal buckets and
    each that has points gives their minimum, mean and maximum; an empty one gives nothing, so a
    gap stays a gap.
    """
    if len(points) <= limit:
        return Reduced(0, points.ts, points.value, points.value, points.value)
    step = -(-(end - start) // limit)
    bucket = (points.ts - start) // step
    first = np.flatnonzero(np.diff(bucket, prepend=-1))
    low = np.minimum.reduceat(points.value, first)
    high = np.maximum.reduceat(points.value, first)
    count = np.diff(first, append=len(points))
    # A sum of many values may round to a mean just outside of them.
    mean = np.clip(np.add.reduceat(points.value, first) / count, low, high)
    return Reduced(step, start + bucket[first] * step, low, mean, high)


def reduced_series(
    store: ReadingStore, key: SeriesKey, start: int, end: int, limit: int
) -> Reduced:
    """At most ``limit`` rows for one series in ``start <= ts < end`` (micros).

    From the readings; from the hourly roll-ups where buckets are at least that wide and there are
    too many readings, or no longer all of them. Roll-ups know good readings only.
    """
    if limit > 1 and end - start >= limit * HOUR:
        rollups = store.rollups([key], start // HOUR * HOUR, end, HOUR)[key]
        whole = rollups.between(-(-start // HOUR) * HOUR, end // HOUR * HOUR)
        known = int(whole.count.sum())
        points = store.read([key], start, end)[key] if known <= MOST_POINTS else None
        if points is None or known > len(points):
            return from_rollups(rollups, start, end, limit)
    else:
        points = store.read([key], start, end)[key]
    return downsample(points, start, end, limit)


def from_rollups(rollups: Rollups, start: int, end: int, limit: int) -> Reduced:
    """At most ``limit`` rows (two or more) from hourly roll-ups; buckets are some whole hours."""
    step = -(-(end - start) // ((limit - 1) * HOUR)) * HOUR
    wide = combined([rollups], step)
    mean = np.clip(wide.mean, wide.low, wide.high)
    return Reduced(step, np.maximum(wide.ts, start), wide.low, mean, wide.high)
