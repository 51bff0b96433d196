"""How devices get in: registered one by one or from a file, with passwords; and shown out."""

from __future__ import annotations

from fastapi import APIRouter

from api.access import needs
from api.errors import ManyWrong, problems
from api.language import LanguageParam
from api.roles import Right
from api.services import Services, ServicesParam
from api.v1.devices.roster import RosterParam
from api.v1.devices.schemas import (
    BadLine,
    CertificateEntry,
    CredentialState,
    DeviceChange,
    DeviceCredential,
    DeviceFile,
    DeviceSecret,
    DevicesImported,
    NewDevice,
)
from ingest.device_csv import Fault, read_devices
from ingest.device_requests import DeviceRequest
from ingest.passwords import make_password
from purna.core.clock import from_datetime, to_datetime
from purna.core.texts import render

router = APIRouter(prefix="/devices", tags=["devices"])
_ADD = [needs(Right.DEVICES_ADD)]
_ADMIT = [needs(Right.DEVICES_ADMIT)]


@router.post("", status_code=201, dependencies=_ADD, responses=problems(400, 409, 503))
def add_device(body: NewDevice, services: ServicesParam, roster: RosterParam) -> DeviceCredential:
    """Register a device; the answer holds the password it connects with, shown this once."""
    request = DeviceRequest(
        body.id,
        body.product,
        body.site,
        body.serial,
        None if body.installed_at is None else from_datetime(body.installed_at),
        None if body.warranty_until is None else from_datetime(body.warranty_until),
        {"gateway": body.gateway} if body.gateway else {},
    )
    password = services.enrolment.register(request)
    roster.forget()
    return credential(services, body.id, password)


@router.post("/import", status_code=201, dependencies=_ADD, responses=problems(400, 409, 503))
def import_devices(
    body: DeviceFile, services: ServicesParam, roster: RosterParam, language: LanguageParam
) -> DevicesImported:
    """Register all devices of a CSV file, or none; the answer holds their passwords, this once.

    Every wrong line is named: in the problem, or in `skipped` when the good ones are wanted anyway.
    """
    found = read_devices(
        body.csv,
        services.catalogue,
        {site.id: site for site in services.registry.sites()},
        {device.id for device in services.registry.all()},
        services.clock.now(),
    )
    bad = [_bad_line(fault, language) for fault in found.faults]
    if bad and not (body.skip_bad and found.devices):
        raise ManyWrong(
            "csv.bad", f"{len(bad)} faults", [line.model_dump() for line in bad], count=len(bad)
        )
    passwords = services.enrolment.register_all(found.devices)
    roster.forget()
    return DevicesImported(
        devices=[DeviceSecret(device=name, password=word) for name, word in passwords.items()],
        skipped=bad,
    )


@router.patch("/{device_id}", status_code=204, dependencies=_ADD, responses=problems(400, 404, 503))
def change_device(
    device_id: str, body: DeviceChange, services: ServicesParam, roster: RosterParam
) -> None:
    """Change what is given of a device."""
    services.enrolment.change(
        device_id,
        site=body.site,
        serial=body.serial,
        installed_at=None if body.installed_at is None else from_datetime(body.installed_at),
        warranty_until=None if body.warranty_until is None else from_datetime(body.warranty_until),
        attributes=body.attributes,
    )
    roster.forget()


@router.get(
    "/{device_id}/credential",
    dependencies=[needs(Right.DEVICES_READ)],
    responses=problems(404, 503),
)
def read_credential(device_id: str, services: ServicesParam) -> CredentialState:
    """How a device can prove itself, and since when."""
    services.registry.get(device_id)
    known = services.credentials.of([device_id])[device_id]
    return CredentialState(
        password=known.has_password,
        issued_at=None if known.issued_at is None else to_datetime(known.issued_at),
        revoked_at=None if known.revoked_at is None else to_datetime(known.revoked_at),
        certificates=[
            CertificateEntry(
                fingerprint=one.fingerprint,
                not_after=to_datetime(one.not_after),
                registered_at=to_datetime(one.registered_at),
                revoked_at=None if one.revoked_at is None else to_datetime(one.revoked_at),
            )
            for one in known.certificates
        ],
    )


@router.post("/{device_id}/secret", dependencies=_ADMIT, responses=problems(404, 503))
def renew_secret(device_id: str, services: ServicesParam) -> DeviceCredential:
    """Give a device a new password, shown this once; the old one stops working within seconds."""
    password = make_password()
    services.credentials.set_password(device_id, password, services.clock.now())
    return credential(services, device_id, password)


@router.post(
    "/{device_id}/revoke", status_code=204, dependencies=_ADMIT, responses=problems(404, 503)
)
def revoke_device(device_id: str, services: ServicesParam) -> None:
    """Take password and certificates away; the device's session is closed within seconds."""
    services.credentials.revoke(device_id, services.clock.now())


def credential(services: Services, device: str, password: str) -> DeviceCredential:
    """What a device connects with."""
    return DeviceCredential(
        device=device,
        username=device,
        password=password,
        host=services.broker.host,
        port=services.broker.port,
        topic=f"purna/v1/{device}/telemetry",
    )


def _bad_line(fault: Fault, language: str) -> BadLine:
    why = fault.why
    return BadLine(
        line=fault.line, field=fault.field, reason=render(why.code, language, **why.params)
    )
