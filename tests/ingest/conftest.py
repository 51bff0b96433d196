from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from ingest.settings import IngestSettings
from tests.embedded_broker import ACCOUNTS, EmbeddedBroker
from tests.ingest.kit import Desk, Machine, free_port


@dataclass
class RunningBroker:
    """The embedded broker with the settings to reach it."""

    port: int
    port_v5: int

    def settings(self, **given: object) -> IngestSettings:
        return IngestSettings.model_validate(
            {
                "mqtt_port": self.port,
                "mqtt_port_v5": self.port_v5,
                "mqtt_username": "platform",
                "mqtt_password": ACCOUNTS["platform"],
                "mqtt_protocol": "3.1.1",
                **given,
            }
        )

    def machine(self) -> Machine:
        return Machine(self.port, "devices", ACCOUNTS["devices"])


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[RunningBroker]:
    port, port_v5 = free_port(), free_port()
    embedded = EmbeddedBroker(tmp_path / "broker.toml", ACCOUNTS, port, port_v5)
    embedded.start()
    yield RunningBroker(port, port_v5)
    embedded.stop()


@pytest.fixture
def machine(broker: RunningBroker) -> Iterator[Machine]:
    one = broker.machine()
    yield one
    one.close()


Desks = Callable[..., Desk]


@pytest.fixture
def desks(tmp_path: Path) -> Iterator[Desks]:
    """Makes a desk from the time that it is (micros), and settings."""
    opened: list[Desk] = []

    def make(now: int, **settings: object) -> Desk:
        opened.append(Desk(tmp_path, now=now, **settings))
        return opened[-1]

    yield make
    for desk in opened:
        desk.close_all()
