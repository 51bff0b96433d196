"""The link between the endpoint and the ingester: one thread serves, the other stores."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections import deque
from collections.abc import Callable, Coroutine, Mapping, Sequence
from concurrent.futures import TimeoutError as Late
from pathlib import Path
from typing import Any

import structlog

from ingest import topics
from ingest.caps import Buckets
from ingest.links.base import Received
from ingest.links.endpoint.access import Access
from ingest.links.endpoint.connection import Connection
from ingest.links.endpoint.inbox import Inbox
from ingest.links.endpoint.listening import (
    allow_connections,
    listening_socket,
    tls_context,
)
from ingest.links.endpoint.server import Server
from ingest.links.endpoint.session import Downlink
from ingest.links.endpoint.sessions_file import SessionsFile
from ingest.links.endpoint.settings import EndpointSettings
from ingest.state import state_messages
from purna.core.errors import RetryLater

log = structlog.get_logger(__name__)

_ANSWER_S = 5.0


class EndpointLink:
    """The MQTT server of our own as a :class:`~ingest.links.base.Link`.

    Parameters
    ----------
    settings
        Where to listen, and the limits.
    access
        Who gets in, and what he may do.
    sessions
        The file of the sessions.
    now
        The platform's time (micros), told to devices in its retained state.
    sparkplug_host
        The id under which edge nodes of Sparkplug look for that state; empty = none do.
    buckets
        What one device may send; above that it is read more slowly. None = no limit.
    """

    def __init__(
        self,
        settings: EndpointSettings,
        access: Access,
        sessions: Path,
        now: Callable[[], int],
        sparkplug_host: str = "",
        buckets: Buckets | None = None,
    ) -> None:
        self._settings = settings
        self._access = access
        self._path = sessions
        self._now = now
        self._sparkplug_host = sparkplug_host
        self._buckets = buckets or Buckets(rate=0.0, burst=1.0)
        self._inbox = Inbox(settings.pending_messages, settings.pending_bytes, self._read_on)
        self._outbox: deque[Downlink] = deque()
        self._outbox_due = False
        self._delivered: deque[str] = deque()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._serve, name="endpoint", daemon=True)
        self._up = threading.Event()
        self._ending: asyncio.Event | None = None
        self._server: Server | None = None
        self._failure: BaseException | None = None

    # --- the ingester's thread -------------------------------------------------------------

    @property
    def connected(self) -> bool:
        """Whether it listens."""
        return self._server is not None and self._failure is None

    @property
    def waiting(self) -> int:
        return self._inbox.waiting

    @property
    def ports(self) -> list[int]:
        """The ports it listens on, plain first."""
        return self._server.ports if self._server is not None else []

    def start(self) -> None:
        """Listen.

        Raises
        ------
        AskOperator
            When a port is taken, or certificate or session file can't be used.
        """
        self._thread.start()
        self._up.wait()
        self._check()

    def receive(self, limit: int, timeout: float) -> list[Received]:
        self._check()
        if not limit:
            time.sleep(timeout)
            return []
        return self._inbox.take(limit, timeout)

    def acknowledge(
        self, messages: Sequence[Received], refused: Mapping[int, str] | None = None
    ) -> None:
        server = self._server
        if server is None:
            return
        refused = refused or {}
        # Only MQTT 5 has room for the reason; in 3.1.1 such a PUBACK is like any other.
        aside = [
            (*messages[number].token, why)
            for number, why in refused.items()
            if isinstance(messages[number].token, tuple)
            and isinstance(messages[number].token[0], Connection)
            and messages[number].token[0].v5
        ]
        told = {(owner, packet) for owner, packet, _ in aside}
        groups: dict[Any, list[bytes]] = {}
        for message in messages:
            token = message[2]
            if token is not None and not (told and token in told):
                owner, packet = token
                ids = groups.get(owner)
                if ids is None:
                    groups[owner] = [packet]
                else:
                    ids.append(packet)
        self._call(server.acknowledge, groups, aside)
        if server.sessions.fed:
            self._call(server.feed, [m for n, m in enumerate(messages) if n not in refused])

    def publish(self, topic: str, payload: bytes, key: str = "") -> bool:
        """With a key the answer says whether the addressee has a session; without, it is True
        when the server runs: nobody need listen to it."""
        server = self._server
        if server is None:
            return False
        message = Downlink(topic, payload, key=key, newest_only=topic.endswith(f"/{topics.ACK}"))
        if key:
            return bool(self._ask(_returning(server.publish, message)))
        self._outbox.append(message)
        if not self._outbox_due:
            self._outbox_due = True
            self._call(self._send_outbox)
        return True

    def delivered(self) -> list[str]:
        return [self._delivered.popleft() for _ in range(len(self._delivered))]

    def expel(self, device: str) -> None:
        if self._server is not None:
            self._call(self._server.expel, device)

    def stop(self) -> None:
        """Say goodbye to all clients; what was acknowledged before is sent first."""
        if self._thread.is_alive():
            self._call(self._end)
            self._thread.join()

    def figures(self) -> Mapping[str, int]:
        """The numbers that :data:`~ingest.links.endpoint.figures.MEANINGS` explains."""
        return self._server.figures() if self._server is not None else {}

    def _check(self) -> None:
        if self._failure is not None:
            raise self._failure

    def _call(self, action: Any, *given: Any) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: we are stopping
            self._loop.call_soon_threadsafe(action, *given)

    def _ask(self, question: Coroutine[Any, Any, Any]) -> Any:
        try:
            return asyncio.run_coroutine_threadsafe(question, self._loop).result(_ANSWER_S)
        except Late as error:
            raise RetryLater("endpoint.busy", "the endpoint does not answer") from error

    def _read_on(self) -> None:
        if self._server is not None:
            self._call(self._server.resume)

    # --- the endpoint's thread -------------------------------------------------------------

    def _serve(self) -> None:
        try:
            asyncio.set_event_loop(self._loop)
            self._loop.run_until_complete(self._live())
        except BaseException as error:
            self._fail(error)
        finally:
            self._server = None
            self._up.set()
            self._loop.close()

    async def _live(self) -> None:
        settings, file = self._settings, SessionsFile(self._path)
        try:
            allowed = allow_connections(settings.max_connections)
            if allowed < settings.max_connections:
                log.warning(
                    "the system allows fewer connections than endpoint.max_connections: raise the "
                    "limit of open files (ulimit -n, LimitNOFILE)",
                    allowed=allowed,
                )
            tls = tls_context(settings)
            sockets = [
                (listening_socket(settings.host, settings.port, "PURNA_ENDPOINT__PORT"), None),
                *(
                    [
                        (
                            listening_socket(
                                settings.host, settings.tls_port, "PURNA_ENDPOINT__TLS_PORT"
                            ),
                            tls,
                        )
                    ]
                    if tls is not None
                    else []
                ),
            ]
            server = Server(
                settings,
                self._access,
                self._inbox,
                file,
                self._delivered.append,
                self._fail,
                lambda online: state_messages(online, self._now(), self._sparkplug_host),
                self._buckets,
            )
            self._ending = asyncio.Event()
            await server.start(sockets)
            self._server = server
            log.info("the endpoint listens", host=settings.host, ports=server.ports)
            self._up.set()
            await self._ending.wait()
            await server.stop()
        finally:
            file.close()

    def _fail(self, error: BaseException) -> None:
        """An error in this thread must not stay unseen: the ingester's thread raises it."""
        self._failure = error
        self._inbox.wake()

    def _end(self) -> None:
        if self._ending is not None:
            self._ending.set()

    def _send_outbox(self) -> None:
        self._outbox_due = False
        outbox, server = self._outbox, self._server
        while outbox and server is not None:
            server.publish(outbox.popleft())


async def _returning(action: Any, *given: Any) -> Any:
    return action(*given)
