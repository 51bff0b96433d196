"""Time as an argument. Everything in Purna that asks "now" asks a :class:`Clock`.

Times are whole microseconds since 1970-01-01 UTC (``int``), called *micros*.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Protocol

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR


class Clock(Protocol):
    """Tells the present time."""

    def now(self) -> int:
        """Micros since the epoch, UTC."""
        ...


class SystemClock:
    """The computer's own clock."""

    def now(self) -> int:
        return time.time_ns() // 1000


class ManualClock:
    """A clock that stands still until it is moved; for tests, backtests and replays.

    ``speed`` is only told to those who ask how fast time is meant to run.
    """

    def __init__(self, now: int, speed: float = 1.0) -> None:
        self._now = now
        self.speed = speed

    def now(self) -> int:
        return self._now

    def set(self, now: int) -> None:
        self._now = now

    def advance(self, micros: int) -> int:
        self._now += micros
        return self._now


def to_datetime(micros: int) -> datetime:
    return datetime.fromtimestamp(micros / SECOND, tz=UTC)


def to_iso(micros: int) -> str:
    """ISO 8601 in UTC with milliseconds, as the API shows it: ``2026-03-01T06:00:00.000Z``."""
    return to_datetime(micros).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def from_datetime(value: datetime) -> int:
    """Micros of a datetime; one without a zone is taken as UTC."""
    aware = value if value.tzinfo else value.replace(tzinfo=UTC)
    delta = aware - datetime(1970, 1, 1, tzinfo=UTC)
    return (delta.days * 86_400 + delta.seconds) * SECOND + delta.microseconds


def from_iso(text: str) -> int:
    """Micros of an ISO 8601 text; raises ``ValueError`` when it is none."""
    return from_datetime(datetime.fromisoformat(text))
