"""The other side's codec, written for the tests alone and from the standard, not from our code.

Builders for what a client sends; :func:`split` and :func:`parse_properties` for what it reads.
"""

from __future__ import annotations

from typing import Any, NamedTuple

CONNECT, CONNACK, PUBLISH, PUBACK, PUBREC, PUBREL, PUBCOMP = 1, 2, 3, 4, 5, 6, 7
SUBSCRIBE, SUBACK, UNSUBSCRIBE, UNSUBACK, PINGREQ, PINGRESP, DISCONNECT, AUTH = range(8, 16)

BYTE, TWO, FOUR, VARIABLE, BINARY, TEXT, PAIR = "1", "2", "4", "v", "b", "t", "p"

KINDS = {
    1: BYTE, 2: FOUR, 3: TEXT, 8: TEXT, 9: BINARY, 11: VARIABLE, 17: FOUR, 18: TEXT, 19: TWO,
    21: TEXT, 22: BINARY, 23: BYTE, 24: FOUR, 25: BYTE, 26: TEXT, 28: TEXT, 31: TEXT, 33: TWO,
    34: TWO, 35: TWO, 36: BYTE, 37: BYTE, 38: PAIR, 39: FOUR, 40: BYTE, 41: BYTE, 42: BYTE,
}  # fmt: skip


class Packet(NamedTuple):
    kind: int
    flags: int
    body: bytes


def number(value: int, size: int = 2) -> bytes:
    return value.to_bytes(size, "big")


def variable(value: int) -> bytes:
    out = []
    while True:
        digit = value % 128
        value //= 128
        out.append(digit + 128 if value else digit)
        if not value:
            return bytes(out)


def text(value: str | bytes) -> bytes:
    raw = value.encode() if isinstance(value, str) else value
    return number(len(raw)) + raw


def packet(kind: int, flags: int, *parts: bytes) -> bytes:
    body = b"".join(parts)
    return bytes([kind * 16 + flags]) + variable(len(body)) + body


def properties(given: list[tuple[int, Any]] | None) -> bytes:
    block = b""
    for identifier, value in given or []:
        kind = KINDS[identifier]
        block += variable(identifier)
        if kind == VARIABLE:
            block += variable(value)
        elif kind in (TEXT, BINARY):
            block += text(value)
        elif kind == PAIR:
            block += text(value[0]) + text(value[1])
        else:
            block += number(value, int(kind))
    return variable(len(block)) + block


def connect(
    client: str,
    name: str | None = None,
    password: str | None = None,
    *,
    v5: bool = False,
    clean: bool = True,
    keep_alive: int = 60,
    will: tuple[str, bytes, int, bool] | None = None,
    props: list[tuple[int, Any]] | None = None,
    will_props: list[tuple[int, Any]] | None = None,
) -> bytes:
    flags = 2 if clean else 0
    parts = [text(client)]
    if will is not None:
        flags |= 4 | will[2] << 3 | will[3] << 5
        if v5:
            parts.append(properties(will_props))
        parts += [text(will[0]), text(will[1])]
    if name is not None:
        flags |= 128
        parts.append(text(name))
    if password is not None:
        flags |= 64
        parts.append(text(password))
    head = [text("MQTT"), bytes([5 if v5 else 4, flags]), number(keep_alive)]
    if v5:
        head.append(properties(props))
    return packet(CONNECT, 0, *head, *parts)


def publish(
    topic: str | bytes,
    payload: bytes,
    qos: int = 1,
    packet_id: int = 1,
    *,
    v5: bool = False,
    retain: bool = False,
    dup: bool = False,
    props: list[tuple[int, Any]] | None = None,
) -> bytes:
    return packet(
        PUBLISH,
        dup << 3 | qos << 1 | retain,
        text(topic),
        number(packet_id) if qos else b"",
        properties(props) if v5 else b"",
        payload,
    )


def subscribe(
    *filters: str | tuple[str, int],
    packet_id: int = 1,
    v5: bool = False,
    props: list[tuple[int, Any]] | None = None,
) -> bytes:
    wishes = [(one, 1) if isinstance(one, str) else one for one in filters]
    return packet(
        SUBSCRIBE,
        2,
        number(packet_id),
        properties(props) if v5 else b"",
        *(text(name) + bytes([options]) for name, options in wishes),
    )


def unsubscribe(*filters: str, packet_id: int = 1, v5: bool = False) -> bytes:
    head = properties(None) if v5 else b""
    return packet(UNSUBSCRIBE, 2, number(packet_id), head, *(text(name) for name in filters))


def answer(kind: int, packet_id: int, reason: int | None = None) -> bytes:
    tail = b"" if reason is None else bytes([reason])
    return packet(kind, 2 if kind == PUBREL else 0, number(packet_id), tail)


def ping() -> bytes:
    return packet(PINGREQ, 0)


def disconnect(reason: int | None = None, props: list[tuple[int, Any]] | None = None) -> bytes:
    if reason is None:
        return packet(DISCONNECT, 0)
    return packet(DISCONNECT, 0, bytes([reason]), properties(props) if props else b"")


def split(data: bytes) -> tuple[Packet, bytes] | None:
    """The first packet and what follows it; None while bytes are missing."""
    length, factor = 0, 1
    for at in range(1, 5):
        if at >= len(data):
            return None
        length += data[at] % 128 * factor
        factor *= 128
        if data[at] < 128:
            body = data[at + 1 : at + 1 + length]
            if len(body) < length:
                return None
            return Packet(data[0] // 16, data[0] % 16, body), data[at + 1 + length :]
    raise AssertionError("a length of more than four bytes")


def parse_properties(data: bytes) -> tuple[dict[int, Any], bytes]:
    """The properties at the front of ``data``, and the rest."""
    size, data = _variable(data)
    block, rest = data[:size], data[size:]
    found: dict[int, Any] = {}
    while block:
        identifier, block = _variable(block)
        kind = KINDS[identifier]
        if kind == VARIABLE:
            value, block = _variable(block)
        elif kind in (TEXT, BINARY):
            end = 2 + int.from_bytes(block[:2], "big")
            value, block = block[2:end], block[end:]
            value = value.decode() if kind == TEXT else value
        elif kind == PAIR:
            raise AssertionError("the endpoint sends no user properties")
        else:
            value, block = int.from_bytes(block[: int(kind)], "big"), block[int(kind) :]
        found[identifier] = value
    return found, rest


def _variable(data: bytes) -> tuple[int, bytes]:
    value, factor = 0, 1
    for at, byte in enumerate(data[:4]):
        value += byte % 128 * factor
        factor *= 128
        if byte < 128:
            return value, data[at + 1 :]
    raise AssertionError("a length of more than four bytes")


class Publication(NamedTuple):
    topic: str
    payload: bytes
    qos: int
    packet_id: int
    retain: bool
    dup: bool
    properties: dict[int, Any]


def published(one: Packet, *, v5: bool = False) -> Publication:
    assert one.kind == PUBLISH, one
    end = 2 + int.from_bytes(one.body[:2], "big")
    topic, rest = one.body[2:end].decode(), one.body[end:]
    qos, packet_id = one.flags >> 1 & 3, 0
    if qos:
        packet_id, rest = int.from_bytes(rest[:2], "big"), rest[2:]
    props: dict[int, Any] = {}
    if v5:
        props, rest = parse_properties(rest)
    return Publication(topic, rest, qos, packet_id, bool(one.flags & 1), bool(one.flags & 8), props)
