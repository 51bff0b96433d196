"""Commands in the service database. Each step of a command's life is one conditional write.

Several ingest processes may look for due commands at the same moment: of those that try the same
step, one succeeds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import BigInteger, cast, delete, func, select, update

from ingest.commands import (
    EVENT_OF_RESULT,
    OPEN,
    Command,
    CommandEvent,
    CommandState,
    check_request,
    due_event,
    sources,
    target,
)
from ingest.payloads.command_result import CommandResult
from ingest.rejects import bad
from ingest.tables import CommandRow, DeviceRow
from purna.core.clock import DAY, SECOND, Clock
from purna.core.errors import Conflict, NotFound
from purna.core.ids import IdFactory
from purna.db.asking import asked
from purna.db.engine import Database

OPEN_PER_DEVICE = 100
KEPT = 90 * DAY
_AT_ONCE = 200
_SEND_AGAIN = 5 * SECOND  # after there was no connection to send on


class SqlCommandLog:
    """Creates commands, moves them on and keeps what became of them.

    Parameters
    ----------
    database
        The service database.
    clock
        The real one, see :mod:`ingest.commands`.
    ids
        Makes the commands' ids, which rise with time.

    Raises
    ------
    RetryLater
        From every method, when the database can't be asked now.
    """

    def __init__(self, database: Database, clock: Clock, ids: IdFactory) -> None:
        self._database = database
        self._clock = clock
        self._ids = ids

    def create(
        self,
        device: str,
        name: str,
        arguments: Mapping[str, Any],
        *,
        ttl_s: float,
        timeout_s: float,
        retries: int,
        created_by: str,
    ) -> Command:
        """A new command, to be sent within a second or so of an ingest process running.

        Raises
        ------
        NotFound
            When there is no such device.
        BadInput
            ``command.name`` or ``command.arguments``.
        Conflict
            ``command.many`` when too many commands wait for the device already.
        """
        check_request(name, arguments)
        now = self._clock.now()
        command = Command(
            id=self._ids.new("cmd"),
            device=device,
            name=name,
            arguments=dict(arguments),
            created_by=created_by,
            created_at=now,
            expires_at=now + round(ttl_s * SECOND),
            timeout_s=timeout_s,
            retries=retries,
        )
        waiting = select(func.count()).where(
            CommandRow.device_id == device, CommandRow.state.in_(OPEN)
        )
        with asked(), self._database.write() as session:
            if session.get(DeviceRow, device) is None:
                raise NotFound("error.not_found", f"no device {device!r}", kind="device", id=device)
            if (session.scalar(waiting) or 0) >= OPEN_PER_DEVICE:
                raise Conflict(
                    "command.many",
                    f"{OPEN_PER_DEVICE} commands wait for {device} already",
                    device=device,
                    limit=OPEN_PER_DEVICE,
                )
            session.add(_row(command))
        return command

    def get(self, command_id: str) -> Command:
        """Raises :class:`~purna.core.errors.NotFound`."""
        with asked(), self._database.read() as session:
            row = session.get(CommandRow, command_id)
        if row is None:
            raise NotFound(
                "error.not_found", f"no command {command_id!r}", kind="command", id=command_id
            )
        return _value(row)

    def of(self, device: str, limit: int = 50, before_id: str = "") -> list[Command]:
        """The newest commands of a device, newest first; those older than ``before_id``."""
        query = select(CommandRow).where(CommandRow.device_id == device)
        if before_id:
            query = query.where(CommandRow.id < before_id)
        with asked(), self._database.read() as session:
            rows = session.scalars(query.order_by(CommandRow.id.desc()).limit(limit))
            return [_value(row) for row in rows]

    def count(self, device: str) -> int:
        """How many commands of a device there are in all."""
        query = select(func.count()).where(CommandRow.device_id == device)
        with asked(), self._database.read() as session:
            return session.scalar(query) or 0

    def move_due(self) -> list[Command]:
        """Move on all commands whose time has come; returns those that are to be sent now.

        They count as sent; whoever can't send one says so to :meth:`postpone`.
        """
        now = self._clock.now()
        query = (
            select(CommandRow)
            .where(CommandRow.due_at <= now)
            .order_by(CommandRow.due_at, CommandRow.id)
            .limit(_AT_ONCE)
        )
        with asked(), self._database.read() as session:
            due = [_value(row) for row in session.scalars(query)]
        if not due:
            return []
        sent = []
        with asked(), self._database.write() as session:
            for command in due:
                event = due_event(command, now)
                step = _step(event, now).where(
                    CommandRow.id == command.id,
                    CommandRow.state == command.state,
                    CommandRow.attempts == command.attempts,
                )
                if _changed(session.execute(step)) and target(event) is CommandState.SENT:
                    sent.append(command)
        return sent

    def postpone(self, command_ids: Sequence[str]) -> None:
        """There was no connection to send these on: they wait again, and it was no attempt."""
        self._move(command_ids, CommandEvent.POSTPONE)

    def delivered(self, command_ids: Sequence[str]) -> None:
        """The devices' MQTT clients have taken these over."""
        self._move(command_ids, CommandEvent.ARRIVE)

    def take_result(self, result: CommandResult) -> bool:
        """Note what a device says of a command; False when that was known.

        Raises
        ------
        BadPayload
            ``command.unknown`` when the device has got no such command.
        """
        event, now = EVENT_OF_RESULT[result.state], self._clock.now()
        own = (CommandRow.id == result.id) & (CommandRow.device_id == result.device)
        with asked(), self._database.write() as session:
            step = _step(event, now).values(text=result.text).where(own)
            if _changed(session.execute(step)):
                return True
            if session.scalar(select(CommandRow.id).where(own)) is None:
                raise bad("command.unknown", field="id")
            return False

    def prune(self) -> None:
        """Forget commands that were made long ago."""
        old = delete(CommandRow).where(CommandRow.created_at < self._clock.now() - KEPT)
        with asked(), self._database.write() as session:
            session.execute(old)

    def _move(self, command_ids: Sequence[str], event: CommandEvent) -> None:
        if not command_ids:
            return
        step = _step(event, self._clock.now()).where(CommandRow.id.in_(command_ids))
        with asked(), self._database.write() as session:
            session.execute(step)


