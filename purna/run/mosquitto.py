"""Keeps the files of a Mosquitto in front of the platform in step with the registry."""

from __future__ import annotations

import os
import subprocess
import threading
from collections import defaultdict
from pathlib import Path

from rich.console import Console

from ingest.mosquitto import acl_file, password_file
from ingest.passwords import MIN_PASSWORD, hash_password, is_portable, verify_password
from purna.core.errors import AskOperator, RetryLater
from purna.run.bootstrap import Platform

PASSWORDS, RIGHTS = "passwd", "acl"
_LOOK_EVERY_S = 1.0


def write_files(platform: Platform, folder: Path, console: Console) -> bool:
    """Write ``passwd`` and ``acl`` into ``folder``; whether anything has changed.

    Raises
    ------
    AskOperator
        When the platform's account at the broker is not set, or a file can't be written.
    """
    account = platform.settings.ingest
    name, password = account.mqtt_username, account.mqtt_password.get_secret_value()
    if not name or len(password) < MIN_PASSWORD:
        raise AskOperator(
            "mosquitto.account",
            "The platform needs an account at the broker: set PURNA_INGEST__MQTT_USERNAME and "
            f"PURNA_INGEST__MQTT_PASSWORD (at least {MIN_PASSWORD} characters, for example from "
            "`openssl rand -hex 16`), for this command and for `purna ingest`.",
        )
    fleet = platform.fleet_account
    known = _known_hashes(folder / PASSWORDS)
    hashes = {
        account: _hash(password, known.get(account, ""))
        for account, password in ((name, password), (fleet.username, fleet.password))
    }
    for device, kept in platform.credentials.password_hashes().items():
        if is_portable(kept):
            hashes[device] = kept
        else:
            console.print(
                f"{device}: its password is kept in an older form; give it a new one with "
                f"`purna device password {device}`.",
                highlight=False,
                soft_wrap=True,
            )
    gateways: dict[str, list[str]] = defaultdict(list)
    for device_ in platform.registry.all():
        if gateway := str(device_.attributes.get("gateway", "")):
            gateways[gateway].append(device_.id)
    rights = acl_file(name, fleet.username, platform.decoders().subscriptions(), gateways)
    changed = [
        _replace(folder / RIGHTS, rights),
        _replace(folder / PASSWORDS, password_file(hashes)),
    ]
    return any(changed)


def keep_files(
    platform: Platform, folder: Path, on_change: str, console: Console, stop: threading.Event
) -> None:
    """Write the files at once and whenever the registry changes; run ``on_change`` then."""
    while True:
        try:
            if write_files(platform, folder, console):
                console.print(f"{folder}: written", highlight=False)
                _tell(on_change, console)
        except RetryLater as error:
            console.print(f"has to wait: {error.detail}", highlight=False)
        if stop.wait(_LOOK_EVERY_S):
            return


def _tell(on_change: str, console: Console) -> None:
    """Run the operator's command that makes Mosquitto read the files; a failure is only told."""
    if not on_change:
        return
    done = subprocess.run(on_change, shell=True, check=False)  # noqa: S602  the operator's own
    if done.returncode:
        console.print(f"`{on_change}` ended with status {done.returncode}", highlight=False)


def _known_hashes(path: Path) -> dict[str, str]:
    if not path.exists():
        return {}
    lines = path.read_text("utf-8").splitlines()
    return {name: kept for name, _, kept in (line.partition(":") for line in lines)}


def _hash(password: str, known: str) -> str:
    """The known hash where it still fits: a new salt each time would look like a change."""
    return known if known and verify_password(known, password) else hash_password(password)


def _replace(path: Path, text: str) -> bool:
    """Replace a file in one step, readable by its owner and group; whether it changed."""
    if path.exists() and path.read_text("utf-8") == text:
        return False
    draft = path.with_name(path.name + ".new")
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o640)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except OSError as error:
        raise AskOperator(
            "file.unwritable", f"{path} can't be written ({error.strerror}): name another folder."
        ) from error
    return True
