"""As much of the MQTT wire format as speed asks for: where packets end, what PUBLISH says. Pure.

paho spends most of its time on taking PUBLISH packets apart one by one. The link takes those
apart here, many at once, and leaves every other packet to paho.
"""

from __future__ import annotations

from typing import NamedTuple

from ingest.links.endpoint import wire

PUBLISH = 0x30


class Malformed(Exception):
    """These bytes are no MQTT."""


class Publish(NamedTuple):
    """A PUBLISH packet; ``packet`` is its id, 0 at QoS 0."""

    topic: bytes
    payload: bytes
    qos: int
    packet: int
    retain: bool
    content_type: str = ""


def packet_end(data: bytearray, start: int) -> tuple[int, int] | None:
    """Where the body of the packet at ``start`` begins and ends; None while bytes are missing.

    Raises
    ------
    Malformed
        When the length goes on for more than four bytes.
    """
    length = shift = 0
    for at in range(start + 1, min(start + 5, len(data))):
        byte = data[at]
        length |= (byte & 127) << shift
        if byte < 128:
            body, end = at + 1, at + 1 + length
            return (body, end) if end <= len(data) else None
        shift += 7
    if shift == 28:
        raise Malformed("a packet's length has more than four bytes")
    return None


def publish_at(data: bytearray, start: int, body: int, end: int, *, v5: bool) -> Publish:
    """The PUBLISH packet at ``start`` whose body is ``data[body:end]``.

    Raises
    ------
    Malformed
        When a part reaches beyond the packet.
    """
    flags = data[start]
    qos = flags >> 1 & 3
    topic_end = body + 2 + (data[body] << 8 | data[body + 1]) if end - body >= 2 else end + 1
    at, packet, content_type = topic_end, 0, ""
    if qos:
        at += 2
        if at <= end:
            packet = data[topic_end] << 8 | data[topic_end + 1]
    if v5 and at < end:
        properties = packet_end(data, at - 1)  # a length of the same form
        if properties and properties[1] > properties[0]:
            content_type = _content_type(bytes(data[at : properties[1]]))
        at = properties[1] if properties else end + 1
    elif v5:
        at = end + 1
    if at > end or qos == 3:
        raise Malformed("a PUBLISH packet is shorter than its parts")
    return Publish(
        bytes(data[body + 2 : topic_end]),
        bytes(data[at:end]),
        qos,
        packet,
        bool(flags & 1),
        content_type,
    )


def _content_type(block: bytes) -> str:
    """What a block of properties says of the payload; empty where it can't be read."""
    try:
        return str(wire.read_properties(wire.Reader(block), "P").get("content_type", ""))
    except wire.Malformed:
        return ""


def pubacks(packets: list[int]) -> bytes:
    """One PUBACK for each packet id; short enough to mean success in MQTT 5 too."""
    return b"".join([b"\x40\x02" + packet.to_bytes(2, "big") for packet in packets])
