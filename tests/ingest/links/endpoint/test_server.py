"""The endpoint on real sockets: who gets in, what is promised, what a bad client can't do."""

from __future__ import annotations

import socket
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from ingest.links.endpoint.link import EndpointLink
from purna.core.errors import AskOperator
from tests.ingest.kit import wait_for
from tests.ingest.links.endpoint import wire
from tests.ingest.links.endpoint.kit import (
    ACCOUNTS,
    PASSWORDS,
    Endpoint,
    Raw,
    endpoint_in,
)

TOPIC = "purna/v1/d1/telemetry"
ACK, COMMAND, STATUS = "purna/v1/d1/ack", "purna/v1/d1/command", "purna/v1/d1/status"

versions = pytest.mark.parametrize("v5", [False, True], ids=["3.1.1", "5"])


def read(raw: Raw, kind: int) -> wire.Packet:
    packet = raw.read()
    assert packet is not None, "the endpoint has closed"
    assert packet.kind == kind, packet
    return packet


def heard(raw: Raw, *, v5: bool = False) -> wire.Publication:
    return wire.published(read(raw, wire.PUBLISH), v5=v5)


def listen(raw: Raw, *filters: str, v5: bool = False) -> None:
    raw.send(wire.subscribe(*filters, v5=v5))
    granted = read(raw, wire.SUBACK).body[3 if v5 else 2 :]
    assert all(reason < 3 for reason in granted), granted


# --- letting in --------------------------------------------------------------------------


@versions
@pytest.mark.parametrize(
    ("name", "password"), [("d1", "wrong"), ("nobody", "x"), ("fleet", "x"), ("", ""), ("a/b", "x")]
)
def test_nobody_gets_in_without_the_right_password(
    endpoint: Endpoint, v5: bool, name: str, password: str
) -> None:
    with Raw(endpoint.port) as raw:
        raw.send(wire.connect("c", name, password, v5=v5))
        assert read(raw, wire.CONNACK).body[1] == (0x86 if v5 else 4)
        assert raw.read() is None
    assert endpoint.link.figures()["refused"] == 1


def test_each_wrong_password_of_an_address_is_answered_later(endpoint: Endpoint) -> None:
    took = []
    for _ in range(4):
        with Raw(endpoint.port) as raw:
            began = time.monotonic()
            raw.send(wire.connect("c", "d1", "wrong"))
            read(raw, wire.CONNACK)
            took.append(time.monotonic() - began)
    assert took[0] >= 0.1
    assert took[3] >= 0.8
    with Raw(endpoint.port) as raw:  # and the right one is not made to wait
        raw.connect()


def test_while_the_database_is_away_only_who_proved_himself_before_gets_in(
    endpoint: Endpoint,
) -> None:
    with Raw(endpoint.port) as raw:
        raw.connect("d1")
    endpoint.register.down = True
    with Raw(endpoint.port) as raw:
        raw.connect("d1")
    for name, password in (("d1", "wrong"), ("d2", PASSWORDS["d2"])):
        with Raw(endpoint.port) as raw:
            raw.send(wire.connect("c", name, password))
            assert read(raw, wire.CONNACK).body[1] == 3
        with Raw(endpoint.port) as raw:
            raw.send(wire.connect("c", name, password, v5=True))
            assert read(raw, wire.CONNACK).body[1] == 0x88
    with Raw(endpoint.port) as raw:
        raw.connect("fleet")


def test_an_empty_client_id_is_given_a_name(endpoint: Endpoint) -> None:
    with Raw(endpoint.port) as raw:
        answer = raw.connect("d1", client="", v5=True)
        props, _ = wire.parse_properties(answer.body[2:])
        assert props[18].startswith("auto-")
    with Raw(endpoint.port) as raw:
        raw.connect("d1", client="")


def test_a_gateway_speaks_for_itself_and_those_behind_it(endpoint: Endpoint) -> None:
    with Raw(endpoint.port) as raw:
        raw.connect("gate", v5=True)
        for number, device in enumerate(("gate", "d2", "d3", "d1"), 1):
            raw.send(wire.publish(f"purna/v1/{device}/telemetry", b"x", 1, number, v5=True))
            reason = read(raw, wire.PUBACK).body[2:3]
            assert reason == (b"\x87" if device == "d1" else b"")
        raw.send(wire.subscribe("purna/v1/d2/ack", "purna/v1/d1/ack", v5=True))
        assert read(raw, wire.SUBACK).body[3:] == b"\x01\x87"


