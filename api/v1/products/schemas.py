"""Wire shapes of the catalogue."""

from __future__ import annotations

from api.v1.common import Ref, Wire


class QuantityEntry(Wire):
    """Something measured."""

    id: str
    name: str
    unit: str
    low: float
    high: float
    alarm: float | None
    setting: bool


class ComponentEntry(Wire):
    """Something that can be replaced."""

    id: str
    name: str
    part: str


class FailureModeEntry(Wire):
    """One way in which a component fails."""

    id: str
    name: str
    component: Ref
    remedy: str
    skill: str


class ProductEntry(Wire):
    """A catalogue entry."""

    id: str
    name: str
    version: int
    step_minutes: int
    quantities: list[QuantityEntry]
    components: list[ComponentEntry]
    failure_modes: list[FailureModeEntry]
    devices: int
