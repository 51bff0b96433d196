"""Reduces a series to what a screen can show without losing an extreme. Pure."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from purna.core.readings import Float64, Int64, Points


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
