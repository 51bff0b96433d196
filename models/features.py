"""Features of windows: what the models see of a device at a window's end.

Every feature is a function of what was available at that end; a row of a truncated series equals
the row of the whole series, bit for bit. Rows are asked for one by one (device, time), so a live
round of one window costs little more than reading the history, and gives the same numbers as a
batch of thousands.

Symptoms come in as deviations from what the operating condition explains
(:class:`~models.conditions.OperatingConditions`) and are compared with the device's own past.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from models.base import Features, Float32, Float64, Int64
from models.frames import Fleet
from purna.core.catalogue import Product
from purna.core.clock import HOUR

LAGS = 4
MEAN_HOURS = (6, 12, 24, 48, 168, 720)
EVENT_HOURS = (24, 48)
_RARE_HOURS = 720.0  # "never" and "longer ago than this" are the same
_PRIOR = 24  # a device's own spread counts as if so many steps of the fleet's came before


class Rows(NamedTuple):
    """Which rows: positions of device and of time (the step that ends at the window's end)."""

    device: Int64
    time: Int64

    @classmethod
    def every(cls, fleet: Fleet, ends: Int64) -> Rows:
        """All devices at each of these window ends, device by device."""
        time = (ends - fleet.grid.first) // fleet.grid.step
        devices = np.arange(len(fleet.devices), dtype=np.int64)
        return cls(np.repeat(devices, len(time)), np.tile(time, len(devices)))


@dataclass(frozen=True)
class FeaturePlan:
    """Which features there are; fixed when a model is trained.

    ``categories`` are (attribute, text) pairs that become one column each.
    """

    symptoms: tuple[str, ...]
    components: tuple[str, ...]
    codes: tuple[str, ...]
    numbers: tuple[str, ...]
    categories: tuple[tuple[str, str], ...]


def plan_features(product: Product, fleet: Fleet, symptoms: tuple[str, ...]) -> FeaturePlan:
    """The features that this product and this fleet can have, of these symptoms."""
    numbers, categories = set(), set()
    for device in fleet.devices:
        for name, value in device.attributes.items():
            if isinstance(value, str):
                categories.add((name, value))
            else:
                numbers.add(name)
    return FeaturePlan(
        symptoms=symptoms,
        components=tuple(c.id for c in product.components),
        codes=fleet.codes,
        numbers=tuple(sorted(numbers)),
        categories=tuple(sorted(categories)),
    )


class Past:
    """Running sums over each device's past, from which any trailing mean is two look-ups.

    Parameters
    ----------
    deviations
        ``(device, symptom, time)``, NaN where unknown.
    """

    def __init__(self, deviations: Float32) -> None:
        self.now = np.ascontiguousarray(deviations.transpose(0, 2, 1))
        known = np.isfinite(self.now)
        filled = np.where(known, self.now, 0.0).astype(np.float64)
        self._count = _running(known)
        self._sum = _running(filled)
        self._square = _running(filled * filled)

    def at(self, rows: Rows, lag: int = 0) -> Float64:
        """The value ``lag`` steps before each row: (rows, symptoms)."""
        time = rows.time - lag
        values = self.now[rows.device, np.maximum(time, 0)].astype(np.float64)
        values[time < 0] = np.nan
        return values

    def mean(self, device: Int64, start: Int64, stop: Int64) -> tuple[Float64, Float64]:
        """Mean and count of the steps ``start <= time < stop``; NaN and 0 where none is known."""
        start = np.clip(start, 0, stop)
        count = self._count[device, stop] - self._count[device, start]
        total = self._sum[device, stop] - self._sum[device, start]
        return _divide(total, count), count

    def spread(self, device: Int64, start: Int64, stop: Int64, prior: float = 0.0) -> Float64:
        """Standard deviation of those steps, shrunk to 1 as by ``prior`` steps of spread 1."""
        start = np.clip(start, 0, stop)
        count = self._count[device, stop] - self._count[device, start]
        total = self._sum[device, stop] - self._sum[device, start]
        square = self._square[device, stop] - self._square[device, start]
        around = np.maximum(square - _divide(total * total, count), 0.0)
        return np.sqrt(_divide(around + prior, count + prior))


def failure_features(plan: FeaturePlan, fleet: Fleet, past: Past, rows: Rows) -> Features:
    """What all components' failure models see.

    Per symptom: the latest values and trailing means against the device's own past, its recent
    spread, its trend over days and weeks, its level against the fleet. Per event code: counts
    and hours since the last. Per component: hours since the last known replacement or the
    installation. Per device: its attributes. Its own age is left out: where all were installed
    together that is the calendar, which no later row can share.
    """
    table = _Table(len(rows.device))
    device, stop = rows.device, rows.time + 1
    start = np.zeros_like(stop)
    own, _ = past.mean(device, start, stop)
    spread = past.spread(device, start, stop, _PRIOR)
    for lag in range(LAGS + 1):
        table.add(plan.symptoms, f"lag{lag}", (past.at(rows, lag) - own) / spread)
    means = {h: past.mean(device, stop - _steps(h, fleet), stop)[0] for h in MEAN_HOURS}
    for hours, mean in means.items():
        table.add(plan.symptoms, f"mean{hours}", (mean - own) / spread)
    day = past.spread(device, stop - _steps(24, fleet), stop)
    table.add(plan.symptoms, "spread24", day / spread)
    week = _steps(168, fleet)
    before, _ = past.mean(device, stop - 2 * week, np.maximum(stop - week, 0))
    table.add(plan.symptoms, "day", (means[24] - means[168]) / spread)
    table.add(plan.symptoms, "week", (means[168] - before) / spread)
    table.add(plan.symptoms, "level", means[24])

    ends = fleet.grid.first + rows.time * fleet.grid.step
    for code in plan.codes:
        raised = fleet.events_of(code)
        for hours in EVENT_HOURS:
            count = raised.count(device, ends - hours * HOUR, ends)
            table.add_one(f"event:{code}|count{hours}", count)
        last = raised.last(device, ends)
        since = np.where(last < 0, _RARE_HOURS, np.minimum((ends - last) / HOUR, _RARE_HOURS))
        table.add_one(f"event:{code}|since", since)
    installed = np.array([d.installed_at for d in fleet.devices], np.int64)[device]
    for component in plan.components:
        last = fleet.replacements(component).last(device, ends)
        table.add_one(f"age:{component}|hours", _age(ends, np.maximum(last, installed)))
    for name in plan.numbers:
        facts = [d.attributes.get(name, np.nan) for d in fleet.devices]
        numbers = np.array([np.nan if isinstance(f, str) else f for f in facts], np.float64)
        table.add_one(f"device|{name}", numbers[device])
    for name, text in plan.categories:
        same = np.array([d.attributes.get(name) == text for d in fleet.devices], np.float64)
        table.add_one(f"device|{name}={text}", same[device])
    return table.features()


def component_features(
    plan: FeaturePlan, component: str, fleet: Fleet, past: Past, rows: Rows
) -> Features:
    """What only this component's failure model sees: the rise since its last replacement.

    The reference is the mean of the first three days after the replacement (or of the history).
    """
    table = _Table(len(rows.device))
    device, stop = rows.device, rows.time + 1
    start = np.minimum(_start(fleet, component, rows), rows.time)
    first, _ = past.mean(device, start, np.minimum(start + _steps(72, fleet), stop))
    spread = past.spread(device, np.zeros_like(stop), stop, _PRIOR)
    for hours in (24, 168):
        recent = np.maximum(stop - _steps(hours, fleet), start)
        mean, _ = past.mean(device, recent, stop)
        table.add(plan.symptoms, f"rise{hours}", (mean - first) / spread)
    return table.features()


ANOMALY_LAGS = 8
_LEVEL_HOURS = 6
_BASELINE_HOURS = 168
_MUTE_HOURS = 24


def anomaly_features(symptoms: tuple[str, ...], fleet: Fleet, past: Past, rows: Rows) -> Features:
    """What the detector sees: levels and latest values against the device's healthy baseline.

    The baseline is the mean of the first week after the last replacement of any component (or of
    the history): after maintenance a device is learnt anew, and for the first day of that all is
    NaN, so the detector is mute.
    """
    table = _Table(len(rows.device))
    device, stop = rows.device, rows.time + 1
    start = np.minimum(_start(fleet, None, rows), rows.time)
    base, count = past.mean(device, start, np.minimum(start + _steps(_BASELINE_HOURS, fleet), stop))
    base[count < _steps(_MUTE_HOURS, fleet)] = np.nan
    recent = np.maximum(stop - max(_steps(_LEVEL_HOURS, fleet), 3), start)
    table.add(symptoms, "level", past.mean(device, recent, stop)[0] - base)
    for lag in range(ANOMALY_LAGS):
        value = past.at(rows, lag) - base
        value[rows.time - lag < start] = np.nan
        table.add(symptoms, f"lag{lag}", value)
    return table.features()


def _start(fleet: Fleet, component: str | None, rows: Rows) -> Int64:
    """The first whole step after the last known replacement, or the device's first step."""
    ends = fleet.grid.first + rows.time * fleet.grid.step
    last = fleet.replacements(component).last(rows.device, ends)
    after = -(-(last - fleet.grid.first) // fleet.grid.step) + 1
    begin = fleet.first_steps()[rows.device]
    return np.where(last < 0, begin, np.maximum(after, begin))


def _steps(hours: int, fleet: Fleet) -> int:
    return max(hours * HOUR // fleet.grid.step, 1)


def _age(ends: Int64, since: Int64) -> Float64:
    return np.where(since > 0, (ends - since) / HOUR, np.nan)


def _running(values: np.ndarray[tuple[int, ...], np.dtype[np.generic]]) -> Float64:
    """Sums of all earlier steps along axis 1, with a leading zero."""
    out = np.zeros((values.shape[0], values.shape[1] + 1, values.shape[2]))
    np.cumsum(values, axis=1, out=out[:, 1:])
    return out


def _divide(above: Float64, below: Float64) -> Float64:
    out = np.full(above.shape, np.nan)
    np.divide(above, below, out=out, where=below > 0)
    return out


class _Table:
    def __init__(self, rows: int) -> None:
        self._rows = rows
        self._names: list[str] = []
        self._parts: list[Float32] = []

    def add(self, sources: tuple[str, ...], what: str, values: Float64) -> None:
        self._names.extend(f"{source}|{what}" for source in sources)
        self._parts.append(values.astype(np.float32))

    def add_one(self, name: str, values: Float64 | Int64) -> None:
        self._names.append(name)
        self._parts.append(values.astype(np.float32)[:, None])

    def features(self) -> Features:
        empty = np.empty((self._rows, 0), np.float32)
        return Features(tuple(self._names), np.hstack([empty, *self._parts]))
