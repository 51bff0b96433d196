"""A real Mosquitto with the files that Purna writes: who may connect, speak and hear."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion
from rich.console import Console

from ingest.device_requests import DeviceRequest
from ingest.links.mqtt import MqttLink
from ingest.passwords import make_password
from ingest.payloads import Decoders
from purna.core.devices import Customer, Site
from purna.core.errors import AskOperator
from purna.run.bootstrap import Platform
from purna.run.migrate import upgrade
from purna.run.mosquitto import keep_files, write_files
from purna.run.settings import load_settings
from tests.ingest.kit import free_port, wait_for
from tests.purna.test_device_cli import PUMP

pytestmark = pytest.mark.mosquitto
PAGE = (Path(__file__).parents[2] / "docs" / "brokers.md").read_text("utf-8")
PLUGINS = [*Path("/usr/lib").glob("*/mosquitto_dynamic_security.so")]
CONFIG = Path(__file__).parents[2] / "deploy" / "mosquitto.conf"
QUIET = Console(quiet=True)


class Client:
    """An MQTT 5 client that notes what it hears and how its publications were answered."""

    def __init__(self, port: int, username: str, password: str) -> None:
        self.heard: list[str] = []
        self.answers: dict[int, str] = {}
        self.refused = ""
        self.lost = threading.Event()
        self._client = paho.Client(CallbackAPIVersion.VERSION2, protocol=paho.MQTTv5)
        self._client.username_pw_set(username, password)
        self._client.on_message = lambda _c, _d, m: self.heard.append(m.topic)
        self._client.on_publish = lambda _c, _d, mid, reason, _p: self.answers.__setitem__(
            mid, str(reason)
        )
        connected = threading.Event()

        def on_connect(_c: object, _d: object, _f: object, reason: object, _p: object) -> None:
            self.refused = "" if str(reason) == "Success" else str(reason)
            connected.set()

        self._client.on_connect = on_connect
        self._client.on_disconnect = lambda *_: self.lost.set()
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        assert connected.wait(10)

    def publish(self, topic: str) -> str:
        """What Mosquitto says to a publication; whether somebody listens is not the question."""
        mid = self._client.publish(topic, b"1", qos=1).mid
        answer = str(wait_for(lambda: self.answers.get(mid)))
        return "Success" if answer == "No matching subscribers" else answer

    def listen(self, *filters: str) -> None:
        done = threading.Event()
        self._client.on_subscribe = lambda *_: done.set()
        self._client.subscribe([(name, 1) for name in filters])
        assert done.wait(10)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


class Desk:
    """An installation in front of which Mosquitto runs with the shipped configuration."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.files = folder / "mosquitto"
        self.files.mkdir()
        data = folder / "data"
        (data / "catalogue").mkdir(parents=True)
        (data / "catalogue" / "pump.toml").write_text(PUMP)
        self.password = make_password()
        (data / "purna.toml").write_text(
            "[endpoint]\nenabled = false\n[ingest]\n"
            f'mqtt_port = {self.port}\nmqtt_username = "purna"\nmqtt_password = "{self.password}"\n'
            'share_group = "ingest"\n'
        )
        self.platform = Platform(load_settings(data))
        upgrade(self.platform.db)
        self.platform.enrolment.add_site(Site("north", Customer("acme", "Acme"), "North"))
        self.passwords = {
            name: self.platform.enrolment.register(
                DeviceRequest(name, "pump", "north", attributes=attributes)
            )
            for name, attributes in (
                ("p1", {}),
                ("p2", {"gateway": "g1"}),
                ("g1", {}),
            )
        }
        write_files(self.platform, self.files, QUIET)
        self._clients: list[Client] = []
        self._start(folder)

    def _start(self, folder: Path) -> None:
        config = CONFIG.read_text().replace("listener 1883", f"listener {self.port} 127.0.0.1")
        config = config.replace("/mosquitto/accounts", str(self.files))
        config = config.replace("/mosquitto/data/", f"{folder}/")
        (folder / "mosquitto.conf").write_text(f"{config}\nuser root\n")
        self.process = subprocess.Popen(
            [shutil.which("mosquitto") or "/usr/sbin/mosquitto", "-c", folder / "mosquitto.conf"],
            stderr=subprocess.DEVNULL,
        )

        wait_for(lambda: _listens(self.port))

    def client(self, name: str, password: str = "") -> Client:
        one = Client(self.port, name, password or self.passwords[name])
        self._clients.append(one)
        return one

    def says(self, name: str, topic: str) -> str:
        """What Mosquitto answers to a publication; it shows out whoever may not say it."""
        client = Client(self.port, name, self.passwords[name])
        try:
            return client.publish(topic)
        finally:
            client.close()

    def close(self) -> None:
        for client in self._clients:
            client.close()
        self.process.terminate()
        self.process.wait()
        self.platform.db.close()


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    opened = Desk(tmp_path)
    yield opened
    opened.close()


