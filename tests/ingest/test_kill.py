"""kill -9 under load loses nothing; and the harness sees a build that acknowledges too early.

The broker survives, so everything it has accepted must be stored in the end: what was delivered
and not acknowledged comes again. Messages are numbered, one reading each, so that the store tells
which of them are missing.
"""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ingest.stores.sqlite import SqliteReadingStore
from purna.core.clock import SystemClock
from purna.core.readings import SeriesKey
from tests.ingest.conftest import RunningBroker
from tests.ingest.kit import make_registry, telemetry, wait_for

DEVICES = ("d1", "d2")
RATE = 800  # messages a second and device
START = (SystemClock().now() // 1_000_000 - 3600) * 1_000_000


@dataclass
class Outcome:
    """How many numbers were accepted by the broker, are stored, and were promised by ``ack``."""

    accepted: dict[str, int]
    stored: dict[str, list[float]]
    promised: dict[str, int]

    def lost(self) -> int:
        return sum(
            len(set(range(count)) - {int(value) for value in self.stored[name]})
            for name, count in self.accepted.items()
        )


def start_ingester(folder: Path, settings: Any, *flags: str) -> subprocess.Popen[str]:
    options = settings.model_dump(mode="json")
    options["mqtt_password"] = settings.mqtt_password.get_secret_value()
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.ingest.runner", str(folder), json.dumps(options), *flags],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline().startswith("connected")
    return process


def kill(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert process.stdout is not None
    process.stdout.close()


def publish_and_kill(
    broker: RunningBroker, folder: Path, kills: int, seed: int, *flags: str
) -> Outcome:
    """Publish at load while the ingester is killed and started again; then let it catch up."""
    random_ = random.Random(seed)
    database, _ = make_registry(folder, *DEVICES)
    database.close()
    # Small groups and a wait make the window between delivery and commit a wide one.
    settings = broker.settings(group_wait_ms=20.0, ack_interval_ms=20.0)
    machine = broker.machine()
    machine.listen("purna/v1/+/ack")
    process = start_ingester(folder, settings, *flags)
    accepted = dict.fromkeys(DEVICES, 0)
    done = threading.Event()

    def publish() -> None:
        began = time.monotonic()
        while not done.is_set():
            due = int((time.monotonic() - began) * RATE)
            for name in DEVICES:
                first = accepted[name]
                machine.send_all(
                    f"purna/v1/{name}/telemetry",
                    [
                        telemetry(START + n * 1000, n, q0=float(n))
                        for n in range(first, max(first, due))
                    ],
                )
                accepted[name] = max(first, due)
            time.sleep(0.005)

    publisher = threading.Thread(target=publish)
    publisher.start()
    try:
        for _ in range(kills):
            time.sleep(random_.uniform(0.25, 0.6))
            kill(process)
            process = start_ingester(folder, settings, *flags)
    finally:
        done.set()
        publisher.join()
    # Caught up when what is stored does not grow any more.
    reader = SqliteReadingStore(folder / "readings.db", read_only=True)
    last = (-1, time.monotonic())

    def settled() -> bool:
        nonlocal last
        now = sum(len(values) for values in stored(reader).values())
        if now != last[0]:
            last = (now, time.monotonic())
        return now >= sum(accepted.values()) or time.monotonic() - last[1] > 2.0

    wait_for(settled, 60)
    time.sleep(0.2)
    kill(process)
    outcome = Outcome(
        accepted,
        stored(reader),
        {
            name: max(
                (m["seq"] for topic, m in machine.heard if topic == f"purna/v1/{name}/ack"),
                default=-1,
            )
            for name in DEVICES
        },
    )
    reader.close()
    machine.close()
    return outcome


def stored(reader: SqliteReadingStore) -> dict[str, list[float]]:
    keys = [SeriesKey(name, "q0") for name in DEVICES]
    return {
        key.device: points.value.tolist() for key, points in reader.read(keys, 0, 2**62).items()
    }


@pytest.mark.slow
def test_nothing_that_the_broker_accepted_is_lost_or_doubled_by_kill_9(
    broker: RunningBroker, tmp_path: Path
) -> None:
    outcome = publish_and_kill(broker, tmp_path, 4, 1)
    assert outcome.lost() == 0
    for name, values in outcome.stored.items():
        assert values == [float(n) for n in range(outcome.accepted[name])]
        assert outcome.accepted[name] > 1000
        assert 0 < outcome.promised[name] < len(values)


@pytest.mark.slow
def test_the_same_harness_catches_a_build_that_acknowledges_early(
    broker: RunningBroker, tmp_path: Path
) -> None:
    assert publish_and_kill(broker, tmp_path, 4, 1, "early").lost() > 0
