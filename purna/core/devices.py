"""Installed equipment: who owns it, where it stands, what it is."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from purna.core.errors import BadInput

DEVICE_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


@dataclass(frozen=True, slots=True)
class Customer:
    """Who is served. ``sla_hours`` is the agreed time from finding to visit."""

    id: str
    name: str
    sla_hours: float = 72.0


@dataclass(frozen=True, slots=True)
class Site:
    """Where devices stand. Latitude and longitude in degrees; ``timezone`` an IANA name."""

    id: str
    customer: Customer
    name: str
    address: str = ""
    latitude: float | None = None
    longitude: float | None = None
    timezone: str = "UTC"


@dataclass(frozen=True, slots=True)
class Device:
    """One installed machine. Times are micros UTC.

    ``attributes`` are fixed facts that models may use (model variant, age at first sight).
    """

    id: str
    product: str
    site: Site
    serial: str = ""
    installed_at: int = 0
    warranty_until: int = 0
    attributes: Mapping[str, float | str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Maintenance:
    """A component was replaced or repaired at ``ts`` (micros UTC).

    ``failed`` is true when it had failed in service, false when it was replaced before that.
    ``known_at`` is when the platform learnt of it: a model must not see it earlier.
    ``source`` names the order or the import that told us.
    """

    device: str
    component: str
    ts: int
    failed: bool
    known_at: int
    source: str = ""


def checked_device_id(text: str, field: str = "device") -> str:
    """The id itself; raises :class:`BadInput` when it is not ``[A-Za-z0-9_-]{1,64}``."""
    if DEVICE_ID.fullmatch(text):
        return text
    raise BadInput(
        "device.id",
        f"{field}: a device id has 1 to 64 of A-Z a-z 0-9 _ -, got {text!r}",
        field=field,
        value=text[:80],
    )
