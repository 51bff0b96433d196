"""Registers devices from the command line and prints what they connect with."""

from __future__ import annotations

import csv
import io
import os
from pathlib import Path

from rich.console import Console
from rich.table import Table

from api.v1.devices.contact import contacts_of
from ingest.credentials import Credential
from ingest.device_csv import read_devices
from ingest.device_requests import DeviceRequest
from ingest.passwords import make_password
from purna.core.clock import to_iso
from purna.core.errors import AskOperator, BadInput
from purna.run.bootstrap import Platform

OPERATOR = "operator"
"""Whoever works on the command line, where the records name who did something."""


def add_device(
    platform: Platform,
    device: str,
    product: str,
    site: str,
    serial: str,
    gateway: str,
    console: Console,
) -> None:
    """Register a device and print what it connects with.

    Raises
    ------
    BadInput
        When there is no such product or site, or the id can't be one.
    Conflict
        When the device is there already.
    """
    attributes = {"gateway": gateway} if gateway else {}
    request = DeviceRequest(device, product, site, serial, attributes=attributes)
    _print_password(platform, device, platform.enrolment.register(request), console)


def print_credential(platform: Platform, device: str, console: Console) -> None:
    """Give a device a new password and print it with a command to try it."""
    password = make_password()
    platform.credentials.set_password(device, password, platform.clock.now())
    _print_password(platform, device, password, console)


def import_devices(
    platform: Platform, file: Path, secrets: Path | None, *, skip_bad: bool, console: Console
) -> None:
    """Register the devices of a CSV file and write their passwords to a new file.

    Raises
    ------
    BadInput
        When a line is wrong and ``skip_bad`` does not let it pass; each is printed before.
    AskOperator
        When a file can't be read or written. Nothing is registered then.
    """
    found = read_devices(
        _text_of(file),
        platform.catalogue,
        {site.id: site for site in platform.registry.sites()},
        {device.id for device in platform.registry.all()},
        platform.clock.now(),
    )
    for fault in found.faults:
        console.print(f"{file}: {fault.text()}", highlight=False, soft_wrap=True)
    if found.faults and not (skip_bad and found.devices):
        raise BadInput(
            "csv.bad", f"{len(found.faults)} faults in {file}: no device was registered."
        )
    target = secrets or file.with_name(f"{file.stem}.secrets.csv")
    with _private_file(target) as out:
        passwords = platform.enrolment.register_all(found.devices)
        writer = csv.writer(out)
        writer.writerow(["device", "password"])
        writer.writerows(passwords.items())
        out.flush()
        os.fsync(out.fileno())
    console.print(
        f"{len(passwords)} devices registered, their passwords are in {target} and nowhere else.",
        highlight=False,
        soft_wrap=True,
    )


def print_claim_keys(
    platform: Platform, product: str, site: str, count: int, days: float, console: Console
) -> None:
    """Print new claim keys, one a line: they are not shown again."""
    keys = platform.enrolment.make_claim_keys(
        product, count, days=days, created_by=OPERATOR, site=site
    )
    for text in keys:
        console.print(text, highlight=False)


def revoke_device(platform: Platform, device: str, certificate: str, console: Console) -> None:
    """Take one certificate, or all a device has, away."""
    now = platform.clock.now()
    if certificate:
        owner = platform.credentials.revoke_certificate(certificate, now)
        console.print(f"{owner}: the certificate does not count any more.", highlight=False)
        return
    platform.credentials.revoke(device, now)
    console.print(
        f"{device} can't connect any more; its session is closed within seconds.", highlight=False
    )
    if not platform.settings.endpoint.enabled:
        console.print(
            "At a Mosquitto that holds after `purna mosquitto` (docs/brokers.md).", highlight=False
        )


def print_devices(platform: Platform, console: Console) -> None:
    """A line for each device."""
    devices = platform.registry.all()
    ids = [device.id for device in devices]
    now = platform.clock.now()
    contacts = contacts_of(platform.store, ids, platform.store.latest(ids), now)
    credentials = platform.credentials.of(ids)
    table = Table("device", "product", "site", "serial", "credentials", "last contact", box=None)
    for device in devices:
        heard = contacts[device.id]
        last = max(heard.last_seen or 0, heard.status.ts if heard.status else 0)
        table.add_row(
            device.id,
            device.product,
            device.site.name,
            device.serial,
            _described(credentials[device.id]),
            to_iso(last) if last else "never",
        )
    console.print(table)


def _described(credential: Credential) -> str:
    certificates = sum(one.revoked_at is None for one in credential.certificates)
    parts = [
        *(["password"] if credential.has_password else []),
        *([f"{certificates} certificates" if certificates > 1 else "certificate"][:certificates]),
    ]
    return ", ".join(parts) or ("revoked" if credential.revoked_at else "none")


def _print_password(platform: Platform, device_id: str, password: str, console: Console) -> None:
    device = platform.registry.get(device_id)
    host, port = platform.mqtt_address
    quantity = platform.catalogue[device.product].quantities[0]
    millis, value = platform.clock.now() // 1000, (quantity.low + quantity.high) / 2
    example = f'{{"boot":"b{millis}","seq":1,"ts":{millis},"m":{{"{quantity.id}":{value:g}}}}}'
    console.print(f"user name  {device_id}\npassword   {password}", highlight=False)
    console.print("It is not shown again. To try it:")
    console.print(
        f"mosquitto_pub -h {host} -p {port} -u {device_id} -P {password} "
        f"-q 1 -t purna/v1/{device_id}/telemetry -m '{example}'",
        highlight=False,
        soft_wrap=True,
    )


def _text_of(file: Path) -> str:
    try:
        return file.read_text("utf-8")
    except OSError as error:
        raise AskOperator("file.unreadable", f"{file} can't be read ({error.strerror}).") from error
    except UnicodeDecodeError as error:
        raise BadInput(
            "csv.encoding", f"{file} is not in UTF-8 (byte {error.start}): save it as CSV UTF-8."
        ) from error


def _private_file(path: Path) -> io.TextIOWrapper:
    """A new file that only its owner can read at any moment."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise AskOperator(
            "file.unwritable", f"{path} can't be made ({error.strerror}): name another file."
        ) from error
    return os.fdopen(descriptor, "w", encoding="utf-8", newline="")
