"""What people see: rows of the database put together with registry and catalogue."""

from __future__ import annotations

import base64
import binascii
import json
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from sqlalchemy import ColumnElement, Select, func, select, tuple_
from sqlalchemy.orm import Session

from alerts.alert import Alert
from alerts.lifecycle import AlertState, OrderState
from alerts.order import (
    HistoryEntry,
    Kind,
    Order,
    OutcomeKind,
    PartNeed,
    PartStock,
    Priority,
    Technician,
)
from alerts.repository import (
    ACTIVE_STATES,
    alert_of,
    order_of,
    part_of,
    technician_of,
    unpack,
)
from alerts.tables import (
    AlertRow,
    AuditRow,
    MaintenanceRow,
    OrderPartRow,
    OrderRow,
    PartRow,
    TechnicianRow,
)
from purna.core.catalogue import Catalogue, Name, Product
from purna.core.clock import DAY
from purna.core.devices import Customer, Device, Site
from purna.core.errors import BadInput, NotFound
from purna.core.ports import DeviceRegistry
from purna.db.engine import Database

T = TypeVar("T")
Row = TypeVar("Row")

SUMMARY_DAYS = 90
FEW = 10
"""Up to so many devices are looked up one by one."""


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One page of a list; ``next_cursor`` is None on the last, ``total`` counts all."""

    items: Sequence[T]
    next_cursor: str | None
    total: int


@dataclass(frozen=True, slots=True)
class OrderFilter:
    """Which orders; an empty field does not narrow. ``text`` is part of a number or device id."""

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

    ``accepted`` counts all that is taken up and not yet done. ``devices_act`` have an order to be
    done, ``devices_watch`` an alert without one.
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
class Happening:
    """Something that happened to an order (topic ``orders``) or an alert; ``seq`` only grows."""

    seq: int
    topic: str
    id: str


class Views:
    """Reads only."""

    def __init__(self, db: Database, registry: DeviceRegistry, catalogue: Catalogue) -> None:
        self._db = db
        self._registry = registry
        self._catalogue = catalogue

    def orders(self, where: OrderFilter, cursor: str | None, limit: int, now: int) -> Page[Order]:
        """Highest rank first; of those without one (closed), the newest first."""
        query = select(OrderRow).where(*_conditions(where, now))
        key = (OrderRow.rank, OrderRow.opened_at, OrderRow.id)
        with self._db.read() as session:
            rows: list[OrderRow]
            rows, next_cursor, total = _page(
                session, query, key, lambda r: (r.rank, r.opened_at, r.id), cursor, limit
            )
            return Page(self._orders(session, rows), next_cursor, total)

    def order(self, session: Session, order_id: str) -> Order:
        row = session.get(OrderRow, order_id)
        if row is None:
            raise _not_found("order", order_id)
        return self._orders(session, [row])[0]

    def history(self, order_id: str) -> list[HistoryEntry]:
        query = (
            select(AuditRow)
            .where(AuditRow.topic == "orders", AuditRow.subject == order_id)
            .order_by(AuditRow.id)
        )
        with self._db.read() as session:
            if session.get(OrderRow, order_id) is None:
                raise _not_found("order", order_id)
            return [
                HistoryEntry(row.ts, row.actor, row.action, unpack(row.text))
                for row in session.scalars(query)
            ]

    def alerts(
        self, states: Sequence[AlertState], device: str, cursor: str | None, limit: int
    ) -> Page[Alert]:
        """Newest first."""
        query = select(AlertRow)
        if states:
            query = query.where(AlertRow.state.in_([s.value for s in states]))
        if device:
            query = query.where(AlertRow.device == device)
        key = (AlertRow.opened_at, AlertRow.id)
        with self._db.read() as session:
            rows: list[AlertRow]
            rows, next_cursor, total = _page(
                session, query, key, lambda r: (r.opened_at, r.id), cursor, limit
            )
            return Page(self._alerts(session, rows), next_cursor, total)

    def alert(self, session: Session, alert_id: str) -> Alert:
        row = session.get(AlertRow, alert_id)
        if row is None:
            raise _not_found("alert", alert_id)
        return self._alerts(session, [row])[0]

    def technicians(self) -> list[Technician]:
        with self._db.read() as session:
            return list(_technicians(session).values())

    def parts(self) -> list[PartStock]:
        with self._db.read() as session:
            return [
                part_of(row) for row in session.scalars(select(PartRow).order_by(PartRow.number))
            ]

    def open_orders(self) -> dict[str, int]:
        """How many active orders each device has; devices without any are left out."""
        query = (
            select(OrderRow.device, func.count())
            .where(OrderRow.state.in_(ACTIVE_STATES))
            .group_by(OrderRow.device)
        )
        with self._db.read() as session:
            return dict(session.execute(query).all())

    def summary(self, now: int) -> ServiceSummary:
        since = now - SUMMARY_DAYS * DAY
        done = (OrderRow.state == OrderState.COMPLETED, OrderRow.closed_at >= since)
        active = OrderRow.state.in_(ACTIVE_STATES)
        with self._db.read() as session:
            rows = session.execute(
                select(OrderRow.device, OrderRow.state, OrderRow.due).where(active)
            ).all()
            outcomes = list(session.scalars(select(OrderRow.outcome).where(*done)))
            failures = session.scalars(
                select(func.count())
                .select_from(MaintenanceRow)
                .where(
                    MaintenanceRow.failed,
                    MaintenanceRow.ts.between(since, now),
                )
            ).one()
            alerting = set(
                session.scalars(select(AlertRow.device).where(AlertRow.state != AlertState.CLEARED))
            )
        act = frozenset(row.device for row in rows)
        proposed = sum(row.state == OrderState.PROPOSED for row in rows)
        needless = [o for o in outcomes if o and o["kind"] == OutcomeKind.NO_FAULT_FOUND]
        return ServiceSummary(
            proposed=proposed,
            accepted=len(rows) - proposed,
            overdue=sum(row.due < now for row in rows),
            completed_90d=len(outcomes),
            needless_90d=len(needless),
            failures_90d=failures,
            devices_act=act,
            devices_watch=frozenset(alerting - act),
        )

    def happenings(self, after: int, limit: int) -> list[Happening]:
        """What happened after sequence number ``after``, in order."""
        query = select(AuditRow).where(AuditRow.id > after).order_by(AuditRow.id).limit(limit)
        with self._db.read() as session:
            return [Happening(row.id, row.topic, row.subject) for row in session.scalars(query)]

    def last_happening(self) -> int:
        """The newest sequence number, 0 when nothing has happened yet."""
        with self._db.read() as session:
            return session.scalar(select(func.max(AuditRow.id))) or 0

    def _orders(self, session: Session, rows: Sequence[OrderRow]) -> list[Order]:
        ids = [row.id for row in rows]
        devices = self._devices({row.device for row in rows})
        technicians = _technicians(session) if any(row.technician for row in rows) else {}
        parts = session.execute(
            select(OrderPartRow, PartRow)
            .outerjoin(PartRow, PartRow.number == OrderPartRow.number)
            .where(OrderPartRow.order_id.in_(ids))
            .execution_options(populate_existing=True)
        )
        needs: dict[str, list[PartNeed]] = {}
        for line, part in parts:
            stock = part_of(part) if part is not None else None
            needs.setdefault(line.order_id, []).append(
                PartNeed(
                    line.number,
                    stock.name if stock else Name({"en": line.number}),
                    line.quantity,
                    stock.available if stock else 0,
                    line.reserved,
                )
            )
        linked = select(AlertRow.order_id, AlertRow.id).where(AlertRow.order_id.in_(ids))
        alerts = dict(session.execute(linked.order_by(AlertRow.opened_at)).all())
        return [
            order_of(
                row,
                devices.get(row.device) or _gone(row),
                self._product(row.product),
                technicians.get(row.technician or ""),
                needs.get(row.id, []),
                alerts.get(row.id, ""),
            )
            for row in rows
        ]

    def _alerts(self, session: Session, rows: Sequence[AlertRow]) -> list[Alert]:
        devices = self._devices({row.device for row in rows})
        orders = {row.order_id for row in rows if row.order_id}
        query = select(OrderRow.id, OrderRow.number).where(OrderRow.id.in_(orders))
        numbers = dict(session.execute(query).all())
        return [
            alert_of(
                row,
                devices.get(row.device)
                or Device(row.device, row.product, Site("", Customer("", ""), "")),
                self._product(row.product),
                numbers.get(row.order_id or "", ""),
            )
            for row in rows
        ]

    def _devices(self, ids: set[str]) -> dict[str, Device]:
        if len(ids) > FEW:
            return {device.id: device for device in self._registry.all() if device.id in ids}
        found = (self._registry.find(device) for device in ids)
        return {device.id: device for device in found if device is not None}

    def _product(self, product: str) -> Product:
        return self._catalogue.get(product) or Product(product, Name({"en": product}))


def _gone(row: OrderRow) -> Device:
    """A device that the registry no longer has: what the order itself knows of it."""
    site = Site(row.site, Customer(row.customer, row.customer), row.site)
    return Device(row.device, row.product, site, warranty_until=row.warranty_until)


def _technicians(session: Session) -> dict[str, Technician]:
    load = Counter(
        session.scalars(select(OrderRow.technician).where(OrderRow.state.in_(ACTIVE_STATES)))
    )
    rows = session.scalars(select(TechnicianRow).order_by(TechnicianRow.name, TechnicianRow.id))
    return {row.id: technician_of(row, load[row.id]) for row in rows}


def _conditions(where: OrderFilter, now: int) -> Iterable[ColumnElement[bool]]:
    if where.states:
        yield OrderRow.state.in_([s.value for s in where.states])
    if where.kinds:
        yield OrderRow.kind.in_([k.value for k in where.kinds])
    if where.priorities:
        yield OrderRow.priority.in_([p.value for p in where.priorities])
    for column, value in (
        (OrderRow.device, where.device),
        (OrderRow.site, where.site),
        (OrderRow.customer, where.customer),
        (OrderRow.technician, where.technician),
    ):
        if value:
            yield column == value
    if where.overdue:
        yield OrderRow.due < now
        yield OrderRow.state.in_(ACTIVE_STATES)
    if where.text:
        found = OrderRow.number.icontains(where.text, autoescape=True)
        yield found | OrderRow.device.icontains(where.text, autoescape=True)


def _page(
    session: Session,
    query: Select[Any],
    key: tuple[Any, ...],
    key_of: Callable[[Row], tuple[Any, ...]],
    cursor: str | None,
    limit: int,
) -> tuple[list[Row], str | None, int]:
    """Rows behind the cursor by falling ``key``, the next cursor, and how many in all."""
    total = session.scalars(select(func.count()).select_from(query.subquery())).one()
    if cursor:
        query = query.where(tuple_(*key) < tuple_(*_decoded(cursor, len(key))))
    ordered = query.order_by(*(column.desc() for column in key)).limit(limit + 1)
    rows: list[Row] = list(session.scalars(ordered))
    more = len(rows) > limit
    rows = rows[:limit]
    return rows, _encoded(key_of(rows[-1])) if more else None, total


def _encoded(key: tuple[Any, ...]) -> str:
    return base64.urlsafe_b64encode(json.dumps(key).encode()).decode().rstrip("=")


def _decoded(cursor: str, length: int) -> list[Any]:
    try:
        text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        key = json.loads(text)
    except (ValueError, binascii.Error, RecursionError):
        key = None
    good = (
        isinstance(key, list)
        and len(key) == length
        and all(type(part) in (int, float) for part in key[:-1])
        and isinstance(key[-1], str)
    )
    if not good:
        raise BadInput(
            "request.cursor", f"not a cursor of this list: {cursor[:80]!r}", field="cursor"
        )
    return list(key)


def _not_found(kind: str, thing: str) -> NotFound:
    return NotFound("error.not_found", f"there is no {kind} {thing}", kind=kind, id=thing)
