"""The codec against one that was written for the tests from the standard alone."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from ingest.links.endpoint import packets
from ingest.links.endpoint.packets import Promises, Unsupported, Wish
from ingest.links.endpoint.reasons import Reason
from ingest.links.endpoint.wire import Malformed, Reader, length, packet_limits, read_properties
from tests.ingest.links.endpoint import wire

texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=40)
names = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=40
)
blobs = st.binary(max_size=200)
ids = st.integers(1, 65_535)

CONNECT_PROPERTIES = st.lists(
    st.one_of(
        st.tuples(st.just(17), st.integers(0, 2**32 - 1)),
        st.tuples(st.just(33), st.integers(1, 65_535)),
        st.tuples(st.just(39), st.integers(1, 2**32 - 1)),
        st.tuples(st.just(34), st.integers(0, 65_535)),
        st.tuples(st.just(25), st.integers(0, 1)),
        st.tuples(st.just(23), st.integers(0, 1)),
        st.tuples(st.just(38), st.tuples(texts, texts)),
    ),
    unique_by=lambda one: one[0],
)


def body_of(raw: bytes) -> tuple[int, bytes]:
    """First byte and body of a whole packet."""
    limits = packet_limits(raw, 0)
    assert limits is not None
    assert sum(limits) == len(raw)
    return raw[0], raw[limits[0] :]


@given(st.integers(0, 268_435_455))
def test_lengths_are_written_and_read(value: int) -> None:
    raw = length(value)
    assert raw == wire.variable(value)
    assert Reader(raw).length() == value
    assert packet_limits(b"\x30" + raw, 0) == (1 + len(raw), value)
    for size in range(len(raw)):
        assert packet_limits(b"\x30" + raw[:size], 0) is None


@given(
    texts,
    st.one_of(st.none(), texts),
    st.one_of(st.none(), texts),
    st.booleans(),
    st.booleans(),
    st.integers(0, 65_535),
    st.one_of(st.none(), st.tuples(names, blobs, st.integers(0, 2), st.booleans())),
    CONNECT_PROPERTIES,
    st.integers(0, 2**32 - 1),
)
def test_connect_is_read_as_it_was_written(
    client: str,
    name: str | None,
    password: str | None,
    v5: bool,
    clean: bool,
    keep_alive: int,
    will: tuple[str, bytes, int, bool] | None,
    props: list[tuple[int, Any]],
    delay: int,
) -> None:
    if not v5 and name is None:
        password = None
    raw = wire.connect(
        client,
        name,
        password,
        v5=v5,
        clean=clean,
        keep_alive=keep_alive,
        will=will,
        props=props,
        will_props=[(24, delay)],
    )
    found = packets.parse_connect(*body_of(raw))
    assert (found.v5, found.client, found.clean, found.keep_alive) == (
        v5,
        client,
        clean,
        keep_alive,
    )
    assert found.username == name
    assert found.password == (None if password is None else password.encode())
    if will is None:
        assert found.will is None
    else:
        assert found.will is not None
        assert found.will[:4] == will
        assert found.will.delay == (delay if v5 else 0)
    given_props = dict(props) if v5 else {}
    assert found.receive_maximum == given_props.get(33, 65_535)
    assert found.maximum_packet_size == given_props.get(39, 0)
    assert found.problem_information == bool(given_props.get(23, 1))
    lasting = given_props.get(17, 0) if v5 else 0 if clean else packets.FOREVER
    assert found.session_expiry == lasting


@given(
    ids,
    st.lists(st.tuples(names, st.integers(0, 2), st.integers(0, 15)), min_size=1, max_size=5),
    st.booleans(),
    st.integers(1, 268_435_455),
)
def test_subscribe_is_read_as_it_was_written(
    packet_id: int, wishes: list[tuple[str, int, int]], v5: bool, identifier: int
) -> None:
    options = [(name, qos, more if v5 and more >> 2 != 3 else 0) for name, qos, more in wishes]
    options = [(n, q, m & 14 if n.startswith("$share/") else m) for n, q, m in options]
    raw = wire.subscribe(
        *((name, qos | more << 2) for name, qos, more in options),
        packet_id=packet_id,
        v5=v5,
        props=[(11, identifier), (38, ("a", "b"))],
    )
    found = packets.parse_subscribe(*body_of(raw), v5=v5)
    assert found.packet == packet_id
    assert found.identifier == (identifier if v5 else 0)
    assert found.wishes == tuple(
        Wish(name, qos, bool(more & 1), bool(more & 2), more >> 2) for name, qos, more in options
    )


@given(ids, st.lists(names, min_size=1, max_size=5), st.booleans())
def test_unsubscribe_is_read_as_it_was_written(
    packet_id: int, filters: list[str], v5: bool
) -> None:
    raw = wire.unsubscribe(*filters, packet_id=packet_id, v5=v5)
    found = packets.parse_unsubscribe(*body_of(raw), v5=v5)
    assert found == (packet_id, tuple(filters))


@given(st.sampled_from([4, 5, 6, 7]), ids, st.integers(0, 255), st.booleans(), texts)
def test_acknowledgements_are_read_and_written(
    kind: int, packet_id: int, reason: int, v5: bool, why: str
) -> None:
    raw = packets.answer(kind, packet_id, v5=v5, reason=reason, why=why)
    found = packets.parse_answer(*body_of(raw), v5=v5)
    assert found == (kind, packet_id, reason if v5 else 0)
    if v5 and why:
        props, rest = wire.parse_properties(body_of(raw)[1][3:])
        assert (props, rest) == ({31: why}, b"")


@given(
    names, blobs, st.integers(0, 1), ids, st.booleans(), st.booleans(), st.booleans(),
    st.lists(st.integers(1, 268_435_455), max_size=1),
)  # fmt: skip
def test_what_we_publish_is_read_as_it_was_meant(
    topic: str,
    payload: bytes,
    qos: int,
    packet_id: int,
    v5: bool,
    retain: bool,
    again: bool,
    identifiers: list[int],
) -> None:
    raw = packets.publish(
        topic, payload, qos, packet_id, v5=v5, retain=retain, again=again, identifiers=identifiers
    )
    split = wire.split(raw)
    assert split is not None
    assert split[1] == b""
    found = wire.published(split[0], v5=v5)
    assert found[:6] == (topic, payload, qos, packet_id if qos else 0, retain, again)
    assert found.properties == ({11: identifiers[0]} if v5 and identifiers else {})


def test_connack_says_what_is_true_of_this_server() -> None:
    promises = Promises(1000, 2**20, 16, session_expiry=60, assigned_client="auto-1")
    raw = packets.connack(Reason.SUCCESS, v5=True, present=True, promises=promises)
    split = wire.split(raw)
    assert split is not None
    assert split[0].body[:2] == b"\x01\x00"
    props, rest = wire.parse_properties(split[0].body[2:])
    assert rest == b""
    assert props == {17: 60, 33: 1000, 39: 2**20, 18: "auto-1", 34: 16, 42: 0}
    plain = packets.connack(Reason.SUCCESS, v5=False, present=True, promises=promises)
    assert plain == b"\x20\x02\x01\x00"


CODES_3 = {
    Reason.UNSUPPORTED_PROTOCOL_VERSION: 1,
    Reason.CLIENT_IDENTIFIER_NOT_VALID: 2,
    Reason.SERVER_UNAVAILABLE: 3,
    Reason.BAD_USER_NAME_OR_PASSWORD: 4,
    Reason.NOT_AUTHORIZED: 5,
}


@pytest.mark.parametrize("reason", CODES_3)
def test_connack_of_the_older_version_has_its_own_codes(reason: Reason) -> None:
    assert packets.connack(reason, v5=False) == bytes([0x20, 2, 0, CODES_3[reason]])


def test_the_property_blocks_of_another_implementation_are_understood() -> None:
    given_ = Properties(PacketTypes.PUBLISH)
    given_.PayloadFormatIndicator = 1
    given_.MessageExpiryInterval = 70_000
    given_.ContentType = "application/cbor"
    given_.ResponseTopic = "a/b"
    given_.CorrelationData = b"\x00\x01"
    given_.TopicAlias = 7
    given_.UserProperty = [("a", "1"), ("a", "2")]
    reader = Reader(given_.pack() + b"payload")
    assert read_properties(reader, "P") == {
        "payload_format": 1,
        "message_expiry": 70_000,
        "content_type": "application/cbor",
        "response_topic": "a/b",
        "correlation_data": b"\x00\x01",
        "topic_alias": 7,
    }
    assert reader.rest() == b"payload"


V3 = b"\x00\x04MQTT\x04"
V5 = b"\x00\x04MQTT\x05"

NO_CONNECT: dict[str, tuple[int, bytes, Reason]] = {
    "another packet first": (0xC0, b"", Reason.PROTOCOL_ERROR),
    "flags in the fixed header": (0x11, V3 + b"\x02\x00\x3c\x00\x01a", Reason.PROTOCOL_ERROR),
    "another protocol": (0x10, b"\x00\x04HTTP\x04\x02\x00\x3c\x00\x01a", Reason.MALFORMED_PACKET),
    "reserved flag": (0x10, V3 + b"\x03\x00\x3c\x00\x01a", Reason.MALFORMED_PACKET),
    "will at QoS 3": (0x10, V3 + b"\x1e\x00\x3c\x00\x01a\0\1t\0\0", Reason.MALFORMED_PACKET),
    "will QoS without will": (0x10, V3 + b"\x0a\x00\x3c\x00\x01a", Reason.MALFORMED_PACKET),
    "will retain without will": (0x10, V3 + b"\x22\x00\x3c\x00\x01a", Reason.MALFORMED_PACKET),
    "password without name": (0x10, V3 + b"\x42\x00\x3c\x00\x01a\0\1p", Reason.MALFORMED_PACKET),
    "cut short": (0x10, V3 + b"\x82\x00\x3c\x00\x01a", Reason.MALFORMED_PACKET),
    "too long": (0x10, V3 + b"\x02\x00\x3c\x00\x01a!", Reason.MALFORMED_PACKET),
    "client id not UTF-8": (0x10, V3 + b"\x02\x00\x3c\x00\x01\xff", Reason.MALFORMED_PACKET),
    "client id with U+0000": (0x10, V3 + b"\x02\x00\x3c\x00\x01\0", Reason.MALFORMED_PACKET),
    "a surrogate": (0x10, V3 + b"\x02\x00\x3c\x00\x03\xed\xa0\x80", Reason.MALFORMED_PACKET),
    "unknown property": (0x10, V5 + b"\x02\x00\x3c\x02\x7f\x00\x00\x01a", Reason.MALFORMED_PACKET),
    "property of another packet": (
        0x10, V5 + b"\x02\x00\x3c\x03\x23\x00\x01\x00\x01a", Reason.MALFORMED_PACKET,
    ),
    "property twice": (
        0x10, V5 + b"\x02\x00\x3c\x06\x21\x00\x01\x21\x00\x01\x00\x01a", Reason.PROTOCOL_ERROR,
    ),
    "receive maximum 0": (
        0x10, V5 + b"\x02\x00\x3c\x03\x21\x00\x00\x00\x01a", Reason.PROTOCOL_ERROR,
    ),
    "packet size 0": (
        0x10, V5 + b"\x02\x00\x3c\x05\x27\x00\x00\x00\x00\x00\x01a", Reason.PROTOCOL_ERROR,
    ),
    "request problem 2": (0x10, V5 + b"\x02\x00\x3c\x02\x17\x02\x00\x01a", Reason.PROTOCOL_ERROR),
    "properties beyond the packet": (
        0x10, V5 + b"\x02\x00\x3c\x7f\x00\x01a", Reason.MALFORMED_PACKET,
    ),
    "authentication data without method": (
        0x10, V5 + b"\x02\x00\x3c\x04\x16\x00\x01x\x00\x01a", Reason.PROTOCOL_ERROR,
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", NO_CONNECT)
def test_a_malformed_connect_is_refused_with_the_right_reason(case: str) -> None:
    first, body, reason = NO_CONNECT[case]
    with pytest.raises(Malformed) as caught:
        packets.parse_connect(first, body)
    assert caught.value.reason is reason


@pytest.mark.parametrize(
    ("body", "answer"),
    [
        (b"\x00\x06MQIsdp\x03\x02\x00\x3c\x00\x01a", b"\x20\x02\x00\x01"),
        (b"\x00\x04MQTT\x03\x02\x00\x3c\x00\x01a", b"\x20\x02\x00\x01"),
        (b"\x00\x04MQTT\x06\x02\x00\x3c\x00\x01a", b"\x20\x03\x00\x84\x00"),
    ],
)
def test_another_version_is_told_so(body: bytes, answer: bytes) -> None:
    with pytest.raises(Unsupported) as caught:
        packets.parse_connect(0x10, body)
    assert caught.value.answer == answer


def subscribe3(first: int, body: bytes) -> Any:
    return packets.parse_subscribe(first, body, v5=False)


def subscribe5(first: int, body: bytes) -> Any:
    return packets.parse_subscribe(first, body, v5=True)


def unsubscribe3(first: int, body: bytes) -> Any:
    return packets.parse_unsubscribe(first, body, v5=False)


def answer3(first: int, body: bytes) -> Any:
    return packets.parse_answer(first, body, v5=False)


def answer5(first: int, body: bytes) -> Any:
    return packets.parse_answer(first, body, v5=True)


def disconnect3(first: int, body: bytes) -> Any:
    return packets.parse_disconnect(first, body, v5=False)


def disconnect5(first: int, body: bytes) -> Any:
    return packets.parse_disconnect(first, body, v5=True)


Parse = Callable[[int, bytes], Any]
M, P = Reason.MALFORMED_PACKET, Reason.PROTOCOL_ERROR

WRONG: dict[str, tuple[Parse, int, bytes, Reason]] = {
    "subscribe, header flags": (subscribe3, 0x80, b"\0\1\0\1a\0", M),
    "subscribe, packet id 0": (subscribe3, 0x82, b"\0\0\0\1a\0", P),
    "subscribe, no filter": (subscribe3, 0x82, b"\0\1", P),
    "subscribe, empty filter": (subscribe3, 0x82, b"\0\1\0\0\0", M),
    "subscribe, QoS 3": (subscribe3, 0x82, b"\0\1\0\1a\3", M),
    "subscribe, reserved bits": (subscribe3, 0x82, b"\0\1\0\1a\4", M),
    "subscribe, no options": (subscribe3, 0x82, b"\0\1\0\1a", M),
    "subscribe 5, reserved bits": (subscribe5, 0x82, b"\0\1\0\0\1a\x40", M),
    "subscribe 5, retain handling 3": (subscribe5, 0x82, b"\0\1\0\0\1a\x30", M),
    "subscribe 5, identifier 0": (subscribe5, 0x82, b"\0\1\2\x0b\0\0\1a\0", P),
    "subscribe 5, shared and no local": (subscribe5, 0x82, b"\0\1\0\0\x0a$share/g/a\4", P),
    "unsubscribe, header flags": (unsubscribe3, 0xA0, b"\0\1\0\1a", M),
    "unsubscribe, no filter": (unsubscribe3, 0xA2, b"\0\1", P),
    "puback, header flags": (answer3, 0x42, b"\0\1", M),
    "pubrel, header flags": (answer3, 0x60, b"\0\1", M),
    "puback, packet id 0": (answer3, 0x40, b"\0\0", P),
    "puback, too long": (answer3, 0x40, b"\0\1\0", M),
    "puback 5, too long": (answer5, 0x40, b"\0\1\0\0!", M),
    "puback 5, wrong property": (answer5, 0x40, b"\0\1\0\2\x17\1", M),
    "disconnect, header flags": (disconnect3, 0xE1, b"", M),
    "disconnect, something in it": (disconnect3, 0xE0, b"\0", M),
    "disconnect 5, too long": (disconnect5, 0xE0, b"\0\0!", M),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_malformed_packet_is_refused_with_the_right_reason(case: str) -> None:
    parse, first, body, reason = WRONG[case]
    with pytest.raises(Malformed) as caught:
        parse(first, body)
    assert caught.value.reason is reason


def test_a_length_of_five_bytes_is_no_length() -> None:
    with pytest.raises(Malformed):
        packet_limits(b"\x30\xff\xff\xff\xff\x01", 0)
    with pytest.raises(Malformed):
        Reader(b"\xff\xff\xff\xff\x01").length()


@given(st.integers(0, 255), st.binary(max_size=60), st.booleans())
def test_any_bytes_are_read_or_refused(first: int, body: bytes, v5: bool) -> None:
    for parse in (
        packets.parse_answer, packets.parse_subscribe, packets.parse_unsubscribe,
        packets.parse_disconnect,
    ):  # fmt: skip
        with suppress(Malformed):
            parse(first, body, v5=v5)
