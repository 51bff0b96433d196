"""What a message costs inside the ingester: decode, checks, columns, commit, acknowledgement.

    python -m benchmarks.ingest_inside [--messages 100000] [--runs 3]

The link is made of prepared messages, so no network and no other process takes part: what is
measured is the ingester's own step with a real store on disk. Prints one line of JSON per case.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.ingest_fleet import PRODUCT, payload, register
from ingest import topics
from ingest.counters import Counters
from ingest.links.base import Received
from ingest.quarantine import SqliteQuarantine
from ingest.registry import SqlDeviceRegistry
from ingest.service import Ingester
from ingest.settings import IngestSettings
from ingest.stores import open_store
from purna.core.clock import SystemClock

CASES = {  # devices, moments in a message, messages in a group
    "10 devices, groups of 1000": (10, 1, 1000),
    "10 devices, groups of 5000": (10, 1, 5000),
    "900 devices, groups of 900": (900, 1, 900),
    "900 devices, groups of 100": (900, 1, 100),
    "10 devices, batches of 10": (10, 10, 1000),
    "10 devices, batches of 100": (10, 100, 100),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=100_000)
    parser.add_argument("--runs", type=int, default=3)
    given = parser.parse_args()
    for name, (devices, moments, size) in CASES.items():
        count = max(size, given.messages // moments // size * size)
        runs = [measured(devices, moments, size, count) for _ in range(given.runs)]
        for what, unit in (("cpu", "µs/message"), ("wall", "µs/message")):
            value = statistics.median(run[what] for run in runs) / count * 1e6
            line = {"case": name, "what": what, "value": round(value, 2), "unit": unit}
            print(json.dumps(line, ensure_ascii=False), flush=True)


def measured(devices: int, moments: int, size: int, count: int) -> dict[str, float]:
    start = time.time_ns() // 1_000_000 - count * moments - 1000
    feed = Feed(
        [
            Received(
                topics.build(f"bench-{n % devices}", topics.TELEMETRY),
                payload(n // devices, start, moments),
                n,
            )
            for n in range(count)
        ],
        size,
    )
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        database = register(folder / "service.db", devices)
        store = open_store(f"sqlite:///{folder}/readings.db")
        quarantine = SqliteQuarantine(folder / "quarantine.db")
        counters = Counters()
        ingester = Ingester(
            feed,
            store,
            quarantine,
            SqlDeviceRegistry(database),
            {PRODUCT.id: PRODUCT},
            SystemClock(),
            IngestSettings.model_validate({"device_rate": 0}),
            counters,
        )
        ingester.start()
        before, began = cpu(), time.perf_counter()
        while feed.waiting:
            ingester.step(0)
        used, took = cpu() - before, time.perf_counter() - began
        counts = counters.as_dict()
        assert counts["stored"] == count, counts
        assert counts["readings_stored"] == count * moments * 5, counts
        quarantine.close()
        store.close()
        database.close()
    return {"cpu": used, "wall": took}


class Feed:
    """A link that has everything already."""

    connected = True

    def __init__(self, messages: list[Received], size: int) -> None:
        self._messages, self._size, self._at = messages, size, 0

    @property
    def waiting(self) -> int:
        return len(self._messages) - self._at

    def start(self) -> None:
        pass

    def receive(self, limit: int, timeout: float) -> list[Received]:
        first = self._at
        self._at = min(first + min(limit, self._size), len(self._messages))
        return self._messages[first : self._at]

    def acknowledge(
        self, messages: Sequence[Received], refused: Mapping[int, str] | None = None
    ) -> None:
        pass

    def publish(self, topic: str, payload: bytes, key: str = "") -> bool:
        return True

    def delivered(self) -> list[str]:
        return []

    def expel(self, device: str) -> None:
        pass

    def stop(self) -> None:
        pass


def cpu() -> float:
    used: Any = resource.getrusage(resource.RUSAGE_SELF)
    return float(used.ru_utime + used.ru_stime)


if __name__ == "__main__":
    main()
