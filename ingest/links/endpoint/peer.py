"""A socket and the connection on it: reading, writing, pausing, giving up."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import socket
from collections.abc import Iterable
from typing import TYPE_CHECKING, cast

from ingest.links.endpoint.connection import Connection, Event, Phase
from ingest.links.endpoint.reasons import Reason

if TYPE_CHECKING:
    from ingest.links.endpoint.server import Server

READ_BYTES = 256 * 1024
_SIP_BYTES = 4 * 1024
"""What is still read of a connection at the moment when it is told to pause."""
_WRITE_BYTES = 256 * 1024
"""With more than this unsent, the client does not read, and is not read either."""
_LINGER_S = 2.0
_CHOKED_S = 60.0

FULL, JUDGED, CHOKED, FAST = 1, 2, 4, 8
"""Why a connection is not read: the store is behind, its password is being checked, its client
does not read, or sends more than it may."""


class Peer(asyncio.BufferedProtocol):
    """A socket and the connection on it."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self.connection = Connection(server.limits, server.tally)
        self.address = ""
        self._transport: asyncio.Transport | None = None
        self._holds = 0
        self._spoke = True
        self._heard = server.now
        self._choked_since = 0.0
        self._ending = 0.0

    # --- asyncio's side --------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        address = transport.get_extra_info("peername")
        self.address = address[0] if isinstance(address, tuple) else str(address)
        sock = transport.get_extra_info("socket")
        if sock is not None and sock.family in (socket.AF_INET, socket.AF_INET6):
            _tune(sock)
        self._transport.set_write_buffer_limits(high=_WRITE_BYTES)
        if not self._server.came(self):
            self.abort()

    def get_buffer(self, _hint: int) -> memoryview:
        if self._server.wait_for_room(self):
            return self._server.buffer[:_SIP_BYTES]
        return self._server.buffer

    def buffer_updated(self, size: int) -> None:
        self._spoke = True
        if not self._ending:
            self.act(self.connection.receive(bytes(self._server.buffer[:size])))

    def eof_received(self) -> bool:
        return False  # the transport closes itself

    def connection_lost(self, _error: Exception | None) -> None:
        self._transport = None
        for event in self.connection.lost():
            self._server.handle(self, event)
        self._server.went(self)

    def pause_writing(self) -> None:
        self.connection.choked = True
        self._choked_since = self._server.now
        self.hold(CHOKED)

    def resume_writing(self) -> None:
        self.connection.choked = False
        self.release(CHOKED)

    # --- the server's side -----------------------------------------------------------------

    def act(self, events: Iterable[Event]) -> None:
        """Act on events, then send what there is to say."""
        for event in events:
            self._server.handle(self, event)
        self.flush()

    def flush(self) -> None:
        data = self.connection.outgoing()
        if data and self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)
            if self._ending:
                self._finish()

    def hold(self, why: int) -> None:
        self._holds |= why
        if self._transport is not None:
            self._transport.pause_reading()

    def release(self, why: int) -> None:
        """Read on, unless there is another reason not to. Silence meanwhile was ours."""
        self._holds &= ~why
        self._spoke = True
        if not self._holds and self._transport is not None and not self._transport.is_closing():
            self._transport.resume_reading()

    def certificate(self) -> tuple[str, str] | None:
        """Common name and SHA-256 fingerprint of the client's certificate, where it showed one."""
        if self._transport is None:
            return None
        tls = self._transport.get_extra_info("ssl_object")
        shown = tls.getpeercert(binary_form=True) if tls is not None else None
        if not shown:
            return None
        subject = tls.getpeercert().get("subject", ())
        names = [value for part in subject for name, value in part if name == "commonName"]
        return (names[0] if names else "", hashlib.sha256(shown).hexdigest())

    def check(self, now: float, connect_timeout: float) -> None:
        """Close it when it has been silent, or unproven, for too long."""
        phase = self.connection.phase
        if self._ending:
            if now > self._ending:
                self.abort()
            return
        if phase is not Phase.OPEN:
            if now - self._heard > connect_timeout:
                self.abort()
            return
        allowed = self.connection.silence_allowed
        if self._holds & CHOKED:
            if now - self._choked_since > (allowed or _CHOKED_S):
                self.abort()
        elif self._spoke or self._holds:
            self._heard, self._spoke = now, False
        elif allowed and now - self._heard > allowed:
            self.act(self.connection.close(Reason.KEEP_ALIVE_TIMEOUT, "the client is silent"))

    def linger(self) -> None:
        """Let the client read our last words before the socket closes.

        What it still sends is read and thrown away for a moment: closing with something unread
        would reset the connection, and our words with it.
        """
        self._ending = self._server.now + _LINGER_S
        self.release(~0)
        self.flush()
        self._finish()

    def abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def _finish(self) -> None:
        if self._transport is None or self._transport.is_closing():
            return
        if self._transport.can_write_eof():
            with contextlib.suppress(OSError, RuntimeError):
                self._transport.write_eof()
        else:
            self._transport.close()


def _tune(sock: socket.socket) -> None:
    """No waiting for more to send; and the system itself finds out about half-open connections."""
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in (
        ("TCP_KEEPIDLE", 60),
        ("TCP_KEEPINTVL", 20),
        ("TCP_KEEPCNT", 3),
        ("TCP_USER_TIMEOUT", 120_000),  # milliseconds that sent bytes may stay unanswered
    ):
        if hasattr(socket, option):
            sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)
