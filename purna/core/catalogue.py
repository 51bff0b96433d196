"""What a product is: its quantities, components, failure modes and service policy.

A catalogue entry is one TOML file per product; :func:`parse_product` turns its parsed content
into values and names the field of anything wrong. Names may be one text or one per language:
``name = "Bearing"`` or ``name = { en = "Bearing", id = "Bantalan" }``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields, replace
from enum import StrEnum
from math import inf
from typing import Any, TypeVar, get_type_hints

from purna.core.errors import BadInput
from purna.core.quantities import Name as Name
from purna.core.quantities import Quantity as Quantity
from purna.core.units import unit_of
from purna.core.vibration import FAULTS, ZONES, Bearing, Machine, WaveformSource, indicators_of


class Remedy(StrEnum):
    """How a failure mode is put right."""

    VISIT = "visit"  # a technician goes there
    SHIP = "ship"  # the customer changes the part himself


class Mode(StrEnum):
    """How far the platform may go by itself."""

    OBSERVE = "observe"  # decisions are recorded, no order is opened
    SUGGEST = "suggest"  # orders are proposed, the dispatcher decides
    AUTO = "auto"  # orders are opened as accepted


@dataclass(frozen=True, slots=True)
class Component:
    """Something that can be replaced; ``price`` of ``part`` in the policy's currency."""

    id: str
    name: Name
    part: str
    price: float = 0.0
    life_hours: float | None = None  # rated life, for calendar maintenance and charts


@dataclass(frozen=True, slots=True)
class FailureMode:
    """One way in which a component fails.

    ``failure_cost`` is what a failure in service costs beyond the repair itself (downtime,
    collateral damage). ``hours`` is working time on site; ``skill`` what the technician must have.
    """

    id: str
    name: Name
    component: str
    remedy: Remedy = Remedy.VISIT
    skill: str = "mechanical"
    hours: float = 2.0
    failure_cost: float = 3000.0


@dataclass(frozen=True, slots=True)
class Policy:
    """When a finding is raised and what acting costs; money in ``currency``.

    A finding is raised after ``raise_after`` consecutive windows with a failure probability (at
    ``horizon_hours``) of at least ``raise_probability``, or with remaining life whose median is
    below ``life_hours``; it clears after ``clear_after`` windows below ``clear_probability`` and
    with no such remaining life. An anomaly alone (score of at least ``anomaly_score`` for
    ``anomaly_after`` windows, no component named) raises an inspection.
    """

    currency: str = "EUR"
    horizon_hours: int = 24
    raise_probability: float = 0.6
    clear_probability: float = 0.3
    raise_after: int = 1
    clear_after: int = 4
    life_hours: float = 0.0
    anomaly_score: float = 2.0
    anomaly_after: int = 12
    visit_cost: float = 280.0
    urgent_factor: float = 2.0
    hour_cost: float = 75.0
    shipping_cost: float = 30.0


@dataclass(frozen=True, slots=True)
class Product:
    """A catalogue entry. ``step_minutes`` is the grid on which windows end.

    ``clock_limit_s``: an event says when a device's clock differs by more seconds. The quantities
    hold what devices measure, and the indicators of the product's waveforms.
    """

    id: str
    name: Name
    version: int = 1
    step_minutes: int = 60
    warranty_months: int = 24
    horizons: Sequence[int] = (24, 168, 720)
    clock_limit_s: float | None = None
    quantities: Sequence[Quantity] = ()
    waveforms: Sequence[WaveformSource] = ()
    bearings: Sequence[Bearing] = ()
    machine: Machine | None = None
    components: Sequence[Component] = ()
    failure_modes: Sequence[FailureMode] = ()
    policy: Policy = field(default_factory=Policy)

    def quantity(self, quantity_id: str) -> Quantity | None:
        return next((q for q in self.quantities if q.id == quantity_id), None)

    def waveform(self, source_id: str) -> WaveformSource | None:
        return next((w for w in self.waveforms if w.id == source_id), None)

    def component(self, component_id: str) -> Component | None:
        return next((c for c in self.components if c.id == component_id), None)

    def failure_mode(self, mode_id: str) -> FailureMode | None:
        return next((m for m in self.failure_modes if m.id == mode_id), None)


Catalogue = Mapping[str, Product]
"""Products by id."""

