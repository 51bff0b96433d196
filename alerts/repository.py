"""How values stand in the tables, and the few statements that need care."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import msgspec
from sqlalchemy import Table, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from alerts.alert import Alert
from alerts.engine import Checkpoint
from alerts.lifecycle import ACTIVE, AlertState, OrderState, possible
from alerts.order import (
    Action,
    Coverage,
    Evidence,
    Kind,
    Option,
    Order,
    Outcome,
    OutcomeKind,
    PartNeed,
    PartStock,
    Priority,
    Technician,
)
from alerts.rules import mode_of
from alerts.tables import (
    AlertRow,
    AuditRow,
    FoldRow,
    NumberRow,
    OrderRow,
    PartRow,
    PositionRow,
    TechnicianRow,
)
from purna.core.catalogue import Name, Product
from purna.core.devices import Device
from purna.core.texts import Message

ACTIVE_STATES = [state.value for state in ACTIVE]

_checkpoint = msgspec.json.Decoder(Checkpoint)


def upsert(session: Session, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Add rows, or replace those with the same primary key."""
    if not rows:
        return
    statement = insert_into(session, table)
    keys = [column.name for column in table.primary_key]
    others = {name: statement.excluded[name] for name in rows[0] if name not in keys}
    session.execute(statement.on_conflict_do_update(index_elements=keys, set_=others), list(rows))


def insert_into(session: Session, table: Table) -> Any:
    """An ``INSERT`` that knows ``ON CONFLICT``, which is spelt alike in both databases."""
    dialect = session.get_bind().dialect.name
    return (postgresql if dialect == "postgresql" else sqlite).insert(table)


def lock_position(session: Session, name: str) -> int:
    """How far the consumer has read. Whoever else asks waits until this transaction ends."""
    statement = insert_into(session, table_of(PositionRow)).values(name=name, position=0)
    session.execute(statement.on_conflict_do_nothing())
    query = select(PositionRow.position).where(PositionRow.name == name).with_for_update()
    return session.scalars(query).one()


def set_position(session: Session, name: str, position: int) -> None:
    session.execute(update(PositionRow).where(PositionRow.name == name).values(position=position))


def next_number(session: Session, prefix: str) -> str:
    """The next order number: ``V-000042``. Numbers of a transaction that fails are used again."""
    statement = insert_into(session, table_of(NumberRow)).values(prefix=prefix, last=1)
    statement = statement.on_conflict_do_update(
        index_elements=["prefix"], set_={"last": NumberRow.last + 1}
    ).returning(NumberRow.last)
    return f"{prefix}-{session.scalars(statement).one():06d}"


def load_checkpoints(session: Session, devices: Iterable[str]) -> dict[str, Checkpoint]:
    wanted = list(devices)
    query = select(FoldRow.device, FoldRow.checkpoint).where(FoldRow.device.in_(wanted))
    return {device: _checkpoint.decode(text) for device, text in session.execute(query)}


def save_checkpoints(session: Session, checkpoints: Mapping[str, Checkpoint]) -> None:
    rows = [
        {"device": device, "checkpoint": msgspec.json.encode(checkpoint).decode()}
        for device, checkpoint in checkpoints.items()
    ]
    upsert(session, table_of(FoldRow), rows)


def active_orders(session: Session) -> list[OrderRow]:
    return list(session.scalars(select(OrderRow).where(OrderRow.state.in_(ACTIVE_STATES))))


def audit(
    session: Session, topic: str, subject: str, ts: int, actor: str, action: str, text: Message
) -> None:
    """Note what happened to an order (topic ``orders``) or an alert (``alerts``)."""
    session.add(
        AuditRow(ts=ts, topic=topic, subject=subject, actor=actor, action=action, text=pack(text))
    )


def table_of(row: type[Any]) -> Table:
    table: Table = row.__table__
    return table


def pack(message: Message) -> dict[str, object]:
    return {"code": message.code, "params": dict(message.params)}


def unpack(stored: Mapping[str, Any]) -> Message:
    return Message(stored["code"], stored["params"])


def pack_option(option: Option) -> dict[str, object]:
    return {**asdict(option), "reason": pack(option.reason)}


def unpack_option(stored: Mapping[str, Any]) -> Option:
    return Option(
        Action(stored["action"]),
        stored["expected_cost"],
        stored["failure_probability"],
        stored["chosen"],
        unpack(stored["reason"]),
    )


def part_of(row: PartRow) -> PartStock:
    names = {language: str(text) for language, text in row.name.items()}
    return PartStock(row.number, Name(names), row.stock, row.reserved, row.delivery_hours)


def technician_of(row: TechnicianRow, open_orders: int = 0) -> Technician:
    return Technician(
        row.id,
        row.name,
        tuple(row.skills),
        row.home_site,
        row.latitude,
        row.longitude,
        open_orders,
    )


def order_of(
    row: OrderRow,
    device: Device,
    product: Product,
    technician: Technician | None,
    parts: Sequence[PartNeed],
    alert: str,
) -> Order:
    return Order(
        id=row.id,
        number=row.number,
        incident=row.incident,
        kind=Kind(row.kind),
        state=OrderState(row.state),
        priority=Priority(row.priority),
        rank=row.rank,
        device=device,
        product=product,
        mode=mode_of(product, row.failure_mode),
        component=product.component(row.component),
        reason=unpack(row.reason),
        probability=row.probability,
        horizon_hours=row.horizon_hours,
        life_hours=row.life_hours,
        opened_at=row.opened_at,
        due=row.due,
        closed_at=row.closed_at,
        planned_start=row.planned_start,
        technician=technician,
        parts=parts,
        warranty=Coverage(row.warranty_covered, row.warranty_until),
        saving=row.saving,
        currency=row.currency,
        skill=row.skill,
        work_hours=row.work_hours,
        alert=alert,
        evidence=tuple(Evidence(**stored) for stored in _dicts(row.evidence)),
        options=tuple(unpack_option(stored) for stored in _dicts(row.options)),
        models={kind: str(version) for kind, version in row.models.items()},
        outcome=_outcome_of(row.outcome),
        actions=possible(OrderState(row.state)),
    )


def alert_of(row: AlertRow, device: Device, product: Product, number: str) -> Alert:
    return Alert(
        id=row.id,
        device=device,
        product=product,
        mode=mode_of(product, row.failure_mode),
        state=AlertState(row.state),
        opened_at=row.opened_at,
        cleared_at=row.cleared_at,
        reason=unpack(row.reason),
        decision=unpack(row.decision),
        order=row.order_id or "",
        order_number=number,
    )


def _outcome_of(stored: Mapping[str, Any] | None) -> Outcome | None:
    if stored is None:
        return None
    kind = stored["kind"]
    return Outcome(
        OutcomeKind(kind) if kind else None, stored["component"], stored["note"], stored["serial"]
    )


def _dicts(stored: Sequence[Any]) -> Iterable[Mapping[str, Any]]:
    return stored