def test_the_fleet_speaks_for_all_and_hears_the_answers_to_all(endpoint: Endpoint) -> None:
    with Raw(endpoint.port) as raw:
        raw.connect("fleet")
        listen(raw, "purna/v1/+/ack")
        raw.send(*(wire.publish(f"purna/v1/x{n}/telemetry", b"x", 1, n) for n in (1, 2, 3)))
        assert [read(raw, wire.PUBACK).body[1] for _ in range(3)] == [1, 2, 3]
        for n in range(300):
            endpoint.link.publish(f"purna/v1/x{n}/ack", b"%d" % n)
        found = set()
        while len(found) < 300:
            one = heard(raw)
            found.add(one.payload)
            raw.send(wire.answer(wire.PUBACK, one.packet_id))
        assert found == {b"%d" % n for n in range(300)}


def test_a_connection_that_does_not_say_who_it_is_is_closed(tmp_path: Path) -> None:
    with endpoint_in(tmp_path, connect_timeout_s=0.3) as endpoint:
        silent, slow = Raw(endpoint.port), Raw(endpoint.port)
        good = Raw(endpoint.port)
        good.connect()
        slow.send(wire.connect("c", "d1", PASSWORDS["d1"])[:9])
        assert silent.read() is None
        assert slow.read() is None
        good.send(wire.ping())
        assert read(good, wire.PINGRESP)
        for raw in (silent, slow, good):
            raw.close()


def test_among_too_many_unproven_connections_the_oldest_goes(tmp_path: Path) -> None:
    with endpoint_in(tmp_path, max_unproven=5) as endpoint:
        waiting = [Raw(endpoint.port) for _ in range(8)]
        with Raw(endpoint.port) as raw:
            raw.connect()
        assert waiting[0].read() is None
        assert endpoint.link.figures()["crowded"] == 4
        for one in waiting:
            one.close()


def test_more_connections_than_the_limit_are_turned_away(tmp_path: Path) -> None:
    with endpoint_in(tmp_path, max_connections=2) as endpoint:
        inside = [Raw(endpoint.port), Raw(endpoint.port)]
        for number, raw in enumerate(inside):
            raw.connect(client=f"c{number}")
        with Raw(endpoint.port) as raw:
            assert raw.read() is None
        inside[0].close()
        wait_for(lambda: endpoint.link.figures()["connections"] == 1)
        with Raw(endpoint.port) as raw:
            raw.connect(client="c3")
        inside[1].close()


# --- promises ----------------------------------------------------------------------------


@versions
def test_nothing_is_acknowledged_before_it_is_stored(endpoint: Endpoint, v5: bool) -> None:
    endpoint.holding = True
    with Raw(endpoint.port) as raw:
        raw.connect(v5=v5)
        raw.send(*(wire.publish(TOPIC, b"%d" % n, 1 + n % 2, n, v5=v5) for n in (1, 2, 3)))
        endpoint.wait_for(3)
        raw.socket.settimeout(0.1)
        with pytest.raises(TimeoutError):
            raw.read()
        raw.socket.settimeout(10)
        endpoint.release()
        answers = [raw.read() for _ in range(3)]
        assert sorted((one.kind, one.body[1]) for one in answers if one) == [
            (wire.PUBACK, 2), (wire.PUBREC, 1), (wire.PUBREC, 3),
        ]  # fmt: skip


def test_a_refused_message_is_acknowledged_with_its_reason(endpoint: Endpoint) -> None:
    endpoint.refusing = {b"bad": "The payload is not valid JSON."}
    with Raw(endpoint.port) as raw:
        raw.connect(v5=True)
        raw.send(*(wire.publish(TOPIC, p, 1, n, v5=True) for n, p in enumerate([b"bad", b"ok"], 1)))
        answers = {one.body[1]: one.body[2:] for one in (raw.read(), raw.read()) if one}
        assert answers[2] == b""
        assert answers[1][0] == 0x99
        assert wire.parse_properties(answers[1][1:])[0] == {31: "The payload is not valid JSON."}
    with Raw(endpoint.port) as raw:
        raw.connect()
        raw.send(wire.publish(TOPIC, b"bad", 1, 1), wire.publish(TOPIC, b"bad", 2, 2))
        answers3 = [raw.read(), raw.read()]
        assert sorted(one.kind for one in answers3 if one) == [wire.PUBACK, wire.PUBREC]