_ID_CHARS = 64
_TOPIC_NAME = re.compile(r"[A-Za-z0-9_.-]+")


QUANTITIES = 256
"""Of a product, so of a device: what its product does not name is never stored."""


def parse_product(data: Mapping[str, Any], source: str = "product") -> Product:
    """A product from parsed TOML.

    Raises
    ------
    BadInput
        ``catalogue.invalid`` with the field's path: an unknown or missing key, a value of the
        wrong type, an unknown unit, a reference to a component that is not there.
    """
    values = dict(data)
    machine = values.pop("machine", None)
    lists = {
        "quantities": _entries(Quantity, values.pop("quantity", []), f"{source}.quantity"),
        "waveforms": _entries(WaveformSource, values.pop("waveform", []), f"{source}.waveform"),
        "bearings": _entries(Bearing, values.pop("bearing", []), f"{source}.bearing"),
        "components": _entries(Component, values.pop("component", []), f"{source}.component"),
        "failure_modes": _entries(
            FailureMode, values.pop("failure_mode", []), f"{source}.failure_mode"
        ),
    }
    policy = _entry(Policy, values.pop("policy", {}), f"{source}.policy")
    whole: dict[str, Any] = {**values, **lists, "policy": policy}
    if machine is not None:
        whole["machine"] = _entry(Machine, machine, f"{source}.machine")
    product = _entry(Product, whole, source)
    if len(product.quantities) > QUANTITIES:
        raise _invalid(f"{source}.quantity", f"a product has at most {QUANTITIES} quantities")
    for quantity in product.quantities:
        unit_of(quantity.unit, f"{source}.quantity.{quantity.id}.unit")
        if quantity.low >= quantity.high:
            raise _invalid(f"{source}.quantity.{quantity.id}.low", "must be below high")
        for key in ("retention_days", "rollup_retention_days"):
            if (getattr(quantity, key) or 0) < 0:
                raise _invalid(f"{source}.quantity.{quantity.id}.{key}", "must not be negative")
        for limit in ("max_rate", "stuck_after_s", "gap_after_s"):
            given = getattr(quantity, limit)
            if given is not None and not 0 < given < inf:
                raise _invalid(f"{source}.quantity.{quantity.id}.{limit}", "must be above 0")
    for mode in product.failure_modes:
        if product.component(mode.component) is None:
            raise _invalid(
                f"{source}.failure_mode.{mode.id}.component",
                f"no component {mode.component!r} in this product",
            )
    if product.clock_limit_s is not None and not 0 < product.clock_limit_s < inf:
        raise _invalid(f"{source}.clock_limit_s", "must be above 0")
    if product.step_minutes < 1:
        raise _invalid(f"{source}.step_minutes", "must be at least 1")
    if product.policy.horizon_hours not in product.horizons:
        raise _invalid(f"{source}.policy.horizon_hours", f"must be one of {product.horizons}")
    return _with_indicators(product, source)


def _with_indicators(product: Product, source: str) -> Product:
    """The product with the indicators of its waveforms among its quantities."""
    machine = product.machine
    if machine is not None and (machine.group, machine.foundation) not in ZONES:
        raise _invalid(f"{source}.machine.group", "must be 1 or 2")
    for waveform in product.waveforms:
        _check_waveform(waveform, f"{source}.waveform.{waveform.id}")
        if product.quantity(waveform.id) is not None:
            raise _invalid(f"{source}.waveform.{waveform.id}.id", "a quantity has this id")
    for bearing in product.bearings:
        _check_bearing(bearing, product, f"{source}.bearing.{bearing.id}")
    quantities = list(product.quantities)
    for waveform in product.waveforms:
        for indicator in indicators_of(waveform, product.bearings, machine):
            if len(indicator.id) > _ID_CHARS:
                raise _invalid(
                    f"{source}.waveform.{waveform.id}.id",
                    f"too long: {indicator.id} has more than {_ID_CHARS} characters",
                )
            if product.quantity(indicator.id) is not None:
                raise _invalid(
                    f"{source}.quantity.{indicator.id}.id", "an indicator has this id already"
                )
            quantities.append(indicator)
    return replace(product, quantities=tuple(quantities))


