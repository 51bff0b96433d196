from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from ingest.links.broker import BrokerAccounts, EmbeddedBroker
from ingest.settings import IngestSettings
from tests.ingest.kit import Machine, free_port


@dataclass
class RunningBroker:
    """The embedded broker with the settings to reach it."""

    port: int
    port_v5: int
    accounts: BrokerAccounts

    def settings(self, **given: object) -> IngestSettings:
        return IngestSettings.model_validate(
            {
                "mqtt_port": self.port,
                "mqtt_port_v5": self.port_v5,
                "mqtt_username": self.accounts.platform.username,
                "mqtt_password": self.accounts.platform.password,
                "mqtt_protocol": "3.1.1",
                **given,
            }
        )

    def machine(self) -> Machine:
        credentials = self.accounts.devices
        return Machine(self.port, credentials.username, credentials.password)


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[RunningBroker]:
    accounts = BrokerAccounts(tmp_path / "accounts.json")
    port, port_v5 = free_port(), free_port()
    embedded = EmbeddedBroker(tmp_path / "broker.toml", accounts.all(), port, port_v5)
    embedded.start()
    yield RunningBroker(port, port_v5, accounts)
    embedded.stop()


@pytest.fixture
def machine(broker: RunningBroker) -> Iterator[Machine]:
    one = broker.machine()
    yield one
    one.close()
