"""The link to an MQTT broker; the only place in ``ingest`` that knows paho.

The client runs in the caller's thread: :meth:`MqttLink.receive` reads what is there and returns
it. So no callback can kill a network thread behind our back, reading stops when storing stops
(TCP holds the rest back), and whoever makes progress here is alive.

The session at the broker is persistent: what it sent and we did not acknowledge comes again.
"""

from __future__ import annotations

import contextlib
import select
import socket
import ssl
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, NamedTuple, cast

import paho.mqtt.client as paho
import structlog
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from ingest.links.base import Received
from ingest.links.packets import PUBLISH, Malformed, Publish, packet_end, pubacks, publish_at
from ingest.settings import IngestSettings
from purna.core.errors import AskOperator

log = structlog.get_logger(__name__)

Version = Literal["5", "3.1.1"]

_READ_BYTES = 256 * 1024
_FIRST_PAUSE = 0.2
_ANSWER_WITHIN = 10.0
_OUTSTANDING = 10_000
_INBOX_MESSAGES = 65_536  # a broker can't have more than this unacknowledged
_INBOX_BYTES = 64 * 1024 * 1024
_UNSUPPORTED = "Unsupported protocol version"
_REFUSED_FOR_GOOD = {
    "Bad user name or password",
    "Not authorized",
    "Client identifier not valid",
    "Banned",
}


class Token(NamedTuple):
    """Packet ids are used again after a reconnect: they only mean something together with the
    connection they came on."""

    generation: int
    packet: int


