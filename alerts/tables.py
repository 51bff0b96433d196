"""Tables of alerts, orders, parts, technicians, maintenance and what is still to be sent."""

from __future__ import annotations

from sqlalchemy import JSON, BigInteger, ForeignKey, Index, Integer, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from alerts.lifecycle import ACTIVE
from purna.db.base import Base, Id, Json, Micros

_SERIAL = BigInteger().with_variant(Integer, "sqlite")  # only INTEGER counts by itself there
_REF = String(80)


class AlertRow(Base):
    """One episode; at most one that is not cleared per (device, failure mode)."""

    __tablename__ = "alert"

    id: Mapped[Id]
    incident: Mapped[str] = mapped_column(String(200), unique=True)
    device: Mapped[str] = mapped_column(_REF)
    product: Mapped[str] = mapped_column(_REF)
    failure_mode: Mapped[str] = mapped_column(_REF)
    state: Mapped[str] = mapped_column(String(20))
    episode: Mapped[Micros]
    opened_at: Mapped[Micros]
    cleared_at: Mapped[Micros | None]
    reason: Mapped[Json]
    decision: Mapped[Json]
    action: Mapped[str] = mapped_column(String(20))
    order_id: Mapped[str | None] = mapped_column(ForeignKey("service_order.id"))

    __table_args__ = (
        Index(
            "uq_alert_open",
            "device",
            "failure_mode",
            unique=True,
            sqlite_where=state != "cleared",
            postgresql_where=state != "cleared",
        ),
        Index("ix_alert_opened_at_id", "opened_at", "id"),
        Index("ix_alert_device", "device"),
    )


class OrderRow(Base):
    """One order per incident, and at most one active per (device, failure mode)."""

    __tablename__ = "service_order"

    id: Mapped[Id]
    number: Mapped[str] = mapped_column(String(20), unique=True)
    incident: Mapped[str] = mapped_column(String(200), unique=True)
    kind: Mapped[str] = mapped_column(String(20))
    state: Mapped[str] = mapped_column(String(20))
    priority: Mapped[str] = mapped_column(String(20))
    rank: Mapped[float]
    device: Mapped[str] = mapped_column(_REF, index=True)
    product: Mapped[str] = mapped_column(_REF)
    site: Mapped[str] = mapped_column(_REF)
    customer: Mapped[str] = mapped_column(_REF)
    failure_mode: Mapped[str] = mapped_column(_REF)
    component: Mapped[str] = mapped_column(_REF)
    reason: Mapped[Json]
    probability: Mapped[float | None]
    horizon_hours: Mapped[int]
    life_hours: Mapped[float | None]
    opened_at: Mapped[Micros]
    due: Mapped[Micros]
    sla_hours: Mapped[float]
    closed_at: Mapped[Micros | None]
    planned_start: Mapped[Micros | None]
    technician: Mapped[str | None] = mapped_column(_REF)
    warranty_until: Mapped[Micros]
    warranty_covered: Mapped[bool]
    saving: Mapped[float]
    currency: Mapped[str] = mapped_column(String(3))
    skill: Mapped[str] = mapped_column(_REF)
    work_hours: Mapped[float]
    evidence: Mapped[list[object]] = mapped_column(JSON)
    options: Mapped[list[object]] = mapped_column(JSON)
    models: Mapped[Json]
    outcome: Mapped[dict[str, object] | None] = mapped_column(JSON(none_as_null=True))

    __table_args__ = (
        Index(
            "uq_service_order_active",
            "device",
            "failure_mode",
            unique=True,
            sqlite_where=state.in_([s.value for s in ACTIVE]),
            postgresql_where=state.in_([s.value for s in ACTIVE]),
        ),
        Index("ix_service_order_queue", "rank", "opened_at", "id"),
        Index("ix_service_order_state", "state"),
    )