def _check_waveform(waveform: WaveformSource, path: str) -> None:
    unit_of(waveform.unit, f"{path}.unit")
    if _TOPIC_NAME.fullmatch(waveform.id) is None:
        raise _invalid(f"{path}.id", "is part of a topic: letters, digits, _, - and . only")
    if not 0 < waveform.full_scale < inf:
        raise _invalid(f"{path}.full_scale", "must be above 0")
    for band in waveform.bands if isinstance(waveform.bands, tuple) else (None,):
        pair = list(band) if isinstance(band, Sequence) else []
        if len(pair) != 2 or not all(type(edge) in (int, float) for edge in pair):
            raise _invalid(f"{path}.bands", "must be a list of [from, to] in Hz")
        if not 0 <= pair[0] < pair[1]:
            raise _invalid(f"{path}.bands", "each must begin at 0 Hz or above and end above that")
    if len({tuple(band) for band in waveform.bands}) < len(waveform.bands):
        raise _invalid(f"{path}.bands", "a band is given twice")


def _check_bearing(bearing: Bearing, product: Product, path: str) -> None:
    if product.component(bearing.component) is None:
        raise _invalid(f"{path}.component", f"no component {bearing.component!r} in this product")
    waveform = product.waveform(bearing.waveform)
    if waveform is None:
        raise _invalid(f"{path}.waveform", f"no waveform {bearing.waveform!r} in this product")
    if waveform.kind != "acceleration":
        raise _invalid(f"{path}.waveform", "bearings are heard in an acceleration only")
    multiples = {fault: getattr(bearing, fault) for fault in FAULTS}
    if any(value is not None for value in multiples.values()):
        for fault, value in multiples.items():
            if value is None or not value > 0:
                raise _invalid(
                    f"{path}.{fault}", "give all four multiples, each above 0, or none of them"
                )
        return
    if bearing.balls < 2:
        raise _invalid(f"{path}.balls", "must be at least 2, or give bpfo, bpfi, bsf and ftf")
    if not 0 < bearing.ball_diameter < bearing.pitch_diameter:
        raise _invalid(f"{path}.ball_diameter", "must be above 0 and below pitch_diameter")
    if not 0 <= bearing.contact_angle < 90:
        raise _invalid(f"{path}.contact_angle", "must be from 0 to below 90 degrees")


T = TypeVar("T")


def _entries(kind: type[T], items: Sequence[Mapping[str, Any]], path: str) -> tuple[T, ...]:
    out = []
    for position, item in enumerate(items):
        out.append(_entry(kind, item, f"{path}.{item.get('id', position)}"))
    ids = [getattr(entry, "id") for entry in out]  # noqa: B009
    for entry_id in ids:
        if ids.count(entry_id) > 1:
            raise _invalid(f"{path}.{entry_id}", "this id is given twice")
    return tuple(out)


def _entry(kind: type[T], item: Mapping[str, Any], path: str) -> T:
    known = {f.name: f for f in fields(kind)}  # type: ignore[arg-type]
    hints = get_type_hints(kind)
    for key in item:
        if key not in known:
            raise _invalid(f"{path}.{key}", "unknown key")
    values = {}
    for name, spec in known.items():
        if name in item:
            values[name] = _value(hints[name], item[name], f"{path}.{name}")
        elif spec.default is MISSING and spec.default_factory is MISSING:
            raise _invalid(f"{path}.{name}", "is missing")
    return kind(**values)


def _value(hint: Any, value: Any, path: str) -> Any:
    if hint is Name:
        texts = {"en": value} if isinstance(value, str) else value
        if not isinstance(texts, Mapping) or "en" not in texts:
            raise _invalid(path, "must be a text, or a table of texts with at least 'en'")
        return Name(dict(texts))
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        try:
            return hint(value)
        except ValueError:
            raise _invalid(path, f"must be one of {[m.value for m in hint]}") from None
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if hint in (float, float | None):
        if is_number or (value is None and hint is not float):
            return None if value is None else float(value)
        raise _invalid(path, "must be a number")
    if hint in (int, str, bool):
        if type(value) is hint:
            return value
        raise _invalid(path, f"must be {hint.__name__}")
    return tuple(value) if isinstance(value, list) else value


def _invalid(path: str, reason: str) -> BadInput:
    return BadInput("catalogue.invalid", f"{path}: {reason}", field=path, reason=reason)
