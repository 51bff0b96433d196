"""The state machine of one connection: bytes in, events and bytes out, no socket."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.links.base import Received
from ingest.links.endpoint import packets
from ingest.links.endpoint.access import Identity, Kind
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
)
from ingest.links.endpoint.figures import Tally
from ingest.links.endpoint.packets import Connect, Promises
from ingest.links.endpoint.reasons import Reason
from ingest.links.endpoint.session import Downlink, Session
from ingest.links.endpoint.subscriptions import SubscriptionTree
from tests.ingest.links.endpoint import wire

TOPIC = "purna/v1/d1/telemetry"
LIMITS = Limits(
    packet_bytes=1000, connect_bytes=500, receive_maximum=5, topic_aliases=2, inflight=3,
    subscriptions=3,
)  # fmt: skip
PROMISES = Promises(5, 1000, 2)
DEVICE = Identity("d1", Kind.DEVICE, frozenset({"d1"}))

versions = pytest.mark.parametrize("v5", [False, True], ids=["3.1.1", "5"])


class Side:
    """A connection, its session, and what it said, already taken apart."""

    def __init__(self, *, v5: bool = False, limits: Limits = LIMITS, **given: Any) -> None:
        self.v5 = v5
        self.tally = Tally()
        self.connection = Connection(limits, self.tally)
        self.session = Session("d1", "c1", SubscriptionTree(), set())
        self.identity = given.pop("identity", DEVICE)
        self.connect_bytes = wire.connect("c1", "d1", "pw", v5=v5, **given)

    def opened(self) -> Side:
        [connect] = self.connection.receive(self.connect_bytes)
        assert isinstance(connect, Connect)
        self.accept()
        [answer] = self.said()
        assert answer.kind == wire.CONNACK
        return self

    def accept(self, session: Session | None = None) -> list[Event]:
        self.session = session or self.session
        return self.connection.accept(self.identity, self.session, present=False, promises=PROMISES)

    def hears(self, *data: bytes) -> list[Event]:
        return self.connection.receive(b"".join(data))

    def said(self) -> list[wire.Packet]:
        data, found = self.connection.outgoing(), []
        while data:
            split = wire.split(data)
            assert split is not None
            found.append(split[0])
            data = split[1]
        return found

    def messages(self, *data: bytes) -> list[Received]:
        return [
            message
            for event in self.hears(*data)
            if isinstance(event, Published)
            for message in event.messages
        ]


def ended(events: list[Event]) -> Ended:
    last = events[-1]
    assert isinstance(last, Ended)
    return last


# --- coming in ---------------------------------------------------------------------------


@versions
def test_nothing_but_connect_comes_first(v5: bool) -> None:
    side = Side(v5=v5)
    assert ended(side.hears(wire.ping())).reason is Reason.PROTOCOL_ERROR
    assert side.said() == []
    assert side.connection.phase is Phase.CLOSED


@versions
def test_a_second_connect_ends_the_connection(v5: bool) -> None:
    side = Side(v5=v5).opened()
    assert ended(side.hears(side.connect_bytes)).reason is Reason.PROTOCOL_ERROR
    assert [one.kind for one in side.said()] == ([wire.DISCONNECT] if v5 else [])


@versions
def test_what_is_sent_before_the_verdict_waits_for_it(v5: bool) -> None:
    side = Side(v5=v5)
    events = side.hears(side.connect_bytes, wire.publish(TOPIC, b"1", v5=v5))
    assert [type(event) for event in events] == [Connect]
    assert side.hears(wire.publish(TOPIC, b"2", packet_id=2, v5=v5)) == []
    [event] = side.accept()
    assert isinstance(event, Published)
    assert [message.payload for message in event.messages] == [b"1", b"2"]


@versions
def test_who_is_refused_hears_why_and_is_not_listened_to(v5: bool) -> None:
    side = Side(v5=v5)
    side.hears(side.connect_bytes, wire.publish(TOPIC, b"1", v5=v5))
    end = ended(side.connection.refuse(Reason.NOT_AUTHORIZED, "no"))
    assert (end.reason, end.will) == (Reason.NOT_AUTHORIZED, False)
    [answer] = side.said()
    assert answer.kind == wire.CONNACK
    assert answer.body[1] == (0x87 if v5 else 5)
    assert side.hears(wire.ping()) == []
    assert side.said() == []


def test_an_older_version_is_told_and_closed() -> None:
    side = Side()
    end = ended(side.hears(b"\x10\x0f\x00\x06MQIsdp\x03\x02\x00\x3c\x00\x01a"))
    assert end.reason is Reason.UNSUPPORTED_PROTOCOL_VERSION
    assert side.connection.outgoing() == b"\x20\x02\x00\x01"


def test_a_malformed_connect_of_version_5_is_answered_with_its_reason() -> None:
    side = Side()
    side.hears(b"\x10\x0f\x00\x04MQTT\x05\x03\x00\x3c\x00\x00\x01ab")
    [answer] = side.said()
    assert (answer.kind, answer.body[1]) == (wire.CONNACK, Reason.MALFORMED_PACKET)


def test_extended_authentication_is_not_offered() -> None:
    side = Side(v5=True, props=[(21, "SCRAM")])
    assert ended(side.hears(side.connect_bytes)).reason is Reason.BAD_AUTHENTICATION_METHOD
    [answer] = side.said()
    assert answer.body[1] == 0x8C
    side = Side(v5=True).opened()
    assert ended(side.hears(wire.packet(wire.AUTH, 0))).reason is Reason.BAD_AUTHENTICATION_METHOD
    [answer] = side.said()
    assert (answer.kind, answer.body[0]) == (wire.DISCONNECT, 0x8C)


def test_a_lasting_session_of_3_1_1_needs_a_client_id() -> None:
    connection = Connection(LIMITS, Tally())
    end = ended(connection.receive(wire.connect("", "d1", "pw", clean=False)))
    assert end.reason is Reason.CLIENT_IDENTIFIER_NOT_VALID
    assert connection.outgoing() == b"\x20\x02\x00\x02"


@versions
def test_a_will_on_no_topic_is_refused(v5: bool) -> None:
    side = Side(v5=v5, will=("purna/v1/+/status", b"", 1, False))
    assert ended(side.hears(side.connect_bytes)).reason is Reason.TOPIC_NAME_INVALID


def test_a_connect_that_is_too_large_is_not_waited_for() -> None:
    side = Side()
    end = ended(side.hears(b"\x10\xff\xff\x7f"))
    assert end.reason is Reason.MALFORMED_PACKET
    assert side.connection.partial == 0


# --- publishing --------------------------------------------------------------------------


@versions
def test_a_message_at_qos_1_is_acknowledged_when_it_is_stored_and_not_before(v5: bool) -> None:
    side = Side(v5=v5).opened()
    [message] = side.messages(wire.publish(TOPIC, b"1", packet_id=7, v5=v5))
    assert message[:2] == (TOPIC, b"1")
    assert message.source == "d1"
    assert side.said() == []
    owner, packet = message.token
    owner.stored([packet])
    [answer] = side.said()
    assert answer == (wire.PUBACK, 0, b"\x00\x07")


@versions
def test_a_message_at_qos_0_is_not_answered(v5: bool) -> None:
    side = Side(v5=v5).opened()
    for _ in range(2):  # the long way, then the short one
        [message] = side.messages(wire.publish(TOPIC, b"1", 0, v5=v5))
        assert message.token is None
    assert side.said() == []


@versions
def test_an_acknowledgement_for_a_closed_connection_goes_nowhere(v5: bool) -> None:
    side = Side(v5=v5).opened()
    [message] = side.messages(wire.publish(TOPIC, b"1", v5=v5))
    side.connection.lost()
    owner, packet = message.token
    owner.stored([packet])
    owner.set_aside(packet, "wrong")
    assert side.connection.outgoing() == b""


def test_what_was_set_aside_is_acknowledged_with_the_reason_in_version_5() -> None:
    side = Side(v5=True).opened()
    [message] = side.messages(wire.publish(TOPIC, b"x", packet_id=9, v5=True))
    owner, packet = message.token
    owner.set_aside(packet, "The payload is not valid JSON.")
    [answer] = side.said()
    assert (answer.kind, answer.body[:3]) == (wire.PUBACK, b"\x00\x09\x99")
    props, _ = wire.parse_properties(answer.body[3:])
    assert props == {31: "The payload is not valid JSON."}


def test_what_was_set_aside_is_just_acknowledged_in_3_1_1() -> None:
    side = Side().opened()
    [message] = side.messages(wire.publish(TOPIC, b"x", packet_id=9))
    owner, packet = message.token
    owner.set_aside(packet, "The payload is not valid JSON.")
    assert side.said() == [(wire.PUBACK, 0, b"\x00\x09")]


def test_reason_strings_are_left_out_where_the_client_does_not_want_them() -> None:
    for props in ([(23, 0)], [(39, 10)]):  # no problem information; at most ten bytes
        side = Side(v5=True, props=props)
        side.hears(side.connect_bytes)
        side.accept()
        side.connection.outgoing()
        [message] = side.messages(wire.publish(TOPIC, b"x", packet_id=9, v5=True))
        owner, packet = message.token
        owner.set_aside(packet, "The payload is not valid JSON.")
        assert side.said() == [(wire.PUBACK, 0, b"\x00\x09\x99")]


def test_another_ones_topic_is_refused_and_never_acknowledged_as_taken() -> None:
    side = Side(v5=True).opened()
    other = "purna/v1/d2/telemetry"
    for qos, kind in ((1, wire.PUBACK), (2, wire.PUBREC)):
        assert side.messages(wire.publish(other, b"1", qos, v5=True)) == []
        [answer] = side.said()
        assert (answer.kind, answer.body[2]) == (kind, 0x87)
    assert side.messages(wire.publish(other, b"1", 0, v5=True)) == []
    assert side.said() == []
    assert side.tally.denied == 3
    old = Side().opened()
    events = old.hears(wire.publish(TOPIC, b"mine"), wire.publish(other, b"1", packet_id=2))
    assert [type(event) for event in events] == [Published, Ended]
    assert ended(events).reason is Reason.NOT_AUTHORIZED
    assert old.said() == []


@versions
def test_the_end_of_a_connection_comes_after_what_was_sent_before_it(v5: bool) -> None:
    side = Side(v5=v5).opened()
    events = side.hears(wire.publish(TOPIC, b"1", v5=v5), wire.disconnect())
    assert [type(event) for event in events] == [Published, Ended]


def test_the_status_of_a_device_is_kept_and_nothing_else_is() -> None:
    side = Side(v5=True).opened()
    status = "purna/v1/d1/status"
    events = side.hears(wire.publish(status, b"{}", v5=True, retain=True))
    assert [event for event in events if isinstance(event, Kept)] == [Kept(status, b"{}", 1)]
    for topic, payload in (
        (TOPIC, b"{}"),
        ("purna/v1/d1/other/status", b"{}"),
        (status, b"x" * 5000),
    ):
        side = Side(v5=True, limits=Limits()).opened()
        events = side.hears(wire.publish(topic, payload, v5=True, retain=True))
        assert [type(event) for event in events] == [Published]
    side = Side(v5=True).opened()
    assert [type(e) for e in side.hears(wire.publish(status, b"{}", v5=True))] == [Published]


WRONG_PUBLISH: dict[str, tuple[bytes, Reason]] = {
    "QoS 3": (b"\x36\x07\x00\x01a\x00\x01xy", Reason.MALFORMED_PACKET),
    "repeated at QoS 0": (b"\x38\x04\x00\x01ax", Reason.MALFORMED_PACKET),
    "packet id 0": (b"\x32\x05\x00\x01a\x00\x00", Reason.PROTOCOL_ERROR),
    "no packet id": (b"\x32\x03\x00\x01a", Reason.MALFORMED_PACKET),
    "topic beyond the packet": (b"\x30\x03\x00\x09a", Reason.MALFORMED_PACKET),
    "empty": (b"\x30\x00", Reason.MALFORMED_PACKET),
    "empty topic": (b"\x30\x02\x00\x00", Reason.TOPIC_NAME_INVALID),
    "wildcard": (b"\x30\x04\x00\x02a#", Reason.TOPIC_NAME_INVALID),
    "plus": (b"\x30\x04\x00\x02+x", Reason.TOPIC_NAME_INVALID),
    "U+0000": (b"\x30\x04\x00\x02a\x00", Reason.MALFORMED_PACKET),
    "not UTF-8": (b"\x30\x04\x00\x02\xff\xfe", Reason.MALFORMED_PACKET),
}


@pytest.mark.parametrize("case", WRONG_PUBLISH)
def test_a_malformed_publish_ends_the_connection_with_the_right_reason(case: str) -> None:
    raw, reason = WRONG_PUBLISH[case]
    assert ended(Side().opened().hears(raw)).reason is reason
    side = Side(v5=True).opened()
    raw5 = bytes([raw[0], raw[1] + 1]) + raw[2:] + b"\x00"
    if case != "no packet id":  # the byte of the properties would be read as one
        assert ended(side.hears(raw5)).reason is reason
        [said] = side.said()
        assert (said.kind, said.body[0]) == (wire.DISCONNECT, reason)


@pytest.mark.parametrize("kind", [wire.CONNACK, wire.SUBACK, wire.UNSUBACK, wire.PINGRESP, 0])
@versions
def test_packets_that_only_servers_send_end_the_connection(kind: int, v5: bool) -> None:
    side = Side(v5=v5).opened()
    assert ended(side.hears(wire.packet(kind, 0, b"\x00\x01"))).reason is Reason.PROTOCOL_ERROR


def test_a_packet_above_the_limit_ends_the_connection_before_it_is_there() -> None:
    side = Side(v5=True).opened()
    large = wire.publish(TOPIC, b"x" * 1000, v5=True)
    events = side.hears(wire.publish(TOPIC, b"ok", v5=True), large[:100])
    assert [type(event) for event in events] == [Published, Ended]
    assert ended(events).reason is Reason.PACKET_TOO_LARGE
    [said] = side.said()
    assert said.body[0] == 0x95
    assert side.connection.partial == 0


# --- flow control ------------------------------------------------------------------------


def test_more_than_the_receive_maximum_ends_the_connection() -> None:
    def burst(first: int, count: int, *, v5: bool = True) -> bytes:
        numbers = range(first, first + count)
        return b"".join(wire.publish(TOPIC, b"x", packet_id=n, v5=v5) for n in numbers)

    side = Side(v5=True).opened()
    messages = side.messages(burst(1, 5))
    assert len(messages) == 5
    side.connection.stored([message.token[1] for message in messages[:2]])
    side.said()
    assert len(side.messages(burst(6, 2))) == 2
    end = ended(side.hears(burst(8, 1)))
    assert end.reason is Reason.RECEIVE_MAXIMUM_EXCEEDED
    [said] = side.said()
    assert said.body[0] == 0x93
    old = Side().opened()  # 3.1.1 has no such thing; TCP holds such a client back
    assert len(old.messages(burst(1, 50, v5=False))) == 50


@versions
def test_no_more_is_sent_unacknowledged_than_the_client_takes(v5: bool) -> None:
    side = Side(v5=v5, props=[(33, 2)] if v5 else None).opened()
    window = 2 if v5 else LIMITS.inflight
    for n in range(6):
        side.session.push(Downlink("purna/v1/d1/reject", b"%d" % n, key=str(n)))
    sent = [wire.published(one, v5=v5) for one in side.said()]
    assert [one.payload for one in sent] == [b"%d" % n for n in range(window)]
    assert [one.packet_id for one in sent] == list(range(1, window + 1))
    events = side.hears(wire.answer(wire.PUBACK, 2))
    assert events == [Delivered("1")]
    [following] = [wire.published(one, v5=v5) for one in side.said()]
    assert following.payload == b"%d" % window


@versions
def test_a_message_that_the_client_refuses_is_not_reported_as_delivered(v5: bool) -> None:
    side = Side(v5=v5).opened()
    side.session.push(Downlink("purna/v1/d1/command", b"1", key="c1"))
    side.said()
    events = side.hears(wire.answer(wire.PUBACK, 1, 0x83 if v5 else None))
    assert events == ([] if v5 else [Delivered("c1")])
    assert side.hears(wire.answer(wire.PUBACK, 77)) == []  # of nothing that we sent


def test_a_message_larger_than_the_client_takes_is_dropped_and_counted() -> None:
    side = Side(v5=True, props=[(39, 60)]).opened()
    side.session.push(Downlink("purna/v1/d1/command", b"x" * 100))
    side.session.push(Downlink("purna/v1/d1/command", b"short"))
    [sent] = [wire.published(one, v5=True) for one in side.said()]
    assert sent.payload == b"short"
    assert side.tally.dropped == 1


@versions
def test_a_choked_client_gets_no_messages_at_qos_0(v5: bool) -> None:
    side = Side(v5=v5).opened()
    side.connection.choked = True
    side.session.push(Downlink("purna/v1/d1/x", b"0", qos=0))
    side.session.push(Downlink("purna/v1/d1/x", b"1", qos=1))
    assert [wire.published(one, v5=v5).payload for one in side.said()] == [b"1"]
    assert side.tally.dropped == 1


# --- topic aliases -----------------------------------------------------------------------


def test_a_topic_may_be_named_by_its_alias() -> None:
    side = Side(v5=True).opened()
    named = side.messages(
        wire.publish(TOPIC, b"1", packet_id=1, v5=True, props=[(35, 1)]),
        wire.publish("", b"2", packet_id=2, v5=True, props=[(35, 1)]),
        wire.publish("purna/v1/d1/event", b"3", packet_id=3, v5=True, props=[(35, 1)]),
        wire.publish("", b"4", 0, v5=True, props=[(35, 1)]),
    )
    assert [(one.topic, one.payload) for one in named] == [
        (TOPIC, b"1"), (TOPIC, b"2"), ("purna/v1/d1/event", b"3"), ("purna/v1/d1/event", b"4"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("topic", "alias", "reason"),
    [
        (TOPIC, 0, Reason.TOPIC_ALIAS_INVALID),
        (TOPIC, 3, Reason.TOPIC_ALIAS_INVALID),
        ("", 2, Reason.PROTOCOL_ERROR),
    ],
)
def test_an_alias_that_is_none_ends_the_connection(topic: str, alias: int, reason: Reason) -> None:
    side = Side(v5=True).opened()
    raw = wire.publish(topic, b"1", v5=True, props=[(35, alias)])
    assert ended(side.hears(raw)).reason is reason


def test_an_alias_gives_no_rights() -> None:
    side = Side(v5=True).opened()
    assert (
        side.messages(
            wire.publish("purna/v1/d2/telemetry", b"1", v5=True, props=[(35, 1)]),
            wire.publish("", b"2", packet_id=2, v5=True, props=[(35, 1)]),
        )
        == []
    )
    assert [one.body[2] for one in side.said()] == [0x87, 0x87]


def test_the_content_type_reaches_the_decoder_and_other_properties_do_no_harm() -> None:
    side = Side(v5=True).opened()
    props = [(1, 1), (2, 60), (3, "application/cbor"), (8, "a"), (9, b"b"), (38, ("k", "v"))]
    [message] = side.messages(wire.publish(TOPIC, b"1", v5=True, props=props))
    assert message.content_type == "application/cbor"


# --- QoS 2 -------------------------------------------------------------------------------


@versions
def test_a_message_at_qos_2_is_taken_once_whatever_is_repeated(v5: bool) -> None:
    side = Side(v5=v5).opened()
    first = wire.publish(TOPIC, b"1", 2, 5, v5=v5)
    again = wire.publish(TOPIC, b"1", 2, 5, v5=v5, dup=True)
    [message] = side.messages(first)
    assert side.messages(again) == []  # still on its way to the disk
    assert side.said() == []
    owner, packet = message.token
    owner.stored([packet])
    assert side.said() == [(wire.PUBREC, 0, b"\x00\x05")]
    assert side.messages(again) == []
    assert side.said() == [(wire.PUBREC, 0, b"\x00\x05")]
    side.hears(wire.answer(wire.PUBREL, 5))
    assert side.said() == [(wire.PUBCOMP, 0, b"\x00\x05")]
    [message] = side.messages(first)  # the id is free again
    assert message.payload == b"1"


@versions
def test_pubrel_of_an_unknown_message_is_answered_as_such(v5: bool) -> None:
    side = Side(v5=v5).opened()
    side.hears(wire.answer(wire.PUBREL, 5))
    [answer] = side.said()
    assert answer == (wire.PUBCOMP, 0, b"\x00\x05\x92" if v5 else b"\x00\x05")


@versions
def test_the_state_of_qos_2_outlives_the_connection(v5: bool) -> None:
    side = Side(v5=v5).opened()
    [message] = side.messages(wire.publish(TOPIC, b"1", 2, 5, v5=v5))
    side.connection.lost()
    side.session.connection = None
    following = Side(v5=v5)
    following.hears(following.connect_bytes)
    following.accept(side.session)
    following.said()
    assert following.messages(wire.publish(TOPIC, b"1", 2, 5, v5=v5, dup=True)) == []
    owner, packet = message.token  # the commit comes only now, for the new connection
    owner.stored([packet])
    assert following.said() == [(wire.PUBREC, 0, b"\x00\x05")]


def test_pubrec_waits_until_the_id_of_a_lasting_session_is_written_down() -> None:
    side = Side().opened()
    side.session.expiry = 100
    [message] = side.messages(wire.publish(TOPIC, b"1", 2, 5))
    owner, packet = message.token
    owner.stored([packet])
    assert side.said() == []
    assert side.session in side.session.changed
    assert side.messages(wire.publish(TOPIC, b"1", 2, 5, dup=True)) == []
    assert side.said() == []
    side.session.recorded(side.session.take_due())
    assert side.said() == [(wire.PUBREC, 0, b"\x00\x05")]


# --- subscribing -------------------------------------------------------------------------


@versions
def test_subscriptions_are_granted_within_the_rights_and_refused_outside(v5: bool) -> None:
    side = Side(v5=v5).opened()
    wishes = [
        "purna/v1/d1/ack", ("purna/v1/d1/#", 2), "purna/v1/d2/ack", "purna/v1/+/ack", "#",
        ("purna/v1/d1/a#", 0), "$share/g/purna/v1/d1/ack", "purna/v1/STATE", "purna/v1/d1/more",
    ]  # fmt: skip
    [event] = side.hears(wire.subscribe(*wishes, packet_id=3, v5=v5))
    assert isinstance(event, Subscribed)
    assert [wish.filter for wish, new in event.wishes if new] == [
        "purna/v1/d1/ack", "purna/v1/d1/#", "purna/v1/STATE",
    ]  # fmt: skip
    [answer] = side.said()
    reasons = list(answer.body[3:] if v5 else answer.body[2:])
    assert reasons == (
        [1, 1, 0x87, 0x87, 0x87, 0x8F, 0x9E, 1, 0x97] if v5 else [1, 1] + [0x80] * 5 + [1, 0x80]
    )
    assert side.tally.denied == 3


@versions
def test_unsubscribing_is_answered_whether_or_not_there_was_anything(v5: bool) -> None:
    side = Side(v5=v5).opened()
    side.hears(wire.subscribe("purna/v1/d1/ack", v5=v5))
    side.said()
    side.hears(wire.unsubscribe("purna/v1/d1/ack", "purna/v1/d1/other", packet_id=4, v5=v5))
    [answer] = side.said()
    assert answer == (wire.UNSUBACK, 0, b"\x00\x04\x00\x00\x11" if v5 else b"\x00\x04")
    assert side.session.subscriptions == {}


@versions
def test_ping_is_answered(v5: bool) -> None:
    side = Side(v5=v5).opened()
    side.hears(wire.ping())
    assert side.said() == [(wire.PINGRESP, 0, b"")]
    assert ended(side.hears(b"\xc0\x01x")).reason is Reason.MALFORMED_PACKET


# --- going -------------------------------------------------------------------------------


@versions
def test_a_goodbye_takes_the_will_back_and_a_lost_connection_does_not(v5: bool) -> None:
    assert not ended(Side(v5=v5).opened().hears(wire.disconnect())).will
    assert ended(Side(v5=v5).opened().connection.lost()).will
    assert ended(Side(v5=v5).opened().hears(b"\x00\x00")).will
    if v5:
        assert ended(Side(v5=True).opened().hears(wire.disconnect(4))).will


def test_a_goodbye_may_change_how_long_the_session_lasts() -> None:
    side = Side(v5=True, props=[(17, 100)]).opened()
    side.hears(wire.disconnect(0, [(17, 0)]))
    assert side.session.expiry == 0
    side = Side(v5=True).opened()
    assert ended(side.hears(wire.disconnect(0, [(17, 5)]))).reason is Reason.PROTOCOL_ERROR


def test_silence_is_allowed_for_one_and_a_half_times_the_keep_alive() -> None:
    assert Side(keep_alive=20).opened().connection.silence_allowed == 30
    assert Side(keep_alive=0).opened().connection.silence_allowed == 0


# --- however the bytes are cut -----------------------------------------------------------


@given(st.data(), st.booleans())
def test_it_does_not_matter_how_the_stream_is_cut(data: st.DataObject, v5: bool) -> None:
    qos = st.integers(0, 2)
    topics_ = st.sampled_from([TOPIC, "purna/v1/d1/event"])
    parts = data.draw(
        st.lists(
            st.one_of(
                st.builds(
                    lambda topic, payload, qos, n: wire.publish(topic, payload, qos, n, v5=v5),
                    topics_, st.binary(max_size=200), qos, st.integers(1, 50),
                ),
                st.just(wire.ping()),
                st.just(wire.subscribe("purna/v1/d1/ack", v5=v5)),
                st.integers(1, 50).map(lambda n: wire.answer(wire.PUBREL, n)),
            ),
            max_size=12,
        )
    )  # fmt: skip
    limits = LIMITS._replace(receive_maximum=100)
    whole, cut = Side(v5=v5, limits=limits).opened(), Side(v5=v5, limits=limits).opened()
    stream = b"".join(parts)
    expected = [m[:2] + m[3:] for m in whole.messages(stream)]
    found: list[Any] = []
    while stream:
        size = data.draw(st.integers(1, len(stream)))
        found += [m[:2] + m[3:] for m in cut.messages(stream[:size])]
        stream = stream[size:]
    assert found == expected
    assert cut.said() == whole.said()
    assert cut.connection.phase is whole.connection.phase is Phase.OPEN


@given(st.binary(max_size=300), st.booleans(), st.booleans())
def test_any_bytes_are_taken_or_end_the_connection(junk: bytes, v5: bool, opened: bool) -> None:
    side = Side(v5=v5)
    if opened:
        side.opened()
    events = side.hears(junk)
    closed = side.connection.phase is Phase.CLOSED
    assert closed == any(isinstance(event, Ended) for event in events)
    side.said()
    if closed:
        assert side.hears(wire.ping()) == []
        assert side.said() == []
    assert side.connection.partial <= max(len(junk), 0)


def test_small_pieces_of_a_large_packet_cost_no_more_than_it_is_large() -> None:
    side = Side(limits=Limits()).opened()
    large = wire.publish(TOPIC, b"x" * 300_000)
    messages = []
    for at in range(0, len(large), 100):
        messages += side.messages(large[at : at + 100])
    assert [len(message.payload) for message in messages] == [300_000]


def test_version_constants_are_those_of_the_standard() -> None:
    assert packets.FOREVER == 0xFFFFFFFF
    assert [packets.CONNECT, packets.PUBACK, packets.DISCONNECT, packets.AUTH] == [1, 4, 14, 15]
