"""Order: a visit or a shipment that answers one incident. Values only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from alerts.lifecycle import OrderAction, OrderState
from purna.core.catalogue import Component, FailureMode, Name, Product
from purna.core.devices import Device
from purna.core.texts import Message

PLATFORM = "purna"
"""The actor in the history when the platform itself did it."""


class Kind(StrEnum):
    """What an order sends."""

    VISIT = "visit"  # a technician
    SHIPMENT = "shipment"  # a part that the customer changes himself


class Priority(StrEnum):
    """How soon."""

    URGENT = "urgent"
    HIGH = "high"
    NORMAL = "normal"


class OutcomeKind(StrEnum):
    """What was found on site."""

    CONFIRMED = "confirmed"
    OTHER_COMPONENT = "other_component"
    NO_FAULT_FOUND = "no_fault_found"


class RejectReason(StrEnum):
    """Why a dispatcher turned a proposal down."""

    NOT_NEEDED = "not_needed"
    DUPLICATE = "duplicate"
    CUSTOMER_REFUSED = "customer_refused"
    WRONG_PART = "wrong_part"
    OTHER = "other"


class Action(StrEnum):
    """What the platform weighs."""

    WAIT = "wait"
    SHIP = "ship"
    VISIT = "visit"
    URGENT_VISIT = "urgent_visit"


@dataclass(frozen=True, slots=True)
class PartNeed:
    """A part that an order needs; ``available`` counts stock that nobody has reserved."""

    number: str
    name: Name
    quantity: int
    available: int
    reserved: bool


@dataclass(frozen=True, slots=True)
class Coverage:
    """Whether the repair is under warranty at the time of the order; ``until`` in micros."""

    covered: bool
    until: int


@dataclass(frozen=True, slots=True)
class Evidence:
    """The share (0..1) of ``name`` in the finding, and the stretch of time (micros) to look at.

    ``name`` is a quantity id, ``event:<code>`` or ``age:<component>``.
    """

    name: str
    share: float
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Option:
    """One weighed action with its expected cost in the policy's currency."""

    action: Action
    expected_cost: float
    failure_probability: float
    chosen: bool
    reason: Message


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was found; ``component`` is the one concerned, None when nothing was found.

    ``kind`` is None when the component was replaced outside the console, before it failed:
    nobody has told then in which state it was.
    """

    kind: OutcomeKind | None
    component: str | None = None
    note: str = ""
    serial: str = ""


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """A line of an order's history; ``ts`` is server time in micros."""

    ts: int
    actor: str
    action: str
    text: Message


@dataclass(frozen=True, slots=True)
class Technician:
    """Somebody who can be sent. ``home_site`` is a region or a depot, for people.

    ``latitude`` and ``longitude`` (degrees) say where a journey starts; None when not known.
    """

    id: str
    name: str
    skills: Sequence[str]
    home_site: str = ""
    latitude: float | None = None
    longitude: float | None = None
    open_orders: int = 0


@dataclass(frozen=True, slots=True)
class PartStock:
    """A spare part and its stock; ``delivery_hours`` until a new one arrives."""

    number: str
    name: Name
    stock: int
    reserved: int = 0
    delivery_hours: float = 72.0

    @property
    def available(self) -> int:
        return self.stock - self.reserved


@dataclass(frozen=True, slots=True)
class Order:
    """One order. Times are micros UTC; money is in ``currency``.

    ``incident`` is the unique key of the episode that it answers. ``probability`` (at
    ``horizon_hours``) and ``life_hours`` (median) are the newest known. ``saving`` is the
    expected cost of waiting less that of acting. ``component`` is None for an inspection.
    ``actions`` are those that are possible now.
    """

    id: str
    number: str
    incident: str
    kind: Kind
    state: OrderState
    priority: Priority
    rank: float
    device: Device
    product: Product
    mode: FailureMode
    component: Component | None
    reason: Message
    probability: float | None
    horizon_hours: int
    life_hours: float | None
    opened_at: int
    due: int
    closed_at: int | None
    planned_start: int | None
    technician: Technician | None
    parts: Sequence[PartNeed]
    warranty: Coverage
    saving: float
    currency: str
    skill: str
    work_hours: float
    alert: str
    evidence: Sequence[Evidence] = ()
    options: Sequence[Option] = ()
    models: Mapping[str, str] = field(default_factory=dict)
    outcome: Outcome | None = None
    actions: Sequence[OrderAction] = ()
