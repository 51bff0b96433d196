"""One connection of a client as a state machine: bytes in, events and bytes out. Pure.

No socket, no clock, no thread is known here. The owner feeds what it read to :meth:`receive`, acts
on the events, and sends what :meth:`outgoing` returns. Nearly all traffic is PUBLISH at QoS 1 on a
topic seen before: those are taken apart many at once, and the rest goes the long way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from enum import Enum
from typing import Any, NamedTuple

from ingest import topics
from ingest.links.base import Received
from ingest.links.endpoint import packets
from ingest.links.endpoint.access import Identity, Kind, device_of
from ingest.links.endpoint.figures import Tally
from ingest.links.endpoint.packets import Connect, Promises, Unsupported, Wish
from ingest.links.endpoint.reasons import SUBACK_FAILURE_3, Reason
from ingest.links.endpoint.session import Session
from ingest.links.endpoint.subscriptions import valid_filter, valid_topic
from ingest.links.endpoint.wire import Malformed, Reader, packet_limits, read_properties, text_of

_TOPICS_REMEMBERED = 10_000
_TOPIC_BYTES = 256
_SHARED = "$share/"
_STATUS_BYTES = 4096

_new = tuple.__new__  # makes a Received at half the price of calling its class


class Limits(NamedTuple):
    """What a client may do. ``inflight`` is how many messages we send it unacknowledged."""

    packet_bytes: int = 1024 * 1024
    connect_bytes: int = 64 * 1024
    receive_maximum: int = 1000
    topic_aliases: int = 16
    inflight: int = 100
    subscriptions: int = 100


class Published(NamedTuple):
    """Messages to be taken in; ``octets`` is about what they hold in memory."""

    messages: list[Received]
    octets: int


class Kept(NamedTuple):
    """A device's status, to be kept for whoever subscribes later; empty = forget it."""

    topic: str
    payload: bytes
    qos: int


class Subscribed(NamedTuple):
    """Granted wishes, and for each whether the subscription is a new one."""

    wishes: list[tuple[Wish, bool]]


class Delivered(NamedTuple):
    """The client has acknowledged the message that was published with this key."""

    key: str


class Ended(NamedTuple):
    """The connection is to be closed after what is outgoing. ``will``: publish it."""

    reason: Reason
    why: str
    will: bool


Event = Connect | Published | Kept | Subscribed | Delivered | Ended


class Phase(Enum):
    """NEW until CONNECT, JUDGED until somebody decides on it, then OPEN, at last CLOSED."""

    NEW = "new"
    JUDGED = "judged"
    OPEN = "open"
    CLOSED = "closed"