class OrderPartRow(Base):
    """A part that an order needs; ``reserved`` while stock is held for it."""

    __tablename__ = "order_part"

    order_id: Mapped[str] = mapped_column(ForeignKey("service_order.id"), primary_key=True)
    number: Mapped[str] = mapped_column(_REF, primary_key=True)
    quantity: Mapped[int]
    reserved: Mapped[bool]


class PartRow(Base):
    """A spare part: what lies in stock and how much of it is held for orders."""

    __tablename__ = "part_stock"

    number: Mapped[str] = mapped_column(_REF, primary_key=True)
    name: Mapped[Json]
    stock: Mapped[int]
    reserved: Mapped[int]
    delivery_hours: Mapped[float]


class TechnicianRow(Base):
    """Somebody who can be sent."""

    __tablename__ = "technician"

    id: Mapped[Id]
    name: Mapped[str] = mapped_column(String(200))
    skills: Mapped[list[str]] = mapped_column(JSON)
    home_site: Mapped[str] = mapped_column(String(200))
    latitude: Mapped[float | None]
    longitude: Mapped[float | None]


class MaintenanceRow(Base):
    """A repair. ``applied`` once the engine has taken note of it."""

    __tablename__ = "maintenance"

    id: Mapped[int] = mapped_column(_SERIAL, primary_key=True)
    device: Mapped[str] = mapped_column(_REF)
    component: Mapped[str] = mapped_column(_REF)
    ts: Mapped[Micros] = mapped_column(index=True)
    failed: Mapped[bool]
    known_at: Mapped[Micros]
    source: Mapped[str] = mapped_column(String(200))
    applied: Mapped[bool] = mapped_column()

    __table_args__ = (
        UniqueConstraint("device", "component", "ts"),
        Index(
            "ix_maintenance_to_apply",
            "ts",
            sqlite_where=applied.is_(False),
            postgresql_where=applied.is_(False),
        ),
    )


class AuditRow(Base):
    """What happened to an order or alert, in the order it happened; never changed."""

    __tablename__ = "audit"

    id: Mapped[int] = mapped_column(_SERIAL, primary_key=True)
    ts: Mapped[Micros]
    topic: Mapped[str] = mapped_column(String(20))
    subject: Mapped[str] = mapped_column(_REF)
    actor: Mapped[str] = mapped_column(_REF)
    action: Mapped[str] = mapped_column(String(40))
    text: Mapped[Json]

    __table_args__ = (Index("ix_audit_subject_id", "subject", "id"),)


class OutboxRow(Base):
    """One message to one receiver: sent at least once, with the same ``key`` every time."""

    __tablename__ = "outbox"

    id: Mapped[int] = mapped_column(_SERIAL, primary_key=True)
    key: Mapped[str] = mapped_column(String(200), unique=True)
    receiver: Mapped[str] = mapped_column(String(40))
    event: Mapped[str] = mapped_column(String(40))
    order_id: Mapped[str] = mapped_column(ForeignKey("service_order.id"))
    payload: Mapped[Json]
    state: Mapped[str] = mapped_column(String(20))
    created_at: Mapped[Micros]
    due_at: Mapped[Micros]
    attempts: Mapped[int]
    error: Mapped[str] = mapped_column(Text)

    __table_args__ = (Index("ix_outbox_state_due_at", "state", "due_at"),)


class FoldRow(Base):
    """The rules' checkpoint of one device (:class:`alerts.engine.Checkpoint` as JSON)."""

    __tablename__ = "alert_fold"

    device: Mapped[str] = mapped_column(_REF, primary_key=True)
    checkpoint: Mapped[str] = mapped_column(Text)


class PositionRow(Base):
    """How far a consumer has read; locked while it works, so that there is one at a time."""

    __tablename__ = "consumer_position"

    name: Mapped[str] = mapped_column(_REF, primary_key=True)
    position: Mapped[int] = mapped_column(BigInteger)


class NumberRow(Base):
    """The last number given out per prefix."""

    __tablename__ = "order_number"

    prefix: Mapped[str] = mapped_column(String(10), primary_key=True)
    last: Mapped[int]
