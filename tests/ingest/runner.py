"""An ingester as a process of its own, for tests that kill it.

    python -m tests.ingest.runner FOLDER SETTINGS_JSON [early]

``early`` is the known-bad build: it acknowledges what it receives before it is stored. Prints a
line when it is connected.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import structlog

from ingest import service, topics
from ingest.counters import Counters
from ingest.links.base import Received
from ingest.links.mqtt import MqttLink
from ingest.quarantine import SqliteQuarantine
from ingest.registry import SqlDeviceRegistry
from ingest.service import Ingester
from ingest.settings import IngestSettings
from ingest.stores import open_store
from purna.core.clock import SystemClock
from purna.db.engine import Database
from tests.ingest.kit import CATALOGUE


class EarlyLink(MqttLink):
    """Wrong on purpose: acknowledges on arrival, as an automatic acknowledgement does."""

    def receive(self, limit: int, timeout: float) -> list[Received]:
        messages = super().receive(limit, timeout)
        super().acknowledge(messages)
        return messages

    def acknowledge(
        self, messages: Sequence[Received], refused: Mapping[int, str] | None = None
    ) -> None:
        pass


def main(folder: Path, settings: IngestSettings, link_class: type[MqttLink]) -> None:
    # Every group is waited for, so that a kill finds messages between arrival and commit.
    service._WORTH_A_COMMIT = settings.group_size
    store = open_store(f"sqlite:///{folder}/readings.db")
    link = link_class(settings, topics.subscriptions())
    ingester = Ingester(
        link,
        store,
        SqliteQuarantine(folder / "quarantine.db"),
        SqlDeviceRegistry(Database(f"sqlite:///{folder}/service.db")),
        CATALOGUE,
        SystemClock(),
        settings,
        Counters(),
    )
    told = False

    def tell() -> None:
        nonlocal told
        if link.connected and not told:
            told = True
            print("connected", time.monotonic(), flush=True)

    ingester.run(threading.Event(), tell)


if __name__ == "__main__":
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    main(
        Path(sys.argv[1]),
        IngestSettings.model_validate_json(sys.argv[2]),
        EarlyLink if sys.argv[3:] == ["early"] else MqttLink,
    )
