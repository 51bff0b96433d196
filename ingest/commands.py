"""The life of a command to a device, as data: everything about its states stands here. Pure.

``docs/devices.md`` draws its diagram from the table. Times are micros of the real clock, also
where the platform's own runs faster: a device needs its seconds to answer.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import msgspec

from ingest import topics
from ingest.payloads.command_result import ResultState
from purna.core.errors import BadInput

NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}")
ARGUMENT_BYTES = 16 * 1024


class CommandState(StrEnum):
    """Where a command stands."""

    QUEUED = "queued"
    SENT = "sent"
    DELIVERED = "delivered"  # the device has it, and has said nothing of its success
    SUCCESSFUL = "successful"
    FAILED = "failed"  # the device says so
    TIMEOUT = "timeout"  # it was sent, and no result came
    EXPIRED = "expired"  # it was never sent in its time


class CommandEvent(StrEnum):
    """What happens to a command."""

    SEND = "send"
    POSTPONE = "postpone"  # there was no connection to send it on
    RETRY = "retry"
    ARRIVE = "arrive"
    SUCCEED = "succeed"
    FAIL = "fail"
    TIME_OUT = "time out"
    EXPIRE = "expire"


COMMAND: Mapping[CommandState, Mapping[CommandEvent, CommandState]] = {
    CommandState.QUEUED: {
        CommandEvent.SEND: CommandState.SENT,
        CommandEvent.EXPIRE: CommandState.EXPIRED,
        # An attempt before the last one, which had to be postponed, may have come through.
        CommandEvent.ARRIVE: CommandState.DELIVERED,
        CommandEvent.SUCCEED: CommandState.SUCCESSFUL,
        CommandEvent.FAIL: CommandState.FAILED,
        CommandEvent.TIME_OUT: CommandState.TIMEOUT,
    },
    CommandState.SENT: {
        CommandEvent.POSTPONE: CommandState.QUEUED,
        CommandEvent.RETRY: CommandState.SENT,
        CommandEvent.ARRIVE: CommandState.DELIVERED,
        CommandEvent.SUCCEED: CommandState.SUCCESSFUL,
        CommandEvent.FAIL: CommandState.FAILED,
        CommandEvent.TIME_OUT: CommandState.TIMEOUT,
    },
    CommandState.DELIVERED: {
        CommandEvent.RETRY: CommandState.SENT,
        CommandEvent.SUCCEED: CommandState.SUCCESSFUL,
        CommandEvent.FAIL: CommandState.FAILED,
        CommandEvent.TIME_OUT: CommandState.TIMEOUT,
    },
    CommandState.TIMEOUT: {  # what the device did late, it did
        CommandEvent.SUCCEED: CommandState.SUCCESSFUL,
        CommandEvent.FAIL: CommandState.FAILED,
    },
    CommandState.SUCCESSFUL: {},
    CommandState.FAILED: {},
    CommandState.EXPIRED: {},
}

OPEN = frozenset({CommandState.QUEUED, CommandState.SENT, CommandState.DELIVERED})

EVENT_OF_RESULT: Mapping[ResultState, CommandEvent] = {
    ResultState.RECEIVED: CommandEvent.ARRIVE,
    ResultState.OK: CommandEvent.SUCCEED,
    ResultState.FAILED: CommandEvent.FAIL,
}


@dataclass(frozen=True, slots=True)
class Command:
    """Something that a device is to do.

    It is sent again when no result came within ``timeout_s`` seconds, up to ``retries`` times;
    the device knows a repetition by its ``id``. After ``expires_at`` it is not sent any more.
    ``text`` is what the device said of its result.
    """

    id: str
    device: str
    name: str
    arguments: Mapping[str, Any]
    created_by: str
    created_at: int
    expires_at: int
    timeout_s: float
    retries: int
    state: CommandState = CommandState.QUEUED
    attempts: int = 0
    sent_at: int | None = None
    delivered_at: int | None = None
    finished_at: int | None = None
    text: str = ""


def due_event(command: Command, now: int) -> CommandEvent:
    """What is to happen to an open command that waits to be sent, or waited long enough."""
    in_time = now < command.expires_at
    if command.state is CommandState.QUEUED and in_time:
        return CommandEvent.SEND
    if command.attempts == 0:
        return CommandEvent.EXPIRE
    again = in_time and command.attempts <= command.retries
    return CommandEvent.RETRY if again else CommandEvent.TIME_OUT


def sources(event: CommandEvent) -> list[CommandState]:
    """The states in which something can happen."""
    return [state for state, events in COMMAND.items() if event in events]


def target(event: CommandEvent) -> CommandState:
    """The state that something leads to; it is the same from wherever it can happen."""
    (state,) = {events[event] for events in COMMAND.values() if event in events}
    return state


def message_of(command: Command) -> tuple[str, bytes]:
    """Topic and payload that tell the device."""
    payload = {
        "id": command.id,
        "name": command.name,
        "args": command.arguments,
        "expires": command.expires_at // 1000,
    }
    return topics.build(command.device, topics.COMMAND), msgspec.json.encode(payload)


def check_request(name: str, arguments: Mapping[str, Any]) -> None:
    """Raises :class:`~purna.core.errors.BadInput` for a name or arguments no device could take."""
    if not NAME.fullmatch(name):
        raise BadInput(
            "command.name",
            f"name: 1 to 64 of A-Z a-z 0-9 _ . -, got {name[:80]!r}",
            field="name",
        )
    try:
        encoded = msgspec.json.encode(arguments)
    except (OverflowError, RecursionError, TypeError, ValueError):
        encoded = None  # numbers beyond 64 bits, nested without end
    # The database can't keep a NUL in a text.
    if encoded is None or len(encoded) > ARGUMENT_BYTES or b"\\u0000" in encoded:
        raise BadInput(
            "command.arguments",
            f"arguments: a JSON object of at most {ARGUMENT_BYTES} bytes",
            field="arguments",
            limit=ARGUMENT_BYTES,
        )