def test_an_acknowledgement_for_an_older_connection_is_not_sent_on_a_new_one(
    endpoint: Endpoint,
) -> None:
    endpoint.holding = True
    with Raw(endpoint.port) as old:
        old.connect(clean=False)
        old.send(wire.publish(TOPIC, b"old", 1, 7))
        endpoint.wait_for(1)
    with Raw(endpoint.port) as new:
        new.connect(clean=False)
        endpoint.release()
        new.send(wire.publish(TOPIC, b"new", 1, 8))
        assert read(new, wire.PUBACK).body == b"\x00\x08"
        new.send(wire.ping())
        read(new, wire.PINGRESP)


# --- sessions ----------------------------------------------------------------------------


@versions
def test_a_second_connection_takes_the_session_over(endpoint: Endpoint, v5: bool) -> None:
    lasting: dict[str, Any] = {"clean": False, "props": [(17, 60)]}
    old, new, other = Raw(endpoint.port), Raw(endpoint.port), Raw(endpoint.port)
    old.connect(v5=v5, **lasting)
    listen(old, ACK, v5=v5)
    other.connect("d2", client="d1", v5=v5, **lasting)  # the same id of another account
    assert new.connect(v5=v5, **lasting).body[0] == 1
    if v5:
        assert read(old, wire.DISCONNECT).body[0] == 0x8E
    assert old.read() is None
    endpoint.link.publish(ACK, b"1")
    assert heard(new, v5=v5).payload == b"1"
    other.send(wire.ping())
    read(other, wire.PINGRESP)
    for raw in (old, new, other):
        raw.close()


@versions
def test_a_session_survives_a_restart_with_all_that_waits_in_it(tmp_path: Path, v5: bool) -> None:
    lasting: dict[str, Any] = {"v5": v5, "clean": False, "props": [(17, 600)]}
    with endpoint_in(tmp_path) as endpoint, Raw(endpoint.port) as raw:
        assert raw.connect(**lasting).body[0] == 0
        listen(raw, ACK, COMMAND, v5=v5)
        endpoint.link.publish(COMMAND, b"seen, not acknowledged", key="k1")
        sent = heard(raw, v5=v5)
        raw.send(wire.publish(TOPIC, b"once", 2, 9, v5=v5))
        read(raw, wire.PUBREC)
        raw.close()
        wait_for(lambda: endpoint.link.figures()["connections"] == 0)
        for number in range(5):
            endpoint.link.publish(ACK, b"%d" % number)
        assert endpoint.link.publish(COMMAND, b"sent while away", key="k2")
    with endpoint_in(tmp_path) as endpoint, Raw(endpoint.port) as raw:
        assert raw.connect(**lasting).body[0] == 1
        again = heard(raw, v5=v5)
        assert (again.payload, again.packet_id, again.dup) == (sent.payload, sent.packet_id, True)
        rest = [heard(raw, v5=v5), heard(raw, v5=v5)]
        assert [one.payload for one in rest] == [b"4", b"sent while away"]  # the newest ack only
        assert not any(one.dup for one in rest)
        raw.send(*(wire.answer(wire.PUBACK, one.packet_id) for one in (again, *rest)))
        wait_for(lambda: len(endpoint.link._delivered) == 2)
        assert endpoint.link.delivered() == ["k1", "k2"]
        raw.send(wire.publish(TOPIC, b"once", 2, 9, v5=v5, dup=True))
        read(raw, wire.PUBREC)
        raw.send(wire.answer(wire.PUBREL, 9))
        assert read(raw, wire.PUBCOMP).body == b"\x00\x09"
        assert endpoint.payloads == []


