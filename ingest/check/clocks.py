"""What the times in a device's messages say of its clock, beside the times of their arrival. Pure.

A reading may be old when it comes: it waited in a buffer. So a clock is judged only by *live*
stretches, where the device's time and ours go at the same pace; while a buffer empties, the
device's goes faster. In a stretch, the offset (device's time less ours) is the largest one: what
delays a message can only make it smaller.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from statistics import correlation, linear_regression, median
from typing import NamedTuple

from ingest.check.findings import Findings
from ingest.check.observations import Published
from purna.core.clock import SECOND

STRETCH_US, STRETCH_COUNT = 5 * SECOND, 3
PACE = (0.7, 1.4)
JUMP_US = 5 * SECOND
AHEAD_US, BEHIND_US = 5 * SECOND, 600 * SECOND
DRIFT_PPM, DRIFT_US = 100.0, SECOND // 4
DRIFT_SPAN_US, DRIFT_STRETCHES = 60 * SECOND, 5
STRAIGHT = 0.9
"""Share of the offsets' variance that a drift must explain: a clock that is set once is none."""


class Stretch(NamedTuple):
    """A live stretch: when, the offset in micros, and its first message."""

    at: int
    offset: int
    first: Published


class Clocks:
    """Watches the clock of one device."""

    def __init__(self, findings: Findings) -> None:
        self._findings = findings
        self._open: list[tuple[int, int, Published]] = []  # arrival, device's time
        self.stretches: list[Stretch] = []

    def telemetry(self, seen: Published, newest: int) -> None:
        """``newest`` is the youngest time in the message (micros)."""
        if self._open:
            at, ts, _ = self._open[-1]
            if abs((newest - ts) - (seen.at - at)) > JUMP_US:
                self._open = []
        self._open.append((seen.at, newest, seen))
        first_at, first_ts, first = self._open[0]
        span = newest - first_ts
        if span < STRETCH_US or len(self._open) < STRETCH_COUNT:
            return
        if PACE[0] <= (seen.at - first_at) / span <= PACE[1]:
            offset = max(ts - at for at, ts, _ in self._open)
            self.stretches.append(Stretch((first_at + seen.at) // 2, offset, first))
        self._open = [self._open[-1]]

    def end(self) -> None:
        """Judge the clock."""
        if not self.stretches:
            return
        for before, after in pairwise(self.stretches):
            step = after.offset - before.offset
            # A clock that drifts a lot has moved while it was not seen, too.
            if abs(step) > JUMP_US + (after.at - before.at) // 500:
                self._findings.note("clock.jump", after.first, "ts", seconds=step / SECOND)
                return
        offset = median(stretch.offset for stretch in self.stretches)
        if offset > AHEAD_US or offset < -BEHIND_US:
            first = self.stretches[0].first
            self._findings.note("clock.off", first, "ts", seconds=offset / SECOND)
        self._check_drift()

    def _check_drift(self) -> None:
        span = self.stretches[-1].at - self.stretches[0].at
        if len(self.stretches) < DRIFT_STRETCHES or span < DRIFT_SPAN_US:
            return
        slope, straight = fit([s.at for s in self.stretches], [s.offset for s in self.stretches])
        ppm = slope * 1e6
        if straight > STRAIGHT and abs(slope) * span > DRIFT_US and abs(ppm) > DRIFT_PPM:
            self._findings.note("clock.drift", self.stretches[-1].first, "ts", ppm=ppm)


def fit(x: Sequence[float], y: Sequence[float]) -> tuple[float, float]:
    """Slope of the least-squares line and its coefficient of determination (0 to 1)."""
    slope, _ = linear_regression(x, y)
    straight = correlation(x, y) ** 2 if min(y) < max(y) else 0.0
    return slope, straight
