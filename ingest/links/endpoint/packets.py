"""MQTT packets: what a client sends is parsed, what we send is built. Pure.

PUBLISH packets of a client are taken apart in :mod:`ingest.links.endpoint.connection`, many at
once; every other packet is read here. ``v5`` says which of the two versions is spoken.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ingest.links.endpoint.reasons import CONNACK_3, SUBACK_FAILURE_3, Reason
from ingest.links.endpoint.wire import (
    Malformed,
    Reader,
    length,
    number,
    packet,
    properties,
    read_properties,
    text,
)

CONNECT, CONNACK, PUBLISH, PUBACK, PUBREC, PUBREL, PUBCOMP = range(1, 8)
SUBSCRIBE, SUBACK, UNSUBSCRIBE, UNSUBACK, PINGREQ, PINGRESP, DISCONNECT, AUTH = range(8, 16)

PINGRESP_PACKET = b"\xd0\x00"
FOREVER = 0xFFFF_FFFF
"""The session expiry interval that never comes."""


class Will(NamedTuple):
    """What is published in a client's name when it goes without a goodbye."""

    topic: str
    payload: bytes
    qos: int
    retain: bool
    delay: int = 0
    content_type: str = ""


class Connect(NamedTuple):
    """A CONNECT packet; times in seconds. Limits a 3.1.1 client can't name have their default."""

    v5: bool
    client: str
    clean: bool
    keep_alive: int
    username: str | None
    password: bytes | None
    will: Will | None = None
    session_expiry: int = 0
    receive_maximum: int = 65_535
    maximum_packet_size: int = 0
    """0 = no limit."""
    problem_information: bool = True
    authentication_method: str = ""


class Answer(NamedTuple):
    """PUBACK, PUBREC, PUBREL or PUBCOMP, told apart by ``kind``."""

    kind: int
    packet: int
    reason: int


class Wish(NamedTuple):
    """One filter of a SUBSCRIBE packet with its options."""

    filter: str
    qos: int
    no_local: bool = False
    as_published: bool = False
    handling: int = 0
    """Of retained messages: 0 send them, 1 only when the subscription is new, 2 never."""


class Subscribe(NamedTuple):
    """``identifier`` 0 = none."""

    packet: int
    wishes: tuple[Wish, ...]
    identifier: int = 0


class Unsubscribe(NamedTuple):
    """The filters of an UNSUBSCRIBE packet."""

    packet: int
    filters: tuple[str, ...]


class Disconnect(NamedTuple):
    """``session_expiry`` None = as it was."""

    reason: int
    session_expiry: int | None = None


class Unsupported(Exception):
    """A CONNECT of a version that we don't speak; ``answer`` tells its client so."""

    def __init__(self, level: int) -> None:
        super().__init__(f"MQTT level {level} is not spoken here")
        v5 = level > 4
        self.answer = connack(Reason.UNSUPPORTED_PROTOCOL_VERSION, v5=v5)


def says_version_5(first: int, body: bytes) -> bool:
    """Whether this is a CONNECT of version 5, be the rest of it wrong."""
    return first >> 4 == CONNECT and body.startswith(b"\x00\x04MQTT\x05")


def parse_connect(first: int, body: bytes) -> Connect:
    """Raises Malformed, or Unsupported for another version."""
    if first != CONNECT << 4:
        raise Malformed("the first packet is no CONNECT", Reason.PROTOCOL_ERROR)
    reader = Reader(body)
    name, level = reader.text(), reader.byte()
    if (name, level) == ("MQIsdp", 3) or (name == "MQTT" and level not in (4, 5)):
        raise Unsupported(level)
    if name != "MQTT":
        raise Malformed("this is no MQTT")
    v5, flags, keep_alive = level == 5, reader.byte(), reader.two()
    has_will, has_name, has_password = flags & 4, flags & 0x80, flags & 0x40
    if flags & 1 or flags & 0x18 == 0x18 or (flags & 0x38 and not has_will):
        raise Malformed("the flags of CONNECT contradict one another")
    if has_password and not has_name and not v5:
        raise Malformed("a password without a user name")
    given = read_properties(reader, "C") if v5 else {}
    client, will = reader.text(), None
    if has_will:
        about = read_properties(reader, "W") if v5 else {}
        will = Will(
            reader.text(),
            reader.binary(),
            flags >> 3 & 3,
            bool(flags & 0x20),
            about.get("will_delay", 0),
            about.get("content_type", ""),
        )
    username = reader.text() if has_name else None
    password = reader.binary() if has_password else None
    reader.end()
    if "authentication_data" in given and "authentication_method" not in given:
        raise Malformed("authentication data without a method", Reason.PROTOCOL_ERROR)
    clean = bool(flags & 2)
    return Connect(
        v5,
        client,
        clean,
        keep_alive,
        username,
        password,
        will,
        # A session of 3.1.1 that is not clean lasts until the client says otherwise.
        given.get("session_expiry", 0) if v5 else (0 if clean else FOREVER),
        given.get("receive_maximum", 65_535),
        given.get("maximum_packet_size", 0),
        bool(given.get("request_problem", 1)),
        given.get("authentication_method", ""),
    )


def parse_answer(first: int, body: bytes, *, v5: bool) -> Answer:
    kind = first >> 4
    if first & 15 != (2 if kind == PUBREL else 0):
        raise Malformed("the fixed header's flags are wrong")
    reader = Reader(body)
    packet_id, reason = _packet_id(reader), 0
    if v5 and reader.left:
        reason = reader.byte()
        if reader.left:
            read_properties(reader, "A")
    reader.end()
    return Answer(kind, packet_id, reason)