class MqttLink:
    """Takes messages from a broker at QoS 1 and acknowledges them one group at a time.

    Parameters
    ----------
    settings
        Host, ports, credentials, protocol preference, client id, keep-alive, session.
    topics
        What to subscribe to.
    state
        What to say, retained, when we are there (True) and when not, by topic. Of several ingesters
        that share the load none says that it goes, since the others stay.
    monotonic
        Seconds that only grow, for pauses and time limits.

    Raises
    ------
    AskOperator
        From :meth:`receive`: the broker refuses our credentials or our name.
    """

    def __init__(
        self,
        settings: IngestSettings,
        topics: Sequence[str],
        state: Callable[[bool], Mapping[str, bytes]] = lambda _online: {},
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._topics = list(topics)
        self._state = state
        self._monotonic = monotonic
        self._versions: list[Version] = (
            ["5", "3.1.1"] if settings.mqtt_protocol == "auto" else [settings.mqtt_protocol]
        )
        self._client: _Client | None = None
        self._generation = 0
        self._subscribed = False
        self._inbox: deque[Received] = deque()
        self._inbox_bytes = 0
        self._unanswered: set[int] = set()
        self._pause = _FIRST_PAUSE
        self._again_at = 0.0
        self._give_up_at = 0.0
        self._refused: str = ""

    @property
    def connected(self) -> bool:
        return self._subscribed

    @property
    def waiting(self) -> int:
        return len(self._inbox)

    @property
    def version(self) -> Version:
        """The MQTT version in use, or to be tried next."""
        return self._versions[0]

    def start(self) -> None:
        self._again_at = self._monotonic()

    def receive(self, limit: int, timeout: float) -> list[Received]:
        until = self._monotonic() + timeout
        while True:
            left = max(0.0, until - self._monotonic())
            if not limit or len(self._inbox) < limit:
                self._pump(0.0 if limit and self._inbox else left)
            if limit and self._inbox:
                taken = [self._inbox.popleft() for _ in range(min(limit, len(self._inbox)))]
                self._inbox_bytes -= sum(len(message.payload) for message in taken)
                return taken
            if self._monotonic() >= until:
                return []

    def acknowledge(
        self, messages: Sequence[Received], refused: Mapping[int, str] | None = None
    ) -> None:
        packets = [
            message.token.packet
            for message in messages
            if message.token is not None and message.token.generation == self._generation
        ]
        if packets:
            self._guarded(lambda client: client.acknowledge(packets))

    def delivered(self) -> list[str]:
        return []

    def expel(self, device: str) -> None:
        """The broker's own accounts decide who stays connected to it."""

    def publish(self, topic: str, payload: bytes, key: str = "") -> bool:
        client = self._client
        if client is None or not self._subscribed or len(self._unanswered) >= _OUTSTANDING:
            return False
        info = client.publish(topic, payload, qos=1)
        if info.rc != MQTTErrorCode.MQTT_ERR_SUCCESS:
            return False
        self._unanswered.add(info.mid)
        return True

    def stop(self) -> None:
        if self._subscribed and not self._settings.share_group:
            for topic, message in self._state(False).items():
                self._guarded(lambda client, t=topic, m=message: client.publish(t, m, 1, True))  # type: ignore[misc]
        self._guarded(lambda client: client.say_goodbye())
        self._drop()

    def _pump(self, timeout: float) -> None:
        """One round: connect if it is time, read and write what can be, keep alive."""
        now = self._monotonic()
        if self._client is None:
            if now < self._again_at:
                time.sleep(min(timeout, self._again_at - now))
                return
            self._connect()
            if self._client is None:
                return
        if not self._subscribed and now > self._give_up_at:
            self._lost("the broker does not answer")
            return
        room = len(self._inbox) < _INBOX_MESSAGES and self._inbox_bytes < _INBOX_BYTES
        self._guarded(lambda client: client.pump(timeout, read=room))
        if self._client is not None and self._refused:
            self._lost(self._refused)

    def _connect(self) -> None:
        settings, version = self._settings, self.version
        port = settings.mqtt_port
        client = _Client(
            CallbackAPIVersion.VERSION2,
            client_id=settings.mqtt_client_id,
            protocol=paho.MQTTv5 if version == "5" else paho.MQTTv311,
            clean_session=None if version == "5" else False,
            reconnect_on_failure=False,
        )
        client.take = self._take
        client.on_connect = self._on_connect
        client.on_subscribe = self._on_subscribe
        client.on_publish = self._on_publish
        client.max_inflight_messages_set(1000)
        if settings.mqtt_username:
            client.username_pw_set(
                settings.mqtt_username, settings.mqtt_password.get_secret_value()
            )
        if settings.mqtt_tls:
            client.tls_set(str(settings.mqtt_ca_file) if settings.mqtt_ca_file else None)
        given: dict[str, Any] = {}
        if version == "5":
            port = settings.mqtt_port_v5 or port
            properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
            properties.SessionExpiryInterval = int(settings.mqtt_session_hours * 3600)
            given = {"clean_start": False, "properties": properties}
        last_words = list(self._state(False).items()) if not settings.share_group else []
        if last_words:
            client.will_set(*last_words[-1], qos=1, retain=True)
        self._refused = ""
        try:
            client.connect(settings.mqtt_host, port, settings.mqtt_keepalive_s, **given)
        except (OSError, ValueError) as error:
            self._wait_a_little(f"{settings.mqtt_host}:{port}: {error}")
            return
        self._client = client
        self._give_up_at = self._monotonic() + _ANSWER_WITHIN

    def _on_connect(
        self,
        client: paho.Client,
        _data: Any,
        flags: paho.ConnectFlags,
        reason: ReasonCode,
        _properties: Any,
    ) -> None:
        if reason.is_failure:
            self._refused = str(reason)
            return
        self._generation += 1
        self._forget_inbox()  # what we did not acknowledge on the old connection comes again
        self._unanswered.clear()
        for topic, message in self._state(True).items():
            client.publish(topic, message, qos=1, retain=True)
        client.subscribe([(topic, 1) for topic in self._topics])
        if flags.session_present:
            # Subscribed already; asking again is for topics of a newer version. Not waiting for
            # the answer matters: a broker may hold it back behind the messages it wants
            # acknowledged.
            self._now_subscribed()

    def _on_subscribe(
        self, _client: paho.Client, _data: Any, _mid: int, reasons: list[ReasonCode], _props: Any
    ) -> None:
        if any(reason.is_failure for reason in reasons):
            self._refused = "Not authorized"
            return
        if not self._subscribed:
            self._now_subscribed()

    def _now_subscribed(self) -> None:
        self._subscribed = True
        self._pause = _FIRST_PAUSE
        log.info(
            "connected to the broker",
            host=self._settings.mqtt_host,
            mqtt=self.version,
            generation=self._generation,
        )

    def _take(self, message: Publish) -> None:
        token = Token(self._generation, message.packet) if message.qos else None
        # A topic that is not UTF-8 is none of ours; it is refused like any other garbage.
        topic = message.topic.decode(errors="replace")
        self._inbox.append(
            Received(topic, message.payload, token, message.retain, message.content_type)
        )
        self._inbox_bytes += len(message.payload)

    def _on_publish(
        self, _client: paho.Client, _data: Any, mid: int, _reason: Any, _properties: Any
    ) -> None:
        self._unanswered.discard(mid)

    def _guarded(self, action: Callable[[_Client], None]) -> None:
        """Do something with the client; whatever fails in it costs the connection, not the line."""
        if self._client is None:
            return
        try:
            action(self._client)
        except (OSError, _Closed, Malformed) as error:
            self._lost(str(error) or type(error).__name__)
        except Exception:
            log.exception("the MQTT client failed")
            self._lost("the MQTT client failed")

    def _lost(self, why: str) -> None:
        version, refused, was_subscribed = self.version, self._refused, self._subscribed
        self._drop()
        if not was_subscribed and len(self._versions) > 1:
            # Brokers refuse a version they don't speak in so many words, or just hang up.
            if not refused or refused == _UNSUPPORTED:
                self._versions.append(self._versions.pop(0))
                log.info("the broker refuses this MQTT version", refused=version, next=self.version)
        elif was_subscribed and len(self._versions) > 1:
            self._versions = [version]  # it works: never try the other one again
        if refused in _REFUSED_FOR_GOOD:
            raise AskOperator(
                "mqtt.refused",
                f"The broker at {self._settings.mqtt_host} refuses us ({refused}): check "
                "ingest.mqtt_username, ingest.mqtt_password and our rights there.",
            )
        self._wait_a_little(refused or why)

    def _drop(self) -> None:
        if self._client is not None:
            self._client.close()
        self._client = None
        self._subscribed = False
        self._forget_inbox()

    def _forget_inbox(self) -> None:
        self._inbox.clear()
        self._inbox_bytes = 0

    def _wait_a_little(self, why: str) -> None:
        log.warning("no connection to the broker", why=why, again_in_s=self._pause)
        self._again_at = self._monotonic() + self._pause
        self._pause = min(self._pause * 2, self._settings.retry_max_s)


class _Closed(Exception):
    """The connection is gone."""


class _Client(paho.Client):
    """paho for the connection, our own reading for what comes in numbers.

    Behind :class:`_BufferedSocket` the system is called once for many messages. PUBLISH packets
    are taken apart here and acknowledged here; every other packet is handed to paho, whole.
    ``_create_socket`` is the one private name of paho that is used.
    """

    def __init__(self, *args: Any, **given: Any) -> None:
        super().__init__(*args, **given)
        self.buffered: _BufferedSocket | None = None
        self.take: Callable[[Publish], None] = lambda _message: None
        # With this callback set, paho leaves writing to its owner.
        self.on_socket_register_write = lambda *_: None

    def _create_socket(self) -> Any:
        self.buffered = _BufferedSocket(cast(socket.socket, super()._create_socket()))
        return self.buffered

    def pump(self, timeout: float, *, read: bool) -> None:
        """Read (if wanted) what comes within ``timeout`` s and handle it; write what is due."""
        self.flush()
        stream = self._stream()
        readable, _, _ = select.select(
            [stream] if read else [],
            [stream] if stream.unsent else [],
            [],
            stream.wait(timeout),
        )
        if readable or stream.inside():
            stream.fill()
            self._handle_all(stream)
        if stream.closed:
            raise _Closed("the broker closed the connection")
        self._check(self.loop_misc())
        self.flush()

    def _handle_all(self, stream: _BufferedSocket) -> None:
        data, v5 = stream.data, self.protocol == paho.MQTTv5
        while stream.at < len(data):
            limits = packet_end(data, stream.at)
            if limits is None:
                return
            body, end = limits
            if data[stream.at] & 0xF0 == PUBLISH:
                self.take(publish_at(data, stream.at, body, end, v5=v5))
                stream.at = end
            else:
                stream.end = end
                self._check(self.loop_read())

    def acknowledge(self, packets: list[int]) -> None:
        self._stream().unsent += pubacks(packets)
        self.flush()

    def flush(self) -> None:
        if self.want_write():
            self._check(self.loop_write())
        self._stream().flush()

    def say_goodbye(self) -> None:
        self.flush()
        self.disconnect()
        self.loop_write()  # paho closes the socket after this; closing sends what is buffered

    def close(self) -> None:
        if self.buffered is not None:
            self.buffered.close()
            self.buffered = None

    def _stream(self) -> _BufferedSocket:
        if self.buffered is None:
            raise _Closed("there is no connection")
        return self.buffered

    @staticmethod
    def _check(result: MQTTErrorCode) -> None:
        if result != MQTTErrorCode.MQTT_ERR_SUCCESS:
            raise _Closed(paho.error_string(result))


class _BufferedSocket:
    """A socket for paho that reads and writes in large pieces.

    ``data[at:]`` was read from the system and not yet handled; paho may read up to ``end``.
    """

    def __init__(self, raw: socket.socket) -> None:
        self._raw = raw
        self.data = bytearray()
        self.at = self.end = 0
        self.unsent = bytearray()
        self.closed = False
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def fileno(self) -> int:
        return self._raw.fileno()

    def setblocking(self, flag: bool) -> None:
        self._raw.setblocking(flag)

    def inside(self) -> int:
        """Bytes that TLS has read already, so that the system does not show them any more."""
        return self._raw.pending() if isinstance(self._raw, ssl.SSLSocket) else 0

    def wait(self, timeout: float) -> float:
        return 0.0 if self.inside() else timeout

    def fill(self) -> None:
        del self.data[: self.at]
        self.at = self.end = 0
        try:
            more = self._raw.recv(_READ_BYTES)
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return
        self.data += more
        self.closed = not more

    def recv(self, size: int) -> bytes:
        end = min(self.at + size, self.end)
        if end <= self.at:
            raise BlockingIOError
        data = bytes(self.data[self.at : end])
        self.at = end
        return data

    def send(self, data: bytes | bytearray) -> int:
        self.unsent += data
        return len(data)

    def flush(self) -> None:
        while self.unsent:
            try:
                sent = self._raw.send(self.unsent)
            except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
                return
            del self.unsent[:sent]

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self.flush()
        self._raw.close()
