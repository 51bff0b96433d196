"""The device registry in the service database: customers, sites, devices, credentials."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import Select, delete, func, or_, select
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from ingest.tables import CustomerRow, DeviceCredentialRow, DeviceRow, SiteRow, device_value
from purna.core.devices import Customer, Device, Site, checked_device_id
from purna.core.errors import BadInput, NotFound, RetryLater
from purna.db.engine import Database

MIN_PASSWORD = 12


class SqlDeviceRegistry:
    """Devices in the service database.

    Raises
    ------
    RetryLater
        From every method, when the database can't be asked now.
    """

    def __init__(self, database: Database, hasher: PasswordHasher | None = None) -> None:
        self._database = database
        self._hasher = hasher or PasswordHasher()

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
            _merge_all(session, map(_customer_row, all_customers.values()))
            _merge_all(session, map(_site_row, all_sites.values()))
            _merge_all(session, map(_device_row, devices))

    def register(self, device: Device, password: str) -> None:
        """Add a device with the password it will show, or give it a new one.

        Raises
        ------
        BadInput
            ``device.password`` when the password is too short.
        """
        if len(password) < MIN_PASSWORD:
            raise BadInput(
                "device.password",
                f"password: at least {MIN_PASSWORD} characters",
                field="password",
                minimum=MIN_PASSWORD,
            )
        hashed = self._hasher.hash(password)
        self.add([device])
        with self._writing() as session:
            session.merge(DeviceCredentialRow(device_id=device.id, password_hash=hashed))

    def verify(self, device_id: str, password: str) -> bool:
        """Whether this is the device's password; takes its time, as a hash should."""
        with self._reading() as session:
            row = session.get(DeviceCredentialRow, device_id)
        if row is None:
            return False
        try:
            return self._hasher.verify(row.password_hash, password)
        except (VerificationError, InvalidHashError):
            return False

    def revoke(self, device_id: str) -> None:
        """Take the device's password away; the device itself stays."""
        with self._writing() as session:
            session.execute(
                delete(DeviceCredentialRow).where(DeviceCredentialRow.device_id == device_id)
            )

    @contextmanager
    def _reading(self) -> Iterator[Session]:
        with _asked(), self._database.read() as session:
            yield session

    @contextmanager
    def _writing(self) -> Iterator[Session]:
        with _asked(), self._database.write() as session:
            yield session


@contextmanager
def _asked() -> Iterator[None]:
    try:
        yield
    except OperationalError as error:
        raise RetryLater(
            "database.unavailable", f"the service database can't be asked now: {error.orig}"
        ) from error


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


def _customer_row(customer: Customer) -> CustomerRow:
    return CustomerRow(id=customer.id, name=customer.name, sla_hours=customer.sla_hours)


def _site_row(site: Site) -> SiteRow:
    return SiteRow(
        id=site.id,
        customer_id=site.customer.id,
        name=site.name,
        address=site.address,
        latitude=site.latitude,
        longitude=site.longitude,
        timezone=site.timezone,
    )


def _device_row(device: Device) -> DeviceRow:
    return DeviceRow(
        id=device.id,
        product=device.product,
        site_id=device.site.id,
        serial=device.serial,
        installed_at=device.installed_at,
        warranty_until=device.warranty_until,
        attributes=dict(device.attributes),
    )
