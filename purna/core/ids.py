"""Ids that sort by the time they were made, given as an argument wherever one is needed."""

from __future__ import annotations

import secrets
from typing import Protocol

from purna.core.clock import Clock

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford base 32: no i, l, o, u to misread


class IdFactory(Protocol):
    """Makes ids that are unique and sort in the order they were made."""

    def new(self, prefix: str) -> str:
        """A new id, for example ``ord_01j9…`` for prefix ``ord``."""
        ...


class TimeOrderedIds:
    """48 bits of milliseconds and 50 random bits, in base 32."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def new(self, prefix: str) -> str:
        millis = self._clock.now() // 1000
        return f"{prefix}_{_base32(millis, 10)}{_base32(secrets.randbits(50), 10)}"


class SequentialIds:
    """``ord_000001``, ``ord_000002`` …: for tests, where an id must be foreseeable."""

    def __init__(self) -> None:
        self._last: dict[str, int] = {}

    def new(self, prefix: str) -> str:
        self._last[prefix] = self._last.get(prefix, 0) + 1
        return f"{prefix}_{self._last[prefix]:06d}"


def _base32(number: int, digits: int) -> str:
    out = []
    for _ in range(digits):
        number, rest = divmod(number, 32)
        out.append(_ALPHABET[rest])
    return "".join(reversed(out))