def _step(event: CommandEvent, now: int) -> Any:
    """The write that an event means; it changes nothing where the event can't happen."""
    state = target(event)
    values: dict[str, Any] = {"state": state}
    waiting = now + cast(CommandRow.timeout_s * SECOND, BigInteger)
    if state is CommandState.SENT:
        values |= {"sent_at": now, "attempts": CommandRow.attempts + 1, "due_at": waiting}
    elif state is CommandState.QUEUED:
        values |= {"attempts": CommandRow.attempts - 1, "due_at": now + _SEND_AGAIN}
    elif state is CommandState.DELIVERED:
        values |= {"delivered_at": now, "due_at": waiting}
    else:
        values |= {"finished_at": now, "due_at": None}
    allowed = update(CommandRow).where(CommandRow.state.in_(sources(event)))
    return allowed.values(**values).execution_options(synchronize_session=False)


def _changed(done: Any) -> bool:
    return bool(done.rowcount)


def _row(command: Command) -> CommandRow:
    return CommandRow(
        id=command.id,
        device_id=command.device,
        name=command.name,
        arguments=dict(command.arguments),
        created_by=command.created_by,
        created_at=command.created_at,
        expires_at=command.expires_at,
        timeout_s=command.timeout_s,
        retries=command.retries,
        state=command.state,
        attempts=command.attempts,
        due_at=command.created_at,
        text=command.text,
    )


def _value(row: CommandRow) -> Command:
    return Command(
        row.id,
        row.device_id,
        row.name,
        row.arguments,
        row.created_by,
        row.created_at,
        row.expires_at,
        row.timeout_s,
        row.retries,
        CommandState(row.state),
        row.attempts,
        row.sent_at,
        row.delivered_at,
        row.finished_at,
        row.text,
    )
