"""From the store to one array per product: ``(device, quantity, time)``, time last.

Time is cut into steps of the product's grid. The step that ends at *e* holds the readings with
``e - step < ts <= e``, so its mean is known at *e* and never looks ahead.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from models.base import Float32, Int64, anything_known
from purna.core.catalogue import Product
from purna.core.clock import DAY, MINUTE
from purna.core.devices import Device, Maintenance
from purna.core.ports import ReadingStore
from purna.core.readings import Quality, SeriesKey

HISTORY = 400 * DAY
"""How far back a window's own history may reach."""

_DEVICES_PER_READ = 64


@dataclass(frozen=True, slots=True)
class Grid:
    """``count`` steps of ``step`` micros; the first ends at ``first``, a multiple of ``step``."""

    step: int
    first: int
    count: int

    @classmethod
    def between(cls, step: int, start: int, last: int) -> Self:
        """All steps from the one that holds ``start`` to the one that ends at ``last``."""
        first = -(-start // step) * step
        return cls(step, first, max((last - first) // step + 1, 0))

    @property
    def last(self) -> int:
        return self.first + (self.count - 1) * self.step

    @property
    def ends(self) -> Int64:
        return self.first + self.step * np.arange(self.count, dtype=np.int64)


def step_of(product: Product) -> int:
    """The product's step in micros."""
    return product.step_minutes * MINUTE


def last_end(product: Product, now: int) -> int:
    """The end of the last window that is over at ``now``."""
    return now - now % step_of(product)


class Timeline:
    """Instants of many devices, asked in bulk for "how many, and which was last, up to T".

    Parameters
    ----------
    device, ts
        Position of the device and micros of each instant; any order.
    value
        What :meth:`last` answers instead of ``ts``: its maximum over the instants so far.
    """

    def __init__(self, device: Int64, ts: Int64, value: Int64 | None = None) -> None:
        order = np.lexsort((ts, device))
        self._device, self._ts = device[order], ts[order]
        self._low = int(ts.min()) if len(ts) else 0
        self._span = int(ts.max()) - self._low + 3 if len(ts) else 3
        self._key = self._device * self._span + (self._ts - self._low + 1)
        self._value = self._ts if value is None else value[order]
        if value is not None and len(value):
            floor = int(value.min())
            width = int(value.max()) - floor + 1
            running = np.maximum.accumulate(self._device * width + (self._value - floor))
            self._value = running - self._device * width + floor

    def _after(self, device: Int64, ts: Int64) -> Int64:
        """Position of the first instant of ``device`` after ``ts``."""
        inside = np.clip(ts - self._low + 1, 0, self._span - 1)
        return np.searchsorted(self._key, device * self._span + inside, side="right")

    def count(self, device: Int64, after: Int64, upto: Int64) -> Int64:
        """How many instants with ``after < ts <= upto``."""
        return self._after(device, upto) - self._after(device, after)

    def last(self, device: Int64, upto: Int64, missing: int = -1) -> Int64:
        """The last instant with ``ts <= upto``, or ``missing``."""
        position = self._after(device, upto) - 1
        if not len(self._ts):
            return np.full(len(device), missing, np.int64)
        found = (position >= 0) & (self._device[position] == device)
        return np.where(found, self._value[position], missing)

    def next(self, device: Int64, after: Int64, missing: int = -1) -> Int64:
        """The first instant with ``ts > after``, or ``missing``."""
        if not len(self._ts):
            return np.full(len(device), missing, np.int64)
        position = np.minimum(self._after(device, after), len(self._ts) - 1)
        found = (self._device[position] == device) & (self._ts[position] > after)
        return np.where(found, self._ts[position], missing)


@dataclass(frozen=True, slots=True)
class Fleet:
    """All devices of one product on one grid.

    ``values`` is float32 ``(device, quantity, time)``: the mean of the step's GOOD readings, NaN
    where there is none. Events are columns ``(device position, code position, ts)``.
    """

    devices: tuple[Device, ...]
    quantities: tuple[str, ...]
    grid: Grid
    values: Float32
    codes: tuple[str, ...]
    event_device: Int64
    event_code: Int64
    event_ts: Int64
    maintenance: tuple[Maintenance, ...]

    def position(self) -> dict[str, int]:
        """Position of each device by id."""
        return {device.id: index for index, device in enumerate(self.devices)}

    def first_steps(self) -> Int64:
        """Each device's first step with a reading; 0 where there is none."""
        return np.asarray(anything_known(self.values).argmax(axis=1), np.int64)

    def events_of(self, code: str) -> Timeline:
        """When each device raised ``code``."""
        if code not in self.codes:
            return Timeline(np.empty(0, np.int64), np.empty(0, np.int64))
        mine = self.event_code == self.codes.index(code)
        return Timeline(self.event_device[mine], self.event_ts[mine])

    def replacements(self, component: str | None) -> Timeline:
        """The last replacement of a component (None: of any) that was known and over at T.

        An instant is the moment from which a replacement may be used: after it happened and not
        before it was learnt of. So the replacement at a failure says nothing at that failure.
        """
        records = [m for m in self.maintenance if component in (None, m.component)]
        device, ts, known = self._columns(records)
        return Timeline(device, np.maximum(known, ts + 1), ts)

    def failures(self, component: str) -> Timeline:
        """When the component failed in service."""
        records = [m for m in self.maintenance if m.component == component and m.failed]
        device, ts, _ = self._columns(records)
        return Timeline(device, ts)

    def repairs(self, component: str) -> Timeline:
        """When the component was replaced, whether it had failed or not."""
        device, ts, _ = self._columns([m for m in self.maintenance if m.component == component])
        return Timeline(device, ts)

    def _columns(self, records: Sequence[Maintenance]) -> tuple[Int64, Int64, Int64]:
        position = self.position()
        return (
            np.array([position[m.device] for m in records], np.int64),
            np.array([m.ts for m in records], np.int64),
            np.array([m.known_at for m in records], np.int64),
        )

    def only(self, places: Sequence[int], maintenance: Sequence[Maintenance]) -> Fleet:
        """Some of the devices by position, with what is known of their maintenance."""
        devices = tuple(self.devices[place] for place in places)
        ids = {device.id for device in devices}
        mine = np.isin(self.event_device, places)
        return replace(
            self,
            devices=devices,
            values=self.values[list(places)],
            event_device=np.searchsorted(places, self.event_device[mine]),
            event_code=self.event_code[mine],
            event_ts=self.event_ts[mine],
            maintenance=tuple(m for m in maintenance if m.device in ids),
        )

    def until(self, last: int) -> Fleet:
        """The same fleet as it was known at ``last``, the end of one of its steps."""
        count = (last - self.grid.first) // self.grid.step + 1
        seen = self.event_ts <= last
        return Fleet(
            self.devices,
            self.quantities,
            Grid(self.grid.step, self.grid.first, count),
            self.values[:, :, :count],
            self.codes,
            self.event_device[seen],
            self.event_code[seen],
            self.event_ts[seen],
            tuple(m for m in self.maintenance if m.known_at <= last),
        )


class FleetReader:
    """Reads a product's fleet, and reads again only what may have changed.

    Asking for a window end says that its readings, or later ones, are new or changed: steps that
    end before the earliest end asked for are taken from the last call.
    """

    def __init__(self, product: Product, history: int = HISTORY) -> None:
        self._product = product
        self._history = history
        self._last: Fleet | None = None

    def read(
        self,
        store: ReadingStore,
        devices: Sequence[Device],
        maintenance: Sequence[Maintenance],
        ends: Sequence[int],
    ) -> Fleet:
        """The fleet with all steps up to the last of ``ends``, as far back as it is kept.

        Parameters
        ----------
        ends
            Window ends in micros, on the product's grid, at least one.
        """
        step = step_of(self._product)
        span = store.span()
        start = max(span[0] if span else min(ends), min(ends) - self._history)
        grid = Grid.between(step, min(start, min(ends)), max(ends))
        kept = self._kept(devices, grid, min(ends))
        values = np.full(
            (len(devices), len(self._product.quantities), grid.count), np.nan, np.float32
        )
        columns = 0
        events: list[tuple[int, str, int]] = []
        if kept is not None:
            skip = (grid.first - kept.grid.first) // step
            columns = (min(ends) - grid.first) // step
            values[:, :, :columns] = kept.values[:, :, skip : skip + columns]
            rows = zip(kept.event_device, kept.event_code, kept.event_ts, strict=True)
            events = [
                (int(d), kept.codes[c], int(ts))
                for d, c, ts in rows
                if grid.first - step < ts <= min(ends) - step
            ]
        fresh = Grid(step, grid.first + columns * step, grid.count - columns)
        names = [q.id for q in self._product.quantities]
        read_means(store, [d.id for d in devices], names, fresh, values[:, :, columns:])
        position = {d.id: i for i, d in enumerate(devices)}
        for at in range(0, len(devices), _DEVICES_PER_READ):
            some = [d.id for d in devices[at : at + _DEVICES_PER_READ]]
            for event in store.events(some, fresh.first - step + 1, fresh.last + 1):
                events.append((position[event.device], event.code, event.ts))
        codes = tuple(sorted({code for _, code, _ in events}))
        code_at = {code: index for index, code in enumerate(codes)}
        self._last = Fleet(
            devices=tuple(devices),
            quantities=tuple(names),
            grid=grid,
            values=values,
            codes=codes,
            event_device=np.array([d for d, _, _ in events], np.int64),
            event_code=np.array([code_at[c] for _, c, _ in events], np.int64),
            event_ts=np.array([ts for _, _, ts in events], np.int64),
            maintenance=tuple(m for m in maintenance if m.device in position),
        )
        return self._last

    @property
    def has_read(self) -> bool:
        return self._last is not None

    def read_again(
        self,
        store: ReadingStore,
        maintenance: Sequence[Maintenance],
        late: Mapping[str, Sequence[int]],
    ) -> Fleet | None:
        """The devices of ``late`` as they are known now, on the grid of the last call of `read`.

        What is kept of them is read anew from the earliest of their window ends on, so that the
        next call knows it too. None when nothing is kept yet.
        """
        fleet = self._last
        if fleet is None:
            return None
        grid, places = fleet.grid, fleet.position()
        wanted = {places[device]: ends for device, ends in late.items() if device in places}
        for place, ends in wanted.items():
            first = max((min(ends) - grid.first) // grid.step, 0)
            fresh = Grid(grid.step, grid.first + first * grid.step, max(grid.count - first, 0))
            if fresh.count:
                values = np.full((1, len(fleet.quantities), fresh.count), np.nan, np.float32)
                device = fleet.devices[place].id
                read_means(store, [device], fleet.quantities, fresh, values)
                fleet.values[place, :, first:] = values[0]
        return fleet.only(sorted(wanted), maintenance)

    def _kept(self, devices: Sequence[Device], grid: Grid, first_end: int) -> Fleet | None:
        last = self._last
        if last is None or [d.id for d in last.devices] != [d.id for d in devices]:
            return None
        covers = last.grid.first <= grid.first and last.grid.last >= first_end - grid.step
        return last if covers else None


def read_means(
    store: ReadingStore,
    devices: Sequence[str],
    quantities: Sequence[str],
    grid: Grid,
    out: Float32,
) -> None:
    """Fill ``out`` (device, quantity, time) with the means of GOOD readings per step."""
    begin = grid.first - grid.step
    for at in range(0, len(devices), _DEVICES_PER_READ):
        some = devices[at : at + _DEVICES_PER_READ]
        keys = [SeriesKey(device, quantity) for device in some for quantity in quantities]
        points = store.read(keys, begin + 1, grid.last + 1)
        for row, device in enumerate(some, start=at):
            for column, quantity in enumerate(quantities):
                series = points.get(SeriesKey(device, quantity))
                if series is None or not len(series):
                    continue
                step = (series.ts - begin - 1) // grid.step
                good = series.quality == Quality.GOOD
                value = series.value
                if not good.all():
                    step, value = step[good], value[good]
                if not len(step):
                    continue
                first = np.flatnonzero(np.diff(step, prepend=-1))
                count = np.diff(first, append=len(step))
                out[row, column, step[first]] = np.add.reduceat(value, first) / count
