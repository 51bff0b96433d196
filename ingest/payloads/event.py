"""Codes that a device raises: ``{"ts": …, "code": "E17", "text": "…"}``. Pure."""

from __future__ import annotations

from ingest.payloads.limits import NAME_CHARS, TEXT_CHARS
from ingest.payloads.strict_json import Parser, allow, parse_object, text_of, time_of
from ingest.rejects import bad
from purna.core.readings import DeviceEvent


def decode(device: str, payload: bytes, parse: Parser = parse_object) -> DeviceEvent:
    """The event in a message of ``device``; raises :class:`~purna.core.errors.BadPayload`."""
    data = parse(payload)
    allow(data, "ts", "code", "text")
    if "ts" not in data:
        raise bad("field.missing", field="ts")
    return DeviceEvent(
        device,
        time_of(data["ts"], "ts"),
        "event",
        text_of(data, "code", NAME_CHARS),
        text_of(data, "text", TEXT_CHARS, minimum=0, default=""),
    )
