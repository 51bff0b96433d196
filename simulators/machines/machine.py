"""What all simulated machines have in common, in the words of NASA's progpy.

*Inputs* are load and ambient temperature, *states* the wear of each component from 0 (new) to
1 (failed), *outputs* the quantities a device measures. ``event_state`` runs from 1 to 0 and
``threshold_met`` says that it is there.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


class Course(IntEnum):
    """How a component goes from new to failed."""

    WEAR = 0  # slowly from the first day, visible only towards the end
    SUDDEN = 1  # nothing for months, then within days
    SENSOR = 2  # nothing for months, then its readings drift or stand still


@dataclass(frozen=True, slots=True)
class Part:
    """How one component of a machine ages.

    ``life_days`` is the mean life under :attr:`Course.WEAR`, else the mean time until the fault
    begins; ``growth_days`` then leads from there to failure. ``steepness`` shapes the symptoms:
    see :func:`severity`. A failed part with ``stops`` stops the machine. ``code`` is what the
    device's own supervision raises, more and more often, while the symptoms grow.
    """

    component: str
    course: Course
    life_days: float
    code: str
    text: str
    growth_days: float = 0.0
    steepness: float = 14.0
    stops: bool = True


@dataclass(frozen=True, slots=True)
class Conditions:
    """Inputs over a stretch of time, each shaped (time, machine).

    ``load`` 0..1, ``heat`` the load as a thermal mass feels it (lagging), ``ambient`` degC.
    """

    load: Array
    heat: Array
    ambient: Array


@dataclass(frozen=True, slots=True)
class Listening:
    """A waveform that a machine sends, and the bearing that can be heard in it.

    ``bpfo`` and ``bpfi`` are how often a roller passes a spall on the outer and the inner ring
    per turn; ``ringing`` is the frequency in Hz at which the housing then rings.
    """

    quantity: str
    bpfo: float
    bpfi: float
    ringing: float


class MachineType(Protocol):
    """A kind of machine: its parts, its quantities, and how wear shows in them.

    ``sensor`` is the quantity that the replaceable sensor measures, ``drift`` how far that sensor
    is off when it counts as failed; ``noise`` is the standard deviation of measuring by quantity.
    All in the quantities' units. ``listening`` is the waveform it sends, if any.
    """

    product: ClassVar[str]
    prefix: ClassVar[str]
    quantities: ClassVar[tuple[str, ...]]
    parts: ClassVar[tuple[Part, ...]]
    sensor: ClassVar[str]
    drift: ClassVar[float]
    noise: ClassVar[tuple[float, ...]]
    listening: ClassVar[Listening | None]

    def outputs(self, at: Conditions, symptoms: Array, spread: Array) -> Array:
        """True values of a running machine.

        Parameters
        ----------
        at
            Inputs, (time, machine).
        symptoms
            Severity 0..1 by part, (time, machine, part).
        spread
            Standard normal machine-to-machine differences by quantity, (machine, quantity).

        Returns
        -------
        (time, machine, quantity)
        """
        ...

    def standstill(self, at: Conditions) -> Array:
        """Values of a machine that stands still, (time, machine, quantity)."""
        ...


def severity(wear: Array, steepness: Array) -> Array:
    """How much of a fault shows, 0..1, for wear 0..1: exponential growth, as of a spall.

    With steepness 14 a bearing shows 6 % at 80 % of its life and 25 % at 90 %.
    """
    worn = np.clip(wear, 0.0, 1.0)
    return np.asarray(np.expm1(steepness * worn) / np.expm1(steepness))


def event_state(wear: Array) -> Array:
    """1 for a new part, 0 for a failed one."""
    return np.asarray(1.0 - np.clip(wear, 0.0, 1.0))


def threshold_met(wear: Array) -> NDArray[np.bool_]:
    """Whether the part has failed."""
    return np.asarray(wear >= 1.0)