def test_who_has_no_right_password_does_not_get_in(desk: Desk) -> None:
    assert desk.client("p1").refused == ""
    assert desk.client("p1", make_password()).refused == "Not authorized"
    assert desk.client("p2", desk.passwords["p1"]).refused == "Not authorized"
    assert desk.client("nobody", make_password()).refused == "Not authorized"


def test_a_device_speaks_and_hears_under_its_own_id_only(desk: Desk) -> None:
    platform, p1 = desk.client("purna", desk.password), desk.client("p1")
    platform.listen(*Decoders().subscriptions())
    p1.listen("purna/v1/p1/command", "purna/v1/p2/command", "purna/v1/+/ack", "#", "purna/v1/STATE")
    up = ("telemetry", "telemetry/other", "waveform/vib", "event", "status", "command/result")
    for kind in up:
        assert p1.publish(f"purna/v1/p1/{kind}") == "Success"
    for kind in ("telemetry", "waveform/vib", "command/result"):
        assert desk.says("p1", f"purna/v1/p2/{kind}") == "Not authorized"
    for topic in ("p1/ack", "p1/reject", "p1/command", "p1/elsewhere", "STATE"):
        assert desk.says("p1", f"purna/v1/{topic}") == "Not authorized"
    wait_for(lambda: len(platform.heard) == len(up))
    assert set(platform.heard) == {f"purna/v1/p1/{kind}" for kind in up}

    for device in ("p2", "p1"):
        for kind in ("ack", "reject", "command"):
            assert platform.publish(f"purna/v1/{device}/{kind}") == "Success"
    assert platform.publish("purna/v1/STATE") == "Success"
    wait_for(lambda: len(p1.heard) >= 4)
    assert set(p1.heard) == {
        f"purna/v1/{name}" for name in ("p1/ack", "p1/reject", "p1/command", "STATE")
    }


def test_a_gateway_speaks_for_the_devices_behind_it(desk: Desk) -> None:
    gateway, platform = desk.client("g1"), desk.client("purna", desk.password)
    gateway.listen("purna/v1/g1/command", "purna/v1/p1/command", "purna/v1/p2/command")
    assert desk.says("g1", "purna/v1/g1/telemetry") == "Success"
    assert desk.says("g1", "purna/v1/p2/telemetry") == "Success"
    assert desk.says("g1", "purna/v1/p1/telemetry") == "Not authorized"
    for device in ("p1", "p2", "g1"):
        platform.publish(f"purna/v1/{device}/command")
    wait_for(lambda: len(gateway.heard) >= 2)
    assert set(gateway.heard) == {"purna/v1/p2/command", "purna/v1/g1/command"}


def test_a_simulated_fleet_speaks_for_all(desk: Desk) -> None:
    account = desk.platform.fleet_account
    fleet, platform = (
        desk.client(account.username, account.password),
        desk.client("purna", desk.password),
    )
    fleet.listen("purna/v1/+/command")
    assert fleet.publish("purna/v1/p1/telemetry") == "Success"
    assert platform.publish("purna/v1/p2/command") == "Success"
    wait_for(lambda: fleet.heard == ["purna/v1/p2/command"])


def test_the_ingester_takes_in_and_answers_in_a_group(desk: Desk) -> None:
    link = MqttLink(
        desk.platform.settings.ingest,
        Decoders().subscriptions(desk.platform.settings.ingest.share_group),
    )
    link.start()
    p1 = desk.client("p1")
    p1.listen("purna/v1/p1/ack")
    received: list[str] = []

    def arrived(condition: Callable[[], object]) -> Callable[[], object]:
        def look() -> object:
            messages = link.receive(100, 0.05)
            received.extend(message.topic for message in messages)
            link.acknowledge(messages)
            return condition()

        return look

    wait_for(arrived(lambda: link.connected))
    assert p1.publish("purna/v1/p1/telemetry") == "Success"
    wait_for(arrived(lambda: received))
    assert received == ["purna/v1/p1/telemetry"]
    assert link.publish("purna/v1/p1/ack", b"{}")
    wait_for(arrived(lambda: p1.heard))
    link.stop()


