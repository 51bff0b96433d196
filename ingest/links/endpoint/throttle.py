"""How long somebody who does wrong waits for his next answer. Pure."""

from __future__ import annotations

from collections import OrderedDict

FIRST_S, LONGEST_S, FORGOTTEN_S = 0.1, 5.0, 60.0
REMEMBERED = 10_000


class Throttle:
    """Each failure of one name doubles its pause; a quiet minute forgets it."""

    def __init__(self) -> None:
        self._failures: OrderedDict[str, tuple[int, float]] = OrderedDict()

    def failed(self, name: str, now: float) -> float:
        """Note a failure; seconds to wait because of it."""
        count = self._count(name, now) + 1
        self._failures[name] = count, now
        self._failures.move_to_end(name)
        if len(self._failures) > REMEMBERED:
            self._failures.popitem(last=False)
        return self.pause(name, now)

    def pause(self, name: str, now: float) -> float:
        """Seconds to wait because of earlier failures; 0 where there are none."""
        count = self._count(name, now)
        return min(FIRST_S * 2.0 ** min(count - 1, 16), LONGEST_S) if count else 0.0

    def _count(self, name: str, now: float) -> int:
        count, last = self._failures.get(name, (0, now))
        return count if now - last <= FORGOTTEN_S else 0
