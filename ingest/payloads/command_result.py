"""What a device says of a command: ``{"id": "…", "state": "ok", "text": "…"}``. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from ingest.payloads.limits import NAME_CHARS, TEXT_CHARS
from ingest.payloads.strict_json import Parser, allow, parse_object, text_of
from ingest.rejects import bad


class ResultState(StrEnum):
    """How far a command has come; a device may leave ``received`` out."""

    RECEIVED = "received"
    OK = "ok"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class CommandResult:
    """The answer of a device to the command ``id``."""

    device: str
    id: str
    state: ResultState
    text: str = ""


def decode(device: str, payload: bytes, parse: Parser = parse_object) -> CommandResult:
    """The result in a message of ``device``; raises :class:`~purna.core.errors.BadPayload`."""
    data = parse(payload)
    allow(data, "id", "state", "text")
    state = text_of(data, "state", NAME_CHARS)
    if state not in list(ResultState):
        raise bad("state.invalid", field="state")
    return CommandResult(
        device,
        text_of(data, "id", NAME_CHARS),
        ResultState(state),
        text_of(data, "text", TEXT_CHARS, minimum=0, default=""),
    )
