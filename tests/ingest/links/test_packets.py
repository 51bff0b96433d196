"""Our reading of PUBLISH agrees with paho's writing of it, and survives anything else."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from ingest.links.packets import Malformed, Publish, packet_end, pubacks, publish_at

CONTENT_TYPE = "application/cbor"
topics = st.text(st.characters(codec="utf-8"), min_size=1, max_size=40)
payloads = st.binary(max_size=400)


def encoded(
    topic: str, payload: bytes, qos: int, packet: int, retain: bool, properties: bytes
) -> bytes:
    name = topic.encode()
    body = struct.pack(">H", len(name)) + name
    if qos:
        body += struct.pack(">H", packet)
    body += properties + payload
    length, out = len(body), bytearray([0x30 | qos << 1 | retain])
    while True:
        length, digit = divmod(length, 128)
        out.append(digit | (128 if length else 0))
        if not length:
            return bytes(out) + body


def some_properties(expiry: int, name: str) -> bytes:
    properties = Properties(PacketTypes.PUBLISH)
    properties.MessageExpiryInterval = expiry
    properties.ContentType = CONTENT_TYPE
    properties.UserProperty = [(name, name)] * 3
    return properties.pack()


@given(
    topics,
    payloads,
    st.integers(0, 2),
    st.integers(1, 65535),
    st.booleans(),
    st.booleans(),
    st.binary(max_size=9),
)
def test_what_was_published_is_read(
    topic: str, payload: bytes, qos: int, packet: int, retain: bool, v5: bool, rest: bytes
) -> None:
    properties = some_properties(packet, "name") if v5 else b""
    data = bytearray(encoded(topic, payload, qos, packet, retain, properties))
    size = len(data)
    data += rest
    limits = packet_end(data, 0)
    assert limits is not None
    assert limits[1] == size
    assert publish_at(data, 0, *limits, v5=v5) == Publish(
        topic.encode(), payload, qos, packet if qos else 0, retain, CONTENT_TYPE if v5 else ""
    )
    assert all(packet_end(data[:cut], 0) is None for cut in range(size))


@given(st.binary(min_size=1, max_size=60), st.booleans())
def test_any_bytes_are_a_packet_or_malformed_or_too_few(data: bytes, v5: bool) -> None:
    buffer = bytearray(data)
    try:
        limits = packet_end(buffer, 0)
        if limits is not None:
            body, end = limits
            message = publish_at(buffer, 0, body, end, v5=v5)
            assert len(message.topic) + len(message.payload) <= end - body
    except Malformed:
        pass


def test_properties_that_can_not_be_read_say_nothing_of_the_payload() -> None:
    data = bytearray(b"\x30\x07\x00\x01a\x02\x7f\x00x")
    assert publish_at(data, 0, 2, len(data), v5=True) == Publish(b"a", b"x", 0, 0, False)


def test_a_length_without_end_is_malformed() -> None:
    with pytest.raises(Malformed):
        packet_end(bytearray(b"\x30\xff\xff\xff\xff\x01"), 0)


def test_acknowledgements_of_a_group_are_joined() -> None:
    assert pubacks([1, 258, 65535]) == b"\x40\x02\x00\x01\x40\x02\x01\x02\x40\x02\xff\xff"
