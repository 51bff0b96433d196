"""What goes down to devices besides answers: commands, and the end of sessions.

A thread of its own asks the service database, so that a database that is slow never holds up
readings; what is to be done on the link is handed to the ingester's thread, which owns it.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import TypeVar

import structlog

from ingest.command_log import SqlCommandLog
from ingest.commands import Command, message_of
from ingest.credentials import SqlCredentials
from ingest.links.base import Link
from purna.core.errors import RetryLater

log = structlog.get_logger(__name__)

T = TypeVar("T")

_LOOK_EVERY_S = 1.0


class Downward:
    """Sends commands and closes revoked sessions while :meth:`start` … :meth:`stop`.

    :meth:`pump` belongs to the ingester's thread and is called at every step of it; :meth:`look`
    to the thread in here. An error in the latter must not stay unseen: pump raises it.
    """

    def __init__(self, link: Link, credentials: SqlCredentials, commands: SqlCommandLog) -> None:
        self._link = link
        self._credentials = credentials
        self._commands = commands
        self._known = 0  # the last change of a credential that was looked at
        self._to_expel: SimpleQueue[str] = SimpleQueue()
        self._to_send: SimpleQueue[Command] = SimpleQueue()
        self._unsent: SimpleQueue[str] = SimpleQueue()
        self._delivered: SimpleQueue[str] = SimpleQueue()
        self._to_postpone: list[str] = []
        self._to_note: list[str] = []
        self._stopping = False
        self._news = threading.Event()  # look now, do not wait
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="downward", daemon=True)

    def start(self) -> None:
        """Call it before the link lets anybody in: only later changes end sessions."""
        with suppress(RetryLater):  # sessions that need not end are begun anew, no harm is done
            self._known = self._credentials.position()
        self._thread.start()

    def stop(self) -> None:
        self._stopping = True
        self._news.set()
        self._thread.join()

    def pump(self) -> None:
        """Do on the link what is to be done."""
        if self._failure is not None:
            raise self._failure
        for device in _all(self._to_expel):
            log.info("credentials have changed", device=device)
            self._link.expel(device)
        for command in _all(self._to_send):
            if not self._sent(command):
                self._unsent.put(command.id)
                self._news.set()
        for key in self._link.delivered():
            self._delivered.put(key)
            self._news.set()

    def _sent(self, command: Command) -> bool:
        try:
            return self._link.publish(*message_of(command), key=command.id)
        except RetryLater:
            return False

    def look(self) -> None:
        """Ask the database what is to be done, and tell it what was done."""
        self._to_postpone += _all(self._unsent)
        self._commands.postpone(self._to_postpone)
        self._to_postpone.clear()  # not before it is written
        self._to_note += _all(self._delivered)
        self._commands.delivered(self._to_note)
        self._to_note.clear()
        self._known, devices = self._credentials.changes(self._known)
        for device in devices:
            self._to_expel.put(device)
        for command in self._commands.move_due():
            self._to_send.put(command)

    def _run(self) -> None:
        while True:
            self._news.wait(_LOOK_EVERY_S)
            self._news.clear()
            if self._stopping:
                return
            try:
                self.look()
            except RetryLater as error:
                log.warning("commands and revocations have to wait", why=str(error))
            except BaseException as error:
                self._failure = error
                return


def _all(queue: SimpleQueue[T]) -> Iterator[T]:
    """What is in a queue now."""
    while True:
        try:
            yield queue.get_nowait()
        except Empty:
            return
