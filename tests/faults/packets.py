"""As much of MQTT 3.1.1 as a device and a meddling proxy need. Written apart from the product."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import NamedTuple

_KINDS = {2: "connack", 3: "publish", 4: "puback", 9: "suback", 13: "pong"}

PING = b"\xc0\x00"


class Packet(NamedTuple):
    """``id`` is 0 where there is none; ``at`` is where it stands in ``raw``."""

    kind: str
    raw: bytes
    id: int = 0
    at: int = 0
    payload: bytes = b""

    def with_id(self, number: int) -> bytes:
        return self.raw[: self.at] + number.to_bytes(2, "big") + self.raw[self.at + 2 :]


def connect(client: str, username: str, password: str) -> bytes:
    flags, fields = 0x02, [client]
    if username:
        flags |= 0xC0
        fields += [username, password]
    head = _text("MQTT") + bytes([4, flags]) + (60).to_bytes(2, "big")
    return _packet(0x10, head + b"".join(map(_text, fields)))


def subscribe(packet: int, filters: Sequence[str]) -> bytes:
    body = b"".join(_text(name) + b"\x01" for name in filters)
    return _packet(0x82, packet.to_bytes(2, "big") + body)


def publish(topic: str, payload: bytes, packet: int) -> bytes:
    return _packet(0x32, _text(topic) + packet.to_bytes(2, "big") + payload)


def puback(packet: int) -> bytes:
    return _packet(0x40, packet.to_bytes(2, "big"))


async def packets_of(reader: asyncio.StreamReader) -> AsyncIterator[Packet]:
    """Packets of either direction and version; IncompleteReadError at the end of the stream."""
    while True:
        head = await reader.readexactly(1)
        length = shift = 0
        while True:
            byte = await reader.readexactly(1)
            head += byte
            length |= (byte[0] & 127) << shift
            shift += 7
            if byte[0] < 128:
                break
        yield _understood(head, await reader.readexactly(length))


def _understood(head: bytes, body: bytes) -> Packet:
    kind = _KINDS.get(head[0] >> 4, "other")
    raw = head + body
    if kind == "puback":
        return Packet(kind, raw, int.from_bytes(body[:2], "big"), len(head))
    if kind == "publish":
        at = 2 + int.from_bytes(body[:2], "big")
        if head[0] & 6:
            number = int.from_bytes(body[at : at + 2], "big")
            return Packet(kind, raw, number, len(head) + at, body[at + 2 :])
        return Packet(kind, raw, payload=body[at:])
    return Packet(kind, raw)


def _text(text: str) -> bytes:
    encoded = text.encode()
    return len(encoded).to_bytes(2, "big") + encoded


def _packet(first: int, body: bytes) -> bytes:
    length, left = b"", len(body)
    while True:
        left, digit = divmod(left, 128)
        length += bytes([digit | 128 * (left > 0)])
        if not left:
            return bytes([first]) + length + body
