"""How devices get into the registry: one by one, many from a file, or by a claim key."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from zoneinfo import available_timezones

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from ingest.credentials import announce, put_password
from ingest.device_requests import DeviceRequest, checked, product_of, site_of
from ingest.passwords import hash_password, make_password
from ingest.registry import customer_row, device_row, site_row
from ingest.tables import ClaimKeyRow, CustomerRow, DeviceRow, SiteRow, device_value
from purna.core.catalogue import Catalogue
from purna.core.clock import DAY, MINUTE, Clock
from purna.core.devices import DEVICE_ID, Device, Site
from purna.core.errors import BadInput, Conflict, Denied, NotFound
from purna.core.ids import IdFactory
from purna.db.asking import asked
from purna.db.engine import Database

CLAIM_AGAIN = 15 * MINUTE
"""An answer may get lost on a bad line: so long the same device may claim again with its key."""

_KEY_CHARACTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford: no I, L, O, U to misread
_KEY_GROUPS = 5


@dataclass(frozen=True, slots=True)
class ClaimKey:
    """A key that registers one device of a product, once. Times are micros of the real clock.

    ``hint`` is how the key begins. ``site`` may be empty: whoever claims names it then.
    """

    id: str
    hint: str
    product: str
    site: str
    created_by: str
    created_at: int
    expires_at: int
    used_at: int | None = None
    device: str = ""


class Enrolment:
    """Registers devices, each with a password that is shown once.

    Parameters
    ----------
    database
        The service database.
    catalogue
        The products that devices may be of.
    clock
        The platform's, by which devices are installed and get their passwords.
    real_clock
        The computer's, by which claim keys expire.
    ids
        Makes the ids of claim keys.

    Raises
    ------
    RetryLater
        From every method, when the database can't be asked now.
    """

    def __init__(
        self,
        database: Database,
        catalogue: Catalogue,
        clock: Clock,
        real_clock: Clock,
        ids: IdFactory,
    ) -> None:
        self._database = database
        self._catalogue = catalogue
        self._clock = clock
        self._real_clock = real_clock
        self._ids = ids

    def register(self, request: DeviceRequest) -> str:
        """The password of a new device.

        Raises
        ------
        BadInput
            Naming the field that is wrong.
        Conflict
            ``device.exists``.
        """
        now = self._clock.now()
        password = make_password()
        kept = hash_password(password)
        with asked(), self._database.write() as session:
            device = checked(request, self._catalogue, _sites(session), now)
            _insert(session, device, kept, now)
        return password

    def change(
        self,
        device_id: str,
        *,
        site: str | None = None,
        serial: str | None = None,
        installed_at: int | None = None,
        warranty_until: int | None = None,
        attributes: Mapping[str, float | str] | None = None,
    ) -> Device:
        """Change what is given; ``attributes`` replace all there were.

        A device that goes behind another gateway ends the sessions of both gateways, whose
        rights have changed.

        Raises
        ------
        NotFound
            When there is no such device.
        BadInput
            ``site.unknown``.
        """
        with asked(), self._database.write() as session:
            row = session.get(DeviceRow, device_id)
            if row is None:
                raise NotFound(
                    "error.not_found", f"no device {device_id!r}", kind="device", id=device_id
                )
            before = device_value(row, row.site.value())
            after = replace(
                before,
                site=before.site if site is None else site_of(site, _sites(session)),
                serial=before.serial if serial is None else serial,
                installed_at=before.installed_at if installed_at is None else installed_at,
                warranty_until=before.warranty_until if warranty_until is None else warranty_until,
                attributes=before.attributes if attributes is None else dict(attributes),
            )
            session.merge(device_row(after))
            gateways = {str(one.attributes.get("gateway", "")) for one in (before, after)}
            if len(gateways) == 2:
                known = select(DeviceRow.id).where(DeviceRow.id.in_(gateways))
                announce(session, session.scalars(known.order_by(DeviceRow.id)).all())
        return after

    def register_all(self, devices: Sequence[Device]) -> dict[str, str]:
        """The passwords of new devices by id: all are registered, or none.

        Raises
        ------
        Conflict
            ``device.exists`` for the first that is there already.
        """
        passwords = {device.id: make_password() for device in devices}
        kept = {name: hash_password(password) for name, password in passwords.items()}
        now = self._clock.now()
        with asked(), self._database.write() as session:
            for device in devices:
                _insert(session, device, kept[device.id], now)
        return passwords

    def add_site(self, site: Site) -> Site:
        """A new place for devices; a customer that is known already stays as he is.

        Raises
        ------
        BadInput
            ``site.id`` when an id has other characters than a device's may have,
            ``site.timezone`` when there is no such time zone.
        Conflict
            ``site.exists``.
        """
        for name, value in (("id", site.id), ("customer", site.customer.id)):
            if not DEVICE_ID.fullmatch(value):
                raise BadInput(
                    "site.id", f"{name}: 1 to 64 of A-Z a-z 0-9 _ -, got {value[:80]!r}", field=name
                )
        if site.timezone not in available_timezones():
            raise BadInput(
                "site.timezone",
                f"timezone: no time zone {site.timezone!r}, for example Asia/Jakarta",
                field="timezone",
                value=site.timezone,
            )
        with asked(), self._database.write() as session:
            if session.get(SiteRow, site.id) is not None:
                raise Conflict("site.exists", f"there is a site {site.id!r} already", id=site.id)
            customer = session.get(CustomerRow, site.customer.id)
            if customer is None:
                session.add(customer_row(site.customer))
                session.flush()
            session.add(site_row(site))
        return site if customer is None else replace(site, customer=customer.value())

    # Claim keys

    def make_claim_keys(
        self, product: str, count: int, *, days: float, created_by: str, site: str = ""
    ) -> dict[str, ClaimKey]:
        """New claim keys by their text, which can't be read again.

        Raises
        ------
        BadInput
            ``product.unknown`` or ``site.unknown``.
        """
        now = self._real_clock.now()
        texts = [_make_key() for _ in range(count)]
        keys = [
            ClaimKey(
                id=self._ids.new("clk"),
                hint=text[:5],
                product=product,
                site=site,
                created_by=created_by,
                created_at=now,
                expires_at=now + round(days * DAY),
            )
            for text in texts
        ]
        with asked(), self._database.write() as session:
            product_of(product, self._catalogue)
            if site:
                site_of(site, _sites(session))
            session.add_all(
                ClaimKeyRow(
                    id=key.id,
                    key_hash=_key_hash(text),
                    hint=key.hint,
                    product=key.product,
                    site_id=key.site or None,
                    created_by=key.created_by,
                    created_at=key.created_at,
                    expires_at=key.expires_at,
                    used_at=None,
                    device_id=None,
                )
                for text, key in zip(texts, keys, strict=True)
            )
        return dict(zip(texts, keys, strict=True))

    def claim_keys(self, limit: int = 1000) -> list[ClaimKey]:
        """The newest claim keys, newest first."""
        query = select(ClaimKeyRow).order_by(ClaimKeyRow.id.desc()).limit(limit)
        with asked(), self._database.read() as session:
            return [_claim_key(row) for row in session.scalars(query)]

    def claim(self, key: str, device: str, *, site: str = "", serial: str = "") -> str:
        """The password of the device that is registered with this key.

        Raises
        ------
        Denied
            ``claim.key`` when the key is unknown, used or expired; it does not say which.
        BadInput
            Naming the field that is wrong; the key stays good.
        Conflict
            ``device.exists``; the key stays good.
        """
        now, real_now = self._clock.now(), self._real_clock.now()
        password = make_password()
        kept = hash_password(password)
        with asked(), self._database.write() as session:
            row = session.scalar(select(ClaimKeyRow).where(ClaimKeyRow.key_hash == _key_hash(key)))
            if row is None or real_now >= row.expires_at:
                raise _no_such_key()
            if row.used_at is not None:
                if row.device_id != device or real_now - row.used_at >= CLAIM_AGAIN:
                    raise _no_such_key()
                put_password(session, device, kept, now)
                return password
            request = DeviceRequest(device, row.product, row.site_id or site, serial)
            _insert(session, checked(request, self._catalogue, _sites(session), now), kept, now)
            used = (
                update(ClaimKeyRow)
                .where(ClaimKeyRow.id == row.id, ClaimKeyRow.used_at.is_(None))
                .values(used_at=real_now, device_id=device)
            )
            if session.execute(used).rowcount != 1:  # type: ignore[attr-defined]
                raise _no_such_key()
        return password

    def drop_claim_key(self, key_id: str) -> None:
        """Make an unused key useless; a used or unknown one stays as it is."""
        now = self._real_clock.now()
        ended = (
            update(ClaimKeyRow)
            .where(
                ClaimKeyRow.id == key_id,
                ClaimKeyRow.used_at.is_(None),
                ClaimKeyRow.expires_at > now,
            )
            .values(expires_at=now)
        )
        with asked(), self._database.write() as session:
            session.execute(ended)


def _sites(session: Session) -> dict[str, Site]:
    return {row.id: row.value() for row in session.scalars(select(SiteRow))}


def _insert(session: Session, device: Device, kept: str, now: int) -> None:
    session.add(device_row(device))
    try:
        session.flush()
    except IntegrityError:
        raise Conflict(
            "device.exists", f"device {device.id!r} is registered already", id=device.id
        ) from None
    put_password(session, device.id, kept, now)


def _claim_key(row: ClaimKeyRow) -> ClaimKey:
    return ClaimKey(
        row.id,
        row.hint,
        row.product,
        row.site_id or "",
        row.created_by,
        row.created_at,
        row.expires_at,
        row.used_at,
        row.device_id or "",
    )


def _no_such_key() -> Denied:
    return Denied("claim.key", "this claim key is unknown, used or expired")


def _make_key() -> str:
    """125 random bits in groups that can be read off a label."""
    groups = (
        "".join(secrets.choice(_KEY_CHARACTERS) for _ in range(5)) for _ in range(_KEY_GROUPS)
    )
    return "-".join(groups)


def _key_hash(key: str) -> str:
    """Of the key as it was meant, however it was typed: a fast hash will do for random bits."""
    meant = "".join(key.upper().split()).replace("-", "")
    meant = meant.replace("O", "0").replace("I", "1").replace("L", "1")
    return hashlib.sha256(meant.encode()).hexdigest()
