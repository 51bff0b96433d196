"""How parts wear, fail and are replaced, for all machines of a fleet at once.

Arrays are shaped (machine, part). Wear-out follows the working hours; a sudden fault begins by
chance and grows within days; a sensor's fault begins by chance and makes it drift or stand still.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulators.machines.machine import Array, Course, MachineType, severity, threshold_met

Flags = NDArray[np.bool_]
Ticks = NDArray[np.int64]

FIRST_SIGN = 0.02
"""Wear at which a sudden or a sensor fault begins."""

STUCK_SHARE = 0.4
"""Share of sensor faults that stand still; the others drift, a fifth of all downwards."""

PREVENTIVE_SHARE = 0.15
"""Share of parts that are replaced in good time (only in a history, never by the live fleet)."""


@dataclass(frozen=True, slots=True)
class Ageing:
    """Constants of ageing, (machine, part); rates and chances are per tick."""

    rate: Array
    onset: Array
    sudden: Flags  # begins by chance: everything but plain wear
    stops: Flags
    sensor: Flags
    steepness: Array

    @classmethod
    def of(cls, types: Sequence[MachineType], ticks_per_day: int) -> Ageing:
        parts = [machine.parts for machine in types]
        sudden = np.array([[p.course is not Course.WEAR for p in row] for row in parts])
        life = np.array([[p.life_days for p in row] for row in parts], float) * ticks_per_day
        growth = np.array([[p.growth_days for p in row] for row in parts], float) * ticks_per_day
        return cls(
            rate=1 / np.where(sudden, growth, life),
            onset=np.where(sudden, 1 / life, 0.0),
            sudden=sudden,
            stops=np.array([[p.stops for p in row] for row in parts]),
            sensor=np.array([[p.course is Course.SENSOR for p in row] for row in parts]),
            steepness=np.array([[p.steepness for p in row] for row in parts], float),
        )


@dataclass(slots=True)
class Parts:
    """The state of every part, (machine, part). Ticks are 0 where there is none."""

    wear: Array
    pace: Array  # factor on the rate, of this one part's life
    twist: Array  # 0..1: stuck or drifting, upwards or downwards
    plan: Array  # wear at which it is replaced before it fails; inf: never
    failed_at: Ticks
    repair_at: Ticks
    target: Ticks  # tick at which it is meant to fail (see Fleet)

    @classmethod
    def aged(cls, ageing: Ageing, age: Array, pace: Array, plan: Array, twist: Array) -> Parts:
        """Parts of a fleet in mid-life; all arguments are draws."""
        shape = age.shape
        none = np.zeros(shape, np.int64)
        parts = cls(
            np.zeros(shape), np.ones(shape), twist, np.full(shape, np.inf),
            none, none.copy(), none.copy(),
        )  # fmt: skip
        parts.renew(np.ones(shape, bool), pace, plan, twist)
        parts.wear = np.where(ageing.sudden, 0.0, 0.9 * age)
        return parts

    def renew(self, which: Flags, pace: Array, plan: Array, twist: Array) -> None:
        """Put in new parts, whose lives the draws decide."""
        planned = np.where(plan < PREVENTIVE_SHARE, 0.5 + 0.4 * plan / PREVENTIVE_SHARE, np.inf)
        self.wear = np.where(which, 0.0, self.wear)
        self.pace = np.where(which, np.exp(0.22 * pace), self.pace)
        self.twist = np.where(which, twist, self.twist)
        self.plan = np.where(which, planned, self.plan)
        for ticks in (self.failed_at, self.repair_at, self.target):
            ticks[which] = 0

    def stopped(self, ageing: Ageing) -> Flags:
        """Which machines stand still for a failed part, (machine,)."""
        return np.asarray(((self.failed_at > 0) & ageing.stops).any(axis=1))

    def age(
        self, ageing: Ageing, tick: int, load: Array, stopped: Flags, jitter: Array, onset: Array
    ) -> Flags:
        """Wear by one tick; returns which parts fail now.

        ``load`` (machine,) is 0..1; at 0.65 parts last as long as they should on average.
        """
        begins = ageing.sudden & (self.wear == 0) & (onset < ageing.onset)
        self.wear = np.where(begins, FIRST_SIGN, self.wear)
        duty = (0.4 + 0.6 * load / 0.65)[:, None]
        step = ageing.rate * self.pace * np.where(ageing.sudden, self.wear > 0, duty)
        meant = self.target > tick
        if meant.any():
            step = np.where(meant, (1 - self.wear) / np.maximum(self.target - tick, 1), step)
        step = step * np.maximum(1 + 0.6 * jitter, 0) * ~stopped[:, None]
        alive = self.failed_at == 0
        self.wear = np.where(alive, np.minimum(self.wear + step, 1.0), self.wear)
        fails = alive & threshold_met(self.wear)
        self.failed_at[fails] = tick
        return np.asarray(fails)

    def symptoms(self, ageing: Ageing) -> Array:
        return severity(self.wear, ageing.steepness)


def sensor_reading(
    true: Array, symptoms: Array, twist: Array, frozen: Array, drift: float
) -> Array:
    """What a sensor shows instead of the ``true`` value; all shaped alike.

    A stuck one shows ``frozen`` (NaN while it works); a drifting one is off by up to ``drift``.
    """
    sign = np.where(twist < STUCK_SHARE, 0.0, np.where(twist > 0.8, -1.0, 1.0))
    return np.asarray(np.where(np.isnan(frozen), true + sign * drift * symptoms, frozen))
