"""What goes wrong between a sensor and the platform, at named odds.

Readings go missing; messages come late, twice, or after a younger one. None of this may change
what the platform ends up with, except that a missing reading is missing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulators.encode import Message
from simulators.machines.machine import Array


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


def disorder(
    messages: Iterable[tuple[Message, NDArray[np.float64]]], odds: Odds
) -> tuple[list[Message], list[tuple[int, Message]]]:
    """What arrives now, in the order of arrival, and what arrives later.

    Parameters
    ----------
    messages
        Each with four uniform draws: for late, doubled, swapped, and for how late.

    Returns
    -------
    The messages that arrive now, and ``(delay in ticks, message)`` of the late ones.
    """
    now: list[Message] = []
    later: list[tuple[int, Message]] = []
    for message, (late, doubled, swapped, delay) in messages:
        if late < odds.late:
            later.append((1 + int(delay * odds.late_ticks), message))
            continue
        place = len(now) - 1 if swapped < odds.swapped and now else len(now)
        now.insert(place, message)
        if doubled < odds.doubled:
            now.append(message)
    return now, later
