"""Devices at a running ingest process with the endpoint: in, heard, commanded, shown out."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from paho.mqtt.enums import CallbackAPIVersion
from rich.console import Console

from ingest.commands import CommandState
from ingest.device_requests import DeviceRequest
from ingest.passwords import make_password
from purna.core.devices import Customer, Site
from purna.run.authority import authority, issue_certificate
from purna.run.bootstrap import Platform
from purna.run.heartbeat import last_beat
from purna.run.migrate import upgrade
from purna.run.settings import load_settings
from tests.ingest.kit import free_port, telemetry, wait_for
from tests.purna.test_device_cli import PUMP

QUIET = Console(quiet=True)


class Installation:
    """A data folder with its ingest process running."""

    def __init__(self, folder: Path) -> None:
        data = folder / "data"
        (data / "catalogue").mkdir(parents=True)
        (data / "catalogue" / "pump.toml").write_text(PUMP)
        self.port, self.tls_port = free_port(), free_port()
        self.server_certificate = _make_server_certificate(folder)
        (data / "purna.toml").write_text(
            f"[endpoint]\nport = {self.port}\ntls_port = {self.tls_port}\n"
            f'tls_certificate = "{self.server_certificate}"\ntls_key = "{folder / "server.key"}"\n'
            f'tls_client_ca = "{data / "authority" / "ca.pem"}"\n'
        )
        self.folder = folder
        self.platform = Platform(load_settings(data))
        upgrade(self.platform.db)
        authority(self.platform)
        self.platform.enrolment.add_site(Site("north", Customer("acme", "Acme"), "North"))
        kept = {name: value for name, value in os.environ.items() if "PURNA_" not in name}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "purna.run.cli", "ingest", "--data", data],
            env=kept,
            stderr=subprocess.DEVNULL,
        )
        wait_for(lambda: (beat := last_beat(self.platform.folder.heartbeat)) and beat.connected, 60)

    def register(self, name: str, **attributes: str) -> str:
        return self.platform.enrolment.register(
            DeviceRequest(name, "pump", "north", attributes=attributes)
        )

    def close(self) -> None:
        self.process.terminate()
        self.process.wait()
        self.platform.db.close()


class Firmware:
    """A device with paho that answers commands."""

    def __init__(
        self,
        port: int,
        name: str = "",
        password: str = "",
        prepare: Callable[[paho.Client], object] = lambda _client: None,
    ) -> None:
        self.name = name
        self.heard: list[tuple[str, dict[str, Any]]] = []
        self.lost = threading.Event()
        self.refused = ""
        connected = threading.Event()
        self.client = paho.Client(
            CallbackAPIVersion.VERSION2,
            client_id=name,
            protocol=paho.MQTTv5,
            reconnect_on_failure=False,
        )
        if password:
            self.client.username_pw_set(name, password)
        prepare(self.client)

        def on_connect(_c: object, _d: object, _f: object, reason: Any, _p: object) -> None:
            self.refused = str(reason) if reason.is_failure else ""
            connected.set()

        self.client.on_connect = on_connect
        self.client.on_disconnect = lambda *_: self.lost.set()
        self.client.on_message = lambda _c, _d, m: self.heard.append(
            (m.topic, json.loads(m.payload))
        )
        self.client.connect("localhost", port)
        self.client.loop_start()
        assert connected.wait(10)

    def listen(self) -> None:
        done = threading.Event()
        self.client.on_subscribe = lambda *_: done.set()
        self.client.subscribe([(f"purna/v1/{self.name}/{kind}", 1) for kind in ("ack", "command")])
        assert done.wait(10)

    def send(self, topic: str, payload: bytes) -> str:
        """How the endpoint answers."""
        answers: list[str] = []
        self.client.on_publish = lambda _c, _d, _m, reason, _p: answers.append(str(reason))
        self.client.publish(topic, payload, qos=1)
        wait_for(lambda: answers)
        return answers[0]

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


def _make_server_certificate(folder: Path) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    name, now = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")]), datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    (folder / "server.key").write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    (folder / "server.pem").write_bytes(certificate.public_bytes(pem))
    return folder / "server.pem"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    opened = Installation(tmp_path_factory.mktemp("installation"))
    yield opened
    opened.close()


def test_a_claimed_device_gets_in_and_is_acknowledged(running: Installation) -> None:
    (key,) = running.platform.enrolment.make_claim_keys(
        "pump", 1, days=1, created_by="ann", site="north"
    )
    password = running.platform.enrolment.claim(key, "claimed")
    device = Firmware(running.port, "claimed", password)
    device.listen()
    now = running.platform.clock.now()
    assert device.send("purna/v1/claimed/telemetry", telemetry(now, 0, temp=20.0)) == "Success"
    wait_for(lambda: device.heard == [("purna/v1/claimed/ack", {"boot": "b1", "seq": 0})])
    device.close()


def test_nobody_gets_in_without_the_present_password(running: Installation) -> None:
    password = running.register("locked")
    assert Firmware(running.port, "locked", make_password()).refused
    assert Firmware(running.port, "unheard-of", password).refused
    one = Firmware(running.port, "locked", password)
    assert not one.refused
    fresh = make_password()
    running.platform.credentials.set_password("locked", fresh, 1)
    assert one.lost.wait(5), "the session with the old password is still open"
    assert Firmware(running.port, "locked", password).refused
    two = Firmware(running.port, "locked", fresh)
    assert not two.refused
    two.close()


def test_a_gateway_speaks_for_the_devices_behind_it(running: Installation) -> None:
    password = running.register("gateway")
    running.register("behind", gateway="gateway")
    running.register("beside")
    gateway, now = Firmware(running.port, "gateway", password), running.platform.clock.now()
    assert gateway.send("purna/v1/behind/telemetry", telemetry(now, 0, temp=1.0)) == "Success"
    assert "uthorized" in gateway.send("purna/v1/beside/telemetry", telemetry(now, 0, temp=1.0))
    gateway.close()


def test_a_command_is_done_and_its_way_is_seen(running: Installation) -> None:
    device = Firmware(running.port, "obedient", running.register("obedient"))
    device.listen()
    commands = running.platform.commands
    command = commands.create(
        "obedient", "blink", {"times": 3}, ttl_s=60, timeout_s=30, retries=0, created_by="ann"
    )
    wait_for(lambda: device.heard)
    topic, told = device.heard[0]
    assert topic == "purna/v1/obedient/command"
    assert (told["id"], told["name"], told["args"]) == (command.id, "blink", {"times": 3})
    wait_for(lambda: commands.get(command.id).state is CommandState.DELIVERED)
    answer = {"id": command.id, "state": "ok", "text": "blinked"}
    assert device.send("purna/v1/obedient/command/result", json.dumps(answer).encode()) == "Success"
    done = commands.get(command.id)  # what the endpoint has acknowledged is in the database
    assert (done.state, done.text, done.attempts) == (CommandState.SUCCESSFUL, "blinked", 1)
    device.close()


def test_a_command_waits_for_a_device_that_is_away(running: Installation) -> None:
    password = running.register("sleepy")
    commands = running.platform.commands
    command = commands.create(
        "sleepy", "blink", {}, ttl_s=60, timeout_s=1, retries=0, created_by="ann"
    )
    time.sleep(2.5)  # longer than a result may take, and two looks of the ingest process
    wait_for(lambda: commands.get(command.id).state is CommandState.QUEUED)
    device = Firmware(running.port, "sleepy", password)
    device.listen()
    wait_for(lambda: device.heard)
    device.close()


def test_a_revoked_device_is_shown_out_within_five_seconds(running: Installation) -> None:
    password = running.register("stolen")
    device = Firmware(running.port, "stolen", password)
    other = Firmware(running.port, "honest", running.register("honest"))
    began = time.monotonic()
    running.platform.credentials.revoke("stolen", 1)
    assert device.lost.wait(5), "the session is still open"
    assert time.monotonic() - began < 5
    assert Firmware(running.port, "stolen", password).refused
    assert not other.lost.is_set()
    other.close()


def test_a_certificate_is_enough_until_it_is_revoked(running: Installation) -> None:
    running.register("certified")
    issue_certificate(running.platform, "certified", 30, running.folder, QUIET)

    def with_certificate(client: paho.Client) -> None:
        client.tls_set(
            str(running.server_certificate),
            str(running.folder / "certified.pem"),
            str(running.folder / "certified.key"),
        )

    device = Firmware(running.tls_port, "certified", prepare=with_certificate)
    assert not device.refused
    now = running.platform.clock.now()
    assert device.send("purna/v1/certified/telemetry", telemetry(now, 0, temp=1.0)) == "Success"
    (certificate,) = running.platform.credentials.of(["certified"])["certified"].certificates
    running.platform.credentials.revoke_certificate(certificate.fingerprint, 1)
    assert device.lost.wait(5), "the session is still open"
    assert Firmware(running.tls_port, "certified", prepare=with_certificate).refused
