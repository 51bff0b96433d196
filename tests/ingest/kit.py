"""What the ingest tests share: a small catalogue, devices, free ports, a client to publish with."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from ingest import topics
from ingest.counters import Counters
from ingest.disk import DiskGuard
from ingest.links.base import Received
from ingest.links.mqtt import MqttLink
from ingest.payloads.command_result import CommandResult
from ingest.quarantine import SqliteQuarantine
from ingest.registry import SqlDeviceRegistry
from ingest.service import Ingester
from ingest.settings import IngestSettings
from ingest.stores import open_store
from ingest.stores.base import IngestStore
from ingest.stores.gaps import SqliteGapLog
from purna.core.catalogue import Catalogue, parse_product
from purna.core.clock import SECOND, Clock, ManualClock, SystemClock
from purna.core.devices import Customer, Device, Site
from purna.db.base import Base
from purna.db.engine import Database

CATALOGUE: Catalogue = {
    "pump": parse_product(
        {
            "id": "pump",
            "name": "Pump",
            "quantity": [
                {"id": "temp", "name": "Temperature", "unit": "degC", "low": -40.0, "high": 200.0},
                {"id": "vib", "name": "Vibration", "unit": "mm/s", "low": 0.0, "high": 100.0},
                *(
                    {"id": f"q{n}", "name": f"Q{n}", "unit": "1", "low": -1e9, "high": 1e9}
                    for n in range(5)
                ),
            ],
        }
    )
}
SITE = Site("north", Customer("acme", "Acme"), "North")


def device(name: str, product: str = "pump") -> Device:
    return Device(name, product, SITE)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(condition: Callable[[], Any], seconds: float = 10.0) -> Any:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        result = condition()
        if result:
            return result
        time.sleep(0.01)
    raise AssertionError("it did not come about in time")


def telemetry(ts: int, seq: int | None = None, boot: str = "b1", **values: float) -> bytes:
    numbering = {} if seq is None else {"boot": boot, "seq": seq}
    return json.dumps({**numbering, "ts": ts / 1000, "m": values}).encode()


class Machine:
    """A device with paho: publishes, and keeps what it is told."""

    def __init__(self, port: int, username: str = "", password: str = "", version: int = 4) -> None:
        self.heard: list[tuple[str, dict[str, Any]]] = []
        self.raw: list[bytes] = []
        self._client = paho.Client(
            CallbackAPIVersion.VERSION2, protocol=paho.MQTTProtocolVersion(version)
        )
        if username:
            self._client.username_pw_set(username, password)
        self._client.on_message = lambda _c, _d, m: self.heard.append(
            (m.topic, json.loads(m.payload))
        )
        self._subscribed = threading.Event()
        self._client.on_subscribe = lambda *_: self._subscribed.set()
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()

    def listen(self, *filters: str) -> None:
        self._client.subscribe([(name, 1) for name in filters])
        assert self._subscribed.wait(5)

    def keep_raw(self, name: str) -> None:
        """Listen to what is no JSON; it is in ``raw``."""
        self._client.message_callback_add(name, lambda _c, _d, m: self.raw.append(m.payload))
        self._subscribed.clear()
        self.listen(name)

    def send(self, topic: str, payload: bytes, *, retain: bool = False, qos: int = 1) -> None:
        self._client.publish(topic, payload, qos=qos, retain=retain).wait_for_publish(10)

    def send_all(self, topic: str, payloads: list[bytes]) -> None:
        infos = [self._client.publish(topic, payload, qos=1) for payload in payloads]
        for info in infos:
            info.wait_for_publish(20)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def drop(self) -> None:
        """Cut the connection without a goodbye."""
        sock = self._client.socket()
        assert sock is not None
        self._client.loop_stop()
        sock.close()


def make_registry(folder: Path, *names: str) -> tuple[Database, SqlDeviceRegistry]:
    database = Database(f"sqlite:///{folder}/service.db")
    Base.metadata.create_all(database.engine)
    registry = SqlDeviceRegistry(database)
    registry.add([device(name) for name in names])
    return database, registry


class Line:
    """A running ingester with all its parts."""

    def __init__(
        self,
        folder: Path,
        store: IngestStore,
        settings: IngestSettings,
        clock: Clock | None = None,
        devices: tuple[str, ...] = ("d1", "d2"),
        take_result: Callable[[CommandResult], bool] = lambda _result: False,
    ) -> None:
        self.store = store
        self.counters = Counters()
        self.quarantine = SqliteQuarantine(folder / "quarantine.db")
        self._database, self.registry = make_registry(folder, *devices)
        self.link = MqttLink(settings, topics.subscriptions(settings.share_group))
        self.ingester = Ingester(
            self.link,
            store,
            self.quarantine,
            self.registry,
            CATALOGUE,
            clock or SystemClock(),
            settings,
            self.counters,
            take_result=take_result,
        )
        self.each_step: Callable[[], None] = lambda: None
        self._stop = threading.Event()
        self.failure: BaseException | None = None
        self.steps = 0
        self._thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        try:
            self.ingester.run(self._stop, self._note_step)
        except BaseException as error:
            self.failure = error

    def _note_step(self) -> None:
        self.steps += 1
        self.each_step()

    def start(self) -> None:
        self._thread.start()
        wait_for(lambda: self.link.connected or self.failure)

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(20)
        self.quarantine.close()
        self._database.close()

    def settled(self, messages: int, seconds: float = 20.0) -> dict[str, int]:
        """The counters, once so many messages are settled."""
        wait_for(lambda: self.counters.as_dict()["received"] >= messages, seconds)
        counts = self.counters.as_dict()
        assert counts["received"] == (
            counts["stored"] + counts["duplicates"] + counts["quarantined"] + counts["shed"]
        )
        return counts


@contextmanager
def running(line: Line) -> Iterator[Line]:
    line.start()
    try:
        yield line
    finally:
        line.stop()


class HandOver:
    """A link without a network: gives what it holds, notes what it is told. Time is a number."""

    connected = True

    def __init__(self) -> None:
        self.now = 1000.0
        self.held: list[Received] = []
        self.acknowledged: list[tuple[Received, str]] = []  # with why it was set aside
        self.published: list[tuple[str, dict[str, Any]]] = []

    @property
    def waiting(self) -> int:
        return len(self.held)

    def start(self) -> None:
        pass

    def receive(self, limit: int, timeout: float) -> list[Received]:
        if not limit or not self.held:
            self.now += timeout
        given, self.held = self.held[:limit], self.held[limit:]
        return given

    def acknowledge(
        self, messages: Sequence[Received], refused: Mapping[int, str] | None = None
    ) -> None:
        why = refused or {}
        self.acknowledged += [(one, why.get(place, "")) for place, one in enumerate(messages)]

    def publish(self, topic: str, payload: bytes, key: str = "") -> bool:
        self.published.append((topic, json.loads(payload)))
        return True

    def acks(self, device: str = "d1") -> list[int]:
        return [said["seq"] for topic, said in self.published if topic == f"purna/v1/{device}/ack"]

    def delivered(self) -> list[str]:
        return []

    def expel(self, device: str) -> None:
        pass

    def stop(self) -> None:
        pass


class Desk:
    """An ingester that is stepped by hand, with real files and a virtual time."""

    def __init__(self, folder: Path, *, now: int, **settings: object) -> None:
        self.folder = folder
        self.link = HandOver()
        self.clock = ManualClock(now)
        self.settings = IngestSettings.model_validate(
            {"ack_interval_ms": 0, "reject_interval_s": 0, "group_wait_ms": 0, **settings}
        )
        self._database, self.registry = make_registry(folder, "d1", "d2")
        self.open()

    def open(self, **given: Any) -> None:
        """Start an ingester on the files, as after a restart."""
        self.counters = Counters()
        self.store = open_store(f"sqlite:///{self.folder}/readings.db")
        self.gaps = SqliteGapLog(self.folder / "readings.db")
        self.quarantine = SqliteQuarantine(self.folder / "quarantine.db")
        self.ingester = Ingester(
            self.link,
            self.store,
            self.quarantine,
            self.registry,
            CATALOGUE,
            self.clock,
            self.settings,
            self.counters,
            lambda: self.link.now,
            gaps=self.gaps,
            **{"disk": DiskGuard(self.folder, 1), **given},
        )
        self.ingester.start()

    def send(self, *payloads: bytes, device: str = "d1", kind: str = "telemetry") -> None:
        """Let messages come and take them in."""
        topic = f"purna/v1/{device}/{kind}"
        self.link.held += [
            Received(topic, payload, number) for number, payload in enumerate(payloads)
        ]
        while self.link.held:
            self.ingester.step(0)

    def pass_time(self, seconds: float) -> None:
        """Let time go by without messages."""
        for _ in range(round(seconds)):
            self.clock.advance(SECOND)
            self.link.now += 1.0
            self.ingester.step(0)

    def close(self) -> None:
        self.gaps.close()
        self.quarantine.close()
        self.store.close()

    def close_all(self) -> None:
        self.close()
        self._database.close()
