"""The MQTT link against real brokers: sessions, generations, versions, outages."""

from __future__ import annotations

import os
import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ingest.links.base import Received
from ingest.links.mqtt import MqttLink
from ingest.settings import IngestSettings
from ingest.state import state_messages
from ingest.stores.memory import MemoryReadingStore
from purna.core.errors import AskOperator
from purna.core.readings import SeriesKey
from tests.embedded_broker import ACCOUNTS, EmbeddedBroker
from tests.ingest.conftest import RunningBroker
from tests.ingest.kit import Line, Machine, free_port, running, telemetry, wait_for

TOPICS = ["purna/v1/+/telemetry/#"]
TOPIC = "purna/v1/d1/telemetry"
NOW = 1_780_000_000_000_000


def connected(settings: IngestSettings, seconds: float = 10.0) -> MqttLink:
    link = MqttLink(settings, TOPICS)
    link.start()
    until = time.monotonic() + seconds
    while not link.connected and time.monotonic() < until:
        link.receive(0, 0.02)
    assert link.connected
    return link


def receive(link: MqttLink, count: int, seconds: float = 10.0) -> list[Received]:
    found: list[Received] = []
    until = time.monotonic() + seconds
    while len(found) < count and time.monotonic() < until:
        found += link.receive(count - len(found), 0.05)
    return found


def numbered(count: int) -> list[bytes]:
    return [str(number).encode() for number in range(count)]


@pytest.mark.parametrize("version", ["5", "3.1.1"])
def test_messages_come_in_order_and_answers_go_out(
    broker: RunningBroker, machine: Machine, version: str
) -> None:
    link = connected(broker.settings(mqtt_protocol=version))
    machine.listen("purna/v1/d1/ack")
    machine.send_all(TOPIC, numbered(60))
    found = receive(link, 60)
    assert [message.payload for message in found] == numbered(60)
    assert {message.topic for message in found} == {TOPIC}
    link.acknowledge(found)
    assert link.publish("purna/v1/d1/ack", b'{"seq":1}')

    def heard() -> bool:
        link.receive(0, 0.02)
        return machine.heard == [("purna/v1/d1/ack", {"seq": 1})]

    wait_for(heard)
    link.stop()


@pytest.mark.parametrize("version", ["5", "3.1.1"])
def test_what_was_not_acknowledged_comes_again_and_only_that(
    broker: RunningBroker, machine: Machine, version: str
) -> None:
    link = connected(broker.settings(mqtt_protocol=version))
    machine.send_all(TOPIC, numbered(50))
    found = receive(link, 50)
    link.acknowledge(found[:20])
    link.stop()
    machine.send_all(TOPIC, [b"later"])
    link = connected(broker.settings(mqtt_protocol=version))
    again = receive(link, 31)
    assert [message.payload for message in again] == [*numbered(50)[20:], b"later"]
    link.stop()


def test_an_acknowledgement_of_an_older_connection_is_never_sent(
    broker: RunningBroker, machine: Machine
) -> None:
    link = connected(broker.settings())
    machine.send_all(TOPIC, numbered(10))
    old = receive(link, 10)
    link._lost("the test cuts the cable")
    again = receive(link, 10)
    assert [m.token.packet for m in old if m.token] == [m.token.packet for m in again if m.token]
    link.acknowledge(old)  # the same packet ids: the broker would take them for the new ones
    link._lost("the test cuts the cable again")
    assert len(receive(link, 10)) == 10
    link.stop()


def test_a_full_window_does_not_keep_a_session_from_resuming(
    broker: RunningBroker, machine: Machine
) -> None:
    link = connected(broker.settings())
    machine.send_all(TOPIC, numbered(1000))
    receive(link, 100)
    link._drop()
    link = connected(broker.settings())
    found: list[Received] = []
    while len(found) < 1000:
        some = receive(link, 1)
        assert some
        link.acknowledge(some)
        found += some
    assert [message.payload for message in found] == numbered(1000)
    link.stop()


