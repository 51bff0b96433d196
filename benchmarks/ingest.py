"""How fast messages get from a device into the store, beside the broker alone.

    python -m benchmarks.ingest [--messages 60000] [--runs 3]

QoS 1 everywhere, 120 bytes of JSON with five values, 1 and 10 connections. The *pipeline* is
publisher → broker → our ingester → SQLite store, acknowledged after the commit; the time runs from
the first publish to the commit of the last message. Beside it in the same run, the *broker alone*
with a subscriber in C that counts and acknowledges. Needs a C compiler; with Mosquitto installed,
the same through Mosquitto. Prints one line of JSON per figure.
"""

from __future__ import annotations

import argparse
import json
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ingest import topics
from ingest.counters import Counters
from ingest.links.mqtt import MqttLink
from ingest.quarantine import SqliteQuarantine
from ingest.registry import SqlDeviceRegistry
from ingest.service import Ingester
from ingest.settings import IngestSettings
from ingest.stores import open_store
from purna.core.catalogue import parse_product
from purna.core.clock import SystemClock
from purna.core.devices import Customer, Device, Site
from purna.db.base import Base
from purna.db.engine import Database
from tests.embedded_broker import ACCOUNTS, EmbeddedBroker

SOURCE = Path(__file__).with_name("mqtt_load.c")
WINDOW = {1: 1000, 10: 100}  # unacknowledged messages of each connection
PRODUCT = parse_product(
    {
        "id": "bench",
        "name": "Bench",
        "quantity": [
            {"id": name, "name": name, "unit": "1", "low": -1e6, "high": 1e6}
            for name in ("temp", "vib", "speed", "current", "flow")
        ],
    }
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=60_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--ingester", nargs=3, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.ingester:
        run_ingester(Path(given.ingester[0]), given.ingester[1], int(given.ingester[2]))
        return
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        sys.exit("A C compiler is needed for the publisher.")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        load = folder / "mqtt_load"
        subprocess.run([compiler, "-O2", "-o", str(load), str(SOURCE)], check=True)
        compare("embedded", embedded, load, folder, given)
        if mosquitto_program():
            compare("mosquitto", mosquitto, load, folder, given)


def compare(name: str, start: Any, load: Path, folder: Path, given: argparse.Namespace) -> None:
    for connections, window in WINDOW.items():
        alone, piped = [], []
        for run in range(given.runs):  # one after the other, so that both see the same machine
            where = folder / f"{name}-{connections}-{run}"
            where.mkdir()
            publisher = [str(connections), str(window), str(given.messages)]
            with start(where) as (port, account):
                alone.append(broker_alone(load, port, account, publisher))
            with start(where) as (port, account):
                piped.append(pipeline(load, port, account, publisher, where))
        rate = statistics.median(given.messages / one["seconds"] for one in piped)
        only = statistics.median(given.messages / one["seconds"] for one in alone)
        case = {"broker": name, "connections": connections, "window": window}
        show(case, "broker alone, C subscriber", only, "messages/s")
        show(case, "stored, acknowledged after commit", rate, "messages/s")
        show(case, "stored, acknowledged after commit", rate * 5, "readings/s")
        show(case, "stored / broker alone", rate / only, "ratio")
        for figure, what, unit in (
            ("cpu_us", "ingester, CPU", "µs/message"),
            ("rss_mb", "ingester, peak memory", "MB"),
            ("group", "ingester, commit", "messages"),
        ):
            show(case, what, statistics.median(one[figure] for one in piped), unit)


def show(case: dict[str, Any], what: str, value: float, unit: str) -> None:
    line = {**case, "what": what, "value": round(value, 3), "unit": unit}
    print(json.dumps(line, ensure_ascii=False), flush=True)


def broker_alone(
    load: Path, port: int, account: tuple[str, str], publisher: list[str]
) -> dict[str, float]:
    connections, _, messages = publisher
    count = int(messages) // int(connections) * int(connections)
    subscriber = subprocess.Popen(
        [load, "sub", str(port), *account, topics.subscriptions()[0], str(count)],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert subscriber.stdout is not None
    assert subscriber.stdout.readline() == "subscribed\n"
    sent = publish(load, port, account, publisher)
    received = json.loads(subscriber.stdout.readline())
    subscriber.wait()
    return {"seconds": received["ended"] - sent["began"]}


def pipeline(
    load: Path, port: int, account: tuple[str, str], publisher: list[str], folder: Path
) -> dict[str, float]:
    settings = {
        "mqtt_port": port,
        "mqtt_protocol": "3.1.1",
        "mqtt_username": account[0],
        "mqtt_password": account[1],
    }
    ingester = subprocess.Popen(
        [
            *(sys.executable, "-m", "benchmarks.ingest", "--ingester"),
            *(str(folder), json.dumps(settings), publisher[2]),
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert ingester.stdout is not None
    assert ingester.stdout.readline() == "connected\n"
    sent = publish(load, port, account, publisher)
    done = json.loads(ingester.stdout.readline())
    ingester.wait()
    return {**done, "seconds": done["ended"] - sent["began"]}


def publish(
    load: Path, port: int, account: tuple[str, str], publisher: list[str]
) -> dict[str, float]:
    out = subprocess.run(
        [load, "pub", str(port), *account, *publisher], check=True, capture_output=True, text=True
    )
    return dict(json.loads(out.stdout))


def run_ingester(folder: Path, options: str, messages: int) -> None:
    """Ingest ``messages`` and say when the last one was committed."""
    import structlog

    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    settings = IngestSettings.model_validate_json(options)
    database = Database(f"sqlite:///{folder}/service.db")
    Base.metadata.create_all(database.engine)
    registry = SqlDeviceRegistry(database)
    site = Site("s", Customer("c", "C"), "S")
    registry.add([Device(f"bench-{number}", PRODUCT.id, site) for number in range(10)])
    store = open_store(f"sqlite:///{folder}/readings.db")
    counters = Counters()
    link = MqttLink(settings, topics.subscriptions())
    ingester = Ingester(
        link,
        store,
        SqliteQuarantine(folder / "quarantine.db"),
        registry,
        {PRODUCT.id: PRODUCT},
        SystemClock(),
        settings,
        counters,
    )
    stop = threading.Event()
    told = False
    before = 0.0

    def each_step() -> None:
        nonlocal told, before
        if link.connected and not told:
            told, before = True, cpu()
            print("connected", flush=True)
        if counters.as_dict()["stored"] >= messages:
            stop.set()

    ingester.run(stop, each_step)
    ended = time.time()
    counts = counters.as_dict()
    assert counts["readings_stored"] == messages * 5, counts
    figures = {
        "ended": ended,
        "cpu_us": (cpu() - before) / messages * 1e6,
        "rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "group": counts["received"] / counts["commits"],
    }
    print(json.dumps(figures), flush=True)
    store.close()


def cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


@contextmanager
def embedded(folder: Path) -> Iterator[tuple[int, tuple[str, str]]]:
    port = free_port()
    broker = EmbeddedBroker(folder / "broker.toml", ACCOUNTS, port, free_port())
    broker.start()
    try:
        yield port, ("platform", ACCOUNTS["platform"])
    finally:
        broker.stop()


def mosquitto_program() -> str | None:
    return shutil.which("mosquitto") or shutil.which("/usr/sbin/mosquitto")


@contextmanager
def mosquitto(folder: Path) -> Iterator[tuple[int, tuple[str, str]]]:
    port = free_port()
    config = folder / "mosquitto.conf"
    config.write_text(
        f"listener {port} 127.0.0.1\nallow_anonymous true\nset_tcp_nodelay true\n"
        "max_inflight_messages 0\nmax_queued_messages 0\n"
    )
    process = subprocess.Popen(
        [mosquitto_program() or "", "-c", str(config)], stderr=subprocess.DEVNULL
    )
    time.sleep(0.3)
    try:
        yield port, ("", "")
    finally:
        process.terminate()
        process.wait()


def free_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    main()
