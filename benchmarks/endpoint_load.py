"""What disturbances of the MQTT endpoint cost the others: memory, and the time to PUBACK.

    python -m benchmarks.endpoint_load [--seconds 10] [--only idle storm ...]

The ingest line runs in a process of its own: endpoint, ingester, SQLite store. Twenty good devices
publish ten messages a second each at QoS 1 and note how long PUBACK takes, which comes after the
commit. They do so first alone, then beside a disturbance from another process. That one has a low
priority, since real disturbances do not take the endpoint's own processors:

- ``idle``: 10,000 connected clients that say nothing
- ``storm``: 980 devices that connect with their passwords at once, publish a message and leave, all
  of it every two seconds
- ``slow``: 900 connections that send their CONNECT a byte every two seconds
- ``oversized``: 50 devices that send packets of 2 MiB, where 1 MiB is the limit
- ``halfopen``: 500 clients that are stopped and answer nothing any more; the endpoint has to notice
- ``unread``: 50 followers of the live feed that never read

Prints one line of JSON per figure. Only the ratio is worth comparing between machines.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import resource
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

GOOD, EVERY_S = 20, 0.1
DEVICES = 1000
PASSWORD = "p" * 32
IDLE = 10_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--only", nargs="*", choices=list(DISTURBANCES), default=None)
    parser.add_argument("--line", help=argparse.SUPPRESS)
    parser.add_argument("--disturb", nargs=3, help=argparse.SUPPRESS)
    given = parser.parse_args()
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    if given.line:
        run_line(Path(given.line))
    elif given.disturb:
        name, port, feed = given.disturb
        os.nice(10)
        asyncio.run(DISTURBANCES[name](int(port), feed))
    else:
        for name in given.only or DISTURBANCES:
            measure(name, given.seconds)


# --- the line under test -------------------------------------------------------------------


def run_line(folder: Path) -> None:
    """Ingest until standard input closes; a line on it asks for the figures."""
    import threading

    import structlog

    from benchmarks.ingest_fleet import PRODUCT
    from ingest.counters import Counters
    from ingest.credentials import SqlCredentials
    from ingest.links.endpoint.access import Access
    from ingest.links.endpoint.accounts import accounts_in
    from ingest.links.endpoint.link import EndpointLink
    from ingest.links.endpoint.settings import EndpointSettings
    from ingest.passwords import hash_password
    from ingest.quarantine import SqliteQuarantine
    from ingest.registry import SqlDeviceRegistry
    from ingest.service import Ingester
    from ingest.settings import IngestSettings
    from ingest.stores import open_store
    from ingest.tables import DeviceCredentialRow
    from purna.core.clock import SystemClock
    from purna.core.devices import Customer, Device, Site
    from purna.db.base import Base
    from purna.db.engine import Database

    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    sys.setswitchinterval(0.0005)  # as in the product
    database = Database(f"sqlite:///{folder}/service.db")
    Base.metadata.create_all(database.engine)
    registry = SqlDeviceRegistry(database)
    site = Site("s", Customer("c", "C"), "S")
    names = [f"bench-{n}" for n in range(DEVICES)]
    registry.add([Device(name, PRODUCT.id, site) for name in names])
    kept = hash_password(PASSWORD)
    with database.write() as session:
        session.add_all(
            DeviceCredentialRow(device_id=n, password_hash=kept, change=0) for n in names
        )
    accounts = accounts_in(folder / "accounts.json")
    access = Access(SqlCredentials(database), registry.behind, accounts, os.urandom(16))
    settings = EndpointSettings(port=0, max_connections=IDLE + 1000)
    link = EndpointLink(settings, access, folder / "sessions.sqlite", SystemClock().now)
    counters, stop = Counters(), threading.Event()
    ingester = Ingester(
        link,
        open_store(f"sqlite:///{folder}/readings.db"),
        SqliteQuarantine(folder / "quarantine.db"),
        registry,
        {PRODUCT.id: PRODUCT},
        SystemClock(),
        IngestSettings(),
        counters,
    )
    thread = threading.Thread(target=ingester.run, args=(stop,))
    thread.start()
    while not link.connected:
        time.sleep(0.05)
    print(json.dumps({"port": link.ports[0], **accounts}), flush=True)
    for _ in sys.stdin:
        resident = int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()
        print(json.dumps({"rss_mb": resident / 2**20, **link.figures()}), flush=True)
    stop.set()
    thread.join()


class Line:
    def __init__(self, folder: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.endpoint_load", "--line", folder],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        about = self._answer()
        self.port, self.feed = about["port"], about["feed"]

    def figures(self) -> dict[str, float]:
        assert self._process.stdin is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return self._answer()

    def stop(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(30)

    def _answer(self) -> dict[str, float]:
        assert self._process.stdout is not None
        return dict(json.loads(self._process.stdout.readline()))


# --- measuring -----------------------------------------------------------------------------


def measure(name: str, seconds: float) -> None:
    with tempfile.TemporaryDirectory() as folder:
        line = Line(folder)
        try:
            before = line.figures()
            alone = asyncio.run(latencies(line.port, seconds))
            disturbance = subprocess.Popen(
                [
                    *(sys.executable, "-m", "benchmarks.endpoint_load"),
                    *("--disturb", name, str(line.port), line.feed),
                ],
                stdout=subprocess.PIPE,
                text=True,
            )
            assert disturbance.stdout is not None
            assert disturbance.stdout.readline() == "ready\n"
            if name == "halfopen":
                disturbance.send_signal(signal.SIGSTOP)
            at_start = line.figures()
            beside = asyncio.run(latencies(line.port, seconds))
            after = line.figures()
            disturbance.kill()
            disturbance.wait()
        finally:
            line.stop()
    for what, value in (
        ("p50_ms alone", percentile(alone, 50)),
        ("p99_ms alone", percentile(alone, 99)),
        ("p50_ms beside it", percentile(beside, 50)),
        ("p99_ms beside it", percentile(beside, 99)),
        ("p99 ratio", percentile(beside, 99) / percentile(alone, 99)),
        ("connections", at_start["connections"]),
        ("memory before, MB", before["rss_mb"]),
        ("memory after, MB", after["rss_mb"]),
        ("turned away or broken", sum(after[n] for n in ("refused", "crowded", "broken"))),
        ("connections in the end", after["connections"]),
        ("messages dropped", after["dropped"]),
    ):
        print(json.dumps({"disturbance": name, "what": what, "value": round(value, 2)}), flush=True)


def percentile(values: list[float], percent: int) -> float:
    return statistics.quantiles(values, n=100)[percent - 1] * 1000


async def latencies(port: int, seconds: float) -> list[float]:
    """Seconds from publish to PUBACK, of all good devices."""
    found: list[float] = []

    async def device(number: int) -> None:
        name = f"bench-{number}"
        reader, writer = await connected(port, name, name, PASSWORD)
        await asyncio.sleep(EVERY_S * number / GOOD)
        until, packet = time.monotonic() + seconds, 0
        while time.monotonic() < until:
            packet = packet % 65_535 + 1
            payload = json.dumps({"ts": time.time() * 1000, "m": {"temp": 1.5, "vib": 2.5}})
            began = time.perf_counter()
            writer.write(publication(f"purna/v1/{name}/telemetry", payload.encode(), packet))
            answer = await reader.readexactly(4)
            assert answer[0] == 0x40
            took = time.perf_counter() - began
            found.append(took)
            await asyncio.sleep(max(0.0, EVERY_S - took))
        writer.close()

    await asyncio.gather(*(device(number) for number in range(GOOD)))
    return found


# --- disturbances --------------------------------------------------------------------------


async def idle(port: int, _feed: str) -> None:
    kept = []
    for start in range(0, IDLE, 50):
        kept += await asyncio.gather(
            *(
                connected(port, f"idle-{n}", f"bench-{20 + n % (DEVICES - 20)}", PASSWORD, alive=0)
                for n in range(start, start + 50)
            )
        )
    await forever(len(kept))


async def storm(port: int, _feed: str) -> None:
    async def come_and_go(number: int) -> None:
        name = f"bench-{number}"
        while True:
            try:
                reader, writer = await connected(port, name, name, PASSWORD)
                payload = json.dumps({"ts": time.time() * 1000, "m": {"flow": 1.0}}).encode()
                writer.write(publication(f"purna/v1/{name}/telemetry", payload, 1))
                await reader.readexactly(4)
                writer.close()
            except (OSError, EOFError):
                pass
            await asyncio.sleep(2 - time.time() % 2)

    tasks = [asyncio.create_task(come_and_go(number)) for number in range(GOOD, DEVICES)]
    await forever(len(tasks))


async def slow(port: int, _feed: str) -> None:
    packet = connect_packet("slow", "bench-20", PASSWORD)

    async def dribble() -> None:
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                for byte in packet:
                    writer.write(bytes([byte]))
                    await writer.drain()
                    await asyncio.sleep(2)
            except OSError:
                await asyncio.sleep(0.1)

    tasks = [asyncio.create_task(dribble()) for _ in range(900)]
    await forever(len(tasks))


async def oversized(port: int, _feed: str) -> None:
    async def send(number: int) -> None:
        name = f"bench-{number}"
        packet = publication(f"purna/v1/{name}/telemetry", b"x" * 2 * 1024 * 1024, 1)
        while True:
            try:
                reader, writer = await connected(port, name, name, PASSWORD)
                writer.write(packet)
                await writer.drain()
                await reader.read()
                writer.close()
            except OSError:
                await asyncio.sleep(0.01)

    tasks = [asyncio.create_task(send(number)) for number in range(GOOD, GOOD + 50)]
    await forever(len(tasks))


async def halfopen(port: int, _feed: str) -> None:
    kept = [
        await connected(port, f"half-{n}", f"bench-{20 + n}", PASSWORD, alive=2) for n in range(500)
    ]
    await forever(len(kept))


async def unread(port: int, feed: str) -> None:
    kept = []
    for number in range(50):
        reader, writer = await connected(port, f"unread-{number}", "feed", feed)
        writer.write(b"\x82\x06\x00\x01\x00\x01#\x00")
        await reader.readexactly(5)
        writer.transport.pause_reading()
        kept.append(writer)
    await forever(len(kept))


async def forever(_count: int) -> None:
    print("ready", flush=True)
    while True:
        await asyncio.sleep(3600)


DISTURBANCES: dict[str, Callable[[int, str], Awaitable[None]]] = {
    "idle": idle,
    "storm": storm,
    "slow": slow,
    "oversized": oversized,
    "halfopen": halfopen,
    "unread": unread,
}


# --- as much MQTT 3.1.1 as that takes --------------------------------------------------------


async def connected(
    port: int, client: str, name: str, password: str, alive: int = 60
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(connect_packet(client, name, password, alive))
    answer = await reader.readexactly(4)
    if answer[3]:
        raise ConnectionRefusedError(answer[3])
    return reader, writer


def connect_packet(client: str, name: str, password: str, alive: int = 60) -> bytes:
    body = b"\x00\x04MQTT\x04\xc2" + alive.to_bytes(2, "big")
    return packet_of(0x10, body + text(client) + text(name) + text(password))


def publication(topic: str, payload: bytes, packet: int) -> bytes:
    return packet_of(0x32, text(topic) + packet.to_bytes(2, "big") + payload)


def packet_of(first: int, body: bytes) -> bytes:
    length, digits = len(body), []
    while True:
        length, digit = length >> 7, length & 127
        digits.append(digit | (128 if length else 0))
        if not length:
            return bytes([first, *digits]) + body


def text(value: str) -> bytes:
    return len(value).to_bytes(2, "big") + value.encode()


if __name__ == "__main__":
    main()