def parse_subscribe(first: int, body: bytes, *, v5: bool) -> Subscribe:
    if first & 15 != 2:
        raise Malformed("the fixed header's flags are wrong")
    reader = Reader(body)
    packet_id = _packet_id(reader)
    given = read_properties(reader, "S") if v5 else {}
    wishes = []
    while reader.left:
        name, options = _filter(reader), reader.byte()
        qos, handling = options & 3, options >> 4 & 3
        if qos == 3 or options & (0xC0 if v5 else 0xFC) or handling == 3:
            raise Malformed("the options of a subscription are wrong")
        if options & 4 and name.startswith("$share/"):
            raise Malformed("a shared subscription can't be no-local", Reason.PROTOCOL_ERROR)
        wishes.append(Wish(name, qos, bool(options & 4), bool(options & 8), handling))
    if not wishes:
        raise Malformed("SUBSCRIBE without a filter", Reason.PROTOCOL_ERROR)
    return Subscribe(packet_id, tuple(wishes), given.get("subscription_identifier", 0))


def parse_unsubscribe(first: int, body: bytes, *, v5: bool) -> Unsubscribe:
    if first & 15 != 2:
        raise Malformed("the fixed header's flags are wrong")
    reader = Reader(body)
    packet_id = _packet_id(reader)
    if v5:
        read_properties(reader, "U")
    filters = []
    while reader.left:
        filters.append(_filter(reader))
    if not filters:
        raise Malformed("UNSUBSCRIBE without a filter", Reason.PROTOCOL_ERROR)
    return Unsubscribe(packet_id, tuple(filters))


def parse_disconnect(first: int, body: bytes, *, v5: bool) -> Disconnect:
    if first & 15 or (body and not v5):
        raise Malformed("DISCONNECT with something in it")
    reader = Reader(body)
    reason = reader.byte() if reader.left else 0
    given = read_properties(reader, "D") if reader.left else {}
    reader.end()
    return Disconnect(reason, given.get("session_expiry"))


def _packet_id(reader: Reader) -> int:
    packet_id = reader.two()
    if not packet_id:
        raise Malformed("packet identifier 0", Reason.PROTOCOL_ERROR)
    return packet_id


def _filter(reader: Reader) -> str:
    name = reader.text()
    if not name:
        raise Malformed("an empty topic filter")
    return name


class Promises(NamedTuple):
    """What CONNACK tells a version 5 client about this server; 0 or empty = not said."""

    receive_maximum: int
    maximum_packet_size: int
    topic_alias_maximum: int
    session_expiry: int | None = None
    assigned_client: str = ""
    server_keep_alive: int = 0


def connack(
    reason: Reason,
    *,
    v5: bool,
    present: bool = False,
    promises: Promises | None = None,
    why: str = "",
) -> bytes:
    """Empty when 3.1.1 has no code for this reason: the connection is just closed then."""
    if not v5:
        code = CONNACK_3.get(reason)
        return b"" if code is None else packet(CONNACK << 4, bytes([present, code]))
    parts = []
    if promises is not None:
        if promises.session_expiry is not None:
            parts.append(b"\x11" + number(promises.session_expiry, 4))
        parts.append(b"\x21" + number(promises.receive_maximum, 2))
        parts.append(b"\x27" + number(promises.maximum_packet_size, 4))
        if promises.assigned_client:
            parts.append(b"\x12" + text(promises.assigned_client))
        parts.append(b"\x22" + number(promises.topic_alias_maximum, 2))
        parts.append(b"\x2a\x00")  # no shared subscriptions
        if promises.server_keep_alive:
            parts.append(b"\x13" + number(promises.server_keep_alive, 2))
    if why:
        parts.append(b"\x1f" + text(why))
    return packet(CONNACK << 4, bytes([present, reason]) + properties(parts))


def publish(
    topic: str,
    payload: bytes,
    qos: int,
    packet_id: int,
    *,
    v5: bool,
    retain: bool = False,
    again: bool = False,
    identifiers: Sequence[int] = (),
) -> bytes:
    """A PUBLISH to a client; ``identifiers`` are those of the subscriptions it matches."""
    body = text(topic)
    if qos:
        body += number(packet_id, 2)
    if v5:
        body += properties([b"\x0b" + length(one) for one in identifiers])
    return packet(PUBLISH << 4 | again << 3 | qos << 1 | retain, body + payload)


def answer(kind: int, packet_id: int, *, v5: bool, reason: int = 0, why: str = "") -> bytes:
    """PUBACK, PUBREC, PUBREL or PUBCOMP."""
    body = number(packet_id, 2)
    if v5 and (reason or why):
        body += bytes([reason])
        if why:
            body += properties([b"\x1f" + text(why)])
    return packet(kind << 4 | (2 if kind == PUBREL else 0), body)


def suback(packet_id: int, reasons: Sequence[int], *, v5: bool) -> bytes:
    body = number(packet_id, 2)
    if v5:
        return packet(SUBACK << 4, body + b"\x00" + bytes(reasons))
    return packet(SUBACK << 4, body + bytes(min(one, SUBACK_FAILURE_3) for one in reasons))


def unsuback(packet_id: int, reasons: Sequence[int], *, v5: bool) -> bytes:
    body = number(packet_id, 2)
    return packet(UNSUBACK << 4, body + b"\x00" + bytes(reasons) if v5 else body)


def disconnect(reason: Reason, why: str = "") -> bytes:
    """A server says this to version 5 clients only."""
    parts = [b"\x1f" + text(why)] if why else []
    return packet(DISCONNECT << 4, bytes([reason]) + properties(parts))
