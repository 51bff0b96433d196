"""How fast messages get from a device into the store, beside what is possible at all.

    python -m benchmarks.ingest [--messages 150000] [--runs 3]

QoS 1 everywhere, 120 bytes of JSON with five values, every message acknowledged after its commit
(fsync). ``purna ingest`` runs as its own process on its own files; publisher and all the rest share
the machine with it. In one round, one after the other, so that all see the same machine:

``sink``       the limit: a server in C that appends the bytes and syncs before it acknowledges
``endpoint``   publisher → Purna's endpoint; done when the last PUBACK has come
``broker``     publisher → Mosquitto → a subscriber in C that counts (when Mosquitto is installed)
``mosquitto``  publisher → Mosquitto → Purna; done when the last message is committed

``poison`` is the endpoint again with every hundredth message of twenty wrong kinds: the quarantine
must name each, and nothing good may be lost. Needs a C compiler. Prints one line of JSON per
figure: medians over the rounds.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import apsw

from benchmarks.ingest_fleet import CATALOGUE_FILE, register
from ingest import topics
from ingest.links.endpoint.accounts import accounts_in
from purna.run.folder import DataFolder
from purna.run.heartbeat import last_beat
from tests.ingest.kit import free_port
from tests.ingest.poison import POISON

SOURCE = Path(__file__).with_name("mqtt_load.c")
VALUES = 5
POISONED = 100  # every so many messages


class Case(NamedTuple):
    """How the load comes: ``moments`` in a message, ``share`` of the messages asked for."""

    connections: int
    window: int
    moments: int = 1
    share: float = 1.0

    def name(self) -> str:
        batch = f", batches of {self.moments}" if self.moments > 1 else ""
        return f"{self.connections} x {self.window}{batch}"


CASES = [
    Case(1, 1000),
    Case(10, 100),
    Case(100, 10),
    Case(900, 1, share=0.4),
    Case(10, 100, 10, 0.2),
    Case(10, 100, 100, 0.03),
]
POISON_CASE = Case(10, 100)

Run = dict[str, float]


class Load(NamedTuple):
    """The load program, and how many messages a full case has."""

    program: Path
    messages: int

    def count(self, case: Case) -> int:
        return int(self.messages * case.share) // case.connections * case.connections

    def publish(
        self,
        case: Case,
        port: int,
        account: Sequence[str] = ("", ""),
        poison: str = "",
        connected: Callable[[], None] = lambda: None,
    ) -> Run:
        """Publish all messages; ``connected`` is called when that begins."""
        given = [case.connections, case.window, self.count(case), case.moments, poison]
        process = subprocess.Popen(
            [self.program, "pub", str(port), *account, *map(str, given)],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        assert process.stdout.readline() == "connected\n"
        connected()
        run: Run = json.loads(process.stdout.readline())
        process.wait()
        return {**run, "seconds": run["ended"] - run["began"]}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--messages", type=int, default=150_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--cases", default="", help="Only those whose name begins so.")
    given = parser.parse_args()
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        sys.exit("A C compiler is needed for the publisher.")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        load = Load(folder / "mqtt_load", given.messages)
        subprocess.run([compiler, "-O2", "-o", load.program, SOURCE], check=True)
        ways: dict[str, Callable[[Load, Case, Path], Run]] = {"sink": sink, "endpoint": endpoint}
        if mosquitto_program():
            ways |= {"broker": broker_alone, "mosquitto": through_mosquitto}
        for case in CASES:
            if case.name().startswith(given.cases):
                compare(load, case, ways, folder, given.runs)
        if not given.cases:
            compare(load, POISON_CASE, {"endpoint": endpoint, "poison": poison}, folder, given.runs)


def compare(
    load: Load,
    case: Case,
    ways: dict[str, Callable[[Load, Case, Path], Run]],
    folder: Path,
    runs: int,
) -> None:
    """Run all ways in turn and print medians, and their ratios within one round."""
    found: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for _ in range(runs):
        for name, way in ways.items():
            with tempfile.TemporaryDirectory(dir=folder) as place:
                run = way(load, case, Path(place))
            run["messages/s"] = load.count(case) / run.pop("seconds")
            if case.moments > 1 or name not in ("sink", "broker"):
                run["readings/s"] = run["messages/s"] * case.moments * VALUES
            for figure, value in run.items():
                found[name][figure].append(value)
    for name, figures in found.items():
        for figure, values in figures.items():
            if figure in ("began", "ended", "messages"):
                continue
            show(case, name, figure, statistics.median(values))
    for name, limit in (("endpoint", "sink"), ("mosquitto", "broker"), ("poison", "endpoint")):
        if name in found and limit in found:
            ratios = [
                one / other
                for one, other in zip(
                    found[name]["messages/s"], found[limit]["messages/s"], strict=True
                )
            ]
            show(case, name, f"of {limit}", statistics.median(ratios))


def show(case: Case, way: str, figure: str, value: float) -> None:
    line = {"benchmark": "ingest", "case": case.name(), "way": way, "figure": figure}
    print(json.dumps({**line, "value": round(value, 3)}, ensure_ascii=False), flush=True)


# --- the ways ------------------------------------------------------------------------------------


def sink(load: Load, case: Case, folder: Path) -> Run:
    port = free_port()
    process = subprocess.Popen(
        [load.program, "sink", str(port), folder / "sink"], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "listening\n"
        return load.publish(case, port)
    finally:
        stop(process)


def endpoint(load: Load, case: Case, folder: Path, poison: str = "") -> Run:
    port = free_port()
    with ingesting(folder, case, PURNA_ENDPOINT__PORT=str(port)) as process:
        password = accounts_in(DataFolder(folder).accounts)["fleet"]
        meter = Meter(process)
        run = load.publish(case, port, ("fleet", password), poison, meter.start)
        return run | meter.read(load.count(case))


def poison(load: Load, case: Case, folder: Path) -> Run:
    """Every hundredth message is wrong; all of them are named, all others stored."""
    kinds = folder / "poison.hex"
    kinds.write_text("".join(payload.hex() + "\n" for payload in POISON.values()))
    run = endpoint(load, case, folder, str(kinds))
    wrong = load.count(case) // POISONED
    connection = apsw.Connection(str(DataFolder(folder).quarantine))
    named: Any = dict(connection.execute("SELECT code, count(*) FROM rejected GROUP BY code"))
    connection.close()
    assert set(named) == set(POISON), named
    return run | {
        "named": sum(named.values()) / wrong,
        "good lost": load.count(case) - wrong - settled(folder),
    }


def broker_alone(load: Load, case: Case, folder: Path) -> Run:
    with mosquitto(folder) as port:
        subscriber = subprocess.Popen(
            [
                *(load.program, "sub", str(port), "", ""),
                *(f"{topics.PREFIX}+/{topics.TELEMETRY}", str(load.count(case))),
            ],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert subscriber.stdout is not None
        assert subscriber.stdout.readline() == "subscribed\n"
        run = load.publish(case, port)
        received = json.loads(subscriber.stdout.readline())
        subscriber.wait()
        return {"seconds": received["ended"] - run["began"]}


def through_mosquitto(load: Load, case: Case, folder: Path) -> Run:
    with mosquitto(folder) as port:
        settings = {
            "PURNA_ENDPOINT__ENABLED": "false",
            "PURNA_INGEST__MQTT_PORT": str(port),
            "PURNA_INGEST__MQTT_PROTOCOL": "3.1.1",
        }
        with ingesting(folder, case, **settings) as process:
            meter = Meter(process)
            run = load.publish(case, port, connected=meter.start)
            ended = when_settled(folder, load.count(case))
            return {"seconds": ended - run["began"]} | meter.read(load.count(case))


# --- the processes -------------------------------------------------------------------------------


@contextmanager
def ingesting(folder: Path, case: Case, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    """``purna ingest`` on this folder, as soon as it listens."""
    data = DataFolder(folder)
    data.create()
    (data.catalogue / "bench.toml").write_text(CATALOGUE_FILE)
    register(folder / "service.sqlite", case.connections).close()
    process = subprocess.Popen(
        [sys.executable, "-m", "purna.run.cli", "ingest", "--data", str(folder)],
        env={
            **os.environ,
            # One device stands for a gateway with many: its rate is not what is measured.
            "PURNA_INGEST__DEVICE_RATE": "0",
            "PURNA_LOG_LEVEL": "WARNING",
            **environment,
        },
    )
    try:
        wait_for(lambda: (beat := last_beat(data.heartbeat)) is not None and beat.connected)
        yield process
    finally:
        process.terminate()
        process.wait()


def when_settled(folder: Path, messages: int) -> float:
    """When so many good messages were committed, seconds since 1970."""
    wait_for(lambda: settled(folder) >= messages, 120.0)
    return time.time()


def settled(folder: Path) -> int:
    """Good messages that are committed without a hole in their numbers."""
    connection = apsw.Connection(str(folder / "readings.sqlite"))
    count: Any = connection.execute(
        "SELECT coalesce(sum(last - first + 1), 0) FROM ack WHERE boot = 'b1'"
    ).get
    connection.close()
    return int(count)


def wait_for(condition: Callable[[], Any], seconds: float = 60.0) -> None:
    until = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > until:
            raise TimeoutError("it did not come about in time")
        time.sleep(0.005)


class Meter:
    """What a process uses from :meth:`start` to :meth:`read`."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._folder = Path(f"/proc/{process.pid}")
        self._before = 0.0

    def start(self) -> None:
        self._before = self._cpu()

    def read(self, messages: int) -> Run:
        status = (self._folder / "status").read_text()
        peak = next(line for line in status.splitlines() if line.startswith("VmHWM"))
        return {
            "CPU µs/message": (self._cpu() - self._before) / messages * 1e6,
            "peak MB": int(peak.split()[1]) / 1024,
        }

    def _cpu(self) -> float:
        fields = (self._folder / "stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def mosquitto_program() -> str | None:
    return shutil.which("mosquitto") or shutil.which("/usr/sbin/mosquitto")


@contextmanager
def mosquitto(folder: Path) -> Iterator[int]:
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
        yield port
    finally:
        stop(process)


def stop(process: subprocess.Popen[Any]) -> None:
    process.terminate()
    process.wait()


if __name__ == "__main__":
    main()
