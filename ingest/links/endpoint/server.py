"""The asyncio server around the protocol core: sockets, deadlines, back-pressure.

Everything here runs in one event loop. Reading a socket and taking its messages apart is all that
happens per burst of messages; what is to be stored goes to the inbox, and the acknowledgements of
a whole group come back in one call.

No queue grows without bound: while too much waits for the store, connections are not read, and TCP
tells their senders. A client that does not read what we send is not read either.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import time
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from typing import cast

import structlog

from ingest.caps import Buckets
from ingest.links.base import Received
from ingest.links.endpoint.access import Access, Identity, Kind, Refused
from ingest.links.endpoint.connection import (
    Connection,
    Delivered,
    Ended,
    Event,
    Kept,
    Limits,
    Phase,
    Published,
    Subscribed,
    is_status,
)
from ingest.links.endpoint.figures import Tally
from ingest.links.endpoint.inbox import Inbox
from ingest.links.endpoint.packets import Connect, Promises
from ingest.links.endpoint.peer import FAST, FULL, JUDGED, READ_BYTES, Peer
from ingest.links.endpoint.reasons import Reason
from ingest.links.endpoint.session import Downlink, Session
from ingest.links.endpoint.sessions import Retained, Sessions
from ingest.links.endpoint.sessions_file import Changes, SessionsFile
from ingest.links.endpoint.settings import EndpointSettings
from ingest.links.endpoint.throttle import Throttle

log = structlog.get_logger(__name__)

_BREAKS = frozenset(
    {
        Reason.MALFORMED_PACKET,
        Reason.PROTOCOL_ERROR,
        Reason.TOPIC_NAME_INVALID,
        Reason.RECEIVE_MAXIMUM_EXCEEDED,
        Reason.TOPIC_ALIAS_INVALID,
        Reason.PACKET_TOO_LARGE,
        Reason.NOT_AUTHORIZED,
    }
)
_TICK_S = 0.5
_SHORTEST_PAUSE_S = 0.05
_SAVE_S = 0.1
_CHECKERS = 2
_ACCEPT_AT_ONCE, _BACKLOG = 64, 1024
"""A storm of connections waits in the system, so that those who are in go on being served."""


class Server:
    """One endpoint: its sockets, its clients, their sessions.

    Parameters
    ----------
    settings
        Where to listen, and the limits.
    access
        Who gets in.
    inbox
        Where messages go.
    file
        Where sessions are kept.
    delivered
        Called with the key of a published message when its client has acknowledged it.
    failed
        Called with an error that must end the process.
    state
        The platform's state as messages by topic, online or not.
    buckets
        What a device may send; above that it is read more slowly.
    wall
        Seconds since 1970, for what outlives the process.
    """

    def __init__(
        self,
        settings: EndpointSettings,
        access: Access,
        inbox: Inbox,
        file: SessionsFile,
        delivered: Callable[[str], None],
        failed: Callable[[BaseException], None],
        state: Callable[[bool], Mapping[str, bytes]],
        buckets: Buckets,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._settings = settings
        self._access = access
        self._inbox = inbox
        self._file = file
        self._delivered = delivered
        self._failed = failed
        self._state = state
        self._buckets = buckets
        self._wall = wall
        self._loop = asyncio.get_running_loop()
        self.limits = Limits(settings.max_packet_bytes, receive_maximum=settings.receive_maximum)
        self.buffer = memoryview(bytearray(READ_BYTES))
        self.sessions = Sessions(settings.queue_limit)
        self.tally = Tally()
        self.now = self._loop.time()
        """Of the last tick, seconds; coarse and cheap."""
        self._peers: dict[Connection, Peer] = {}
        self._unproven: dict[Peer, None] = {}  # in the order of their coming
        self._paused: set[Peer] = set()
        self._wrong_passwords = Throttle()  # by address
        self._breaches = Throttle()  # by account
        self._expulsions = 0
        self._waking = False
        self._checkers = ThreadPoolExecutor(_CHECKERS, "endpoint-check")
        self._writer = ThreadPoolExecutor(1, "endpoint-sessions")
        self._saving: asyncio.Future[None] | None = None
        self._retained: dict[str, Retained | None] = {}
        self._listeners: list[asyncio.Server] = []
        self._ticking: list[asyncio.Task[None]] = []
        self.ports: list[int] = []
        self._file.load(self.sessions, self._wall())

    async def start(self, sockets: Sequence[tuple[socket.socket, ssl.SSLContext | None]]) -> None:
        """Listen on these."""
        for sock, tls in sockets:
            self._listeners.append(
                await self._loop.create_server(
                    lambda: Peer(self),
                    sock=sock,
                    ssl=tls,
                    backlog=_ACCEPT_AT_ONCE,
                    ssl_handshake_timeout=self._settings.connect_timeout_s if tls else None,
                )
            )
            sock.listen(_BACKLOG)
            self.ports.append(sock.getsockname()[1])
        self._say_state(True)
        self._ticking = [
            self._loop.create_task(self._every(_TICK_S, self._tick)),
            self._loop.create_task(self._every(_SAVE_S, self._save)),
        ]

    async def stop(self) -> None:
        """Say goodbye to everybody, write down what is left, close."""
        for listener in self._listeners:
            listener.close()
        for task in self._ticking:
            task.cancel()
        self._say_state(False)
        for peer in list(self._peers.values()):
            peer.act(
                peer.connection.close(Reason.SERVER_SHUTTING_DOWN, "the platform stops", will=False)
            )
        if self._saving is not None:
            await asyncio.wait([self._saving])
        self._save()
        if self._saving is not None:
            await asyncio.wait([self._saving])
        for peer in list(self._peers.values()):
            peer.abort()
        self._checkers.shutdown(wait=False, cancel_futures=True)
        self._writer.shutdown()

    def figures(self) -> dict[str, int]:
        """By the names of :data:`~ingest.links.endpoint.figures.MEANINGS`; from any thread."""
        return {
            "connections": len(self._peers),
            "sessions": self.sessions.count,
            "waiting": self._inbox.waiting,
            "paused": len(self._paused),
            **asdict(self.tally),
            "dropped": self.tally.dropped + self.sessions.dropped,
        }

    # --- from the ingester, called in the loop ---------------------------------------------

    def acknowledge(
        self,
        groups: Mapping[Connection | Session, list[bytes]],
        refused: Sequence[tuple[Connection, bytes, str]],
    ) -> None:
        """Send the acknowledgements of a group; those of closed connections go nowhere."""
        peers = self._peers
        for owner, ids in groups.items():
            owner.stored(ids)
            peer = peers.get(cast(Connection, owner))
            if peer is not None:
                peer.flush()
            elif isinstance(owner, Session):
                self._flush(owner)
        for connection, packet, why in refused:
            connection.set_aside(packet, why)
            if connection in peers:
                peers[connection].flush()

    def feed(self, messages: Iterable[Received]) -> None:
        """Give what was stored to those who follow it."""
        followers: set[Session] = set()
        for message in messages:
            for session in self.sessions.feed(message.topic):
                if session.push(Downlink(message.topic, message.payload, qos=0)):
                    self.tally.fed += 1
                followers.add(session)
        for session in followers:
            self._flush(session)

    def publish(self, message: Downlink) -> bool:
        """Whether anybody takes it, now or later."""
        taken = self.sessions.publish(message)
        for session in taken:
            self._flush(session)
        return bool(taken)

    def expel(self, device: str) -> None:
        """Close everything of a device and forget what it proved."""
        self._expulsions += 1
        self._access.forget(device)
        for connection in self.sessions.forget_account(device):
            peer = self._peers.get(connection)
            if peer is not None:
                peer.act(
                    connection.close(Reason.ADMINISTRATIVE_ACTION, "the credentials were revoked")
                )

    def resume(self) -> None:
        """There is room in the inbox again."""
        for peer in self._paused:
            peer.release(FULL)
        self._paused.clear()

    # --- from the peers --------------------------------------------------------------------

    def came(self, peer: Peer) -> bool:
        """Whether a new connection is taken at all."""
        if len(self._peers) >= self._settings.max_connections:
            self.tally.crowded += 1
            return False
        while len(self._unproven) >= self._settings.max_unproven:
            oldest = next(iter(self._unproven))
            del self._unproven[oldest]
            self.tally.crowded += 1
            oldest.abort()
        self._peers[peer.connection] = peer
        self._unproven[peer] = None
        return True

    def went(self, peer: Peer) -> None:
        self._peers.pop(peer.connection, None)
        self._unproven.pop(peer, None)
        self._paused.discard(peer)

    def wait_for_room(self, peer: Peer) -> bool:
        """Whether the inbox is full, so that this connection is paused until it is not."""
        if not self._inbox.full:
            return False
        if peer not in self._paused:
            self._paused.add(peer)
            peer.hold(FULL)
        return True

    def handle(self, peer: Peer, event: Event) -> None:
        """Act on what a connection reports."""
        if isinstance(event, Published):
            self._take_in(event.messages, event.octets)
            self.wait_for_room(peer)
            self._slow_down(peer, len(event.messages))
        elif isinstance(event, Connect):
            peer.hold(JUDGED)
            self._judge(peer, event)
        elif isinstance(event, Subscribed):
            if peer.connection.session is not None:
                self.sessions.subscribed(peer.connection.session, event)
        elif isinstance(event, Delivered):
            self._delivered(event.key)
        elif isinstance(event, Kept):
            self._keep(event.topic, Retained(event.payload, event.qos) if event.payload else None)
        else:
            self._ended(peer, event)

    def _take_in(self, messages: list[Received], octets: int) -> None:
        self._inbox.put(messages, octets)
        if not self._waking:  # once for all sockets that had something in this round
            self._waking = True
            self._loop.call_soon(self._wake)

    def _wake(self) -> None:
        self._waking = False
        self._inbox.wake()

    def _slow_down(self, peer: Peer, messages: int) -> None:
        """Do not read a device that sends more than it may, until that is made up for.

        A gateway may send as much as its devices together; a fleet account is not slowed down.
        """
        who = peer.connection.identity
        if not self._buckets.limited or who is None or who.kind is not Kind.DEVICE:
            return
        now, speaks_for = self._loop.time(), 1 + len(who.devices)
        pause = self._buckets.of(who.name, now).pause(messages / speaks_for, now)
        if pause > _SHORTEST_PAUSE_S:
            peer.hold(FAST)
            self._loop.call_later(pause, peer.release, FAST)

    def _ended(self, peer: Peer, event: Ended) -> None:
        session = peer.connection.session
        if session is not None and session.connection is peer.connection:
            self.sessions.leave(session, self._wall(), will=event.will)
        self._speak_wills()
        self._unproven.pop(peer, None)
        if event.reason in _BREAKS:
            self.tally.broken += 1
            if peer.connection.identity is not None:
                self._breaches.failed(peer.connection.identity.name, self._loop.time())
        if event.reason not in (Reason.SUCCESS, Reason.UNSPECIFIED):
            who = peer.connection.identity
            log.info("connection ended", who=who.name if who else peer.address, why=event.why)
        peer.linger()

    def _speak_wills(self) -> None:
        for will, account in self.sessions.wills(self._wall()):
            if will.retain and is_status(will.topic):
                self._keep(will.topic, Retained(will.payload, min(will.qos, 1)))
            self._take_in(
                [Received(will.topic, will.payload, None, False, will.content_type, account)],
                len(will.payload),
            )

    def _keep(self, topic: str, kept: Retained | None) -> None:
        if kept is None:
            self.sessions.retained.pop(topic, None)
        else:
            self.sessions.retained[topic] = kept
        self._retained[topic] = kept

    def _say_state(self, online: bool) -> None:
        for topic, message in self._state(online).items():
            self.sessions.retained[topic] = Retained(message, 1)
            self.publish(Downlink(topic, message, newest_only=True))

    def _flush(self, session: Session) -> None:
        peer = self._peers.get(session.connection) if session.connection is not None else None
        if peer is not None:
            peer.flush()

    # --- letting in ------------------------------------------------------------------------

    def _judge(self, peer: Peer, connect: Connect) -> None:
        """Have the password checked in another thread."""
        known = self._expulsions
        certificate = peer.certificate()
        future = self._loop.run_in_executor(self._checkers, self._identify, connect, certificate)

        def judged(done: asyncio.Future[Identity]) -> None:
            if done.cancelled() or peer.connection.phase is not Phase.JUDGED:
                return
            error = done.exception()
            if error is None and known != self._expulsions:
                self._judge(peer, connect)  # it may have been this one's credentials
            elif error is None:
                self._let_in_later(peer, connect, done.result())
            elif isinstance(error, Refused):
                self._turn_away(peer, error.reason, str(error))
            else:
                log.error("a password could not be checked", error=repr(error))
                self._turn_away(peer, Reason.SERVER_UNAVAILABLE, "the platform failed")

        future.add_done_callback(judged)

    def _identify(self, connect: Connect, certificate: tuple[str, str] | None) -> Identity:
        if certificate is not None:
            identity = self._access.by_certificate(*certificate)
            if identity is not None:
                return identity
        return self._access.by_password(connect.username, connect.password)

    def _turn_away(self, peer: Peer, reason: Reason, why: str) -> None:
        """Refuse, the later the more often this address was wrong of late."""
        pause = 0.0
        self.tally.refused += 1
        if reason is Reason.BAD_USER_NAME_OR_PASSWORD:
            pause = self._wrong_passwords.failed(peer.address, self._loop.time())

        def refuse() -> None:
            if peer.connection.phase is Phase.JUDGED:
                peer.act(peer.connection.refuse(reason, why))

        self._loop.call_later(pause, refuse)

    def _let_in_later(self, peer: Peer, connect: Connect, identity: Identity) -> None:
        """At once; but who has just broken the rules of MQTT comes back the later the more often
        he did."""
        pause = self._breaches.pause(identity.name, self._loop.time())
        if pause:
            self._loop.call_later(pause, self._let_in, peer, connect, identity)
        else:
            self._let_in(peer, connect, identity)

    def _let_in(self, peer: Peer, connect: Connect, identity: Identity) -> None:
        if peer.connection.phase is not Phase.JUDGED:
            return
        if connect.will is not None and not identity.may_publish(connect.will.topic):
            self._turn_away(peer, Reason.NOT_AUTHORIZED, "the will's topic is not yours")
            return
        assigned = ""
        if not connect.client:
            assigned = f"auto-{uuid.uuid4().hex}"
            connect = connect._replace(client=assigned)
        kept = min(connect.session_expiry, int(self._settings.session_hours * 3600))
        lowered = kept if kept < connect.session_expiry else None
        connect = connect._replace(session_expiry=kept)
        opened = self.sessions.open(identity, connect, self._wall())
        if opened.displaced is not None:
            old = self._peers.get(opened.displaced)
            if old is not None:
                old.act(
                    opened.displaced.close(
                        Reason.SESSION_TAKEN_OVER, "another connection has this client id now"
                    )
                )
        self._speak_wills()
        self._unproven.pop(peer, None)
        promises = Promises(
            self.limits.receive_maximum,
            self.limits.packet_bytes,
            self.limits.topic_aliases,
            session_expiry=lowered,
            assigned_client=assigned,
        )
        self.tally.accepted += 1
        events = peer.connection.accept(
            identity, opened.session, present=opened.present, promises=promises
        )
        peer.act(events)
        peer.release(JUDGED)

    # --- as time goes by -------------------------------------------------------------------

    async def _every(self, seconds: float, action: Callable[[], None]) -> None:
        while True:
            await asyncio.sleep(seconds)
            try:
                action()
            except Exception as error:
                log.exception("the endpoint failed")
                self._failed(error)
                return

    def _tick(self) -> None:
        now = self.now = self._loop.time()
        for topic, message in self._state(True).items():  # the time in it is ours
            self.sessions.retained[topic] = Retained(message, 1)
        for peer in list(self._peers.values()):
            peer.check(now, self._settings.connect_timeout_s)
        self.sessions.expire(self._wall())
        self._speak_wills()

    def _save(self) -> None:
        """Write down what has changed, in another thread; one write at a time."""
        sessions = self.sessions
        if self._saving is not None and not self._saving.done():
            return
        self._saving = None
        if not (sessions.changed or sessions.gone or self._retained):
            return
        changes = Changes(gone=list(sessions.gone), retained=self._retained)
        due: list[tuple[Session, list[int]]] = []
        for session in sessions.changed:
            if session.lasting:
                changes.note(session)
            elif session.saved:
                changes.gone.append(session.key)
            session.saved = session.lasting
            due.append((session, session.take_due()))
        sessions.changed.clear()
        sessions.gone.clear()
        self._retained = {}

        def saved(done: asyncio.Future[None]) -> None:
            error = None if done.cancelled() else done.exception()
            if error is not None:
                self._failed(error)
                return
            for session, ids in due:
                session.recorded(ids)
                self._flush(session)

        self._saving = self._loop.run_in_executor(self._writer, self._file.save, changes)
        self._saving.add_done_callback(saved)