@versions
def test_a_clean_start_forgets_and_a_session_that_need_not_last_does_not(
    endpoint: Endpoint, v5: bool
) -> None:
    lasting: dict[str, Any] = {"v5": v5, "clean": False, "props": [(17, 600)]}
    with Raw(endpoint.port) as raw:
        raw.connect(**lasting)
        listen(raw, COMMAND, v5=v5)
    wait_for(lambda: endpoint.link.figures()["connections"] == 0)
    assert endpoint.link.publish(COMMAND, b"1", key="a")
    with Raw(endpoint.port) as raw:
        assert raw.connect(v5=v5).body[0] == 0
        raw.send(wire.ping())
        read(raw, wire.PINGRESP)
    wait_for(lambda: endpoint.link.figures()["sessions"] == 0)
    assert not endpoint.link.publish(COMMAND, b"2", key="b")


def test_a_session_is_forgotten_when_its_time_is_over(endpoint: Endpoint) -> None:
    with Raw(endpoint.port) as raw:
        raw.connect(v5=True, clean=False, props=[(17, 1)])
    wait_for(lambda: endpoint.link.figures()["sessions"] == 0)


def test_a_session_is_kept_no_longer_than_the_operator_allows(tmp_path: Path) -> None:
    with endpoint_in(tmp_path, session_hours=1) as endpoint, Raw(endpoint.port) as raw:
        answer = raw.connect(v5=True, clean=False, props=[(17, 0xFFFFFFFF)])
        props, _ = wire.parse_properties(answer.body[2:])
        assert props[17] == 3600


def test_what_waits_for_a_client_is_bounded_and_counted(tmp_path: Path) -> None:
    with endpoint_in(tmp_path, queue_limit=10) as endpoint:
        with Raw(endpoint.port) as raw:
            raw.connect(clean=False)
            listen(raw, COMMAND)
        wait_for(lambda: endpoint.link.figures()["connections"] == 0)
        taken = [endpoint.link.publish(COMMAND, b"%d" % n, key=str(n)) for n in range(12)]
        assert taken == [True] * 10 + [False] * 2
        assert endpoint.link.figures()["dropped"] == 2


def test_a_device_leaves_only_so_many_sessions_behind(endpoint: Endpoint) -> None:
    for number in range(12):
        with Raw(endpoint.port) as raw:
            raw.connect(client=f"c{number}", clean=False)
        wait_for(lambda: endpoint.link.figures()["connections"] == 0)
    assert endpoint.link.figures()["sessions"] == 8
    with Raw(endpoint.port) as raw:
        assert raw.connect(client="c11", clean=False).body[0] == 1


# --- wills, retained messages, the platform's state ----------------------------------------


@versions
def test_a_will_is_taken_in_like_a_message_of_the_device(endpoint: Endpoint, v5: bool) -> None:
    will = (STATUS, b'{"online":false}', 1, True)
    with Raw(endpoint.port) as raw:
        raw.connect(v5=v5, will=will)
        raw.send(wire.disconnect())
        assert raw.read() is None
    with Raw(endpoint.port) as raw:
        raw.connect(v5=v5, will=will)
    endpoint.wait_for(1)
    [message] = endpoint.taken
    assert message[:2] == (STATUS, b'{"online":false}')
    assert (message.token, message.source) == (None, "d1")
    with Raw(endpoint.port) as raw:
        raw.connect(v5=v5)
        listen(raw, STATUS, v5=v5)
        kept = heard(raw, v5=v5)
        assert (kept.payload, kept.retain) == (b'{"online":false}', True)


@versions
def test_a_will_for_another_device_keeps_its_owner_out(endpoint: Endpoint, v5: bool) -> None:
    with Raw(endpoint.port) as raw:
        will = ("purna/v1/d2/status", b"{}", 0, False)
        raw.send(wire.connect("c", "d1", PASSWORDS["d1"], v5=v5, will=will))
        assert read(raw, wire.CONNACK).body[1] == (0x87 if v5 else 5)


def test_a_delayed_will_is_taken_back_by_coming_back(endpoint: Endpoint) -> None:
    given: dict[str, Any] = {
        "v5": True, "clean": False, "props": [(17, 60)], "will": (STATUS, b"gone", 1, False),
        "will_props": [(24, 1)],
    }  # fmt: skip
    with Raw(endpoint.port) as raw:
        raw.connect(**given)
    wait_for(lambda: endpoint.link.figures()["connections"] == 0)
    with Raw(endpoint.port) as raw:
        assert raw.connect(**given).body[0] == 1
        time.sleep(1.8)
        assert endpoint.payloads == []
    assert endpoint.wait_for(1) == [b"gone"]


