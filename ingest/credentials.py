"""What devices prove themselves with, in the service database: passwords and certificates.

Every change that takes something away from a device (a new password, a revocation, another
gateway) gets a number. The ingest process asks for the numbers after the last one it knows once a
second, and closes the sessions of those devices.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from sqlalchemy import select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from ingest.passwords import hash_password, verify_password
from ingest.tables import (
    CredentialPosition,
    DeviceCertificateRow,
    DeviceCredentialRow,
    DeviceRow,
)
from purna.core.errors import Conflict, NotFound
from purna.db.asking import asked
from purna.db.engine import Database


class Certificate(NamedTuple):
    """A registered certificate. Times are micros UTC; ``revoked_at`` is None while it counts."""

    fingerprint: str
    not_after: int
    registered_at: int
    revoked_at: int | None


class Credential(NamedTuple):
    """How a device proves itself; nothing secret in it.

    ``issued_at`` is when its password was made, None when there is none or nobody noted it;
    ``revoked_at`` is when last all was taken from it, None when that never happened. Micros UTC.
    """

    has_password: bool = False
    issued_at: int | None = None
    revoked_at: int | None = None
    certificates: tuple[Certificate, ...] = ()


class SqlCredentials:
    """Credentials by device. A device without any can't connect.

    Raises
    ------
    RetryLater
        From every method, when the database can't be asked now.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def set_password(self, device: str, password: str, now: int) -> None:
        """Give a registered device a password; an earlier one stops working.

        Raises
        ------
        BadInput
            ``device.password`` when it is too short.
        NotFound
            When there is no such device.
        """
        kept = hash_password(password)
        with asked(), self._database.write() as session:
            _check_device(session, device)
            put_password(session, device, kept, now)

    def verify(self, device: str, password: str) -> bool:
        """Whether this is the device's password; as slow for an unknown device."""
        with asked(), self._database.read() as session:
            row = session.get(DeviceCredentialRow, device)
        return verify_password(row.password_hash if row else None, password)

    def add_certificate(self, device: str, fingerprint: str, not_after: int, now: int) -> None:
        """Let a device in with this certificate too.

        Parameters
        ----------
        fingerprint
            SHA-256 of the certificate in DER, 64 hexadecimal digits.
        not_after
            When it ends, micros UTC; whoever checks the chain checks that too.

        Raises
        ------
        NotFound
            When there is no such device.
        Conflict
            ``certificate.taken`` when it was registered before, for whatever device.
        """
        fingerprint = fingerprint.lower()
        with asked(), self._database.write() as session:
            _check_device(session, device)
            if session.get(DeviceCertificateRow, fingerprint) is not None:
                raise Conflict(
                    "certificate.taken",
                    f"certificate {fingerprint[:16]}… is registered already",
                    fingerprint=fingerprint[:16],
                )
            session.add(
                DeviceCertificateRow(
                    fingerprint=fingerprint,
                    device_id=device,
                    not_after=not_after,
                    registered_at=now,
                    revoked_at=None,
                )
            )

    def device_of_certificate(self, fingerprint: str, common_name: str) -> str | None:
        """The device that a certificate speaks for; None when it speaks for nobody.

        The caller has checked the chain up to an authority that the operator trusts. A registered
        certificate speaks for the device it was registered for. Any other speaks for the device
        that its common name names, as long as none was ever registered for that device (who
        registers certificates means only those) and all was never taken from it (the certificate
        may be what was stolen).
        """
        with asked(), self._database.read() as session:
            row = session.get(DeviceCertificateRow, fingerprint.lower())
            if row is not None:
                return None if row.revoked_at is not None else row.device_id
            if session.get(DeviceRow, common_name) is None:
                return None
            credential = session.get(DeviceCredentialRow, common_name)
            if credential is not None and credential.revoked_at is not None:
                return None
            registered = select(DeviceCertificateRow.fingerprint).where(
                DeviceCertificateRow.device_id == common_name
            )
            return None if session.scalars(registered.limit(1)).first() else common_name

    def revoke_certificate(self, fingerprint: str, now: int) -> str:
        """Take one certificate away; returns its device. Raises :class:`NotFound`."""
        with asked(), self._database.write() as session:
            row = session.get(DeviceCertificateRow, fingerprint.lower())
            if row is None:
                raise NotFound(
                    "error.not_found",
                    f"no certificate {fingerprint[:16]}…",
                    kind="certificate",
                    id=fingerprint[:16],
                )
            row.revoked_at = now if row.revoked_at is None else row.revoked_at
            announce(session, [row.device_id])
            return row.device_id

    def revoke(self, device: str, now: int) -> None:
        """Take password and certificates away; the device itself stays. Raises NotFound."""
        with asked(), self._database.write() as session:
            _check_device(session, device)
            _put(session, device, {"password_hash": "", "issued_at": None, "revoked_at": now})
            session.execute(
                update(DeviceCertificateRow)
                .where(
                    DeviceCertificateRow.device_id == device,
                    DeviceCertificateRow.revoked_at.is_(None),
                )
                .values(revoked_at=now)
            )
            announce(session, [device])

    def of(self, devices: Sequence[str]) -> dict[str, Credential]:
        """The credentials of these devices; an empty one for a device that never had any."""
        with asked(), self._database.read() as session:
            rows = session.scalars(
                select(DeviceCredentialRow).where(DeviceCredentialRow.device_id.in_(devices))
            )
            credentials = {row.device_id: row for row in rows}
            certificates: dict[str, list[Certificate]] = {}
            for row in session.scalars(
                select(DeviceCertificateRow)
                .where(DeviceCertificateRow.device_id.in_(devices))
                .order_by(DeviceCertificateRow.registered_at, DeviceCertificateRow.fingerprint)
            ):
                certificates.setdefault(row.device_id, []).append(
                    Certificate(row.fingerprint, row.not_after, row.registered_at, row.revoked_at)
                )
        return {
            device: _credential(credentials.get(device), tuple(certificates.get(device, ())))
            for device in devices
        }

    def password_hashes(self) -> dict[str, str]:
        """What is kept of the password of each device that has one, by id, sorted."""
        query = (
            select(DeviceCredentialRow.device_id, DeviceCredentialRow.password_hash)
            .where(DeviceCredentialRow.password_hash != "")
            .order_by(DeviceCredentialRow.device_id)
        )
        with asked(), self._database.read() as session:
            return {row.device_id: row.password_hash for row in session.execute(query)}

    def position(self) -> int:
        """The number of the newest change, 0 before the first."""
        with asked(), self._database.read() as session:
            return session.scalar(select(CredentialPosition.last)) or 0

    def changes(self, after: int) -> tuple[int, list[str]]:
        """Devices that lost something after this number, and the number to ask after next."""
        query = (
            select(DeviceCredentialRow.change, DeviceCredentialRow.device_id)
            .where(DeviceCredentialRow.change > after)
            .order_by(DeviceCredentialRow.change)
        )
        with asked(), self._database.read() as session:
            rows = session.execute(query).all()
        return (rows[-1][0] if rows else after), [device for _, device in rows]


