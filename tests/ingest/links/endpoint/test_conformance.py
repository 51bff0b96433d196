"""Statements of the MQTT standards that no other test here is about, by their numbers.

``docs/mqtt-conformance.md`` lists all of them with the tests that cover them, checked below.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

import pytest

from ingest.links.endpoint.connection import Published, Subscribed
from ingest.links.endpoint.reasons import Reason
from ingest.links.endpoint.session import Downlink, Session
from ingest.links.endpoint.subscriptions import SubscriptionTree, matches
from ingest.links.endpoint.wire import Reader
from tests.ingest.links.endpoint import wire
from tests.ingest.links.endpoint.kit import PASSWORDS, Endpoint, Raw
from tests.ingest.links.endpoint.test_connection import LIMITS, TOPIC, Side, ended, versions
from tests.ingest.links.endpoint.test_server import ACK, STATUS, heard, listen, read

HERE = Path(__file__).parent
PAGE = HERE.parents[3] / "docs" / "mqtt-conformance.md"
STATEMENTS = {"3.1.1": 141, "5.0": 251}
"""How many numbered statements each standard has; the page must list as many."""


def pushed(side: Side, *messages: Downlink) -> list[wire.Publication]:
    for message in messages:
        side.session.push(message)
    return [wire.published(one, v5=side.v5) for one in side.said()]


def test_a_byte_order_mark_is_a_character_like_any_other() -> None:
    assert Reader(b"\x00\x04\xef\xbb\xbfa").text() == "\ufeffa"


def test_topics_are_compared_as_they_are_and_not_as_they_look() -> None:
    assert matches("caf\u00e9", "caf\u00e9")
    assert not matches("caf\u00e9", "cafe\u0301")
    assert not matches("ACK", "ack")


@pytest.mark.parametrize(
    "client",
    ["a", "0123456789abcdefghijklm", "nopqrstuvwxyzABCDEFGHIJ", "KLMNOPQRSTUVWXYZ", "x" * 200],
)
@versions
def test_client_ids_of_any_length_are_let_in(endpoint: Endpoint, client: str, v5: bool) -> None:
    with Raw(endpoint.port) as raw:
        raw.connect(client=client, v5=v5)


@versions
def test_the_first_packet_is_one_connack_whatever_was_sent_with_connect(
    endpoint: Endpoint, v5: bool
) -> None:
    with Raw(endpoint.port) as raw:
        raw.send(
            wire.connect("c", "d1", PASSWORDS["d1"], v5=v5),
            wire.ping(),
            wire.publish(TOPIC, b"1", v5=v5),
        )
        kinds = [read_any(raw) for _ in range(3)]
    assert kinds[0] == wire.CONNACK
    assert sorted(kinds[1:]) == sorted([wire.PINGRESP, wire.PUBACK])


def read_any(raw: Raw) -> int:
    packet = raw.read()
    assert packet is not None
    return packet.kind


def test_connack_has_no_reason_string_where_the_client_has_no_room_for_it() -> None:
    side = Side(v5=True, props=[(39, 8)])
    side.hears(side.connect_bytes)
    side.connection.refuse(Reason.NOT_AUTHORIZED, "a long explanation")
    [answer] = side.said()
    assert answer.body == b"\x00\x87\x00"


def test_disconnect_has_no_reason_string_where_the_client_has_no_room_for_it() -> None:
    side = Side(v5=True, props=[(39, 20)])
    side.hears(side.connect_bytes)
    side.accept()
    side.connection.outgoing()
    side.connection.close(Reason.SERVER_SHUTTING_DOWN, "the platform stops for a good while")
    [answer] = side.said()
    assert answer.body == b"\x8b\x00"


@versions
def test_an_id_that_was_acknowledged_names_a_new_message(v5: bool) -> None:
    side = Side(v5=v5).opened()
    for dup in (False, True):
        [message] = side.messages(wire.publish(TOPIC, b"1", 1, 7, v5=v5, dup=dup))
        owner, packet = message.token
        owner.stored([packet])
        assert side.said() == [(wire.PUBACK, 0, b"\x00\x07")]


@versions
def test_an_id_whose_message_was_refused_at_qos_2_names_a_new_message(v5: bool) -> None:
    if not v5:  # the connection is closed then
        return
    side = Side(v5=True).opened()
    side.hears(wire.publish("purna/v1/d2/telemetry", b"1", 2, 5, v5=True))
    [answer] = side.said()
    assert answer.body[2] == 0x87
    [message] = side.messages(wire.publish(TOPIC, b"2", 2, 5, v5=True))
    assert message.payload == b"2"


@versions
def test_acknowledgements_come_in_the_order_of_the_messages(endpoint: Endpoint, v5: bool) -> None:
    with Raw(endpoint.port) as raw:
        raw.connect(v5=v5)
        ids = [5, 3, 9, 1, 2]
        raw.send(*(wire.publish(TOPIC, b"x", 1, number, v5=v5) for number in ids))
        found = [int.from_bytes(read(raw, wire.PUBACK).body[:2], "big") for _ in ids]
    assert found == ids


@versions
def test_overlapping_subscriptions_bring_one_message_with_the_best_of_them(
    endpoint: Endpoint, v5: bool
) -> None:
    with Raw(endpoint.port) as raw:
        raw.connect(v5=v5)
        for number, wish in enumerate([("purna/v1/d1/#", 0), ("purna/v1/d1/ack", 1)], 1):
            raw.send(wire.subscribe(wish, v5=v5, props=[(11, number)]))
            read(raw, wire.SUBACK)
        endpoint.link.publish(ACK, b"1")
        found = heard(raw, v5=v5)
        assert (found.payload, found.qos) == (b"1", 1)
        raw.send(wire.answer(wire.PUBACK, found.packet_id), wire.ping())
        read(raw, wire.PINGRESP)


@versions
def test_a_filter_subscribed_again_replaces_the_subscription(endpoint: Endpoint, v5: bool) -> None:
    with Raw(endpoint.port) as raw:
        raw.connect(v5=v5)
        for qos in (1, 0):
            raw.send(wire.subscribe((ACK, qos), v5=v5))
            assert read(raw, wire.SUBACK).body[-1] == qos
        endpoint.link.publish(ACK, b"1")
        found = heard(raw, v5=v5)
        assert (found.payload, found.qos, found.dup) == (b"1", 0, False)
        raw.send(wire.ping())
        read(raw, wire.PINGRESP)


@versions
def test_after_unsubscribing_nothing_new_comes_and_what_is_under_way_is_finished(
    endpoint: Endpoint, v5: bool
) -> None:
    with Raw(endpoint.port) as raw:
        raw.connect(v5=v5)
        listen(raw, ACK, v5=v5)
        endpoint.link.publish(ACK, b"under way", key="k")
        found = heard(raw, v5=v5)
        raw.send(wire.unsubscribe(ACK, v5=v5))
        read(raw, wire.UNSUBACK)
        endpoint.link.publish(ACK, b"new")
        raw.send(wire.answer(wire.PUBACK, found.packet_id), wire.ping())
        read(raw, wire.PINGRESP)
        assert endpoint.link.delivered() == ["k"]


def test_one_filter_with_a_wildcard_is_unsubscribed_as_it_is_written() -> None:
    side = Side().opened()
    side.hears(wire.subscribe("purna/v1/d1/#", "purna/v1/d1/ack"))
    side.hears(wire.unsubscribe("purna/v1/d1/+"))
    assert len(side.session.subscriptions) == 2
    side.hears(wire.unsubscribe("purna/v1/d1/#"))
    assert list(side.session.subscriptions) == ["purna/v1/d1/ack"]


def test_what_the_client_refused_is_not_sent_again() -> None:
    side = Side(v5=True).opened()
    [sent] = pushed(side, Downlink("purna/v1/d1/command", b"1"))
    side.hears(wire.answer(wire.PUBACK, sent.packet_id, 0x83))
    side.session.resume()
    assert side.session.next() is None


@versions
def test_ids_of_what_we_send_are_not_used_twice_at_the_same_time(v5: bool) -> None:
    session = Session("d1", "c1", SubscriptionTree(), set(), queue_limit=100_000)
    side = Side(v5=v5, limits=LIMITS._replace(inflight=70_000))
    side.hears(side.connect_bytes)
    side.accept(session)
    side.said()
    first = pushed(side, *(Downlink(ACK, b"%d" % n) for n in range(3)))
    side.hears(wire.answer(wire.PUBACK, first[1].packet_id))
    session._last_id = 65_535
    more = pushed(side, *(Downlink(ACK, b"x") for _ in range(2)))
    flying = [first[0].packet_id, first[2].packet_id, *(one.packet_id for one in more)]
    assert len(set(flying)) == len(flying)
    assert 0 not in flying


def test_an_alias_does_not_outlive_its_connection() -> None:
    side = Side(v5=True).opened()
    side.hears(wire.publish(TOPIC, b"1", v5=True, props=[(35, 1)]))
    following = Side(v5=True)
    following.hears(following.connect_bytes)
    following.accept(side.session)
    following.said()
    events = following.hears(wire.publish("", b"2", v5=True, props=[(35, 1)]))
    assert ended(events).reason is Reason.PROTOCOL_ERROR


def test_a_subscription_identifier_from_a_client_s_publish_ends_the_connection() -> None:
    side = Side(v5=True).opened()
    events = side.hears(wire.publish(TOPIC, b"1", v5=True, props=[(11, 1)]))
    assert ended(events).reason in (Reason.MALFORMED_PACKET, Reason.PROTOCOL_ERROR)


def test_everything_else_is_answered_while_the_send_quota_is_used_up() -> None:
    side = Side(v5=True, props=[(33, 1)]).opened()
    assert len(pushed(side, Downlink(ACK, b"1"), Downlink(ACK, b"2"))) == 1
    events = side.hears(
        wire.ping(), wire.subscribe(STATUS, v5=True), wire.publish(TOPIC, b"x", v5=True)
    )
    assert {type(event) for event in events} == {Subscribed, Published}
    assert [one.kind for one in side.said()] == [wire.PINGRESP, wire.SUBACK]


@versions
def test_retained_messages_are_marked_and_live_ones_are_not(endpoint: Endpoint, v5: bool) -> None:
    with Raw(endpoint.port) as raw, Raw(endpoint.port) as feed:
        feed.connect("feed", v5=v5)
        listen(feed, STATUS, v5=v5)
        raw.connect(v5=v5)
        raw.send(wire.publish(STATUS, b"up", 1, 1, v5=v5, retain=True))
        assert not heard(feed, v5=v5).retain
        read(raw, wire.PUBACK)
        listen(raw, STATUS, v5=v5)
        assert heard(raw, v5=v5).retain


# --- the page ------------------------------------------------------------------------------


def _tests() -> set[str]:
    return {
        f"{file.stem}::{node.name}"
        for file in HERE.glob("test_*.py")
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    }


def _rows(version: str) -> list[tuple[str, str]]:
    section = PAGE.read_text("utf-8").split(f"## MQTT {version}\n")[1].split("\n## ")[0]
    return re.findall(r"^\| (\d+\.\d+\.\d+-\d+) \| [^|]+ \| ([^|]+) \|$", section, re.MULTILINE)


@pytest.mark.parametrize("version", STATEMENTS)
def test_the_page_lists_every_statement_once_with_a_test_that_exists_or_a_reason(
    version: str,
) -> None:
    rows = _rows(version)
    numbers = [number for number, _ in rows]
    assert len(set(numbers)) == len(numbers) == STATEMENTS[version]
    known, missing = _tests(), []
    for number, covered in rows:
        named: list[Any] = re.findall(r"`(test_\w+::test_\w+)`", covered)
        missing += [(number, name) for name in named if name not in known]
        assert named or covered.startswith(("Client", "Not offered", "Deviation")), number
    assert missing == []
