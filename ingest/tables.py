"""Tables of the device registry."""

from __future__ import annotations

from sqlalchemy import ForeignKey, String
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
    """An installed machine; its product is an entry of the catalogue."""

    __tablename__ = "device"

    id: Mapped[Id]
    product: Mapped[str] = mapped_column(String(80), index=True)
    site_id: Mapped[str] = mapped_column(ForeignKey("site.id"), index=True)
    serial: Mapped[str] = mapped_column(String(80), index=True)
    installed_at: Mapped[Micros]
    warranty_until: Mapped[Micros]
    attributes: Mapped[Json]
    site: Mapped[SiteRow] = relationship(lazy="joined", innerjoin=True)


class DeviceCredentialRow(Base):
    """What a device proves itself with; never the password itself."""

    __tablename__ = "device_credential"

    device_id: Mapped[str] = mapped_column(
        ForeignKey("device.id", ondelete="CASCADE"), primary_key=True
    )
    password_hash: Mapped[str] = mapped_column(String(200))


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