def put_password(session: Session, device: str, kept: str, now: int) -> None:
    """Part of a transaction: ``kept`` is the hash of the device's password from now on."""
    row = session.get(DeviceCredentialRow, device)
    _put(session, device, {"password_hash": kept, "issued_at": now})
    if row is not None and row.password_hash:  # a first password takes nothing away
        announce(session, [device])


def announce(session: Session, devices: Iterable[str]) -> None:
    """Part of a transaction: open sessions of these devices are to be closed.

    Writers take turns on one counter row, so whoever asks after a number never misses a change
    that is committed later.
    """
    insert = _insert(session)
    session.execute(insert(CredentialPosition).values(id=1, last=0).on_conflict_do_nothing())
    for device in devices:
        number = session.execute(
            update(CredentialPosition)
            .where(CredentialPosition.id == 1)
            .values(last=CredentialPosition.last + 1)
            .returning(CredentialPosition.last)
        ).scalar_one()
        _put(session, device, {"change": number})


def _put(session: Session, device: str, values: dict[str, Any]) -> None:
    fresh = {"password_hash": "", "issued_at": None, "revoked_at": None, "change": 0, **values}
    session.execute(
        _insert(session)(DeviceCredentialRow)
        .values(device_id=device, **fresh)
        .on_conflict_do_update(index_elements=["device_id"], set_=values)
    )


def _insert(session: Session) -> Any:
    return sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert


def _credential(
    row: DeviceCredentialRow | None, certificates: tuple[Certificate, ...]
) -> Credential:
    if row is None:
        return Credential(certificates=certificates)
    return Credential(bool(row.password_hash), row.issued_at, row.revoked_at, certificates)


def _check_device(session: Session, device: str) -> None:
    if session.get(DeviceRow, device) is None:
        raise NotFound("error.not_found", f"no device {device!r}", kind="device", id=device)
