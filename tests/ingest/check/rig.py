"""A device under test: a real MQTT client at the check's own port, in time that we move by hand."""

from __future__ import annotations

import json
import math
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from ingest.check import Grade, Verdict
from purna.core.catalogue import parse_product
from purna.core.clock import SECOND, ManualClock
from purna.run.checking import Check, listen_on
from tests.ingest.kit import wait_for

START = 1_780_000_000 * SECOND
DEVICE = "d1"
PRODUCT = parse_product(
    {
        "id": "pump",
        "name": "Pump",
        "quantity": [
            {"id": "temp", "name": "Temperature", "unit": "degC", "low": -40.0, "high": 200.0},
            {"id": "vib", "name": "Vibration", "unit": "mm/s", "low": 0.0, "high": 100.0},
            {
                "id": "speed",
                "name": "Speed",
                "unit": "rpm",
                "low": 0.0,
                "high": 4000.0,
                "setting": True,
            },
        ],
    }
)


class Rig:
    """The check's port with a clock of its own."""

    def __init__(self) -> None:
        self.clock = ManualClock(START)
        self.check = Check(DEVICE, PRODUCT, 20.0)
        self.port = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._listen)
        self._devices: list[Device] = []

    def _listen(self) -> None:
        listen_on(self.check, "127.0.0.1", 0, self.clock, self._stop, self._ready)

    def _ready(self, port: int) -> None:
        self.port = port

    def start(self) -> None:
        self._thread.start()
        wait_for(lambda: self.port)

    def stop(self) -> None:
        for device in self._devices:
            device.close()
        self._stop.set()
        self._thread.join()

    def device(self, **given: Any) -> Device:
        """A device that does everything right but for what is given; connected."""
        self._devices.append(Device(self, **given))
        self._devices[-1].connect()
        return self._devices[-1]

    def broken(self) -> dict[str, Grade]:
        """The rules that were broken, by their code."""
        return {
            grade.code: grade
            for grade in self.check.grades()
            if grade.verdict not in (Verdict.PASS, Verdict.UNSEEN)
        }


@contextmanager
def rig() -> Iterator[Rig]:
    one = Rig()
    one.start()
    try:
        yield one
    finally:
        one.stop()


class Device:
    """A firmware. What is not said of it is right."""

    def __init__(
        self,
        rig: Rig,
        *,
        client: str = DEVICE,
        version: int = 4,
        keep_alive: int = 60,
        clean: bool = False,
        will: tuple[str, bytes, bool] | None = ("status", b'{"online":false}', True),
        subscribe: tuple[str, ...] = ("ack", "reject", "command"),
        status: bool = True,
        status_retained: bool = True,
        boot: str = "b1",
        clock: Callable[[int], float] = lambda now: now / 1000,
    ) -> None:
        self._rig = rig
        self.boot, self.seq, self._turn = boot, 0, 0
        self._clock = clock
        self._given = (client, version, keep_alive, clean, will)
        self._subscribe, self._status, self._retained = subscribe, status, status_retained
        self.acked = -1
        self.sent: list[bytes] = []
        self._client: paho.Client | None = None
        self._answered = threading.Event()

    # --- MQTT ---

    def connect(self) -> None:
        client, version, keep_alive, clean, will = self._given
        v5 = version == 5
        self._client = paho.Client(
            CallbackAPIVersion.VERSION2,
            client_id=client,
            clean_session=None if v5 else clean,
            protocol=paho.MQTTProtocolVersion(version),
            reconnect_on_failure=False,
        )
        if will is not None:
            self._client.will_set(self.topic(will[0]), will[1], 1, will[2])
        self._client.on_message = self._hear
        for callback in ("on_connect", "on_subscribe", "on_unsubscribe"):
            setattr(self._client, callback, lambda *_: self._answered.set())
        more: dict[str, Any] = {}
        if v5:
            lasting = Properties(PacketTypes.CONNECT)
            lasting.SessionExpiryInterval = 0 if clean else 86_400
            more = {"clean_start": clean, "properties": lasting}
        self._answered.clear()
        self._client.connect("127.0.0.1", self._rig.port, keep_alive, **more)
        sock = self._client.socket()
        assert isinstance(sock, socket.socket)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # tests have no time for Nagle
        self._client.loop_start()
        assert self._answered.wait(5)
        if self._subscribe:
            self._answered.clear()
            self._client.subscribe([(self.topic(name), 1) for name in self._subscribe])
            assert self._answered.wait(5)
        if self._status:
            said = json.dumps({"online": True, "boot": self.boot, "fw": "1.0"}).encode()
            self.publish("status", said, retain=self._retained)

    def close(self) -> None:
        if self._client is not None:
            self._client.disconnect()
            self._client.loop_stop()
            self._client = None

    def reconnect(self) -> None:
        self.close()
        self.connect()

    def restart(self, boot: str) -> None:
        self.close()
        self.boot, self.seq, self.acked = boot, 0, -1
        self.connect()

    def topic(self, name: str) -> str:
        """A name beneath the device's own topics, or a whole topic that begins with a slash."""
        return name[1:] if name.startswith("/") else f"purna/v1/{DEVICE}/{name}"

    def publish(
        self,
        kind: str,
        payload: bytes,
        *,
        qos: int = 1,
        retain: bool = False,
        content_type: str = "",
        alias: int = 0,
        known: bool = False,
    ) -> None:
        """Send, and return when the other side has it."""
        assert self._client is not None
        about = None
        if content_type or alias:
            about = Properties(PacketTypes.PUBLISH)
            if content_type:
                about.ContentType = content_type
            if alias:
                about.TopicAlias = alias
        topic = "" if known else self.topic(kind)
        message = self._client.publish(topic, payload, qos, retain, about)
        self.sent.append(payload)
        if qos:
            message.wait_for_publish(5)
        else:
            self.sync()

    def sync(self) -> None:
        """Return when the other side has read everything."""
        assert self._client is not None
        self._answered.clear()
        self._client.unsubscribe("nothing")
        assert self._answered.wait(5)

    def _hear(self, _client: Any, _data: Any, message: paho.MQTTMessage) -> None:
        if message.topic.endswith("/ack"):
            said = json.loads(message.payload)
            if said["boot"] == self.boot:
                self.acked = max(self.acked, said["seq"])

    def wait_acked(self) -> None:
        wait_for(lambda: self.acked >= self.seq, 5)

    # --- measuring ---

    def number(self) -> dict[str, Any]:
        self.seq += 1
        return {"boot": self.boot, "seq": self.seq}

    def now(self) -> float:
        """Milliseconds by the device's own clock."""
        return self._clock(self._rig.clock.now())

    def values(self) -> dict[str, float]:
        """Plausible ones, never the same twice."""
        self._turn += 1
        turn = self._turn * 0.7
        return {
            "temp": round(60 + 3 * math.sin(turn) + turn / 100, 3),
            "vib": round(3 + math.cos(turn) + turn / 100, 4),
            "speed": 1480.0,
        }

    def message(self, **changed: Any) -> bytes:
        whole = {**self.number(), "ts": self.now(), "m": self.values(), **changed}
        return json.dumps(
            {name: value for name, value in whole.items() if value is not None}
        ).encode()

    def run(
        self,
        count: int = 40,
        step: float = 2.0,
        make: Callable[[], bytes] | None = None,
        **delivery: Any,
    ) -> None:
        """Measure and send every ``step`` seconds."""
        for _ in range(count):
            self.wait(step)
            self.publish("telemetry", (make or self.message)(), **delivery)

    def wait(self, seconds: float) -> None:
        self._rig.clock.advance(round(seconds * SECOND))
