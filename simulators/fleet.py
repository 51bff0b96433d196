"""A fleet of pumps and compressors as the platform sees it: messages, and what was replaced.

Time is virtual: nothing here waits or asks a clock. :meth:`Fleet.history` tells the past in
batches, :meth:`Fleet.advance` goes on from there; both run the same ticks. Two fleets with the
same seed say the same, a restored one goes on like one that was never stopped, and a machine
does the same whatever other machines there are.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from itertools import groupby, pairwise
from typing import NamedTuple

import msgspec
import numpy as np

from purna.core.clock import DAY, MINUTE
from purna.core.devices import Customer, Device, Maintenance, Site
from purna.core.errors import NotFound
from purna.core.readings import Quality
from simulators import dirt, encode
from simulators.catalogue import load_catalogue
from simulators.customers import SITES
from simulators.encode import Message
from simulators.faults import FIRST_SIGN, STUCK_SHARE, Ageing, Flags, Parts, Ticks, sensor_reading
from simulators.machines import MACHINE_TYPES
from simulators.machines.machine import Array, Conditions
from simulators.streams import BIRTH, Draws, draws_of, keys_of

TICK = 30 * MINUTE
PER_DAY = DAY // TICK
FIRMWARE = "2.4.1"
SOURCE = "fleet"

_ROWS_PER_BATCH = 2 * PER_DAY  # 96 rows of 7 values: below the contract's 1,000 and a small packet
_UNREPAIRED = 2 * PER_DAY  # ticks after which a failed live machine is repaired by its owner


class Stage(NamedTuple):
    """A part that is made to fail ``days`` after the end of the history."""

    machine: int
    component: str
    days: float


STAGES = (
    Stage(3, "bearing", 3.1),
    Stage(8, "bearing", 4.6),
    Stage(14, "seal", 5.7),
    Stage(6, "filter", 3.6),
    Stage(11, "filter", 5.2),
    Stage(17, "sensor", 4.2),
    Stage(24, "filter", 11.0),
    Stage(21, "bearing", 13.0),
    Stage(33, "seal", 17.0),
    Stage(28, "bearing", 22.0),
)
"""So that a demonstration has something to show from its first minute, whatever the seed."""


@dataclass(slots=True)
class Body:
    """What a machine is besides its parts, (machine,)."""

    demand: Array  # slow deviation of the load from its daily pattern
    weather: Array  # slow deviation of the ambient temperature, K
    heat: Array  # load as a thermal mass feels it
    frozen: Array  # what a stuck sensor shows; NaN while it works
    boot: Ticks
    told_boot: Ticks  # boot and seq of the last message
    seq: Ticks


class Saved(msgspec.Struct):
    """Everything that :meth:`Fleet.restore` needs."""

    seed: int
    start: int
    machines: int
    odds: tuple[float, float, float, float, int]
    tick: int
    live: bool
    arrays: dict[str, bytes]
    held: list[tuple[int, str, bytes, int]]
    maintenance: list[Maintenance]
    handed_out: int


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

    def times(self) -> list[int]:
        return [(self.first + i) * TICK for i in range(len(self))]


class Fleet:
    """Simulated machines from ``start`` on.

    Parameters
    ----------
    seed
        Decides everything.
    start
        Micros UTC; the next full half hour is the first tick.
    machines
        Pumps and compressors in turn, spread over the sites.
    odds
        How dirty the transmission is.
    """

    def __init__(
        self, seed: int, start: int, machines: int = 46, odds: dirt.Odds | None = None
    ) -> None:
        self._seed, self._start, self._machines = seed, start, machines
        self._odds = odds or dirt.Odds()
        self._tick = -(-start // TICK) - 1
        self._live = False
        self._types = [MACHINE_TYPES[i % len(MACHINE_TYPES)] for i in range(machines)]
        self._ids = [f"{t.prefix}-{i + 1:03d}" for i, t in enumerate(self._types)]
        self._index = {device: i for i, device in enumerate(self._ids)}
        self._sites = [SITES[i % len(SITES)] for i in range(machines)]
        self._ageing = Ageing.of(self._types, PER_DAY)
        self._keys = keys_of(seed, self._ids)
        self._quantities = len(self._types[0].quantities)
        self._components = [[p.component for p in t.parts] for t in self._types]
        self._rows_of_type = {
            t: np.array([i for i, other in enumerate(self._types) if other is t], np.int64)
            for t in MACHINE_TYPES
        }
        birth = self._draw(BIRTH)
        self._birth = birth
        self._spread = birth.noise[0]
        self._parts = Parts.aged(
            self._ageing, birth.onset[0], birth.pace[0], birth.plan[0], birth.twist[0]
        )
        zero = np.zeros(machines)
        self._body = Body(
            zero, zero.copy(), zero + 0.6, zero + np.nan,
            np.ones(machines, np.int64), np.ones(machines, np.int64), np.zeros(machines, np.int64),
        )  # fmt: skip
        self._held: list[tuple[int, Message]] = []
        self._maintenance: list[Maintenance] = []
        self._handed_out = 0
        self._today: tuple[int, Draws] | None = None

    @property
    def now(self) -> int:
        """Time of the last tick, micros."""
        return self._tick * TICK

    # --- what there is -------------------------------------------------------------------

    def devices(self) -> list[Device]:
        """All machines; each was installed up to four years before the start."""
        products = load_catalogue()
        out = []
        for i, (device, machine) in enumerate(zip(self._ids, self._types, strict=True)):
            age = int(self._birth.outage[0, i] * 4 * 365) * DAY
            installed = self._start // DAY * DAY - age
            months = products[machine.product].warranty_months
            out.append(
                Device(
                    id=device,
                    product=machine.product,
                    site=self._sites[i],
                    serial=f"{machine.prefix.upper()}-{int(self._keys[i, 0] % 1_000_000):06d}",
                    installed_at=installed,
                    warranty_until=installed + round(months * 30.44) * DAY,
                )
            )
        return out

    def sites(self) -> list[Site]:
        return sorted(set(self._sites), key=lambda site: site.id)

    def customers(self) -> list[Customer]:
        return sorted({site.customer for site in self._sites}, key=lambda customer: customer.id)

    def event_state(self, device: str) -> Mapping[str, float]:
        """The truth that no device can measure: 1 (new) to 0 (failed) by component."""
        i = self._number(device)
        return dict(zip(self._components[i], 1.0 - self._parts.wear[i], strict=True))

    # --- what happens --------------------------------------------------------------------

    def history(self, end: int) -> Iterator[Message]:
        """Tell the life up to ``end`` (micros) in batches of two days, oldest first.

        Parts fail and are replaced a day or so later, some before they fail. See
        :data:`STAGES` for what is about to fail at ``end``.
        """
        last = -(-end // TICK) - 1
        begins = self._stage(last)
        batches = _Batches(self)
        yield from self._announce()
        while self._tick < last:
            stretch = self._run(last, begins)
            yield from self._due(stretch.first + len(stretch) - 1)
            yield from self._dirty([*self._events(stretch), *batches.take(stretch)], stretch)
        yield from batches.rest()
        self._live, self._handed_out = True, len(self._maintenance)

    def advance(self, to: int) -> Iterator[Message]:
        """Live messages from the last tick up to ``to`` (micros), in the order they arrive."""
        self._live = True
        while self._tick < to // TICK:
            stretch = self._run(to // TICK, {})
            events = {
                ts: list(group) for ts, group in groupby(self._events(stretch), lambda m: m.ts)
            }
            for i, ts in enumerate(stretch.times()):
                told = [*events.get(ts, []), *self._readings(stretch, i, ts)]
                yield from self._due(stretch.first + i)
                yield from self._dirty(told, stretch)

    def repair(self, device: str, component: str, ts: int) -> Maintenance:
        """Put a new ``component`` into ``device``; what it stopped runs again at the next tick.

        Returns the record of it, ``failed`` when the old one had failed in service. It is not
        handed out by :meth:`new_maintenance`: the caller, who did the work, has it.

        Raises
        ------
        NotFound
            ``device.unknown`` or ``component.unknown``.
        """
        i = self._number(device)
        if component not in self._components[i]:
            raise NotFound("component.unknown", f"{device} has no {component!r}", id=component)
        c = self._components[i].index(component)
        which = np.zeros_like(self._parts.failed_at, bool)
        which[i, c] = True
        failed_at = int(self._parts.failed_at[i, c])
        self._renew(which, self._draw_today(self._tick + 1), self._tick + 1)
        return self._maintenance_of(i, c, failed_at, ts, source=f"{SOURCE}-repair")

    def maintenance(self) -> list[Maintenance]:
        """What was replaced up to now by the owners, oldest first."""
        return list(self._maintenance)

    def new_maintenance(self) -> list[Maintenance]:
        """What was replaced since the last call, or since the end of the history."""
        new = self._maintenance[self._handed_out :]
        self._handed_out = len(self._maintenance)
        return new

    # --- stopping and going on -----------------------------------------------------------

    def state(self) -> bytes:
        """All that is needed to go on later; not while a history is being told."""
        o = self._odds
        return msgspec.msgpack.encode(
            Saved(
                self._seed, self._start, self._machines,
                (o.missing, o.late, o.doubled, o.swapped, o.late_ticks),
                self._tick, self._live,
                {name: array.tobytes() for name, array in self._arrays().items()},
                [(at, *message) for at, message in self._held],
                self._maintenance, self._handed_out,
            )
        )  # fmt: skip

    @classmethod
    def restore(cls, state: bytes) -> Fleet:
        """The fleet whose :meth:`state` this is."""
        saved = msgspec.msgpack.decode(state, type=Saved)
        fleet = cls(saved.seed, saved.start, saved.machines, dirt.Odds(*saved.odds))
        fleet._tick, fleet._live = saved.tick, saved.live
        for name, array in fleet._arrays().items():
            array[...] = np.frombuffer(saved.arrays[name], array.dtype).reshape(array.shape)
        fleet._held = [(at, Message(topic, payload, ts)) for at, topic, payload, ts in saved.held]
        fleet._maintenance, fleet._handed_out = saved.maintenance, saved.handed_out
        return fleet

    def _arrays(self) -> dict[str, Array | Ticks]:
        return {
            f.name: getattr(part, f.name)
            for part in (self._parts, self._body)
            for f in fields(part)
        }

    # --- one tick after the other --------------------------------------------------------

    def _run(self, last: int, begins: Mapping[int, list[tuple[int, int, int]]]) -> Stretch:
        """Run from the next tick to ``last``, but no further than the end of the day."""
        first = self._tick + 1
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
            self._tick = tick
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
        level = 0.62 + 0.05 * self._birth.demand[0]
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
        if not self._live:
            wait = (PER_DAY * (0.5 + outage)).astype(np.int64)
        self._parts.repair_at = np.where(failed, tick + wait[:, None], self._parts.repair_at)

    def _replace_due(self, tick: int, draws: Draws, at: int) -> None:
        parts = self._parts
        repaired = (parts.repair_at > 0) & (parts.repair_at <= tick)
        due = repaired
        if not self._live:
            due = repaired | ((parts.wear >= parts.plan) & (parts.failed_at == 0))
        if not due.any():
            return
        for i, c in np.argwhere(due):
            failed_at = int(parts.failed_at[i, c])
            self._maintenance.append(self._maintenance_of(i, c, failed_at, tick * TICK))
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
            component=self._components[machine][part],
            ts=failed_at * TICK if failed_at else ts,
            failed=failed_at > 0,
            known_at=ts,
            source=source,
        )

    # --- what is about to fail at the end of the history ---------------------------------

    def _stage(self, last: int) -> dict[int, list[tuple[int, int, int]]]:
        """By tick: (machine, part, target) of the parts whose staged life begins then."""
        begins: dict[int, list[tuple[int, int, int]]] = {}
        for stage in STAGES:
            if stage.machine >= self._machines:
                continue
            part = self._components[stage.machine].index(stage.component)
            target = last + round(stage.days * PER_DAY)
            begin = max(target - self._life(stage.machine, part), self._tick + 1)
            begins.setdefault(begin, []).append((stage.machine, part, target))
        return begins

    def _life(self, machine: int, part: int) -> int:
        return round(0.9 / float(self._ageing.rate[machine, part]))

    def _begin_stage(self, tick: int, machine: int, part: int, target: int, draws: Draws) -> None:
        """Put a part in that will fail at ``target``; one that should be older is in already."""
        parts = self._parts
        left = (target - tick) / self._life(machine, part)
        sudden = bool(self._ageing.sudden[machine, part])
        failed_at = int(parts.failed_at[machine, part])
        if failed_at or (left >= 0.99 and not sudden):
            which = np.zeros_like(parts.failed_at, bool)
            which[machine, part] = True
            self._maintenance.append(self._maintenance_of(machine, part, failed_at, tick * TICK))
            self._renew(which, draws, tick)
        parts.wear[machine, part] = max(1 - left, FIRST_SIGN if sudden else 0.0)
        parts.plan[machine, part] = np.inf
        parts.target[machine, part] = target
        if sudden:
            parts.twist[machine, part] = 0.6  # a sensor that drifts upwards

    # --- what is told --------------------------------------------------------------------

    def _announce(self) -> Iterator[Message]:
        ts = (self._tick + 1) * TICK
        for i, device in enumerate(self._ids):
            yield self._online(i, ts, int(self._body.boot[i]), device)

    def _online(self, machine: int, ts: int, boot: int, device: str) -> Message:
        return encode.status(
            device, ts, f"b{boot}", FIRMWARE, hardware=self._types[machine].product
        )

    def _events(self, stretch: Stretch) -> list[Message]:
        """Codes that the devices raise, and their status after a restart, in time order."""
        today = slice(stretch.offset, stretch.offset + len(stretch))
        draws, running = stretch.draws, ~stretch.stopped
        # A quarter of the symptoms or more: up to two codes a day. A code that means nothing:
        # one in 25 days.
        chance = 2 / PER_DAY * np.where(stretch.symptoms > 0.25, stretch.symptoms, 0.0)
        raised = (draws.code[today] < chance) & running[..., None] & ~stretch.failed
        harmless = (draws.harmless[today] < 0.04 / PER_DAY) & running
        before = np.vstack([stretch.boot[:1], stretch.boot[:-1]])
        restarted = stretch.boot != before
        out: list[Message] = []
        for i, machine, part in np.argwhere(raised | stretch.failed):
            ts, spec = (stretch.first + int(i)) * TICK, self._types[machine].parts[part]
            out.append(encode.event(self._ids[machine], ts, spec.code, spec.text))
            if stretch.failed[i, machine, part] and spec.stops:
                out.append(encode.event(self._ids[machine], ts, "E90", "stopped by protection"))
        for i, machine in np.argwhere(harmless):
            ts = (stretch.first + int(i)) * TICK
            door = draws.harmless[stretch.offset + i, machine] < 0.02 / PER_DAY
            code, text = ("W05", "cabinet door opened") if door else ("W11", "mains dip")
            out.append(encode.event(self._ids[machine], ts, code, text))
        for i, machine in np.argwhere(restarted):
            ts = (stretch.first + int(i)) * TICK
            boot = int(stretch.boot[i, machine])
            out.append(self._online(int(machine), ts, boot, self._ids[machine]))
        return sorted(out, key=lambda message: message.ts)

    def _readings(self, stretch: Stretch, i: int, ts: int) -> Iterator[Message]:
        """The live message of each machine at one tick."""
        for machine, row in enumerate(stretch.values[i].tolist()):
            boot, stopped = int(stretch.boot[i, machine]), bool(stretch.stopped[i, machine])
            values = _named(self._types[machine].quantities, row)
            if values:
                yield self._telemetry(machine, boot, stopped, [(ts, values)])

    def _telemetry(
        self, machine: int, boot: int, stopped: bool, rows: list[tuple[int, dict[str, float]]]
    ) -> Message:
        """A numbered message; readings of a machine at standstill are flagged as suspect."""
        body = self._body
        if boot != body.told_boot[machine]:
            body.told_boot[machine], body.seq[machine] = boot, 0
        body.seq[machine] += 1
        quality = dict.fromkeys(self._types[machine].quantities, Quality.SUSPECT.value)
        return encode.telemetry(
            self._ids[machine],
            f"b{boot}",
            int(body.seq[machine]),
            rows,
            quality if stopped else None,
        )

    def _dirty(self, told: list[Message], stretch: Stretch) -> list[Message]:
        """The messages as they arrive; late ones are held back."""
        now, later = dirt.disorder(
            [
                (m, stretch.draws.disorder[m.ts // TICK % PER_DAY, self._machine_of(m)])
                for m in told
            ],
            self._odds,
        )
        self._held += [(message.ts // TICK + delay, message) for delay, message in later]
        return now

    def _due(self, tick: int) -> list[Message]:
        """Late messages that arrive by now."""
        due = [message for at, message in self._held if at <= tick]
        self._held = [held for held in self._held if held[0] > tick]
        return due

    # --- small helpers -------------------------------------------------------------------

    def _number(self, device: str) -> int:
        if device not in self._index:
            raise NotFound("device.unknown", f"no device {device!r}", kind="device", id=device)
        return self._index[device]

    def _machine_of(self, message: Message) -> int:
        return self._index[message.topic.split("/")[2]]

    def _draw(self, day: int) -> Draws:
        parts = len(self._types[0].parts)
        ticks = 1 if day == BIRTH else PER_DAY
        return draws_of(self._keys, day, ticks, self._quantities, parts)

    def _draw_today(self, tick: int) -> Draws:
        day = tick // PER_DAY
        if self._today is None or self._today[0] != day:
            self._today = (day, self._draw(day))
        return self._today[1]


class _Batches:
    """Gathers rows into the batch form, a message per machine every two days.

    A message holds one boot, and either running or standing still.
    """

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self._open: dict[int, _Batch] = {}

    def take(self, stretch: Stretch) -> Iterator[Message]:
        times = stretch.times()
        state = 2 * stretch.boot + stretch.stopped
        holed = np.asarray(np.isnan(stretch.values).any(axis=2))
        for machine, kind in enumerate(self._fleet._types):
            table = stretch.values[:, machine].tolist()
            names = kind.quantities
            rows = [
                (ts, _named(names, row) if hole else dict(zip(names, row, strict=True)))
                for ts, row, hole in zip(times, table, holed[:, machine].tolist(), strict=True)
            ]
            cuts = [0, *(np.flatnonzero(np.diff(state[:, machine])) + 1).tolist(), len(rows)]
            for a, b in pairwise(cuts):
                boot, stopped = divmod(int(state[a, machine]), 2)
                yield from self._add(machine, _Batch(boot, bool(stopped), rows[a:b]))

    def rest(self) -> Iterator[Message]:
        for machine in sorted(self._open):
            yield from self._close(machine)

    def _add(self, machine: int, more: _Batch) -> Iterator[Message]:
        batch = self._open.get(machine)
        if batch and (
            (batch.boot, batch.stopped) != (more.boot, more.stopped)
            or len(batch.rows) + len(more.rows) > _ROWS_PER_BATCH
        ):
            yield from self._close(machine)
            batch = None
        if batch:
            batch.rows.extend(more.rows)
        else:
            self._open[machine] = more

    def _close(self, machine: int) -> Iterator[Message]:
        batch = self._open.pop(machine)
        rows = [row for row in batch.rows if row[1]]
        if rows:
            yield self._fleet._telemetry(machine, batch.boot, batch.stopped, rows)


class _Batch(NamedTuple):
    boot: int
    stopped: bool
    rows: list[tuple[int, dict[str, float]]]


def _named(quantities: tuple[str, ...], row: list[float]) -> dict[str, float]:
    return {name: value for name, value in zip(quantities, row, strict=True) if value == value}
