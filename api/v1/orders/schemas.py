"""Wire shapes of orders: what a dispatcher sees and says."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import Field

from api.v1.common import Ref, Text, Wire

Kind = Literal["visit", "shipment"]
State = Literal[
    "proposed", "accepted", "scheduled", "in_progress", "completed", "rejected", "cancelled"
]
Priority = Literal["urgent", "high", "normal"]
Action = Literal["accept", "reject", "reschedule", "complete", "cancel"]
OutcomeKind = Literal["confirmed", "other_component", "no_fault_found"]
RejectReason = Literal["not_needed", "duplicate", "customer_refused", "wrong_part", "other"]


class PartLine(Wire):
    """A part that the order needs. ``available`` counts stock that nobody has reserved."""

    number: str
    name: str
    quantity: int
    available: int
    reserved: bool


class Money(Wire):
    """An amount of money."""

    amount: float
    currency: str


class Warranty(Wire):
    """Whether the repair is under warranty at the time of the order."""

    covered: bool
    until: datetime


class OrderSummary(Wire):
    """A line of the dispatcher's queue. Higher ``rank`` comes first."""

    id: str
    number: str = Field(examples=["V-000042"])
    kind: Kind
    state: State
    priority: Priority
    rank: float
    device: Ref
    product: Ref
    site: Ref
    customer: Ref
    failure_mode: Ref
    component: Ref | None
    reason: Text
    probability: float | None = Field(description="At the policy's horizon, now")
    horizon_hours: int
    life_hours: float | None = Field(description="Median remaining life, now")
    opened_at: datetime
    due: datetime = Field(description="SLA: visit done or part delivered by then")
    planned_start: datetime | None
    technician: Ref | None
    parts: list[PartLine]
    warranty: Warranty
    saving: Money = Field(description="Expected cost of waiting less that of acting")


class EvidenceQuantity(Wire):
    """A quantity that speaks for the finding, with the stretch to look at."""

    quantity: str
    name: str
    unit: str
    share: float
    start: datetime
    end: datetime


class EvidenceEvent(Wire):
    """An event code or age that speaks for the finding."""

    name: str
    share: float


class Option(Wire):
    """One of the weighed actions with its expected cost."""

    action: Literal["wait", "ship", "visit", "urgent_visit"]
    expected_cost: Money
    failure_probability: float
    chosen: bool
    reason: Text


class HistoryEntry(Wire):
    """A line of the order's history."""

    ts: datetime
    actor: str
    action: str
    text: str


class Outcome(Wire):
    """What was found on site."""

    kind: OutcomeKind | None = Field(
        description="Null when the component was replaced outside the console"
    )
    component: Ref | None
    note: str
    serial: str


class OrderDetail(OrderSummary):
    """All about one order."""

    skill: str
    work_hours: float
    evidence: list[EvidenceQuantity]
    evidence_events: list[EvidenceEvent]
    options: list[Option]
    history: list[HistoryEntry]
    outcome: Outcome | None
    actions: list[Action] = Field(description="What may be done with it now")
    models: dict[str, str] = Field(description="Model versions that spoke when it was opened")
    alert: str


class Accept(Wire):
    """Take the proposal. Without technician and start the platform's suggestion stands."""

    technician: str | None = None
    planned_start: datetime | None = None
    note: str = Field(default="", max_length=2000)


class Reject(Wire):
    """Turn the proposal down; the reason teaches the models."""

    reason: RejectReason
    note: str = Field(default="", max_length=2000)


class Reschedule(Wire):
    """Another time or another technician."""

    planned_start: datetime
    technician: str | None = None
    note: str = Field(default="", max_length=2000)


class Complete(Wire):
    """Work done: what was found becomes a label."""

    outcome: OutcomeKind
    component: str | None = Field(default=None, description="For `other_component`: which")
    failed: bool = Field(default=False, description="It had failed in service before the visit")
    serial: str = Field(default="", max_length=80, description="Of the part put in")
    note: str = Field(default="", max_length=2000)
    done_at: datetime | None = None


class Cancel(Wire):
    """Call off an accepted order."""

    note: str = Field(min_length=1, max_length=2000)