def test_a_delayed_will_does_not_outlive_its_session(endpoint: Endpoint) -> None:
    with Raw(endpoint.port) as raw:
        raw.connect(v5=True, will=(STATUS, b"gone", 1, False), will_props=[(24, 1000)])
    assert endpoint.wait_for(1) == [b"gone"]


@versions
def test_a_status_is_kept_for_later_also_over_a_restart(tmp_path: Path, v5: bool) -> None:
    with endpoint_in(tmp_path) as endpoint, Raw(endpoint.port) as raw:
        raw.connect(v5=v5)
        raw.send(wire.publish(STATUS, b"up", 1, 1, v5=v5, retain=True))
        raw.send(wire.publish(TOPIC, b"x", 1, 2, v5=v5, retain=True))
        read(raw, wire.PUBACK)
        read(raw, wire.PUBACK)
    with endpoint_in(tmp_path) as endpoint:
        with Raw(endpoint.port) as raw:
            raw.connect(v5=v5)
            listen(raw, "purna/v1/d1/#", v5=v5)
            kept = heard(raw, v5=v5)
            assert (kept.topic, kept.payload, kept.retain) == (STATUS, b"up", True)
            raw.send(wire.publish(STATUS, b"", 1, 1, v5=v5, retain=True))
            read(raw, wire.PUBACK)
        with Raw(endpoint.port) as raw:
            raw.connect(v5=v5)
            listen(raw, STATUS, v5=v5)
            raw.send(wire.ping())
            read(raw, wire.PINGRESP)


def test_retained_messages_are_sent_as_the_subscription_asks(endpoint: Endpoint) -> None:
    def asks(handling: int) -> None:
        raw.send(wire.subscribe((STATUS, 1 | handling << 4), v5=True, props=[(11, 5)]))
        read(raw, wire.SUBACK)

    with Raw(endpoint.port) as raw:
        raw.connect(v5=True)
        raw.send(wire.publish(STATUS, b"up", 1, 1, v5=True, retain=True))
        read(raw, wire.PUBACK)
        asks(2)
        raw.send(wire.unsubscribe(STATUS, v5=True))
        read(raw, wire.UNSUBACK)
        asks(1)
        assert heard(raw, v5=True).properties == {11: 5}
        asks(1)
        asks(0)
        assert heard(raw, v5=True).payload == b"up"


@versions
def test_the_platform_says_that_it_is_there_and_when_it_goes(tmp_path: Path, v5: bool) -> None:
    with endpoint_in(tmp_path) as endpoint:
        raw = Raw(endpoint.port)
        raw.connect(v5=v5)
        listen(raw, "purna/v1/STATE", v5=v5)
        said = heard(raw, v5=v5)
        assert (said.payload, said.retain) == (b'{"online":true,"ts":1780000000000}', True)
    assert heard(raw, v5=v5).payload == b'{"online":false,"ts":1780000000000}'
    if v5:
        assert read(raw, wire.DISCONNECT).body[0] == 0x8B
    assert raw.read() is None
    raw.close()


# --- the live feed -----------------------------------------------------------------------


@versions
def test_the_feed_follows_what_is_stored_and_may_do_nothing_else(
    endpoint: Endpoint, v5: bool
) -> None:
    endpoint.refusing = {b"bad": "wrong"}
    with Raw(endpoint.port) as feed, Raw(endpoint.port) as device:
        feed.connect("feed", v5=v5)
        feed.send(wire.subscribe(("purna/v1/+/telemetry", 2), v5=v5))
        assert read(feed, wire.SUBACK).body[-1] == 0
        device.connect(v5=v5)
        device.send(*(wire.publish(TOPIC, p, 1, n, v5=v5) for n, p in ((1, b"bad"), (2, b"good"))))
        device.send(wire.publish("purna/v1/d1/event", b"not asked for", 1, 3, v5=v5))
        for _ in range(3):
            read(device, wire.PUBACK)
        found = heard(feed, v5=v5)
        assert (found.topic, found.payload, found.qos) == (TOPIC, b"good", 0)
        endpoint.link.publish(ACK, b"an answer is nobody else's")
        feed.send(wire.ping())
        read(feed, wire.PINGRESP)
        feed.send(wire.publish(TOPIC, b"x", 1, 1, v5=v5))
        if v5:
            assert read(feed, wire.PUBACK).body[2] == 0x87
        else:
            assert feed.read() is None
    assert b"x" not in endpoint.payloads


