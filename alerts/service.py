"""The use cases of the alert engine: from assessments to orders, and what people do with them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from alerts.alert import Alert
from alerts.decision import Decision
from alerts.lifecycle import AlertState, OrderState
from alerts.order import (
    HistoryEntry,
    Kind,
    Order,
    OutcomeKind,
    PartStock,
    Priority,
    RejectReason,
    Technician,
)
from alerts.settings import AlertSettings
from purna.core.assessments import Assessment
from purna.core.catalogue import Catalogue, Mode
from purna.core.clock import Clock
from purna.core.ids import IdFactory
from purna.core.ports import AssessmentLog, DeviceRegistry
from purna.core.texts import Message
from purna.db.engine import Database

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One page of a list; ``next_cursor`` is None on the last, ``total`` counts all."""

    items: Sequence[T]
    next_cursor: str | None
    total: int


@dataclass(frozen=True, slots=True)
class OrderFilter:
    """Which orders; an empty field does not narrow. ``text`` matches number and device id."""

    states: Sequence[OrderState] = ()
    kinds: Sequence[Kind] = ()
    priorities: Sequence[Priority] = ()
    device: str = ""
    site: str = ""
    customer: str = ""
    technician: str = ""
    overdue: bool = False
    text: str = ""


@dataclass(frozen=True, slots=True)
class ServiceSummary:
    """The numbers above the queue, and the devices with something open.

    ``devices_act`` have an order to be done, ``devices_watch`` an alert without one.
    """

    proposed: int
    accepted: int
    overdue: int
    completed_90d: int
    needless_90d: int
    failures_90d: int
    devices_act: frozenset[str]
    devices_watch: frozenset[str]


@dataclass(frozen=True, slots=True)
class Explanation:
    """What the engine thinks of one failure mode of a device, for ``purna explain``."""

    failure_mode: str
    state: Message
    decision: Decision


class AlertService:
    """Alerts and orders in the service database."""

    def __init__(
        self,
        db: Database,
        registry: DeviceRegistry,
        catalogue: Catalogue,
        clock: Clock,
        ids: IdFactory,
        settings: AlertSettings | None = None,
    ) -> None: ...

    # What the platform does

    def process_pending(self, log: AssessmentLog, limit: int = 5000) -> list[Decision]: ...
    def process(self, assessments: Sequence[Assessment]) -> list[Decision]: ...
    def reconcile(self) -> int: ...
    def explain(self, device_id: str) -> list[Explanation]: ...

    # What people do; ``actor`` is a user's id, written to the history

    def acknowledge(self, alert_id: str, actor: str) -> Alert: ...
    def accept(
        self,
        order_id: str,
        actor: str,
        *,
        technician: str | None = None,
        planned_start: int | None = None,
        note: str = "",
    ) -> Order: ...
    def reject(self, order_id: str, actor: str, reason: RejectReason, note: str = "") -> Order: ...
    def reschedule(
        self,
        order_id: str,
        actor: str,
        planned_start: int,
        *,
        technician: str | None = None,
        note: str = "",
    ) -> Order: ...
    def start(self, order_id: str, actor: str) -> Order: ...
    def complete(
        self,
        order_id: str,
        actor: str,
        outcome: OutcomeKind,
        *,
        component: str | None = None,
        serial: str = "",
        note: str = "",
        done_at: int | None = None,
    ) -> Order: ...
    def cancel(self, order_id: str, actor: str, note: str) -> Order: ...

    # What people see; NotFound for an unknown id

    def orders(
        self, where: OrderFilter | None = None, *, cursor: str | None = None, limit: int = 50
    ) -> Page[Order]: ...
    def order(self, order_id: str) -> Order: ...
    def history(self, order_id: str) -> list[HistoryEntry]: ...
    def alerts(
        self,
        *,
        states: Sequence[AlertState] = (),
        device: str = "",
        cursor: str | None = None,
        limit: int = 50,
    ) -> Page[Alert]: ...
    def alert(self, alert_id: str) -> Alert: ...
    def technicians(self) -> list[Technician]: ...
    def parts(self) -> list[PartStock]: ...
    def summary(self) -> ServiceSummary: ...
    def open_orders(self) -> dict[str, int]: ...
    def change(self) -> int: ...

    # Master data

    def add_technicians(self, technicians: Iterable[Technician]) -> None: ...
    def add_parts(self, parts: Iterable[PartStock]) -> None: ...
    def mode(self) -> Mode: ...
