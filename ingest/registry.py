"""The device registry in the service database: customers, sites, devices."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Select, func, or_, select
from sqlalchemy.orm import Session

from ingest.tables import CustomerRow, DeviceRow, SiteRow, device_value
from purna.core.devices import Customer, Device, Site, checked_device_id
from purna.core.errors import NotFound
from purna.db.asking import asked
from purna.db.engine import Database


class SqlDeviceRegistry:
    """Devices in the service database.

    Raises
    ------
    RetryLater
        From every method, when the database can't be asked now.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, device_id: str) -> Device:
        """Raises :class:`~purna.core.errors.NotFound`."""
        device = self.find(device_id)
        if device is None:
            raise NotFound(
                "error.not_found", f"no device {device_id!r}", kind="device", id=device_id
            )
        return device

    def find(self, device_id: str) -> Device | None:
        with self._reading() as session:
            row = session.get(DeviceRow, device_id)
            return device_value(row, row.site.value()) if row else None

    def all(self, product: str = "") -> list[Device]:
        """Sorted by id."""
        query = select(DeviceRow).order_by(DeviceRow.id)
        if product:
            query = query.where(DeviceRow.product == product)
        with self._reading() as session:
            return _devices(session.scalars(query))

    def sites(self) -> list[Site]:
        with self._reading() as session:
            return [row.value() for row in session.scalars(select(SiteRow).order_by(SiteRow.id))]

    def search(
        self,
        q: str = "",
        product: str = "",
        site: str = "",
        after_id: str = "",
        limit: int = 50,
    ) -> list[Device]:
        """A page of devices by id, those after ``after_id``.

        ``q`` is looked for in the device's id and serial number and in the names of its site
        and customer, in any case.
        """
        query = _matching(select(DeviceRow), q, product, site)
        if after_id:
            query = query.where(DeviceRow.id > after_id)
        with self._reading() as session:
            return _devices(session.scalars(query.order_by(DeviceRow.id).limit(limit)))

    def count(self, q: str = "", product: str = "", site: str = "") -> int:
        """How many devices :meth:`search` would find in all."""
        query = _matching(select(func.count()).select_from(DeviceRow), q, product, site)
        with self._reading() as session:
            return session.scalar(query) or 0

    def add(
        self,
        devices: Iterable[Device],
        sites: Iterable[Site] = (),
        customers: Iterable[Customer] = (),
    ) -> None:
        """Adds or replaces; one transaction. A device brings its site and customer along.

        Raises
        ------
        BadInput
            ``device.id`` when an id can't be part of a topic.
        """
        devices = list(devices)
        for device in devices:
            checked_device_id(device.id)
        all_sites = {s.id: s for s in (*(d.site for d in devices), *sites)}
        all_customers = {c.id: c for c in (*(s.customer for s in all_sites.values()), *customers)}
        with self._writing() as session:
            _merge_all(session, map(customer_row, all_customers.values()))
            _merge_all(session, map(site_row, all_sites.values()))
            _merge_all(session, map(device_row, devices))

    def behind(self, gateway: str) -> frozenset[str]:
        """Ids of the devices that speak through this gateway (attribute ``gateway``)."""
        with self._reading() as session:
            return frozenset(
                session.scalars(select(DeviceRow.id).where(DeviceRow.gateway == gateway))
            )

    @contextmanager
    def _reading(self) -> Iterator[Session]:
        with asked(), self._database.read() as session:
            yield session

    @contextmanager
    def _writing(self) -> Iterator[Session]:
        with asked(), self._database.write() as session:
            yield session


def _matching(query: Select[Any], q: str, product: str, site: str) -> Select[Any]:
    if q:
        query = (
            query.join(SiteRow, DeviceRow.site_id == SiteRow.id)
            .join(CustomerRow, SiteRow.customer_id == CustomerRow.id)
            .where(
                or_(
                    *(
                        column.icontains(q, autoescape=True)
                        for column in (
                            DeviceRow.id,
                            DeviceRow.serial,
                            SiteRow.name,
                            CustomerRow.name,
                        )
                    )
                )
            )
        )
    if product:
        query = query.where(DeviceRow.product == product)
    if site:
        query = query.where(DeviceRow.site_id == site)
    return query


def _devices(rows: Iterable[DeviceRow]) -> list[Device]:
    sites: dict[str, Site] = {}
    out = []
    for row in rows:
        site = sites.get(row.site_id)
        if site is None:
            site = sites[row.site_id] = row.site.value()
        out.append(device_value(row, site))
    return out


def _merge_all(session: Session, rows: Iterable[CustomerRow | SiteRow | DeviceRow]) -> None:
    for row in rows:
        session.merge(row)
    session.flush()


def customer_row(customer: Customer) -> CustomerRow:
    """How a customer is kept."""
    return CustomerRow(id=customer.id, name=customer.name, sla_hours=customer.sla_hours)


def site_row(site: Site) -> SiteRow:
    """A site without its customer, which has a row of its own."""
    return SiteRow(
        id=site.id,
        customer_id=site.customer.id,
        name=site.name,
        address=site.address,
        latitude=site.latitude,
        longitude=site.longitude,
        timezone=site.timezone,
    )


def device_row(device: Device) -> DeviceRow:
    """A device without its site and customer, which have rows of their own."""
    return DeviceRow(
        id=device.id,
        product=device.product,
        site_id=device.site.id,
        serial=device.serial,
        installed_at=device.installed_at,
        warranty_until=device.warranty_until,
        gateway=str(device.attributes.get("gateway", "")),
        attributes=dict(device.attributes),
    )
