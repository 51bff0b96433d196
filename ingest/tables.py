"""Tables of the device registry."""

from __future__ import annotations

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from purna.core.devices import Customer, Device, Site
from purna.db.base import Base, Id, Json, Micros


class CustomerRow(Base):
    """Who is served."""

    __tablename__ = "customer"

    id: Mapped[Id]
    name: Mapped[str] = mapped_column(String(200))
    sla_hours: Mapped[float]

    def value(self) -> Customer:
        return Customer(self.id, self.name, self.sla_hours)


class SiteRow(Base):
    """Where devices stand."""

    __tablename__ = "site"

    id: Mapped[Id]
    customer_id: Mapped[str] = mapped_column(ForeignKey("customer.id"), index=True)
    name: Mapped[str] = mapped_column(String(200))
    address: Mapped[str] = mapped_column(String(500))
    latitude: Mapped[float | None]
    longitude: Mapped[float | None]
    timezone: Mapped[str] = mapped_column(String(64))
    customer: Mapped[CustomerRow] = relationship(lazy="joined", innerjoin=True)

    def value(self) -> Site:
        return Site(
            self.id,
            self.customer.value(),
            self.name,
            self.address,
            self.latitude,
            self.longitude,
            self.timezone,
        )


class DeviceRow(Base):
    """An installed machine; its product is an entry of the catalogue.

    ``gateway`` repeats the attribute of this name, to be looked for; empty when there is none.
    """

    __tablename__ = "device"

    id: Mapped[Id]
    product: Mapped[str] = mapped_column(String(80), index=True)
    site_id: Mapped[str] = mapped_column(ForeignKey("site.id"), index=True)
    serial: Mapped[str] = mapped_column(String(80), index=True)
    installed_at: Mapped[Micros]
    warranty_until: Mapped[Micros]
    gateway: Mapped[str] = mapped_column(String(80), index=True)
    attributes: Mapped[Json]
    site: Mapped[SiteRow] = relationship(lazy="joined", innerjoin=True)


class DeviceCredentialRow(Base):
    """What a device proves itself with; never the password itself, and nothing once revoked.

    ``change`` is the number of the last change that took something away from the device.
    """

    __tablename__ = "device_credential"

    device_id: Mapped[str] = mapped_column(
        ForeignKey("device.id", ondelete="CASCADE"), primary_key=True
    )
    password_hash: Mapped[str] = mapped_column(String(200))
    issued_at: Mapped[Micros | None]
    revoked_at: Mapped[Micros | None]
    change: Mapped[Micros] = mapped_column(index=True)


class CredentialPosition(Base):
    """The last number given to a change: one row, whose lock puts writers in line."""

    __tablename__ = "credential_position"

    id: Mapped[int] = mapped_column(primary_key=True)
    last: Mapped[Micros]


class DeviceCertificateRow(Base):
    """A certificate registered for a device, by the SHA-256 of its DER form."""

    __tablename__ = "device_certificate"

    fingerprint: Mapped[str] = mapped_column(String(64), primary_key=True)
    device_id: Mapped[str] = mapped_column(ForeignKey("device.id", ondelete="CASCADE"), index=True)
    not_after: Mapped[Micros]
    registered_at: Mapped[Micros]
    revoked_at: Mapped[Micros | None]


class ClaimKeyRow(Base):
    """A key that registers one device, by the SHA-256 of what it says."""

    __tablename__ = "claim_key"

    id: Mapped[Id]
    key_hash: Mapped[str] = mapped_column(String(64), unique=True)
    hint: Mapped[str] = mapped_column(String(16))
    product: Mapped[str] = mapped_column(String(80))
    site_id: Mapped[str | None] = mapped_column(ForeignKey("site.id"))
    created_by: Mapped[str] = mapped_column(String(80))
    created_at: Mapped[Micros]
    expires_at: Mapped[Micros]
    used_at: Mapped[Micros | None]
    device_id: Mapped[str | None] = mapped_column(ForeignKey("device.id", ondelete="CASCADE"))


class CommandRow(Base):
    """A command to a device; ``due_at`` is when to look at it again, None once it is finished."""

    __tablename__ = "device_command"

    id: Mapped[Id]
    device_id: Mapped[str] = mapped_column(ForeignKey("device.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(String(64))
    arguments: Mapped[Json]
    created_by: Mapped[str] = mapped_column(String(80))
    created_at: Mapped[Micros] = mapped_column(index=True)
    expires_at: Mapped[Micros]
    timeout_s: Mapped[float]
    retries: Mapped[int]
    state: Mapped[str] = mapped_column(String(16))
    attempts: Mapped[int]
    due_at: Mapped[Micros | None] = mapped_column(index=True)
    sent_at: Mapped[Micros | None]
    delivered_at: Mapped[Micros | None]
    finished_at: Mapped[Micros | None]
    text: Mapped[str] = mapped_column(String(1000))

    __table_args__ = (Index("ix_device_command_device_id_id", "device_id", "id"),)


def device_value(row: DeviceRow, site: Site) -> Device:
    """The device; ``site`` is given so that many devices of one site share one value."""
    attributes = {
        name: value
        for name, value in row.attributes.items()
        if isinstance(value, float | int | str)
    }
    return Device(
        row.id,
        row.product,
        site,
        row.serial,
        row.installed_at,
        row.warranty_until,
        attributes,
    )
