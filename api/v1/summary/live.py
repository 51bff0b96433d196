"""The live stream: who looks is told what changed, not what it is now.

One task per process asks the service database how far orders, alerts and assessments have come,
and only while somebody listens. So it does not matter which process made the change.
"""

from __future__ import annotations

import asyncio
import secrets
from collections import deque
from collections.abc import AsyncIterator
from typing import get_args

import structlog
from starlette.concurrency import run_in_threadpool

from api.v1.summary.changes import Changes, Position
from api.v1.summary.schemas import LiveEvent, Topic

_REMEMBERED = 256
_QUEUE = 64
_RETRY = "retry: 2000\n\n"
_HEARTBEAT = ": still here\n\n"

log = structlog.get_logger()


class Live:
    """Tells all listeners of one process about changes.

    Events are numbered by this process. The ``id`` of an event names the process too: who comes
    back with one of ours is told what he missed; who comes back with a foreign or forgotten one is
    told of every topic, since anything may have changed.

    Parameters
    ----------
    changes
        What to ask; called in a thread.
    poll_seconds, heartbeat_seconds
        How often to look; how long to be silent at most.
    life_seconds
        After this a stream ends and the browser opens a new one, which asks anew who it is.
    """

    def __init__(
        self,
        changes: Changes,
        *,
        poll_seconds: float,
        heartbeat_seconds: float,
        life_seconds: float,
    ) -> None:
        self._changes = changes
        self._poll_seconds = poll_seconds
        self._heartbeat_seconds = heartbeat_seconds
        self._life_seconds = life_seconds
        self._name = secrets.token_hex(4)
        self._seq = 0
        self._position: Position | None = None
        self._recent: deque[LiveEvent] = deque(maxlen=_REMEMBERED)
        self._listeners: set[asyncio.Queue[LiveEvent]] = set()
        self._watch: asyncio.Task[None] | None = None

    async def follow(self, last_event_id: str | None = None) -> AsyncIterator[str]:
        """Lines of server-sent events, from now on or from after ``last_event_id``."""
        queue: asyncio.Queue[LiveEvent] = asyncio.Queue(_QUEUE)
        missed = self._missed(last_event_id)
        self._listeners.add(queue)
        if self._watch is None:
            self._watch = asyncio.create_task(self._watch_changes())
        clock = asyncio.get_running_loop().time
        end = clock() + self._life_seconds
        try:
            yield _RETRY
            for event in missed:
                yield self._lines(event)
            while (left := end - clock()) > 0 and (queue in self._listeners or not queue.empty()):
                try:
                    async with asyncio.timeout(min(left, self._heartbeat_seconds)):
                        event = await queue.get()
                except TimeoutError:
                    yield _HEARTBEAT
                else:
                    yield self._lines(event)
        finally:
            self._listeners.discard(queue)
            if not self._listeners and self._watch is not None:
                self._watch.cancel()
                self._watch = None

    async def _watch_changes(self) -> None:
        while True:
            try:
                if self._position is None:
                    self._position = await run_in_threadpool(self._changes.position)
                self._position, found = await run_in_threadpool(self._changes.since, self._position)
                for topic, changed in found.items():
                    self._seq += 1
                    self._send(LiveEvent(seq=self._seq, topic=topic, id=changed))
            except Exception as error:  # the database may be busy or away: the next look tells
                log.warning("can't look for changes", error=str(error))
            await asyncio.sleep(self._poll_seconds)

    def _send(self, event: LiveEvent) -> None:
        self._recent.append(event)
        for queue in list(self._listeners):
            try:
                queue.put_nowait(event)
            except asyncio.QueueFull:  # too slow: his stream ends, and he comes back for the rest
                self._listeners.discard(queue)

    def _missed(self, last_event_id: str | None) -> list[LiveEvent]:
        if last_event_id is None:
            return []
        name, _, number = last_event_id.partition("-")
        oldest = self._recent[0].seq if self._recent else self._seq + 1
        if name == self._name and number.isdecimal() and int(number) >= oldest - 1:
            return [event for event in self._recent if event.seq > int(number)]
        return [LiveEvent(seq=self._seq, topic=topic, id="") for topic in _TOPICS]

    def _lines(self, event: LiveEvent) -> str:
        return f"id: {self._name}-{event.seq}\ndata: {event.model_dump_json()}\n\n"


_TOPICS: tuple[Topic, ...] = get_args(Topic)
