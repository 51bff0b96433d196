"""Commands to devices: send one, and see what becomes of it."""

from __future__ import annotations

from datetime import datetime

from fastapi import APIRouter

from api.access import CallerParam, needs
from api.errors import problems
from api.paging import CursorParam, PageLimit, decode_cursor, encode_cursor
from api.roles import Right
from api.services import ServicesParam
from api.v1.commands.schemas import CommandEntry, NewCommand
from api.v1.common import Page
from ingest.commands import Command
from purna.core.clock import to_datetime
from purna.core.errors import NotFound

router = APIRouter(prefix="/devices/{device_id}/commands", tags=["commands"])
_READ = [needs(Right.DEVICES_READ)]


@router.post(
    "",
    status_code=201,
    dependencies=[needs(Right.DEVICES_COMMAND)],
    responses=problems(400, 404, 409, 503),
)
def send_command(
    device_id: str, body: NewCommand, services: ServicesParam, caller: CallerParam
) -> CommandEntry:
    """Send a device a command; what becomes of it is seen by reading it again."""
    command = services.commands.create(
        device_id,
        body.name,
        body.arguments,
        ttl_s=body.ttl_seconds,
        timeout_s=body.timeout_seconds,
        retries=body.retries,
        created_by=caller.name,
    )
    return _entry(command)


@router.get("", dependencies=_READ, responses=problems(404, 503))
def list_commands(
    device_id: str, services: ServicesParam, cursor: CursorParam = None, limit: PageLimit = 50
) -> Page[CommandEntry]:
    """The commands of a device, newest first."""
    services.registry.get(device_id)
    before = str(decode_cursor(cursor, (str,))[0]) if cursor else ""
    found = services.commands.of(device_id, limit + 1, before)
    shown = found[:limit]
    return Page(
        items=[_entry(command) for command in shown],
        next_cursor=encode_cursor((shown[-1].id,)) if len(found) > limit else None,
        total=services.commands.count(device_id),
    )


@router.get("/{command_id}", dependencies=_READ, responses=problems(404, 503))
def read_command(device_id: str, command_id: str, services: ServicesParam) -> CommandEntry:
    """One command and what has become of it so far."""
    command = services.commands.get(command_id)
    if command.device != device_id:
        raise NotFound(
            "error.not_found", f"no command {command_id!r}", kind="command", id=command_id
        )
    return _entry(command)


def _entry(command: Command) -> CommandEntry:
    return CommandEntry(
        id=command.id,
        device=command.device,
        name=command.name,
        arguments=dict(command.arguments),
        state=command.state,
        created_by=command.created_by,
        created_at=to_datetime(command.created_at),
        expires_at=to_datetime(command.expires_at),
        timeout_seconds=command.timeout_s,
        retries=command.retries,
        attempts=command.attempts,
        sent_at=_time(command.sent_at),
        delivered_at=_time(command.delivered_at),
        finished_at=_time(command.finished_at),
        text=command.text,
    )


def _time(micros: int | None) -> datetime | None:
    return None if micros is None else to_datetime(micros)
