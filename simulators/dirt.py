"""What goes wrong between a sensor and the platform, at named odds.

Readings go missing; messages come late, twice, or after a younger one. None of this may change
what the platform ends up with, except that a missing reading is missing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from simulators.machines.machine import Array

T = TypeVar("T")
Draws = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Odds:
    """Probabilities: ``missing`` per reading, the others per message."""

    missing: float = 0.002
    late: float = 0.004
    doubled: float = 0.004
    swapped: float = 0.004
    late_ticks: int = 12
    """The longest delay of a late message, in ticks of the fleet."""


CLEAN = Odds(0.0, 0.0, 0.0, 0.0)


def lose(values: Array, draws: Array, odds: Odds) -> Array:
    """``values`` with NaN for every reading that went missing; both (…, quantity)."""
    return np.where(draws < odds.missing, np.nan, values)


def delay(items: Iterable[tuple[T, Draws]], odds: Odds) -> tuple[list[T], list[tuple[int, T]]]:
    """What is sent now, and ``(delay in ticks, item)`` of what is sent later.

    ``items`` come with four uniform draws each: for late, doubled, swapped, and for how late.
    """
    now: list[T] = []
    later: list[tuple[int, T]] = []
    for item, (late, _, _, how_late) in items:
        if late < odds.late:
            later.append((1 + int(how_late * odds.late_ticks), item))
        else:
            now.append(item)
    return now, later


def shuffle(items: Iterable[tuple[T, Draws]], odds: Odds) -> list[T]:
    """The items in the order in which they arrive: some twice, some before an older one."""
    arrived: list[T] = []
    for item, (_, doubled, swapped, _) in items:
        place = len(arrived) - 1 if swapped < odds.swapped and arrived else len(arrived)
        arrived.insert(place, item)
        if doubled < odds.doubled:
            arrived.append(item)
    return arrived
