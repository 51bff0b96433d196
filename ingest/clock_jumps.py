"""Notices when the computer's clock is set, so that good readings are not refused for it. Pure.

A clock that jumps was wrong before or is wrong now, and nobody here knows which. For a while after
a jump both times are believed: what lies in the past or future of only one of them is taken.
"""

from __future__ import annotations

from ingest.quality import TimeWindow
from purna.core.clock import SECOND

JUMP = 30 * SECOND
"""A difference larger than this to the time that has really passed is a jump."""

DOUBT_S = 3600.0
"""So long both times are believed."""


class ClockJumps:
    """Compares the wall clock with the monotonic one; asked about once a group."""

    def __init__(self) -> None:
        self._last: tuple[int, float] | None = None
        self._before: list[tuple[int, float]] = []  # how far off earlier clocks are, until when

    def look(self, wall: int, monotonic: float) -> int:
        """The jump (micros, + is forward) since the last look, or 0."""
        last, self._last = self._last, (wall, monotonic)
        self._before = [(off, until) for off, until in self._before if monotonic < until]
        if last is None:
            return 0
        jump = wall - last[0] - round((monotonic - last[1]) * SECOND)
        if abs(jump) <= JUMP:
            return 0
        self._before = [(off - jump, until) for off, until in self._before]
        self._before.append((-jump, monotonic + DOUBT_S))
        return jump

    def widened(self, times: TimeWindow) -> TimeWindow:
        """The times that are believed, by this clock or one that was in force a while ago."""
        offs = [0, *(off for off, _ in self._before)]
        oldest = times.oldest + min(offs) if times.oldest > -(2**63) else times.oldest
        return TimeWindow(times.now, oldest, times.newest + max(offs))
