"""What a product is: its quantities, components, failure modes and service policy.

A catalogue entry is one TOML file per product; :func:`parse_product` turns its parsed content
into values and names the field of anything wrong. Names may be one text or one per language:
``name = "Bearing"`` or ``name = { en = "Bearing", id = "Bantalan" }``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields
from enum import StrEnum
from typing import Any, TypeVar, get_type_hints

from purna.core.errors import BadInput
from purna.core.units import unit_of


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
class Name:
    """A text that people read, by language; English is the fallback."""

    texts: Mapping[str, str]

    def text(self, language: str = "en") -> str:
        return self.texts.get(language) or self.texts["en"]


@dataclass(frozen=True, slots=True)
class Quantity:
    """Something measured. Readings outside [low, high] are stored as suspect.

    ``alarm`` is the level at which the maker calls it too high, for charts and limits.
    ``setting`` marks an operating condition (load, ambient) rather than a symptom.
    """

    id: str
    name: Name
    unit: str
    low: float
    high: float
    alarm: float | None = None
    setting: bool = False


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
    """A catalogue entry. ``step_minutes`` is the grid on which windows end."""

    id: str
    name: Name
    version: int = 1
    step_minutes: int = 60
    warranty_months: int = 24
    horizons: Sequence[int] = (24, 168, 720)
    quantities: Sequence[Quantity] = ()
    components: Sequence[Component] = ()
    failure_modes: Sequence[FailureMode] = ()
    policy: Policy = field(default_factory=Policy)

    def quantity(self, quantity_id: str) -> Quantity | None:
        return next((q for q in self.quantities if q.id == quantity_id), None)

    def component(self, component_id: str) -> Component | None:
        return next((c for c in self.components if c.id == component_id), None)

    def failure_mode(self, mode_id: str) -> FailureMode | None:
        return next((m for m in self.failure_modes if m.id == mode_id), None)


Catalogue = Mapping[str, Product]
"""Products by id."""


def parse_product(data: Mapping[str, Any], source: str = "product") -> Product:
    """A product from parsed TOML.

    Raises
    ------
    BadInput
        ``catalogue.invalid`` with the field's path: an unknown or missing key, a value of the
        wrong type, an unknown unit, a reference to a component that is not there.
    """
    values = dict(data)
    lists = {
        "quantities": _entries(Quantity, values.pop("quantity", []), f"{source}.quantity"),
        "components": _entries(Component, values.pop("component", []), f"{source}.component"),
        "failure_modes": _entries(
            FailureMode, values.pop("failure_mode", []), f"{source}.failure_mode"
        ),
    }
    policy = _entry(Policy, values.pop("policy", {}), f"{source}.policy")
    product = _entry(Product, {**values, **lists, "policy": policy}, source)
    for quantity in product.quantities:
        unit_of(quantity.unit, f"{source}.quantity.{quantity.id}.unit")
        if quantity.low >= quantity.high:
            raise _invalid(f"{source}.quantity.{quantity.id}.low", "must be below high")
    for mode in product.failure_modes:
        if product.component(mode.component) is None:
            raise _invalid(
                f"{source}.failure_mode.{mode.id}.component",
                f"no component {mode.component!r} in this product",
            )
    if product.step_minutes < 1:
        raise _invalid(f"{source}.step_minutes", "must be at least 1")
    if product.policy.horizon_hours not in product.horizons:
        raise _invalid(f"{source}.policy.horizon_hours", f"must be one of {product.horizons}")
    return product


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
