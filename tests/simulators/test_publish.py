"""The publisher against a real broker, and a platform that acknowledges as the contract says."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Container, Iterator
from types import TracebackType
from typing import Any

import msgspec
import pytest
from iotcore import Broker
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion

from purna.core.clock import DAY, from_iso
from purna.core.errors import RetryLater
from simulators import encode
from simulators.dirt import Odds
from simulators.fleet import Fleet
from simulators.publish import Publisher

START = from_iso("2026-03-01T00:00:00Z")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def port() -> Iterator[int]:
    with Broker(port=free_port(), listen="127.0.0.1") as broker:
        yield broker.port


class Platform:
    """Takes telemetry in, remembers it and acknowledges; the ``deaf``-th messages are lost.

    Like ingest it counts from the first number that it sees of a boot.
    """

    def __init__(self, port: int, deaf: Container[int] = ()) -> None:
        self.taken: list[tuple[str, bytes]] = []
        self._deaf, self._heard = deaf, 0
        self._seen: dict[tuple[str, str], set[int]] = {}
        self._subscribed = threading.Event()
        self._client = Client(CallbackAPIVersion.VERSION2, client_id=f"platform-{port}")
        self._client.on_connect = lambda *_: self._client.subscribe("purna/v1/+/+", qos=1)
        self._client.on_subscribe = lambda *_: self._subscribed.set()
        self._client.on_message = self._take
        self._client.reconnect_delay_set(1, 1)
        self._client.connect("127.0.0.1", port)

    def __enter__(self) -> Platform:
        self._client.loop_start()
        assert self._subscribed.wait(5)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def _take(self, client: Client, _data: Any, message: MQTTMessage) -> None:
        _, _, device, kind = message.topic.split("/")
        if kind == "ack":
            return
        self._heard += kind == "telemetry"
        if kind == "telemetry" and self._heard in self._deaf:
            return
        self.taken.append((message.topic, message.payload))
        if kind == "telemetry":
            body = msgspec.json.decode(message.payload)
            seen = self._seen.setdefault((device, body["boot"]), set())
            seen.add(body["seq"])
            last = min(seen) - 1
            while last + 1 in seen:
                last += 1
            ack = msgspec.json.encode({"boot": body["boot"], "seq": last})
            client.publish(f"purna/v1/{device}/ack", ack, qos=1)


def reading(seq: int, device: str = "p1") -> encode.Message:
    return encode.telemetry(device, "b1", seq, [(START + seq, {"load": float(seq)})])


def test_a_dirty_history_arrives_whole_and_is_known_to_be_stored(port: int) -> None:
    fleet = Fleet(3, START, odds=Odds(0.01, 0.05, 0.05, 0.05))
    # This broker takes no message above 20 kB, and waveforms are larger.
    told = [m for m in fleet.history(START + 6 * DAY) if "/waveform/" not in m.topic]
    with Platform(port) as platform, Publisher("127.0.0.1", port, unstored=50) as publisher:
        for message in told:
            publisher.publish(message)
        publisher.wait_stored(20)
        assert sorted(platform.taken) == sorted((topic, body) for topic, body, _ in told)


def test_a_thousand_messages_take_less_than_two_seconds(port: int) -> None:
    with Platform(port) as platform, Publisher("127.0.0.1", port, client_id="fast") as publisher:
        began = time.monotonic()
        for seq in range(1, 1001):
            publisher.publish(reading(seq, "fast"))
        publisher.wait_stored(20)
        assert time.monotonic() - began < 2
        assert len(platform.taken) == 1000


def test_what_the_platform_did_not_store_is_sent_again(port: int) -> None:
    with (
        Platform(port, deaf=range(3, 8)) as platform,
        Publisher("127.0.0.1", port, client_id="again", resend_after=0.3) as publisher,
    ):
        for seq in range(1, 21):
            publisher.publish(reading(seq, "again"))
        publisher.wait_stored(10)
        assert {body for _, body in platform.taken} == {
            reading(seq, "again").payload for seq in range(1, 21)
        }


def test_a_silent_platform_is_reported_and_nothing_is_forgotten(port: int) -> None:
    with Publisher("127.0.0.1", port, client_id="silent", unstored=10) as publisher:
        for seq in range(1, 11):
            publisher.publish(reading(seq, "silent"))
        publisher.flush(5)
        with pytest.raises(RetryLater, match="10 not stored"):
            publisher.wait_stored(0.3)
        with pytest.raises(RetryLater):
            publisher.publish(reading(11, "silent"), timeout=0.3)


def test_sending_again_is_no_progress(port: int) -> None:
    with Publisher("127.0.0.1", port, client_id="mute", resend_after=0.1) as publisher:
        publisher.publish(reading(1, "mute"))
        with pytest.raises(RetryLater, match="1 not stored"):
            publisher.wait_stored(0.8)


def test_messages_published_while_the_broker_is_away_arrive_when_it_is_back() -> None:
    port = free_port()
    broker = Broker(port=port, listen="127.0.0.1").start()
    try:
        with (
            Platform(port) as platform,
            Publisher("127.0.0.1", port, resend_after=0.5) as publisher,
        ):
            publisher.publish(reading(1))
            publisher.wait_stored(10)
            broker.stop()
            for seq in range(2, 30):
                publisher.publish(reading(seq))
            broker.start()
            publisher.wait_stored(30)
            assert {body for _, body in platform.taken} == {
                reading(seq).payload for seq in range(1, 30)
            }
    finally:
        broker.stop()


def test_a_missing_broker_is_one_clear_error() -> None:
    with pytest.raises(RetryLater, match="no broker answers"):
        Publisher("127.0.0.1", free_port()).start(timeout=0.5)


def test_status_is_retained_for_whoever_comes_later(port: int) -> None:
    status = encode.status("late", START, "b1", "2.4.1", "cp-200")
    with Publisher("127.0.0.1", port, client_id="retain") as publisher:
        publisher.publish(status)
        publisher.flush(5)
    with Platform(port) as platform:
        deadline = time.monotonic() + 5
        while not any(topic == status.topic for topic, _ in platform.taken):
            assert time.monotonic() < deadline
            time.sleep(0.02)


def test_a_broker_that_drops_a_wrong_password_is_one_clear_error(tmp_path: Any) -> None:
    port = free_port()
    config = tmp_path / "broker.toml"
    config.write_text(f"""
