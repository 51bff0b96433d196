"""A fleet of pumps and compressors as the platform sees it: messages, and what was replaced.

Time is virtual: nothing here waits or asks a clock. :meth:`Fleet.history` tells the past in
batches, :meth:`Fleet.advance` goes on from there; both run the same ticks. Two fleets with the
same seed say the same, a restored one goes on like one that was never stopped, and a machine
does the same whatever other machines there are.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby

import msgspec
import numpy as np

from purna.core.clock import DAY
from purna.core.devices import Customer, Device, Maintenance, Site
from purna.core.errors import NotFound
from simulators import dirt
from simulators.catalogue import load_catalogue
from simulators.customers import SITES
from simulators.encode import Message
from simulators.faults import Ticks
from simulators.life import PER_DAY, TICK, Life, Stage, Stretch
from simulators.machines import MACHINE_TYPES
from simulators.machines.machine import Array
from simulators.telling import Said, Teller

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


WAVEFORMS_BACK = 2 * PER_DAY
"""Ticks before the end of the history from which on it has waveforms: they are large."""


class Saved(msgspec.Struct):
    """Everything that :meth:`Fleet.restore` needs."""

    seed: int
    start: int
    machines: int
    odds: tuple[float, float, float, float, int]
    tick: int
    live: bool
    arrays: dict[str, bytes]
    held: list[tuple[int, Said]]
    maintenance: list[Maintenance]
    handed_out: int


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
        self._seed, self._start, self._odds = seed, start, odds or dirt.Odds()
        self._types = [MACHINE_TYPES[i % len(MACHINE_TYPES)] for i in range(machines)]
        self._ids = [f"{t.prefix}-{i + 1:03d}" for i, t in enumerate(self._types)]
        self._index = {device: i for i, device in enumerate(self._ids)}
        self._sites = [SITES[i % len(SITES)] for i in range(machines)]
        before = -(-start // TICK) - 1
        self._life = Life(seed, before, self._ids, self._types, self._sites, self._odds)
        self._teller = Teller(self._ids, self._types, self._life.keys)
        self._held: list[tuple[int, Said]] = []
        self._handed_out = 0

    @property
    def now(self) -> int:
        """Time of the last tick, micros."""
        return self._life.tick * TICK

    # --- what there is -------------------------------------------------------------------

    @property
    def live(self) -> bool:
        """Whether the history has been told."""
        return self._life.live

    def devices(self) -> list[Device]:
        """All machines; each was installed up to four years before the start."""
        products = load_catalogue()
        out = []
        for i, (device, machine) in enumerate(zip(self._ids, self._types, strict=True)):
            age = int(self._life.birth.outage[0, i] * 4 * 365) * DAY
            installed = self._start // DAY * DAY - age
            months = products[machine.product].warranty_months
            out.append(
                Device(
                    id=device,
                    product=machine.product,
                    site=self._sites[i],
                    serial=f"{machine.prefix.upper()}-{int(self._life.keys[i, 0] % 1_000_000):06d}",
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
        return self._life.event_states(self._number(device))

    # --- what happens --------------------------------------------------------------------

    def history(self, end: int, stages: Sequence[Stage] = STAGES) -> Iterator[Message]:
        """Tell the life up to ``end`` (micros) in batches, oldest first.

        Parts fail and are replaced a day or so later, some before they fail; ``stages`` are about
        to fail at ``end``.
        """
        life, teller = self._life, self._teller
        last = -(-end // TICK) - 1
        begins = life.stage(stages, last)
        while life.tick < last:
            stretch = life.run(last, begins)
            yield from self._due(life.tick)
            told = [*teller.events(stretch), *teller.waveforms(stretch, last - WAVEFORMS_BACK)]
            yield from self._dirty([*told, *teller.batches(stretch)], stretch)
        yield from map(teller.sent, teller.rest())
        yield from self._due(last + self._odds.late_ticks)
        life.live, self._handed_out = True, len(life.maintenance)

    def advance(self, to: int) -> Iterator[Message]:
        """Live messages from the last tick up to ``to`` (micros), in the order they arrive."""
        life, teller = self._life, self._teller
        life.live = True
        while life.tick < to // TICK:
            stretch = life.run(to // TICK, {})
            told_of = sorted(
                [*teller.events(stretch), *teller.waveforms(stretch)], key=lambda said: said.ts
            )
            events = {ts: list(group) for ts, group in groupby(told_of, lambda said: said.ts)}
            for i in range(len(stretch)):
                told = [*events.get(stretch.ts(i), []), *teller.readings(stretch, i)]
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
        machine = self._number(device)
        components = self._life.components[machine]
        if component not in components:
            raise NotFound("component.unknown", f"{device} has no {component!r}", id=component)
        return self._life.repair(machine, components.index(component), ts)

    def maintenance(self) -> list[Maintenance]:
        """What was replaced up to now by the owners, oldest first."""
        return list(self._life.maintenance)

    def new_maintenance(self) -> list[Maintenance]:
        """What was replaced since the last call, or since the end of the history."""
        new = self._life.maintenance[self._handed_out :]
        self._handed_out = len(self._life.maintenance)
        return new

    # --- stopping and going on -----------------------------------------------------------

    def state(self) -> bytes:
        """All that is needed to go on later; not while a history is being told."""
        o = self._odds
        return msgspec.msgpack.encode(
            Saved(
                self._seed,
                self._start,
                len(self._ids),
                (o.missing, o.late, o.doubled, o.swapped, o.late_ticks),
                self._life.tick,
                self._life.live,
                {name: array.tobytes() for name, array in self._arrays().items()},
                self._held,
                self._life.maintenance,
                self._handed_out,
            )
        )

    @classmethod
    def restore(cls, state: bytes) -> Fleet:
        """The fleet whose :meth:`state` this is."""
        saved = msgspec.msgpack.decode(state, type=Saved)
        fleet = cls(saved.seed, saved.start, saved.machines, dirt.Odds(*saved.odds))
        fleet._life.tick, fleet._life.live = saved.tick, saved.live
        fleet._life.maintenance, fleet._handed_out = saved.maintenance, saved.handed_out
        for name, array in fleet._arrays().items():
            array[...] = np.frombuffer(saved.arrays[name], array.dtype).reshape(array.shape)
        fleet._held = saved.held
        return fleet

    def _arrays(self) -> dict[str, Array | Ticks]:
        return {**self._life.arrays(), **self._teller.arrays()}

    # --- the way to the platform ---------------------------------------------------------

    def _dirty(self, told: Iterable[Said], stretch: Stretch) -> list[Message]:
        """The messages as they arrive; what is late is held back."""
        draws = stretch.draws.disorder
        fated = [(said, draws[said.ts // TICK % PER_DAY, said.machine]) for said in told]
        now, later = dirt.delay(fated, self._odds)
        self._held += [(said.ts // TICK + ticks, said) for ticks, said in later]
        return dirt.shuffle(
            [
                (self._teller.sent(said), draws[said.ts // TICK % PER_DAY, said.machine])
                for said in now
            ],
            self._odds,
        )

    def _due(self, tick: int) -> list[Message]:
        """Late messages that arrive by now."""
        due = [said for at, said in self._held if at <= tick]
        self._held = [held for held in self._held if held[0] > tick]
        return [self._teller.sent(said) for said in due]

    def _number(self, device: str) -> int:
        if device not in self._index:
            raise NotFound("device.unknown", f"no device {device!r}", kind="device", id=device)
        return self._index[device]
