"""The installation's own small authority for device certificates, in the data folder."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

from ingest.certificates import KeyPair, describe, issue, make_authority
from purna.core.clock import to_iso
from purna.core.errors import AskOperator
from purna.run.bootstrap import Platform


def issue_certificate(
    platform: Platform, device: str, days: float, folder: Path, console: Console
) -> None:
    """Make a certificate and a key for a device, register it and print where they are.

    Raises
    ------
    NotFound
        When there is no such device.
    AskOperator
        When a file is there already or can't be written.
    """
    platform.registry.get(device)
    pair = issue(authority(platform), device, days, datetime.now(UTC))
    key, certificate = folder / f"{device}.key", folder / f"{device}.pem"
    _write_new(key, pair.key)
    _write_new(certificate, pair.certificate)
    _register(platform, device, pair.certificate)
    described = describe(pair.certificate)
    for name, text in (
        ("certificate", certificate),
        ("key", key),
        ("authority", platform.folder.authority / "ca.pem"),
        ("fingerprint", described.fingerprint),
        ("ends", to_iso(described.not_after)),
    ):
        console.print(f"{name:12} {text}", highlight=False, soft_wrap=True)


def register_certificate(platform: Platform, device: str, file: Path, console: Console) -> None:
    """Register a certificate that another authority has signed.

    Raises
    ------
    NotFound
        When there is no such device.
    BadInput
        When the file holds no certificate.
    """
    try:
        pem = file.read_bytes()
    except OSError as error:
        raise AskOperator("file.unreadable", f"{file} can't be read ({error.strerror}).") from error
    _register(platform, device, pem)
    console.print(f"fingerprint  {describe(pem).fingerprint}", highlight=False)


def authority(platform: Platform) -> KeyPair:
    """The authority, made on first use; its key is readable by its owner only."""
    folder = platform.folder.authority
    certificate, key = folder / "ca.pem", folder / "ca.key"
    if not certificate.exists():
        folder.mkdir(mode=0o700, exist_ok=True)
        made = make_authority("Purna", datetime.now(UTC))
        _write_new(key, made.key)
        _write_new(certificate, made.certificate)  # last: who finds it finds the key too
    return KeyPair(certificate.read_bytes(), key.read_bytes())


def _register(platform: Platform, device: str, pem: bytes) -> None:
    described = describe(pem)
    platform.credentials.add_certificate(
        device, described.fingerprint, described.not_after, platform.clock.now()
    )


def _write_new(path: Path, data: bytes) -> None:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise AskOperator(
            "file.unwritable", f"{path} can't be made ({error.strerror}): name another folder."
        ) from error
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