id = 0
[router]
id = 0
max_connections = 10
max_outgoing_packet_count = 200
max_segment_size = 1048576
max_segment_count = 10
[v4.1]
name = "v4-1"
listen = "127.0.0.1:{port}"
next_connection_delay_ms = 1
[v4.1.connections]
connection_timeout_ms = 60000
max_payload_size = 20480
max_inflight_count = 100
auth = {{ fleet = "right" }}
""")
    with Broker(config_path=str(config)):
        with pytest.raises(RetryLater, match="name and password"):
            Publisher("127.0.0.1", port, "fleet", "wrong").start(timeout=3)
        with Publisher("127.0.0.1", port, "fleet", "right") as publisher:
            publisher.publish(reading(1))
            publisher.flush(5)


def test_commands_are_answered_while_telemetry_goes_on(port: int) -> None:
    heard: list[tuple[str, bytes]] = []
    listener = Client(CallbackAPIVersion.VERSION2, client_id="listener")
    subscribed = threading.Event()
    listener.on_subscribe = lambda *_: subscribed.set()
    listener.on_message = lambda _c, _d, m: heard.append((m.topic, m.payload))
    listener.connect("127.0.0.1", port)
    listener.loop_start()
    listener.subscribe("purna/v1/+/command/result", qos=1)
    assert subscribed.wait(5)

    def answers(device: str, payload: bytes) -> list[tuple[str, bytes]]:
        return [(f"purna/v1/{device}/command/result", payload.upper())]

    with Platform(port) as platform, Publisher("127.0.0.1", port, answers=answers) as publisher:
        listener.publish("purna/v1/p1/command", b"blink", qos=1)
        for seq in range(50):
            publisher.publish(encode.telemetry("p1", "b1", seq, [(START + seq, {"q": 1.0})]))
        publisher.wait_stored(10)
        until = time.monotonic() + 10
        while not heard and time.monotonic() < until:
            time.sleep(0.01)
    listener.disconnect()
    listener.loop_stop()
    assert heard == [("purna/v1/p1/command/result", b"BLINK")]
    assert sum(topic.endswith("telemetry") for topic, _ in platform.taken) == 50
