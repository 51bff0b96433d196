"""The life of all machines, tick by tick: working, wearing, failing, being repaired.

Vectorised over machines; the only loop in here runs over the ticks of a day. What is *said* of
this life is the business of :mod:`simulators.telling`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import NamedTuple

import numpy as np

from purna.core.clock import DAY, MINUTE
from purna.core.devices import Maintenance, Site
from simulators import dirt
from simulators.faults import FIRST_SIGN, STUCK_SHARE, Ageing, Flags, Parts, Ticks, sensor_reading
from simulators.machines import MACHINE_TYPES
from simulators.machines.machine import Array, Conditions, MachineType, event_state
from simulators.streams import BIRTH, Draws, draws_of, keys_of

TICK = 30 * MINUTE
PER_DAY = DAY // TICK
SOURCE = "fleet"

_UNREPAIRED = 2 * PER_DAY  # ticks after which a failed live machine is repaired by its owner

Begins = Mapping[int, list[tuple[int, int, int]]]
"""By tick: (machine, part, target tick) of the staged lives that begin then."""


class Stage(NamedTuple):
    """A part that is made to fail ``days`` after the end of the history."""

    machine: int
    component: str
    days: float


@dataclass(slots=True)
class Body:
    """What a machine is besides its parts, (machine,)."""

    demand: Array  # slow deviation of the load from its daily pattern
    weather: Array  # slow deviation of the ambient temperature, K
    heat: Array  # load as a thermal mass feels it
    frozen: Array  # what a stuck sensor shows; NaN while it works
    boot: Ticks  # how often the controller was started


@dataclass(frozen=True, slots=True)
class Stretch:
    """What happened in consecutive ticks of one day, (tick, machine, …)."""

    first: int
    values: Array
    stopped: Flags
    boot: Ticks
    failed: Flags  # (tick, machine, part)
    symptoms: Array
    draws: Draws
    offset: int  # tick of the day at which it starts

    def __len__(self) -> int:
        return len(self.values)

    def ts(self, i: int) -> int:
        """Micros of the ``i``-th tick of the stretch."""
        return (self.first + int(i)) * TICK


class Life:
    """All machines of a fleet.

    Parameters
    ----------
    seed, tick
        Of the fleet; ``tick`` is the last one before it begins.
    ids, types, sites
        By machine.
    odds
        Of a lost reading.
    """

    def __init__(
        self,
        seed: int,
        tick: int,
        ids: Sequence[str],
        types: Sequence[MachineType],
        sites: Sequence[Site],
        odds: dirt.Odds,
    ) -> None:
        self.tick = tick
        self.live = False  # failed machines then wait for a repair, and nobody looks ahead
        self.maintenance: list[Maintenance] = []
        self.components = [[p.component for p in t.parts] for t in types]
        self.keys = keys_of(seed, ids)
        self._ids, self._types, self._sites, self._odds = ids, types, sites, odds
        self._machines, self._quantities = len(ids), len(types[0].quantities)
        self._ageing = Ageing.of(types, PER_DAY)
        self._rows_of_type = {
            kind: np.array([i for i, other in enumerate(types) if other is kind], np.int64)
            for kind in MACHINE_TYPES
        }
        self._today: tuple[int, Draws] | None = None
        self.birth = self._draw(BIRTH, 1)
        self._spread = self.birth.noise[0]
        self._parts = Parts.aged(
            self._ageing,
            self.birth.onset[0],
            self.birth.pace[0],
            self.birth.plan[0],
            self.birth.twist[0],
        )
        zero = np.zeros(self._machines)
        one = np.ones(self._machines, np.int64)
        self._body = Body(zero, zero.copy(), zero + 0.6, zero + np.nan, one)

    def event_states(self, machine: int) -> dict[str, float]:
        """1 (new) to 0 (failed) by component."""
        states = event_state(self._parts.wear[machine]).tolist()
        return dict(zip(self.components[machine], states, strict=True))

    def arrays(self) -> dict[str, Array | Ticks]:
        """All state, to be saved from and restored into."""
        return {
            f.name: getattr(part, f.name)
            for part in (self._parts, self._body)
            for f in fields(part)
        }

    def repair(self, machine: int, part: int, ts: int) -> Maintenance:
        """Put a new part in before the next tick."""
        failed_at = int(self._parts.failed_at[machine, part])
        self._renew(self._only(machine, part), self._draw_today(self.tick + 1), self.tick + 1)
        return self._maintenance_of(machine, part, failed_at, ts, f"{SOURCE}-repair")

    def stage(self, stages: Sequence[Stage], last: int) -> Begins:
        """When the lives begin that are to end some days after the tick ``last``."""
        begins: dict[int, list[tuple[int, int, int]]] = {}
        for stage in stages:
            if stage.machine < self._machines:
                part = self.components[stage.machine].index(stage.component)
                target = last + round(stage.days * PER_DAY)
                begin = max(target - self._life(stage.machine, part), self.tick + 1)
                begins.setdefault(begin, []).append((stage.machine, part, target))
        return begins

    # --- one tick after the other --------------------------------------------------------

    def run(self, last: int, begins: Begins) -> Stretch:
        """Run from the next tick to ``last``, but no further than the end of the day."""
        first = self.tick + 1
        day, offset = divmod(first, PER_DAY)
        draws = self._draw_today(first)
        count = min(last - first + 1, PER_DAY - offset)
        pattern, ambient = self._surroundings(day, offset, count)
        shape = (count, self._machines)
        load, heat, weather = np.empty(shape), np.empty(shape), np.empty(shape)
        stopped = np.empty(shape, bool)
        boot = np.empty(shape, np.int64)
        symptoms = np.empty((*shape, self._parts.wear.shape[1]))
        twist, wear = np.empty_like(symptoms), np.empty_like(symptoms)
        failed = np.empty_like(symptoms, bool)
        body, parts, ageing = self._body, self._parts, self._ageing
        for i in range(count):
            tick, at = first + i, offset + i
            self._replace_due(tick, draws, at)
            for machine, part, target in begins.get(tick, ()):
                self._begin_stage(tick, machine, part, target, draws)
            stopped[i] = parts.stopped(ageing)
            body.demand = 0.97 * body.demand + 0.012 * draws.demand[at]
            body.weather = 0.99 * body.weather + 0.25 * draws.weather[at]
            load[i] = np.clip(pattern[i] + body.demand, 0.25, 1.0) * ~stopped[i]
            body.heat = body.heat + 0.3 * (load[i] - body.heat)
            heat[i], weather[i], boot[i] = body.heat, body.weather, body.boot
            failed[i] = parts.age(
                ageing, tick, load[i], stopped[i], draws.jitter[at], draws.onset[at]
            )
            symptoms[i], wear[i], twist[i] = parts.symptoms(ageing), parts.wear, parts.twist
            if failed[i].any():
                self._plan_repairs(tick, failed[i], draws.outage[at])
            self.tick = tick
        conditions = Conditions(load, heat, ambient + weather)
        values = self._measure(conditions, symptoms, wear, twist, stopped, draws, offset)
        return Stretch(first, values, stopped, boot, failed, symptoms, draws, offset)

    def _surroundings(self, day: int, offset: int, count: int) -> tuple[Array, Array]:
        """Usual load (0..1) and ambient temperature (degC) by tick and machine."""
        latitude = np.array([site.latitude or 0.0 for site in self._sites])
        longitude = np.array([site.longitude or 0.0 for site in self._sites])
        hours = 24 * day + (offset + np.arange(count))[:, None] * (24 / PER_DAY) + longitude / 15
        clock, weekday = hours % 24, (hours // 24 + 3) % 7  # 1970-01-01 was a Thursday
        working = 1 / (1 + np.exp(-(clock - 6.5) * 2)) - 1 / (1 + np.exp(-(clock - 19) * 1.5))
        weekend = weekday >= 5
        level = 0.62 + 0.05 * self.birth.demand[0]
        load = level + (0.22 * working - 0.1) * np.where(weekend, 0.5, 1.0) - 0.06 * weekend
        season = np.cos(2 * np.pi * (hours / 24 - 200) / 365.25) * np.sign(latitude)
        tropical = np.abs(latitude) < 20
        mean, swing = np.where(tropical, 28.0, 14.0), np.where(tropical, 0.8, 7.5)
        daily = np.cos(2 * np.pi * (clock - 15) / 24) * np.where(tropical, 3.0, 3.5)
        return load, mean + swing * season + daily

    def _measure(
        self, at: Conditions, symptoms: Array, wear: Array, twist: Array, stopped: Flags,
        draws: Draws, offset: int,
    ) -> Array:  # fmt: skip
        """What the devices measure, with noise, faulty sensors and lost readings."""
        count = len(stopped)
        today = slice(offset, offset + count)
        values = np.empty((count, self._machines, self._quantities))
        for machine, rows in self._rows_of_type.items():
            here = Conditions(at.load[:, rows], at.heat[:, rows], at.ambient[:, rows])
            running = machine.outputs(here, symptoms[:, rows], self._spread[rows])
            values[:, rows] = np.where(
                stopped[:, rows, None], machine.standstill(here), running
            ) + np.array(machine.noise) * draws.noise[today][:, rows] * (
                0.1 + 0.9 * ~stopped[:, rows, None]
            )
            sensor = machine.quantities.index(machine.sensor)
            part = [p.course.name for p in machine.parts].index("SENSOR")
            stuck = (wear[:, rows, part] > 0) & (twist[:, rows, part] < STUCK_SHARE)
            shown = self._freeze(values[:, rows, sensor], stuck, rows)
            values[:, rows, sensor] = sensor_reading(
                values[:, rows, sensor],
                symptoms[:, rows, part],
                twist[:, rows, part],
                shown,
                machine.drift,
            )
        never_negative = np.ones(self._quantities, bool)
        never_negative[[0, 5]] = False  # temperatures
        values = np.where(never_negative, np.maximum(values, 0.0), values)
        return np.round(dirt.lose(values, draws.missing[today], self._odds), 2)

    def _freeze(self, true: Array, stuck: Flags, rows: Ticks) -> Array:
        """What stuck sensors show by (tick, machine), NaN where they work."""
        shown = np.full(true.shape, np.nan)
        frozen = self._body.frozen
        for column in np.flatnonzero(stuck.any(axis=0) | ~np.isnan(frozen[rows])):
            machine = rows[column]
            for i in range(len(true)):
                if not stuck[i, column]:
                    frozen[machine] = np.nan
                elif np.isnan(frozen[machine]):
                    frozen[machine] = true[i, column]
                shown[i, column] = frozen[machine]
        return shown

    # --- replacing parts -----------------------------------------------------------------

    def _plan_repairs(self, tick: int, failed: Flags, outage: Array) -> None:
        """A failed part is replaced after half a day to a day and a half; live after two days."""
        wait = np.full(self._machines, _UNREPAIRED)
        if not self.live:
            wait = (PER_DAY * (0.5 + outage)).astype(np.int64)
        self._parts.repair_at = np.where(failed, tick + wait[:, None], self._parts.repair_at)

    def _replace_due(self, tick: int, draws: Draws, at: int) -> None:
        parts = self._parts
        repaired = (parts.repair_at > 0) & (parts.repair_at <= tick)
        due = repaired
        if not self.live:
            due = repaired | ((parts.wear >= parts.plan) & (parts.failed_at == 0))
        if not due.any():
            return
        for i, c in np.argwhere(due):
            failed_at = int(parts.failed_at[i, c])
            self.maintenance.append(self._maintenance_of(i, c, failed_at, tick * TICK))
        self._renew(due, draws, tick)

    def _renew(self, which: Flags, draws: Draws, tick: int) -> None:
        at = tick % PER_DAY
        restarted = self._parts.stopped(self._ageing)
        self._parts.renew(which, draws.pace[at], draws.plan[at], draws.twist[at])
        restarted &= ~self._parts.stopped(self._ageing)
        self._body.boot[restarted] += 1

    def _maintenance_of(
        self, machine: int, part: int, failed_at: int, ts: int, source: str = SOURCE
    ) -> Maintenance:
        """``ts`` of a failed part is when it failed; that is known when it is replaced."""
        return Maintenance(
            device=self._ids[machine],
            component=self.components[machine][part],
            ts=failed_at * TICK if failed_at else ts,
            failed=failed_at > 0,
            known_at=ts,
            source=source,
        )

    # --- what is made to fail after the end of the history ----------------------------------

    def _life(self, machine: int, part: int) -> int:
        return round(0.9 / float(self._ageing.rate[machine, part]))

    def _begin_stage(self, tick: int, machine: int, part: int, target: int, draws: Draws) -> None:
        """Put a part in that will fail at ``target``; one that should be older is in already."""
        parts = self._parts
        left = (target - tick) / self._life(machine, part)
        sudden = bool(self._ageing.sudden[machine, part])
        failed_at = int(parts.failed_at[machine, part])
        if failed_at or (left >= 0.99 and not sudden):
            self.maintenance.append(self._maintenance_of(machine, part, failed_at, tick * TICK))
            self._renew(self._only(machine, part), draws, tick)
        parts.wear[machine, part] = max(1 - left, FIRST_SIGN if sudden else 0.0)
        parts.plan[machine, part] = np.inf
        parts.target[machine, part] = target
        if sudden:
            parts.twist[machine, part] = 0.6  # a sensor that drifts upwards

    # --- small helpers -------------------------------------------------------------------

    def _only(self, machine: int, part: int) -> Flags:
        which = np.zeros_like(self._parts.failed_at, bool)
        which[machine, part] = True
        return which

    def _draw(self, day: int, ticks: int) -> Draws:
        return draws_of(self.keys, day, ticks, self._quantities, len(self.components[0]))

    def _draw_today(self, tick: int) -> Draws:
        day = tick // PER_DAY
        if self._today is None or self._today[0] != day:
            self._today = (day, self._draw(day, PER_DAY))
        return self._today[1]
