"""What is still to be told to people and systems: at least once, with a stable key.

A row is written in the transaction of what it tells about, one per receiver. Sending comes later
and elsewhere, so a failed mail never undoes an order. What can't be sent is tried again with
growing pauses and in the end given up, visibly: an operator may let it be tried again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol, cast

import structlog
from sqlalchemy import CursorResult, func, select, update
from sqlalchemy.orm import Session

from alerts.tables import OutboxRow
from purna.core.clock import HOUR, MINUTE, SECOND, Clock
from purna.core.errors import GiveUp, NotFound, RetryLater
from purna.db.engine import Database

PENDING, SENT, GIVEN_UP = "pending", "sent", "given_up"
FIRST_PAUSE = 30 * SECOND
LONGEST_PAUSE = 6 * HOUR
LEASE = 5 * MINUTE
"""How long a sender may take; after that the message is taken for not sent."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One message. ``key`` is the same at every attempt, so that a receiver can drop repeats."""

    key: str
    event: str
    payload: Mapping[str, Any]


class Receiver(Protocol):
    """Where messages go."""

    def send(self, message: Outgoing) -> None:
        """Raises RetryLater when it may work later, GiveUp when it never will."""
        ...


@dataclass(frozen=True, slots=True)
class Sent:
    """What became of the messages that were due."""

    sent: int = 0
    postponed: int = 0
    given_up: int = 0


@dataclass(frozen=True, slots=True)
class Undelivered:
    """A message that was given up; times in micros."""

    id: int
    receiver: str
    event: str
    order: str
    created_at: int
    attempts: int
    error: str


def enqueue(
    session: Session,
    receivers: tuple[str, ...],
    key: str,
    event: str,
    order_id: str,
    payload: Mapping[str, Any],
    now: int,
) -> None:
    """Write one row per receiver, within the caller's transaction."""
    for receiver in receivers:
        session.add(
            OutboxRow(
                key=f"{key}:{receiver}",
                receiver=receiver,
                event=event,
                order_id=order_id,
                payload=dict(payload),
                state=PENDING,
                created_at=now,
                due_at=now,
                attempts=0,
                error="",
            )
        )


def pause_after(attempts: int) -> int:
    """Micros to wait after so many failed attempts: 30 s, 1 min, 2 min … 6 h."""
    return int(min(FIRST_PAUSE * 2 ** min(attempts - 1, 20), LONGEST_PAUSE))


class Outbox:
    """Sends what is due."""

    def __init__(
        self, db: Database, receivers: Mapping[str, Receiver], clock: Clock, attempts: int
    ) -> None:
        self._db = db
        self._receivers = receivers
        self._clock = clock
        self._attempts = attempts

    def send_due(self, limit: int = 100) -> Sent:
        """Try everything that is due, oldest first, each message for itself."""
        sent = postponed = given_up = 0
        for message_id in self._due(limit):
            row = self._claim(message_id)
            if row is None:
                continue
            outcome = self._send(row)
            sent += outcome == SENT
            postponed += outcome == PENDING
            given_up += outcome == GIVEN_UP
        return Sent(sent, postponed, given_up)

    def counts(self) -> dict[str, int]:
        """How many messages are pending, sent and given up."""
        query = select(OutboxRow.state, func.count().label("number")).group_by(OutboxRow.state)
        with self._db.read() as session:
            found = {row.state: row.number for row in session.execute(query)}
        return {state: found.get(state, 0) for state in (PENDING, SENT, GIVEN_UP)}

    def given_up(self, limit: int = 100) -> list[Undelivered]:
        """What an operator should look at, newest first."""
        query = select(OutboxRow).where(OutboxRow.state == GIVEN_UP)
        with self._db.read() as session:
            rows = session.scalars(query.order_by(OutboxRow.id.desc()).limit(limit))
            return [
                Undelivered(
                    row.id,
                    row.receiver,
                    row.event,
                    row.order_id,
                    row.created_at,
                    row.attempts,
                    row.error,
                )
                for row in rows
            ]

    def retry(self, message_id: int) -> None:
        """Let a message that was given up be tried anew; raises NotFound when there is none."""
        with self._db.write() as session:
            values = {"state": PENDING, "attempts": 0, "due_at": self._clock.now()}
            given_up = (OutboxRow.id == message_id, OutboxRow.state == GIVEN_UP)
            if not _update(session, given_up, values):
                raise NotFound(
                    "error.not_found", f"no message {message_id} that was given up",
                    kind="message", id=str(message_id),
                )  # fmt: skip

    def _due(self, limit: int) -> list[int]:
        query = (
            select(OutboxRow.id)
            .where(OutboxRow.state == PENDING, OutboxRow.due_at <= self._clock.now())
            .order_by(OutboxRow.id)
            .limit(limit)
        )
        with self._db.read() as session:
            return list(session.scalars(query))

    def _claim(self, message_id: int) -> OutboxRow | None:
        """The row, if no other sender has it: by moving on its due time for as long as a lease."""
        now = self._clock.now()
        with self._db.write() as session:
            due = (
                OutboxRow.id == message_id,
                OutboxRow.state == PENDING,
                OutboxRow.due_at <= now,
            )
            values = {"due_at": now + LEASE, "attempts": OutboxRow.attempts + 1}
            if not _update(session, due, values):
                return None
            return session.get(OutboxRow, message_id)

    def _send(self, row: OutboxRow) -> str:
        values: dict[str, Any] = {"state": SENT, "error": ""}
        try:
            receiver = self._receivers.get(row.receiver)
            if receiver is None:
                raise GiveUp("outbox.receiver", f"no receiver {row.receiver!r} is set up any more")
            receiver.send(Outgoing(row.key, row.event, row.payload))
        except RetryLater as error:
            last = row.attempts >= self._attempts
            pause = self._clock.now() + pause_after(row.attempts)
            values = {"state": GIVEN_UP if last else PENDING, "due_at": pause}
            values["error"] = error.detail
        except GiveUp as error:
            values = {"state": GIVEN_UP, "error": error.detail}
        except Exception as error:  # a fault of a receiver must not hold up the other messages
            log.exception("outbox.fault", key=row.key)
            values = {"state": GIVEN_UP, "error": repr(error)}
        if values["error"]:
            log.warning(
                "outbox.not_sent",
                key=row.key,
                attempts=row.attempts,
                state=values["state"],
                error=values["error"],
            )
        with self._db.write() as session:
            _update(session, (OutboxRow.id == row.id,), values)
        return str(values["state"])


def _update(session: Session, where: tuple[Any, ...], values: Mapping[str, Any]) -> bool:
    result = session.execute(
        update(OutboxRow)
        .where(*where)
        .values(**values)
        .execution_options(synchronize_session=False)
    )
    return cast("CursorResult[Any]", result).rowcount == 1