def test_a_follower_that_does_not_read_loses_messages_and_holds_nobody_up(
    endpoint: Endpoint,
) -> None:
    with Raw(endpoint.port) as feed, Raw(endpoint.port) as device:
        feed.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        feed.connect("feed")
        listen(feed, "#")
        device.connect()
        payload = b"x" * 200_000
        for number in range(1, 80):
            device.send(wire.publish(TOPIC, payload, 1, number))
            read(device, wire.PUBACK)
        wait_for(lambda: endpoint.link.figures()["dropped"] > 20)


# --- back-pressure and silence -------------------------------------------------------------


def test_a_store_that_is_behind_slows_senders_down_and_loses_nothing(tmp_path: Path) -> None:
    limits = {"pending_messages": 100, "pending_bytes": 1_000_000}
    with endpoint_in(tmp_path, **limits) as endpoint:
        endpoint.stop_taking()
        with Raw(endpoint.port) as raw, Raw(endpoint.port) as other:
            raw.connect(keep_alive=1)
            other.connect(client="other")
            count, sent = 40, 0
            raw.socket.settimeout(0.5)
            payload = b"x" * 200_000
            with suppress(TimeoutError):
                while sent < 1000:
                    raw.send(wire.publish(TOPIC, payload, 1, sent + 1))
                    sent += 1
            assert sent < 60  # system buffers and the bound, not what the client has to say
            figures = endpoint.link.figures()
            assert figures["paused"] == 1
            assert figures["waiting"] < count
            time.sleep(2.5)  # longer than its keep-alive allows: the silence is ours
            other.send(wire.ping())
            read(other, wire.PINGRESP)
            raw.socket.settimeout(10)
            endpoint.go_on_taking()
            acked = 0
            while acked < sent:
                read(raw, wire.PUBACK)
                acked += 1
            assert endpoint.link.figures()["paused"] == 0


@versions
def test_a_silent_client_is_given_up_and_its_will_is_read(endpoint: Endpoint, v5: bool) -> None:
    with Raw(endpoint.port) as raw, Raw(endpoint.port) as lively:
        raw.connect(v5=v5, keep_alive=1, will=(STATUS, b"gone", 1, False))
        lively.connect(client="lively", v5=v5, keep_alive=1)
        until = time.monotonic() + 3.5
        raw.socket.settimeout(0.3)
        closed = False
        while time.monotonic() < until:
            lively.send(wire.ping())
            read(lively, wire.PINGRESP)
            try:
                packet = raw.read()
            except TimeoutError:
                continue
            closed = packet is None or packet.body[:1] == b"\x8d"
            break
        assert closed
        assert endpoint.wait_for(1) == [b"gone"]
        lively.send(wire.ping())
        read(lively, wire.PINGRESP)


# --- clients that break the rules ----------------------------------------------------------

BREACHES: dict[str, tuple[bytes, int]] = {
    "reserved packet": (b"\x00\x00", 0x82),
    "length of five bytes": (b"\x30\xff\xff\xff\xff\x01", 0x81),
    "too large": (b"\x30\xff\xff\xff\x7f" + b"x" * 50_000, 0x95),
    "QoS 3": (b"\x36\x07\x00\x01a\x00\x01\x00x", 0x81),
    "wildcard in a topic": (b"\x30\x04\x00\x01#\x00", 0x90),
    "second connect": (wire.connect("c", "d1", PASSWORDS["d1"], v5=True), 0x82),
    "authentication": (b"\xf0\x00", 0x8C),
    "subscribe without filter": (b"\x82\x03\x00\x01\x00", 0x82),
    "unknown alias": (wire.publish("", b"x", 0, v5=True, props=[(35, 3)]), 0x82),
    "alias 0": (wire.publish(TOPIC, b"x", 0, v5=True, props=[(35, 0)]), 0x94),
}