def test_a_broker_that_takes_only_the_old_version_is_found_out(broker: RunningBroker) -> None:
    link = connected(broker.settings(mqtt_protocol="auto", mqtt_port_v5=0))
    assert link.version == "3.1.1"
    link.stop()


def test_the_newer_version_is_preferred(broker: RunningBroker) -> None:
    link = connected(broker.settings(mqtt_protocol="auto"))
    assert link.version == "5"
    link.stop()


def test_it_waits_for_a_broker_that_comes_later_and_for_one_that_comes_back(
    tmp_path: Path,
) -> None:
    port, port_v5 = free_port(), free_port()
    settings = RunningBroker(port, port_v5).settings(retry_max_s=0.3)
    link = MqttLink(settings, TOPICS)
    link.start()
    assert link.receive(10, 0.3) == []
    assert not link.publish("purna/v1/d1/ack", b"{}")
    for _ in range(2):
        embedded = EmbeddedBroker(tmp_path / "broker.toml", ACCOUNTS, port, port_v5)
        embedded.start()

        def back() -> bool:
            link.receive(0, 0.05)
            return link.connected

        wait_for(back)
        embedded.stop()
        wait_for(lambda: not back())
    link.stop()


def test_a_broker_that_accepts_and_says_nothing_is_given_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("ingest.links.mqtt._ANSWER_WITHIN", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        settings = IngestSettings(mqtt_port=silent.getsockname()[1], retry_max_s=0.1)
        link = MqttLink(settings, TOPICS)
        link.start()
        versions = set()
        until = time.monotonic() + 2
        while time.monotonic() < until and len(versions) < 2:
            versions.add(link.version)
            link.receive(0, 0.05)
        assert versions == {"5", "3.1.1"}
        link.stop()


def test_bytes_that_are_no_mqtt_cost_the_connection_and_nothing_else() -> None:
    def babble(server: socket.socket) -> None:
        for _ in range(3):
            connection, _ = server.accept()
            connection.recv(1000)
            connection.sendall(b"\xff" * 64 + os.urandom(4000))
            connection.close()

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=babble, args=(server,))
        thread.start()
        settings = IngestSettings(mqtt_port=server.getsockname()[1], retry_max_s=0.05)
        link = MqttLink(settings, TOPICS)
        link.start()
        while thread.is_alive():
            assert link.receive(10, 0.05) == []
        thread.join()
        link.stop()


