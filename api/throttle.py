"""Slows down who guesses passwords."""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock
from typing import NamedTuple

from purna.core.clock import HOUR, MINUTE, SECOND


class _Failures(NamedTuple):
    number: int
    last: int


class Throttle:
    """Lets ``free`` attempts pass; from then on each failure doubles the wait before the next.

    An attempt counts as failed until :meth:`succeeded` says otherwise, so attempts made at the
    same time are all counted. At most ``max_keys`` keys are remembered, each for an hour after its
    last attempt; who floods it with keys pushes out the oldest.
    """

    LONGEST_WAIT = 15 * MINUTE
    MEMORY = HOUR

    def __init__(self, free: int, max_keys: int = 10_000) -> None:
        self._free = free
        self._max_keys = max_keys
        self._failures: OrderedDict[str, _Failures] = OrderedDict()
        self._lock = Lock()

    def attempt(self, key: str, now: int) -> int:
        """Counts an attempt at ``now`` (micros): 0, or the seconds to wait when it is too early."""
        with self._lock:
            known = self._failures.get(key, _Failures(0, now))
            if now - known.last > self.MEMORY:
                known = _Failures(0, now)
            ready = known.last + self._wait_after(known.number)
            if now < ready:
                return -(-(ready - now) // SECOND)
            self._failures[key] = _Failures(known.number + 1, now)
            self._failures.move_to_end(key)
            while len(self._failures) > self._max_keys:
                self._failures.popitem(last=False)
            return 0

    def succeeded(self, key: str) -> None:
        """Forgets the failures of ``key``."""
        with self._lock:
            self._failures.pop(key, None)

    def _wait_after(self, failures: int) -> int:
        if failures < self._free:
            return 0
        return min(SECOND << min(failures - self._free, 20), self.LONGEST_WAIT)
