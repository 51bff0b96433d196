"""What devices say of their life: numbered telemetry, codes, status. See :mod:`simulators.life`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import msgspec
import numpy as np

from purna.core.readings import Quality
from simulators import encode, waves
from simulators.encode import Message
from simulators.faults import Ticks
from simulators.life import PER_DAY, Stretch
from simulators.machines.machine import MachineType
from simulators.streams import Keys, generator_of

FIRMWARE = "2.4.1"

VALUES_PER_BATCH = 256
"""A quarter of the contract's limit; up to here ingest need not look for too many quantities."""

WAVEFORM_TICKS = PER_DAY // 4
"""A waveform every six hours."""

Row = tuple[int, dict[str, float]]


class Said(msgspec.Struct, frozen=True):
    """Something to send: an event or a status as it is, or readings that still need a number.

    A device numbers a message when it sends it; so one that is delayed leaves no hole.
    """

    machine: int
    ts: int
    topic: str = ""
    payload: bytes = b""
    boot: int = 0
    stopped: bool = False
    rows: list[Row] = []


class _Batch(NamedTuple):
    boot: int
    stopped: bool
    rows: list[Row]


class Teller:
    """Says what happened; remembers the numbers it has given."""

    def __init__(self, ids: Sequence[str], types: Sequence[MachineType], keys: Keys) -> None:
        self._ids, self._types, self._keys = ids, types, keys
        self._announced = np.zeros(len(ids), np.int64)  # boot of the last status
        self._boot = np.zeros(len(ids), np.int64)  # boot and number of the last telemetry
        self._seq = np.zeros(len(ids), np.int64)
        self._open: dict[int, _Batch] = {}

    def arrays(self) -> dict[str, Ticks]:
        """All state between histories, to be saved from and restored into."""
        return {"announced": self._announced, "told_boot": self._boot, "told_seq": self._seq}

    def events(self, stretch: Stretch) -> list[Said]:
        """Codes that the devices raise, and their status after a start, in time order."""
        today = slice(stretch.offset, stretch.offset + len(stretch))
        draws, running = stretch.draws, ~stretch.stopped
        # From a quarter of the symptoms on: up to two codes a day. A code that means nothing:
        # one in 25 days.
        chance = 2 / PER_DAY * np.where(stretch.symptoms > 0.25, stretch.symptoms, 0.0)
        raised = (draws.code[today] < chance) & running[..., None] & ~stretch.failed
        harmless = (draws.harmless[today] < 0.04 / PER_DAY) & running
        started = stretch.boot != np.vstack([self._announced[None], stretch.boot[:-1]])
        self._announced[:] = stretch.boot[-1]
        out: list[tuple[int, Message]] = []
        for i, machine in np.argwhere(started):
            ts, boot = stretch.ts(i), f"b{stretch.boot[i, machine]}"
            kind = self._types[machine].product
            out.append((machine, encode.status(self._ids[machine], ts, boot, FIRMWARE, kind)))
        for i, machine, part in np.argwhere(raised | stretch.failed):
            ts, spec = stretch.ts(i), self._types[machine].parts[part]
            out.append((machine, encode.event(self._ids[machine], ts, spec.code, spec.text)))
            if stretch.failed[i, machine, part] and spec.stops:
                stop = encode.event(self._ids[machine], ts, "E90", "stopped by protection")
                out.append((machine, stop))
        for i, machine in np.argwhere(harmless):
            door = draws.harmless[stretch.offset + i, machine] < 0.02 / PER_DAY
            code, text = ("W05", "cabinet door opened") if door else ("W11", "mains dip")
            out.append((machine, encode.event(self._ids[machine], stretch.ts(i), code, text)))
        said = [Said(int(machine), m.ts, m.topic, m.payload) for machine, m in out]
        return sorted(said, key=lambda item: item.ts)

    def waveforms(self, stretch: Stretch, since: int = 0) -> list[Said]:
        """Blocks of samples of running machines, from the tick ``since`` on, in time order."""
        out = []
        for i in range(max(since - stretch.first, 0), len(stretch)):
            for machine, kind in enumerate(self._types):
                turn = (stretch.first + i + int(self._keys[machine, 0] % 97)) % WAVEFORM_TICKS
                if turn == 0 and kind.listening is not None and not stretch.stopped[i, machine]:
                    said = self._waveform(stretch, i, machine)
                    if said is not None:
                        out.append(said)
        return out

    def _waveform(self, stretch: Stretch, i: int, machine: int) -> Said | None:
        """None where the reading that tells how strong it is was lost."""
        kind, key = self._types[machine], self._keys[machine]
        values = dict(zip(kind.quantities, stretch.values[i, machine].tolist(), strict=True))
        bearing = [part.component for part in kind.parts].index("bearing")
        velocity, load = values["vib_rms"], values["load"]
        if kind.listening is None or velocity != velocity or load != load:
            return None
        day, tick = divmod(stretch.first + i, PER_DAY)
        speed = round(waves.speed_of(load), 3)
        samples = waves.heard(
            kind.listening,
            speed,
            velocity,
            float(stretch.symptoms[i, machine, bearing]),
            bool(key[1] % 2),
            generator_of(key, day, tick),
        )
        m = encode.waveform(
            self._ids[machine],
            kind.listening.quantity,
            stretch.ts(i),
            waves.RATE,
            waves.UNIT,
            samples,
            waves.SCALE,
            speed,
        )
        return Said(machine, m.ts, m.topic, m.payload)

    def readings(self, stretch: Stretch, i: int) -> Iterator[Said]:
        """The live message of each machine at tick ``i`` of the stretch."""
        for machine, values in enumerate(stretch.values[i].tolist()):
            row = _named(self._types[machine].quantities, values)
            batch = _Batch(
                int(stretch.boot[i, machine]),
                bool(stretch.stopped[i, machine]),
                [(stretch.ts(i), row)] if row else [],
            )
            yield from self._told(machine, batch)

    def batches(self, stretch: Stretch) -> Iterator[Said]:
        """Batches that are full; a batch has one boot and either runs or stands still."""
        state = 2 * stretch.boot + stretch.stopped
        holed = np.asarray(np.isnan(stretch.values).any(axis=2))
        times = [stretch.ts(i) for i in range(len(stretch))]
        for machine, kind in enumerate(self._types):
            names = kind.quantities
            table = zip(
                times,
                stretch.values[:, machine].tolist(),
                holed[:, machine].tolist(),
                state[:, machine].tolist(),
                strict=True,
            )
            for ts, values, hole, now in table:
                batch = self._open.get(machine)
                if batch is None or 2 * batch.boot + batch.stopped != now:
                    yield from self._close(machine)
                    batch = self._open[machine] = _Batch(now // 2, bool(now % 2), [])
                row = _named(names, values) if hole else dict(zip(names, values, strict=True))
                if row:
                    batch.rows.append((ts, row))
                if (len(batch.rows) + 1) * len(names) > VALUES_PER_BATCH:
                    yield from self._close(machine)

    def rest(self) -> Iterator[Said]:
        """Batches that are not full yet."""
        for machine in sorted(self._open):
            yield from self._close(machine)

    def _close(self, machine: int) -> Iterator[Said]:
        batch = self._open.pop(machine, None)
        if batch:
            yield from self._told(machine, batch)

    def _told(self, machine: int, batch: _Batch) -> Iterator[Said]:
        if batch.rows:
            newest = batch.rows[-1][0]
            yield Said(machine, newest, "", b"", batch.boot, batch.stopped, batch.rows)

    def sent(self, said: Said) -> Message:
        """The message, numbered now; what is left from before a restart goes with the new boot.

        Readings of a machine at standstill are flagged as suspect.
        """
        if said.topic:
            return Message(said.topic, said.payload, said.ts)
        machine = said.machine
        if said.boot > self._boot[machine]:
            self._boot[machine], self._seq[machine] = said.boot, 0
        self._seq[machine] += 1
        flags = dict.fromkeys(self._types[machine].quantities, Quality.SUSPECT.value)
        return encode.telemetry(
            self._ids[machine],
            f"b{self._boot[machine]}",
            int(self._seq[machine]),
            said.rows,
            flags if said.stopped else None,
        )


def _named(quantities: tuple[str, ...], values: list[float]) -> dict[str, float]:
    return {name: value for name, value in zip(quantities, values, strict=True) if value == value}
