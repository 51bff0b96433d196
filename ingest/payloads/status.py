"""Whether a device is there: ``{"online": true, "boot": "b7", "fw": "2.4.1", "hw": "C"}``. Pure.

A status tells no time, since a last will can't; the service takes the time of its arrival.
"""

from __future__ import annotations

from dataclasses import dataclass

from ingest.payloads.limits import NAME_CHARS
from ingest.payloads.strict_json import Parser, allow, parse_object, text_of
from ingest.rejects import bad


@dataclass(frozen=True, slots=True)
class Status:
    """What a device, or its last will, says of it."""

    device: str
    online: bool
    boot: str = ""
    firmware: str = ""


def decode(device: str, payload: bytes, parse: Parser = parse_object) -> Status:
    """The status in a message of ``device``; raises :class:`~purna.core.errors.BadPayload`."""
    data = parse(payload)
    allow(data, "online", "boot", "fw", "hw")
    if "online" not in data:
        raise bad("field.missing", field="online")
    if not isinstance(data["online"], bool):
        raise bad("field.type", field="online", expected="true or false")
    text_of(data, "hw", NAME_CHARS, minimum=0, default="")
    return Status(
        device,
        data["online"],
        text_of(data, "boot", NAME_CHARS, minimum=0, default=""),
        text_of(data, "fw", NAME_CHARS, minimum=0, default=""),
    )
