"""What a scenario plays with: a data folder, a broker, an ingest process, devices, a disk."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import apsw

from purna.core.clock import SystemClock
from purna.core.devices import Customer, Device, Site
from purna.run.bootstrap import Platform
from purna.run.heartbeat import last_beat
from purna.run.migrate import upgrade
from purna.run.settings import load_settings
from tests.faults.audit import Audit, audit
from tests.faults.disk import Disk
from tests.faults.load import Promise, Record, Sender
from tests.faults.packets import PING, connect, packets_of
from tests.faults.proxy import Proxy
from tests.ingest.kit import free_port

DEVICES = ("d1", "d2", "d3", "d4")
_PASSWORD = "0123456789abcdefghijkl"
_PRODUCT = """
id = "pump"
name = "Pump"
[[quantity]]
id = "q0"
name = "Number"
unit = "1"
low = 0
high = 1e9
[[waveform]]
id = "vib"
name = "Vibration"
unit = "m/s2"
full_scale = 1000
"""
_MOSQUITTO = """
listener {port} 127.0.0.1
allow_anonymous true
max_inflight_messages 0
max_queued_messages 0
persistence true
persistence_location {folder}/
autosave_on_changes true
autosave_interval 1000
set_tcp_nodelay true
"""
"""As deploy/mosquitto.conf, without accounts."""


SYNC_US = 3000
"""How long a sync takes unless a scenario says otherwise: that of a commodity disk."""
_INGEST = {
    "group_wait_ms": 10.0,
    "ack_interval_ms": 20.0,
    "retry_max_s": 0.5,
    "quarantine_limit": 10_000_000,
    "seal_rows": 2000,
}


_REST_S = 6.0
"""Nothing has happened for so long: nothing will. Devices send again after two seconds."""


class Ended(Exception):
    """The ingest process ended although it should go on."""


class Ingesters:
    """Starts ingest processes of one data folder, and ends them."""

    def __init__(self, folder: Path, log: Path, environment: dict[str, str]) -> None:
        self._folder = folder
        with log.open("ab") as errors:
            self._parent = subprocess.Popen(
                [sys.executable, "-m", "tests.faults.ingester"],
                env={**os.environ, "OPENBLAS_NUM_THREADS": "1", **environment},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )

    def start(self, *patches: str) -> Running:
        arguments = ["ingest", "--data", str(self._folder), "--supervised"]
        return Running(self, self.ask({"start": arguments, "patches": patches}))

    def ask(self, request: dict[str, Any]) -> Any:
        assert self._parent.stdin is not None
        assert self._parent.stdout is not None
        print(json.dumps(request), file=self._parent.stdin, flush=True)
        return json.loads(self._parent.stdout.readline())

    def close(self) -> None:
        for stream in (self._parent.stdin, self._parent.stdout):
            if stream is not None:
                stream.close()
        self._parent.wait(10)


class Running:
    """A running ingest process."""

    def __init__(self, owner: Ingesters, pid: int) -> None:
        self._owner, self._pid = owner, pid
        self.status: int | None = None

    def send(self, sign: signal.Signals) -> None:
        os.kill(self._pid, sign)

    def poll(self) -> int | None:
        if self.status is None:
            self.status = self._owner.ask({"poll": self._pid})
        return self.status

    def kill(self) -> None:
        if self.poll() is None:
            self.send(signal.SIGKILL)
            self.status = self._owner.ask({"wait": self._pid})

    def power_off(self) -> None:
        """Kill it, if it lives, and whatever it has started."""
        self.kill()
        while living := [pid for pid, group in _living() if group == self._pid]:
            for pid in living:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(0.005)

    async def end(self, seconds: float = 30.0) -> int:
        """Its exit status, once it has ended by itself."""
        await until(lambda: self.poll() is not None, seconds, "the ingest process does not end")
        assert self.status is not None
        return self.status


def _living() -> Iterator[tuple[int, int]]:
    """Process id and group of everything that runs, without what is dead and not yet buried."""
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            state, _, group = path.read_text().rpartition(")")[2].split()[:3]
            if state != "Z":
                yield int(path.parent.name), int(group)


class Mosquitto:
    """A broker in its own folder."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        folder.mkdir()
        folder.chmod(0o777)  # as root, it gives its rights away
        self._log = folder / "log"
        self._configuration = folder / "mosquitto.conf"
        self._configuration.write_text(_MOSQUITTO.format(port=self.port, folder=folder))
        self._process: subprocess.Popen[bytes] | None = None

    async def start(self) -> None:
        program = shutil.which("mosquitto", path=f"{os.environ['PATH']}:/usr/sbin")
        assert program, "these runs need the Debian package mosquitto"
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [program, "-c", str(self._configuration)], stdout=log, stderr=log
            )
        await until(self._answers, 10, "Mosquitto does not start")

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def _answers(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0


class Rig:
    """A data folder with four devices, a disk that can fail, and the load on it all.

    ``port`` is where devices connect to; ``broker`` is None where that is the platform itself.
    """

    def __init__(
        self,
        folder: Path,
        seed: int,
        port: int,
        settings: Mapping[str, Mapping[str, Any]],
        broker: Mosquitto | None = None,
    ) -> None:
        self.folder = folder / "data"
        self.port = port
        self.broker = broker
        self.chance = random.Random(seed)
        self.start_of_time = SystemClock().now() // 1_000_000 * 1_000_000
        self.log = folder / "ingest.log"
        self.senders: list[Sender] = []
        self._seed = seed
        self._tasks: list[asyncio.Task[None]] = []
        self.proxy: Proxy | None = None
        self._frees: Promise = "puback"
        self._ingester: Running | None = None
        self._started_at = 0.0
        _prepare(self.folder, settings)
        beside = folder / "disk"
        beside.mkdir()
        self.disk = Disk(self.folder, beside)
        self.disk.turn(sync_us=SYNC_US)
        self.ingesters = Ingesters(self.folder, self.log, self.disk.environment)

    async def listening(self) -> None:
        """Wait until the ingest process listens: before that, a broker has no use for messages.

        Raises
        ------
        Ended
            When it ends instead.
        """

        def listens() -> bool:
            if self._ingester is not None and self._ingester.poll() is not None:
                raise Ended(f"the ingest process ended with status {self._ingester.status}")
            beat = last_beat(self.folder / "ingest.json")
            return beat is not None and beat.connected and beat.at > self._started_at

        await until(listens, 60, "the ingest process does not listen")

    def load(self, *, frees: Promise = "puback", again_at_once: int = 8, port: int = 0) -> None:
        """Begin to send. What is to be sent again goes out ``again_at_once`` every 5 ms."""
        self._frees = frees
        for number, device in enumerate(DEVICES):
            sender = Sender(
                device,
                port or self.port,
                self.start_of_time,
                random.Random(self._seed * 100 + number),
                frees=frees,
                again_at_once=again_at_once,
                password="" if self.broker else _PASSWORD,
            )
            self.senders.append(sender)
            self._tasks.append(asyncio.create_task(sender.run()))

    def start(self, *patches: str) -> None:
        """Start an ingest process; :attr:`ingester` is the newest one."""
        self._started_at = time.time()
        self._ingester = self.ingesters.start(*patches)

    def cut_power(self) -> None:
        """The newest ingest process dies with all it has started; what was not synced may go."""
        self.ingester.power_off()
        self.disk.cut(self.chance)

    def kill(self) -> None:
        """Kill the newest ingest process, if there is one."""
        if self._ingester is not None:
            self._ingester.kill()

    @property
    def ingester(self) -> Running:
        assert self._ingester is not None
        return self._ingester

    @property
    def records(self) -> list[Record]:
        return [sender.record for sender in self.senders]

    @property
    def sent(self) -> int:
        """How many messages have been sent, whatever became of them."""
        return sum(record.sent for record in self.records)

    @property
    def safe(self) -> int:
        """How many messages the platform itself has acknowledged to the devices."""
        by_ack = self.broker is not None or self._frees == "ack"
        return sum(
            record.promised + 1 if by_ack else len(record.accepted) for record in self.records
        )

    async def progress(self, seconds: float = 60.0) -> None:
        """Wait until the platform acknowledges something again.

        Raises
        ------
        Ended
            When the ingest process ends instead.
        """
        before = self._signs

        def goes_on() -> bool:
            if self._ingester is not None and self._ingester.poll() is not None:
                raise Ended(f"the ingest process ended with status {self._ingester.status}")
            return self._signs > before

        await until(goes_on, seconds, "nothing is acknowledged any more")

    @property
    def _signs(self) -> int:
        if self.broker is None:
            return self.safe
        return sum(record.acks for record in self.records)

    async def answers(self, seconds: float = 5.0) -> bool:
        """Whether a newcomer is let in and gets an answer."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        name, password = ("", "") if self.broker else (DEVICES[0], _PASSWORD)
        writer.write(connect("newcomer", name, password) + PING)
        incoming = packets_of(reader)
        try:
            async with asyncio.timeout(seconds):
                return [(await anext(incoming)).kind for _ in range(2)] == ["connack", "pong"]
        except (TimeoutError, asyncio.IncompleteReadError):
            return False
        finally:
            writer.close()

    async def rest(self, seconds: float = 1.0) -> None:
        """Wait until for so long nothing more has become safe."""
        last, since = self.safe, time.monotonic()
        while time.monotonic() - since < seconds:
            await asyncio.sleep(0.02)
            if self.safe != last:
                last, since = self.safe, time.monotonic()

    def hold_store(self) -> Callable[[], None]:
        """Lock the readings file, as another program might; returns what lets go of it."""
        other = apsw.Connection(str(self.folder / "readings.sqlite"))
        other.set_busy_timeout(5000)
        other.execute("BEGIN IMMEDIATE")
        return other.close

    async def standstill(self, limit: float = 180.0) -> None:
        """Stop sending anything new; wait until all is safe, or nothing more happens."""
        for sender in self.senders:
            sender.paused = True
        now = time.monotonic()
        last, since, end = (-1, -1), now, now + limit
        while self.safe < self.sent and now < min(since + _REST_S, end):
            await asyncio.sleep(0.02)
            now = time.monotonic()
            beat = last_beat(self.folder / "ingest.json")
            moved = (self.safe, beat.counters["received"] if beat else 0)
            if moved != last:
                last, since = moved, now

    def audit(self, *promises: Promise) -> Audit:
        """By default of everything that counts as a promise while the broker lives."""
        return audit(self.folder, self.records, promises or ("puback", "ack"), self.start_of_time)

    async def close(self) -> None:
        self.ingesters.close()
        for task in self._tasks:
            task.cancel()
        for end in await asyncio.gather(*self._tasks, return_exceptions=True):
            if not isinstance(end, asyncio.CancelledError):
                raise RuntimeError("a device of the load has failed") from end


def _prepare(folder: Path, settings: Mapping[str, Mapping[str, Any]]) -> None:
    folder.mkdir()
    lines = []
    for section, values in settings.items():
        lines.append(f"[{section}]")
        lines += [f"{name} = {json.dumps(value)}" for name, value in values.items()]
    (folder / "purna.toml").write_text("\n".join(lines))
    platform = Platform(load_settings(folder))
    platform.folder.create()
    (platform.folder.catalogue / "pump.toml").write_text(_PRODUCT)
    upgrade(platform.db)
    site = Site("north", Customer("acme", "Acme"), "North")
    platform.registry.add([Device(name, "pump", site) for name in DEVICES])
    for name in DEVICES:
        platform.credentials.set_password(name, _PASSWORD, 0)
    platform.db.close()


@contextlib.asynccontextmanager
async def rig_of(
    link: str, seed: int, *, meddle: bool = False, **ingest: Any
) -> AsyncIterator[Rig]:
    """A rig whose devices speak to the platform over ``link``; see :data:`LINKS`.

    With ``meddle`` a proxy that cuts stands between the ingest process and the broker; ``ingest``
    are settings.
    """
    with tempfile.TemporaryDirectory(prefix="purna-faults-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        async with LINKS[link](folder, seed, meddle, {**_INGEST, **ingest}) as rig:
            try:
                yield rig
            except BaseException:
                kept = Path(tempfile.gettempdir()) / f"purna-faults-{os.getpid()}.log"
                shutil.copyfile(rig.log, kept)
                print(f"the ingest process's log: {kept}", file=sys.stderr)
                raise


@contextlib.asynccontextmanager
async def _behind_mosquitto(
    folder: Path, seed: int, meddle: bool, ingest: Mapping[str, Any]
) -> AsyncIterator[Rig]:
    broker = Mosquitto(folder / "mosquitto")
    await broker.start()
    proxy = Proxy(broker.port, random.Random(seed), longest=0.4, new_ids=True)
    await proxy.start()
    settings = {
        "endpoint": {"enabled": False},
        "ingest": {**ingest, "mqtt_port": proxy.port if meddle else broker.port},
    }
    rig = Rig(folder, seed, broker.port, settings, broker)
    rig.proxy = proxy
    try:
        yield rig
    finally:
        await rig.close()
        await proxy.close()
        broker.kill()


@contextlib.asynccontextmanager
async def _at_endpoint(
    folder: Path, seed: int, _meddle: bool, ingest: Mapping[str, Any]
) -> AsyncIterator[Rig]:
    port = free_port()
    rig = Rig(folder, seed, port, {"endpoint": {"port": port}, "ingest": ingest})
    try:
        yield rig
    finally:
        await rig.close()


LINKS = {"mosquitto": _behind_mosquitto, "endpoint": _at_endpoint}
"""Ways from a device into the platform."""


async def until(condition: Callable[[], Any], seconds: float, what: str) -> None:
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(f"{what} (after {seconds:.0f} s)")
        await asyncio.sleep(0.01)
