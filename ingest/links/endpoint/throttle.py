"""How long a wrong password waits for its answer. Pure."""

from __future__ import annotations

from collections import OrderedDict

FIRST_S, LONGEST_S, FORGOTTEN_S = 0.1, 5.0, 60.0
ADDRESSES = 10_000


class Throttle:
    """Each failure of an address doubles the pause before the next; a quiet minute forgets it.

    Only failures wait, so nobody is locked out by a neighbour behind the same address.
    """

    def __init__(self) -> None:
        self._failures: OrderedDict[str, tuple[int, float]] = OrderedDict()

    def failed(self, address: str, now: float) -> float:
        """Note a failure; seconds to wait before answering it."""
        count, last = self._failures.pop(address, (0, now))
        if now - last > FORGOTTEN_S:
            count = 0
        self._failures[address] = count + 1, now
        if len(self._failures) > ADDRESSES:
            self._failures.popitem(last=False)
        return min(FIRST_S * 2.0 ** min(count, 16), LONGEST_S)