def test_an_unread_inbox_is_bounded(
    broker: RunningBroker, machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ingest.links.mqtt._INBOX_BYTES", 1000)
    link = connected(broker.settings())
    machine.send_all(TOPIC, [b"x" * 600] * 50)
    for _ in range(20):
        link.receive(0, 0.01)
    assert link._inbox_bytes > 0
    before = len(link._inbox)
    machine.send_all(TOPIC, [b"x" * 600] * 50)
    link.receive(0, 0.1)
    assert len(link._inbox) == before
    link.stop()


def test_large_messages_pass_and_too_large_ones_stop_nobody_else(
    broker: RunningBroker, machine: Machine
) -> None:
    link = connected(broker.settings())
    large = b"x" * (256 * 1024)
    larger = b"x" * (1024 * 1024 - 1024)
    machine.send(TOPIC, large)
    machine.send(TOPIC, larger)
    assert [m.payload for m in receive(link, 2)] == [large, larger]
    other = broker.machine()
    other._client.publish(TOPIC, b"y" * (2 * 1024 * 1024), qos=1)
    machine.send(TOPIC, b"small")
    assert [m.payload for m in receive(link, 1)] == [b"small"]
    other.close()
    link.stop()


def test_nobody_gets_in_without_a_password(broker: RunningBroker) -> None:
    for settings in (
        IngestSettings(mqtt_port=broker.port, mqtt_protocol="3.1.1"),
        broker.settings(mqtt_password="wrong"),
        broker.settings(mqtt_password="wrong", mqtt_protocol="5"),
    ):
        link = MqttLink(settings, TOPICS)
        link.start()
        link.receive(0, 0.5)
        assert not link.connected
        link.stop()


@pytest.fixture
def mosquitto(tmp_path: Path) -> Iterator[int]:
    program = shutil.which("mosquitto") or "/usr/sbin/mosquitto"
    if not Path(program).exists():
        pytest.skip("no mosquitto here")
    port = free_port()
    config = tmp_path / "mosquitto.conf"
    config.write_text(
        f"listener {port} 127.0.0.1\nallow_anonymous true\nset_tcp_nodelay true\n"
        "max_inflight_messages 0\nmax_queued_messages 0\n"
    )
    process = subprocess.Popen([program, "-c", str(config)], stderr=subprocess.DEVNULL)

    def up() -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    wait_for(up)
    yield port
    process.terminate()
    process.wait()


@pytest.mark.mosquitto
class TestMosquitto:
    @pytest.mark.parametrize("version", ["5", "3.1.1", "auto"])
    def test_a_shell_is_a_device(self, mosquitto: int, tmp_path: Path, version: str) -> None:
        settings = IngestSettings.model_validate(
            {"mqtt_port": mosquitto, "mqtt_protocol": version, "ack_interval_ms": 0}
        )
        store = MemoryReadingStore()
        with running(Line(tmp_path, store, settings)) as line:
            listener = Machine(mosquitto)
            listener.listen("purna/v1/d1/ack")
            for at in range(3):
                subprocess.run(
                    ["mosquitto_pub", "-p", str(mosquitto), "-t", TOPIC, "-q", "1", "-s"],
                    input=telemetry(NOW + at, at, temp=float(at)),
                    check=True,
                )
            assert line.settled(3)["stored"] == 3
            key = SeriesKey("d1", "temp")
            assert store.read([key], 0, 2**60)[key].value.tolist() == [0.0, 1.0, 2.0]
            last = ("purna/v1/d1/ack", {"boot": "b1", "seq": 2})
            wait_for(lambda: listener.heard[-1:] == [last])
            listener.close()

    @pytest.mark.parametrize("version", ["5", "3.1.1"])
    def test_two_ingesters_of_a_group_share_the_load_and_lose_nothing(
        self, mosquitto: int, tmp_path: Path, version: str
    ) -> None:
        def settings(name: str) -> IngestSettings:
            return IngestSettings.model_validate(
                {
                    "mqtt_port": mosquitto,
                    "mqtt_protocol": version,
                    "mqtt_client_id": name,
                    "share_group": "ingest",
                }
            )

        store = MemoryReadingStore()
        folders = [tmp_path / "a", tmp_path / "b"]
        for folder in folders:
            folder.mkdir()
        machine = Machine(mosquitto)
        with (
            running(Line(folders[0], store, settings("a"))) as one,
            running(Line(folders[1], store, settings("b"))) as two,
        ):
            machine.send_all(TOPIC, [telemetry(NOW + n, n, temp=1.0) for n in range(200)])
            wait_for(lambda: store.span() == (NOW, NOW + 199))
            wait_for(lambda: sum(line.counters.as_dict()["stored"] for line in (one, two)) == 200)
            assert all(line.counters.as_dict()["stored"] > 20 for line in (one, two))
        machine.close()

    def test_a_wrong_password_asks_the_operator(self, tmp_path: Path) -> None:
        port = free_port()
        passwords, config = tmp_path / "passwords", tmp_path / "m.conf"
        subprocess.run(
            ["mosquitto_passwd", "-b", "-c", str(passwords), "platform", "right"],
            check=True,
            stderr=subprocess.DEVNULL,
        )
        passwords.chmod(0o644)
        tmp_path.chmod(0o755)
        config.write_text(f"listener {port} 127.0.0.1\npassword_file {passwords}\nuser root\n")
        process = subprocess.Popen(
            [shutil.which("mosquitto") or "/usr/sbin/mosquitto", "-c", str(config)],
            stderr=subprocess.DEVNULL,
        )
        try:
            for version in ("5", "3.1.1", "auto"):
                settings = IngestSettings.model_validate(
                    {
                        "mqtt_port": port,
                        "mqtt_protocol": version,
                        "mqtt_username": "platform",
                        "mqtt_password": "wrong",
                    }
                )
                link = MqttLink(settings, TOPICS)
                link.start()

                def refused(link: MqttLink = link) -> bool:
                    try:
                        link.receive(0, 0.1)
                    except AskOperator as error:
                        return "mqtt_password" in str(error)
                    return False

                wait_for(refused)
        finally:
            process.terminate()
            process.wait()

    def test_it_talks_tls(self, tmp_path: Path) -> None:
        port = free_port()
        key, certificate = tmp_path / "key.pem", tmp_path / "cert.pem"
        subprocess.run(
            [
                *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"),
                *("-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"),
                *("-keyout", str(key), "-out", str(certificate)),
            ],
            check=True,
            stderr=subprocess.DEVNULL,
        )
        assert ssl.create_default_context(cafile=str(certificate))
        config = tmp_path / "m.conf"
        config.write_text(
            f"listener {port} 127.0.0.1\nallow_anonymous true\nuser root\n"
            f"cafile {certificate}\ncertfile {certificate}\nkeyfile {key}\n"
        )
        process = subprocess.Popen(
            [shutil.which("mosquitto") or "/usr/sbin/mosquitto", "-c", str(config)],
            stderr=subprocess.DEVNULL,
        )
        try:
            settings = IngestSettings.model_validate(
                {"mqtt_port": port, "mqtt_tls": True, "mqtt_ca_file": certificate}
            )
            sender = connected(settings.model_copy(update={"mqtt_client_id": "sender"}))
            link = connected(settings)
            assert sender.publish(TOPIC, b"x" * 100_000)
            sender.receive(0, 0.2)
            found = receive(link, 1)
            assert found[0].payload == b"x" * 100_000
            link.acknowledge(found)
            link.stop()
            sender.stop()
        finally:
            process.terminate()
            process.wait()


def test_the_one_private_name_of_paho_that_is_used_is_still_there(broker: RunningBroker) -> None:
    link = connected(broker.settings())
    assert link._client is not None
    assert link._client.socket() is link._client.buffered
    link.stop()


@pytest.mark.parametrize("version", ["5", "3.1.1"])
@pytest.mark.parametrize(
    ("lost", "last"),
    [
        (False, ["purna/v1/STATE", "spBv1.0/STATE/purna"]),
        (True, ["spBv1.0/STATE/purna"]),  # a client has one last will
    ],
)
def test_the_platform_says_that_it_is_there_that_it_goes_and_that_it_is_lost(
    broker: RunningBroker, machine: Machine, version: str, lost: bool, last: list[str]
) -> None:
    link = MqttLink(
        broker.settings(mqtt_protocol=version),
        TOPICS,
        lambda online: state_messages(online, NOW, "purna"),
    )
    machine.listen("purna/v1/STATE", "spBv1.0/STATE/purna")
    link.start()
    wait_for(lambda: receive(link, 1, 0.05) or len(machine.heard) == 2)
    assert sorted(machine.heard) == [
        ("purna/v1/STATE", {"online": True, "ts": NOW // 1000}),
        ("spBv1.0/STATE/purna", {"online": True, "timestamp": NOW // 1000}),
    ]
    machine.heard.clear()
    if lost:
        link._client.socket().close()  # type: ignore[union-attr]
    else:
        link.stop()
    wait_for(lambda: len(machine.heard) == len(last))
    assert sorted(topic for topic, _ in machine.heard) == last
    assert not any(said["online"] for _, said in machine.heard)
    link._drop()


def test_of_several_ingesters_none_says_that_it_goes(
    broker: RunningBroker, machine: Machine
) -> None:
    machine.listen("purna/v1/STATE")
    link = MqttLink(
        broker.settings(share_group="g"), TOPICS, lambda online: state_messages(online, NOW)
    )
    link.start()
    wait_for(lambda: receive(link, 1, 0.05) or machine.heard)
    link.stop()
    machine.send("purna/v1/STATE", b'{"last":1}')
    wait_for(lambda: machine.heard[-1][1] == {"last": 1})
    assert len(machine.heard) == 2