def test_a_revocation_closes_the_session_within_five_seconds(desk: Desk) -> None:
    p1, p2, stop = desk.client("p1"), desk.client("p2"), threading.Event()
    keeper = threading.Thread(
        target=keep_files,
        args=(desk.platform, desk.files, f"kill -HUP {desk.process.pid}", QUIET, stop),
    )
    keeper.start()
    try:
        began = time.monotonic()
        desk.platform.credentials.revoke("p1", 1)
        assert p1.lost.wait(5), "the session is still open"
        assert time.monotonic() - began < 5
        assert desk.client("p1").refused == "Not authorized"
        assert not p2.lost.is_set()

        fresh = desk.platform.enrolment.register(DeviceRequest("p9", "pump", "north"))
        wait_for(lambda: desk.client("p9", fresh).refused == "")
    finally:
        stop.set()
        keeper.join()


def test_files_are_private_and_stay_when_nothing_changes(desk: Desk) -> None:
    for name in ("passwd", "acl"):
        assert (desk.files / name).stat().st_mode & 0o777 == 0o640
    assert not write_files(desk.platform, desk.files, QUIET)
    desk.platform.credentials.set_password("p1", make_password(), 5)
    assert write_files(desk.platform, desk.files, QUIET)
    assert desk.password not in (desk.files / "passwd").read_text()


def test_without_an_account_for_the_platform_nothing_is_written(tmp_path: Path) -> None:
    (tmp_path / "purna.toml").write_text(
        '[endpoint]\nenabled = false\n[ingest]\nmqtt_username = "purna"\nmqtt_password = "short"\n'
    )
    platform = Platform(load_settings(tmp_path))
    with pytest.raises(AskOperator, match="PURNA_INGEST__MQTT_PASSWORD"):
        write_files(platform, tmp_path, QUIET)
    assert not (tmp_path / "passwd").exists()
    platform.db.close()


def test_the_dynamic_security_plugin_is_set_up_as_the_page_says(tmp_path: Path) -> None:
    assert PLUGINS, "the plugin comes with Debian's mosquitto"
    port, admin, account = free_port(), make_password(), tmp_path / "dynsec.json"
    init = ["mosquitto_ctrl", "dynsec", "init", account, "admin", admin]
    subprocess.run(init, check=True, stdout=subprocess.DEVNULL)
    (tmp_path / "m.conf").write_text(
        f"listener {port} 127.0.0.1\nuser root\nallow_anonymous false\n"
        f"plugin {PLUGINS[0]}\nplugin_opt_config_file {account}\n"
    )
    process = subprocess.Popen(
        [shutil.which("mosquitto") or "/usr/sbin/mosquitto", "-c", tmp_path / "m.conf"],
        stderr=subprocess.DEVNULL,
    )
    passwords = {name: make_password() for name in ("purna", "p1", "p2")}

    def block(name: str, **variables: str) -> None:
        (script,) = re.findall(rf"```sh {name}\n(.*?)```", PAGE, re.DOTALL)
        control = f"mosquitto_ctrl -p {port} -u admin -P {admin} dynsec"
        environment = {**os.environ, "CTRL": control, **variables}
        done = subprocess.run(
            ["bash", "-euc", script], env=environment, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr

    def says(name: str, topic: str) -> str:
        client = Client(port, name, passwords[name])
        try:
            return client.publish(topic)
        finally:
            client.close()

    try:
        wait_for(lambda: _listens(port))
        block("once", PLATFORM_PASSWORD=passwords["purna"])
        for name in ("p1", "p2"):
            block("device", D=name, P=passwords[name])
        platform = Client(port, "purna", passwords["purna"])
        platform.listen("$share/ingest/purna/v1/+/telemetry/#")
        p1 = Client(port, "p1", passwords["p1"])
        p1.listen("purna/v1/p1/command", "purna/v1/p2/command")
        assert says("p1", "purna/v1/p1/telemetry") == "Success"
        wait_for(lambda: platform.heard == ["purna/v1/p1/telemetry"])
        assert says("p1", "purna/v1/p2/telemetry") == "Not authorized"
        for name in ("p2", "p1"):
            assert platform.publish(f"purna/v1/{name}/command") == "Success"
        wait_for(lambda: p1.heard == ["purna/v1/p1/command"])
        block("revoke", D="p1")
        assert p1.lost.wait(5)
        p1.close()
        platform.close()
    finally:
        process.terminate()
        process.wait()