@pytest.mark.parametrize("breach", BREACHES)
def test_a_breach_ends_its_connection_with_the_right_code_and_disturbs_no_other(
    endpoint: Endpoint, breach: str
) -> None:
    raw_bytes, code = BREACHES[breach]
    with Raw(endpoint.port) as good, Raw(endpoint.port) as bad:
        good.connect(client="good")
        bad.connect(client="bad", v5=True)
        good.send(wire.publish(TOPIC, b"1", 1, 1))
        bad.send(raw_bytes)
        assert read(bad, wire.DISCONNECT).body[0] == code
        assert bad.read() is None
        good.send(wire.publish(TOPIC, b"2", 1, 2))
        assert [read(good, wire.PUBACK).body[1] for _ in range(2)] == [1, 2]
        assert endpoint.payloads == [b"1", b"2"]


def test_who_breaks_the_rules_again_and_again_is_let_in_later_each_time(
    endpoint: Endpoint,
) -> None:
    took = []
    for _ in range(4):
        with Raw(endpoint.port) as raw:
            began = time.monotonic()
            raw.connect()
            took.append(time.monotonic() - began)
            raw.send(b"\x00\x00")
            assert raw.read() is None
    assert took[3] >= 0.4
    with Raw(endpoint.port) as other:
        began = time.monotonic()
        other.connect("d2")
        assert time.monotonic() - began < took[3]


def test_more_unanswered_messages_than_allowed_end_the_connection(tmp_path: Path) -> None:
    with endpoint_in(tmp_path, receive_maximum=10) as endpoint, Raw(endpoint.port) as raw:
        endpoint.holding = True
        answer = raw.connect(v5=True)
        assert wire.parse_properties(answer.body[2:])[0][33] == 10
        raw.send(*(wire.publish(TOPIC, b"x", 1, n, v5=True) for n in range(1, 12)))
        assert read(raw, wire.DISCONNECT).body[0] == 0x93


def test_a_storm_of_connections_is_let_in(endpoint: Endpoint) -> None:
    raws = [Raw(endpoint.port) for _ in range(300)]
    for number, raw in enumerate(raws):
        raw.send(wire.connect(f"c{number}", "d1", PASSWORDS["d1"]))
    for raw in raws:
        assert read(raw, wire.CONNACK).body == b"\x00\x00"
    for raw in raws:
        raw.send(wire.publish(TOPIC, b"x", 1, 1))
    for raw in raws:
        read(raw, wire.PUBACK)
        raw.close()
    assert len(endpoint.taken) == 300


# --- from above --------------------------------------------------------------------------


@versions
def test_who_is_expelled_is_out_within_a_second_and_forgotten(endpoint: Endpoint, v5: bool) -> None:
    with Raw(endpoint.port) as raw, Raw(endpoint.port) as other:
        raw.connect(v5=v5, clean=False, props=[(17, 60)])
        other.connect("d2")
        listen(raw, COMMAND, v5=v5)
        raw.socket.settimeout(1)
        del endpoint.register.passwords["d1"]
        endpoint.link.expel("d1")
        if v5:
            assert read(raw, wire.DISCONNECT).body[0] == 0x98
        assert raw.read() is None
        other.send(wire.ping())
        read(other, wire.PINGRESP)
    wait_for(lambda: endpoint.link.figures()["sessions"] <= 1)
    assert not endpoint.link.publish(COMMAND, b"1", key="k")
    endpoint.register.down = True  # what it proved before counts no more
    with Raw(endpoint.port) as raw:
        raw.send(wire.connect("c", "d1", PASSWORDS["d1"]))
        assert read(raw, wire.CONNACK).body[1] == 3


def test_a_port_that_is_taken_is_named_with_its_setting(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        endpoint = Endpoint(tmp_path, port=port)
        with pytest.raises(AskOperator, match=rf"Port {port} .* PURNA_ENDPOINT__PORT"):
            endpoint.link.start()
        endpoint.link.stop()


def test_a_fault_in_the_endpoints_thread_does_not_stay_unseen(
    endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    link: EndpointLink = endpoint.link
    assert link._server is not None
    assert link.connected
    monkeypatch.setattr(link._server.sessions, "expire", lambda _now: 1 / 0)
    wait_for(lambda: isinstance(endpoint.failure, ZeroDivisionError))
    assert not link.connected


def test_the_figures_have_a_meaning_each(endpoint: Endpoint) -> None:
    from ingest.links.endpoint.figures import MEANINGS, NOW

    assert set(endpoint.link.figures()) == set(MEANINGS)
    assert set(NOW) <= set(MEANINGS)
    assert set(ACCOUNTS) == {"fleet", "feed"}