class Connection:
    """The server's end of one connection.

    While JUDGED the owner calls :meth:`accept` or :meth:`refuse`; what arrives meanwhile waits, so
    the owner had better not read on.
    """

    def __init__(self, limits: Limits, tally: Tally) -> None:
        self._limits = limits
        self._tally = tally
        self.phase = Phase.NEW
        self.v5 = False
        self.keep_alive = 0
        """Seconds; 0 = the client may be silent."""
        self.session: Session | None = None
        self.identity: Identity | None = None
        self.choked = False
        """Set by the owner while the client does not read what we send it."""
        self._connect: Connect | None = None
        self._largest = limits.connect_bytes
        self._partial = bytearray()
        self._needed = 0
        self._out: list[bytes] = []
        self._events: list[Event] = []
        self._messages: list[Received] = []
        self._topics: dict[bytes, str] = {}
        self._aliases: dict[int, str] = {}
        self._unanswered = 0
        self._sent: set[int] = set()
        self._window = limits.inflight

    # --- what the owner calls --------------------------------------------------------------

    @property
    def silence_allowed(self) -> float:
        """Seconds without a packet after which the client is given up (3.1.2.10); 0 = any."""
        return self.keep_alive * 1.5

    @property
    def partial(self) -> int:
        """Bytes held of a packet that is not complete."""
        return len(self._partial)

    def outgoing(self) -> bytes:
        """What is to be sent; the owner's now."""
        if not self._out:
            return b""
        out, self._out = self._out, []
        return out[0] if len(out) == 1 else b"".join(out)

    def receive(self, data: bytes) -> list[Event]:
        """Take in what was read."""
        if self._partial:
            self._partial += data
            if len(self._partial) < self._needed or self.phase is Phase.JUDGED:
                return []
            data = bytes(self._partial)
            self._partial.clear()
        try:
            rest = self._take(data)
            if rest < len(data) and self.phase is not Phase.CLOSED:
                self._partial += data[rest:]
        except Unsupported as error:
            self._out.append(error.answer)
            self._end(Reason.UNSUPPORTED_PROTOCOL_VERSION, str(error))
        except Malformed as error:
            self._close(error.reason, str(error))
        if self._messages:
            self._hand_over(len(data))
        return self._news()

    def accept(
        self, identity: Identity, session: Session, *, present: bool, promises: Promises
    ) -> list[Event]:
        """Let the client in; events of what it has sent already."""
        connect = self._asked()
        self.identity, self.session = identity, session
        self.phase = Phase.OPEN
        self._largest = self._limits.packet_bytes
        self._window = min(connect.receive_maximum, self._limits.inflight)
        self.keep_alive = promises.server_keep_alive or connect.keep_alive
        self._out.append(
            packets.connack(Reason.SUCCESS, v5=self.v5, present=present, promises=promises)
        )
        session.connection = self
        session.resume()
        self.pump()
        return self.receive(b"")

    def refuse(self, reason: Reason, why: str) -> list[Event]:
        """Send the client away."""
        raw = packets.connack(reason, v5=self.v5, why=self._explained(why))
        if self._too_large(raw):
            raw = packets.connack(reason, v5=self.v5)
        self._out.append(raw)
        self._end(reason, why)
        return self._news()

    def close(self, reason: Reason, why: str, *, will: bool = True) -> list[Event]:
        """End it from our side; a version 5 client is told why."""
        self._close(reason, why, will=will)
        return self._news()

    def lost(self) -> list[Event]:
        """The other side has gone without a word."""
        self._end(Reason.UNSPECIFIED, "the client hung up", will=True)
        return self._news()

    def stored(self, ids: list[bytes]) -> None:
        """Acknowledge messages at QoS 1."""
        if self.phase is Phase.OPEN:
            self._unanswered -= len(ids)
            self._out.append(b"@\x02" + b"@\x02".join(ids))

    def set_aside(self, packet: bytes, why: str) -> None:
        """Acknowledge a message at QoS 1 of which nothing was taken: it is not to come again."""
        if self.phase is not Phase.OPEN:
            return
        if not self.v5:
            self.stored([packet])
            return
        self._unanswered -= 1
        self._answer(
            packets.PUBACK, int.from_bytes(packet, "big"), Reason.PAYLOAD_FORMAT_INVALID, why
        )

    def received(self, packets_: Iterable[int]) -> None:
        """Send PUBREC: these messages at QoS 2 are on disk, and so are their ids."""
        if self.phase is Phase.OPEN:
            for packet in packets_:
                self._answer(packets.PUBREC, packet)

    def pump(self) -> None:
        """Send what the session has for the client, as far as its window allows."""
        if self.phase is not Phase.OPEN or self.session is None:
            return
        while len(self._sent) < self._window:
            following = self.session.next()
            if following is None:
                return
            packet, message, again = following
            if self.choked and not packet:
                self._tally.dropped += 1
                continue
            raw = packets.publish(
                message.topic,
                message.payload,
                1 if packet else 0,
                packet,
                v5=self.v5,
                retain=message.retain,
                again=again,
                identifiers=message.identifiers,
            )
            if self._too_large(raw):
                self._tally.dropped += 1
                self.session.acknowledged(packet)
                continue
            if packet:
                self._sent.add(packet)
            self._out.append(raw)

    # --- taking packets apart --------------------------------------------------------------

    def _take(self, data: bytes) -> int:
        """Handle the complete packets of ``data``; where the first incomplete one begins."""
        at, size = 0, len(data)
        self._needed = 0
        while at < size and self.phase not in (Phase.JUDGED, Phase.CLOSED):
            if self.phase is Phase.OPEN and data[at] & 0xF0 == 0x30:
                at = self._take_publishes(data, at, size)
                if at >= size:
                    return at
            limits = packet_limits(data, at)
            if limits is None:
                return at
            body, length = limits
            end = body + length
            if length > self._largest:
                if self.phase is Phase.NEW:
                    raise Malformed("a CONNECT packet of this size is not taken")
                raise Malformed(f"a packet may have {self._largest} bytes", Reason.PACKET_TOO_LARGE)
            if end > size:
                self._needed = end - at
                return at
            self._handle(data[at], data[body:end])
            at = end
        return at

    def _take_publishes(self, data: bytes, at: int, size: int) -> int:
        """Take plain PUBLISH packets until something else comes; where that begins.

        Plain: QoS 0 or 1, first delivery, not retained, a topic that was allowed before, no
        properties. The rest is found again by :meth:`_take`.
        """
        names, append, v5 = self._topics, self._messages.append, self.v5
        largest, source = self._largest, self._asked_identity().name
        answered = 0
        while at < size:
            first = data[at]
            if first != 0x32 and first != 0x30:
                break
            body = at + 2
            if body + 2 > size:
                break
            length = data[at + 1]
            if length > 127:  # two bytes are the length of most batches; more are rare
                more, body = data[body], body + 1
                if more > 127:
                    break
                length += (more - 1) << 7
            end = body + length
            if length < 4 or length > largest or end > size:
                break
            start = body + 2 + (data[body] << 8 | data[body + 1])
            topic = names.get(data[body + 2 : start])
            if topic is None:
                break
            token: tuple[Connection, bytes] | None = None
            if first == 0x32:
                packet = data[start : start + 2]
                start += 2
                if packet == b"\0\0":
                    break
                token = (self, packet)
                answered += 1
            if v5:
                if start >= end or data[start]:
                    if token is not None:
                        answered -= 1
                    break
                start += 1
            if start > end:
                if token is not None:
                    answered -= 1
                break
            append(_new(Received, (topic, data[start:end], token, False, "", source, 0)))
            at = end
        if answered:
            self._expect_answers(answered)
        return at

    def _handle(self, first: int, body: bytes) -> None:
        kind = first >> 4
        if self.phase is Phase.NEW:
            self._on_connect(first, body)
            return
        handler = _HANDLERS.get(kind)
        if handler is None:
            raise Malformed("a client does not send this packet", Reason.PROTOCOL_ERROR)
        handler(self, first, body)

    def _on_connect(self, first: int, body: bytes) -> None:
        self.v5 = packets.says_version_5(first, body)
        connect = self._connect = packets.parse_connect(first, body)
        if connect.authentication_method:
            self._out.append(packets.connack(Reason.BAD_AUTHENTICATION_METHOD, v5=True))
            self._end(Reason.BAD_AUTHENTICATION_METHOD, "extended authentication is not offered")
            return
        will = connect.will
        if will is not None and not valid_topic(will.topic):
            raise Malformed("the will's topic is none", Reason.TOPIC_NAME_INVALID)
        if not connect.client and not connect.clean and not connect.v5:
            self._out.append(packets.connack(Reason.CLIENT_IDENTIFIER_NOT_VALID, v5=False))
            self._end(Reason.CLIENT_IDENTIFIER_NOT_VALID, "a lasting session needs a client id")
            return
        self.phase = Phase.JUDGED
        self._events.append(connect)

    def _on_publish(self, first: int, body: bytes) -> None:
        """A PUBLISH of any kind."""
        qos, reader = first >> 1 & 3, Reader(body)
        if qos == 3 or (not qos and first & 8):
            raise Malformed("the flags of PUBLISH contradict one another")
        raw = reader.binary()
        packet = reader.take(2) if qos else b""
        if packet == b"\0\0":
            raise Malformed("packet identifier 0", Reason.PROTOCOL_ERROR)
        given = read_properties(reader, "P") if self.v5 else {}
        topic = self._topic(raw, given)
        identity = self._asked_identity()
        if not identity.may_publish(topic):
            self._not_allowed(topic, qos, packet)
            return
        if len(raw) <= _TOPIC_BYTES and raw:
            if len(self._topics) >= _TOPICS_REMEMBERED:
                self._topics.clear()
            self._topics[raw] = topic
        token: Any = None
        if qos == 1:
            token = (self, packet)
            self._expect_answers(1)
        elif qos == 2:
            if not self._is_first(int.from_bytes(packet, "big")):
                return
            token = (self.session, packet)
            self._expect_answers(1)
        payload = reader.rest()
        if first & 1 and is_status(topic) and len(payload) <= _STATUS_BYTES:
            self._events.append(Kept(topic, payload, min(qos, 1)))
        self._messages.append(
            Received(
                topic,
                payload,
                token,
                False,
                given.get("content_type", ""),
                identity.name,
            )
        )

    def _topic(self, raw: bytes, given: Mapping[str, Any]) -> str:
        """The topic's name, given or by its alias (3.3.2.3.4)."""
        alias = given.get("topic_alias")
        if alias is not None and not 0 < alias <= self._limits.topic_aliases:
            raise Malformed("the topic alias is out of range", Reason.TOPIC_ALIAS_INVALID)
        if not raw and alias is not None:
            known = self._aliases.get(alias)
            if known is None:
                raise Malformed("the topic alias was not set", Reason.PROTOCOL_ERROR)
            return known
        topic = text_of(raw)
        if not valid_topic(topic):
            raise Malformed(
                "a topic to publish to has no wildcard and is not empty", Reason.TOPIC_NAME_INVALID
            )
        if alias is not None:
            self._aliases[alias] = topic
        return topic

    def _is_first(self, packet: int) -> bool:
        """Whether a message at QoS 2 is new; one that is on disk is confirmed again."""
        session = self._asked_session()
        if packet in session.received_ids:
            if packet not in session.due:
                self._answer(packets.PUBREC, packet)
            return False
        if packet in session.storing_ids:
            return False
        session.storing_ids.add(packet)
        return True

    def _not_allowed(self, topic: str, qos: int, packet: bytes) -> None:
        """What we do not take is never acknowledged as if we did; 3.1.1 can only hang up."""
        why = f"not your topic: {topic}"
        self._tally.denied += 1
        if not self.v5:
            raise Malformed(why, Reason.NOT_AUTHORIZED)
        if qos:
            kind = packets.PUBACK if qos == 1 else packets.PUBREC
            self._answer(kind, int.from_bytes(packet, "big"), Reason.NOT_AUTHORIZED, why)

    def _on_answer(self, first: int, body: bytes) -> None:
        """PUBACK of something we sent. We send nothing at QoS 2, so the others answer nothing."""
        answer = packets.parse_answer(first, body, v5=self.v5)
        if answer.kind != packets.PUBACK:
            return
        message = self._asked_session().acknowledged(answer.packet)
        self._sent.discard(answer.packet)
        if message is not None and message.key and answer.reason < Reason.UNSPECIFIED:
            self._events.append(Delivered(message.key))
        self.pump()

    def _on_release(self, first: int, body: bytes) -> None:
        answer = packets.parse_answer(first, body, v5=self.v5)
        known = self._asked_session().release(answer.packet)
        if known:
            self._unanswered = max(0, self._unanswered - 1)
        reason = Reason.SUCCESS if known else Reason.PACKET_IDENTIFIER_NOT_FOUND
        self._answer(packets.PUBCOMP, answer.packet, reason)

    def _on_subscribe(self, first: int, body: bytes) -> None:
        asked = packets.parse_subscribe(first, body, v5=self.v5)
        session = self._asked_session()
        reasons: list[int] = []
        granted: list[tuple[Wish, bool]] = []
        for wish in asked.wishes:
            refusal = self._refusal(wish)
            if refusal is not None:
                reasons.append(refusal if self.v5 else SUBACK_FAILURE_3)
                continue
            qos = 0 if self._asked_identity().kind is Kind.FEED else min(wish.qos, 1)
            granted.append((wish, session.subscribe(wish, qos, asked.identifier)))
            reasons.append(qos)
        self._out.append(packets.suback(asked.packet, reasons, v5=self.v5))
        if granted:
            self._events.append(Subscribed(granted))

    def _refusal(self, wish: Wish) -> Reason | None:
        if wish.filter.startswith(_SHARED):
            return Reason.SHARED_SUBSCRIPTIONS_NOT_SUPPORTED
        if not valid_filter(wish.filter):
            return Reason.TOPIC_FILTER_INVALID
        if not self._asked_identity().may_subscribe(wish.filter):
            self._tally.denied += 1
            return Reason.NOT_AUTHORIZED
        subscriptions = self._asked_session().subscriptions
        if wish.filter not in subscriptions and len(subscriptions) >= self._limits.subscriptions:
            return Reason.QUOTA_EXCEEDED
        return None

    def _on_unsubscribe(self, first: int, body: bytes) -> None:
        asked = packets.parse_unsubscribe(first, body, v5=self.v5)
        session = self._asked_session()
        reasons = [
            Reason.SUCCESS if session.unsubscribe(name) else Reason.NO_SUBSCRIPTION_EXISTED
            for name in asked.filters
        ]
        self._out.append(packets.unsuback(asked.packet, reasons, v5=self.v5))

    def _on_ping(self, first: int, body: bytes) -> None:
        if first & 15 or body:
            raise Malformed("PINGREQ with something in it")
        self._out.append(packets.PINGRESP_PACKET)

    def _on_disconnect(self, first: int, body: bytes) -> None:
        said = packets.parse_disconnect(first, body, v5=self.v5)
        session = self._asked_session()
        if said.session_expiry is not None:
            if said.session_expiry and not self._asked().session_expiry:
                raise Malformed("a session that was to end can't last", Reason.PROTOCOL_ERROR)
            session.expiry = said.session_expiry
            session.changed.add(session)
        with_will = said.reason != Reason.SUCCESS
        self._end(Reason.SUCCESS, "the client said goodbye", will=with_will)

    def _on_auth(self, first: int, body: bytes) -> None:
        if not self.v5:
            raise Malformed("a client does not send this packet")
        raise Malformed("no authentication was begun", Reason.BAD_AUTHENTICATION_METHOD)

    def _close(self, reason: Reason, why: str, *, will: bool = True) -> None:
        if self.v5 and self.phase is Phase.OPEN:
            raw = packets.disconnect(reason, why)
            self._out.append(packets.disconnect(reason) if self._too_large(raw) else raw)
        elif self.v5 and self.phase is Phase.NEW:
            self._out.append(packets.connack(reason, v5=True))
        self._end(reason, why, will=will)

    def _news(self) -> list[Event]:
        events, self._events = self._events, []
        return events

    # --- small helpers ---------------------------------------------------------------------

    def _hand_over(self, octets: int) -> None:
        """Messages go before whatever else came with them: the end of the connection, too."""
        messages, self._messages = self._messages, []
        self._events.insert(0, Published(messages, octets))

    def _expect_answers(self, count: int) -> None:
        self._unanswered += count
        if self.v5 and self._unanswered > self._limits.receive_maximum:
            raise Malformed(
                f"more than {self._limits.receive_maximum} messages are unanswered",
                Reason.RECEIVE_MAXIMUM_EXCEEDED,
            )

    def _answer(self, kind: int, packet: int, reason: int = 0, why: str = "") -> None:
        raw = packets.answer(kind, packet, v5=self.v5, reason=reason, why=self._explained(why))
        if self._too_large(raw):
            raw = packets.answer(kind, packet, v5=self.v5, reason=reason)
        self._out.append(raw)

    def _too_large(self, raw: bytes) -> bool:
        """Whether it is more than the client takes (3.1.2.11.4)."""
        return 0 < self._asked().maximum_packet_size < len(raw)

    def _explained(self, why: str) -> str:
        """A reason string, for clients that want such (3.1.2.11.7)."""
        return why[:200] if self._connect is not None and self._connect.problem_information else ""

    def _end(self, reason: Reason, why: str, *, will: bool = False) -> None:
        if self.phase is Phase.CLOSED:
            return
        had_session = self.phase is Phase.OPEN
        self.phase = Phase.CLOSED
        self._partial.clear()
        self._events.append(Ended(reason, why, will and had_session))

    def _asked(self) -> Connect:
        assert self._connect is not None  # noqa: S101
        return self._connect

    def _asked_session(self) -> Session:
        assert self.session is not None  # noqa: S101
        return self.session

    def _asked_identity(self) -> Identity:
        assert self.identity is not None  # noqa: S101
        return self.identity


_HANDLERS: Mapping[int, Callable[[Connection, int, bytes], None]] = {
    packets.PUBLISH: Connection._on_publish,
    packets.PUBACK: Connection._on_answer,
    packets.PUBREC: Connection._on_answer,
    packets.PUBREL: Connection._on_release,
    packets.PUBCOMP: Connection._on_answer,
    packets.SUBSCRIBE: Connection._on_subscribe,
    packets.UNSUBSCRIBE: Connection._on_unsubscribe,
    packets.PINGREQ: Connection._on_ping,
    packets.DISCONNECT: Connection._on_disconnect,
    packets.AUTH: Connection._on_auth,
}
"""What an open connection does with which packet; a second CONNECT is an error of the client."""


def is_status(topic: str) -> bool:
    """Whether it is the topic of a device's status, the one that is kept for later."""
    device = device_of(topic)
    return device is not None and topic == topics.build(device, topics.STATUS)
