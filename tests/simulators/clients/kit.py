"""A platform that tests can take away, and the reference clients as programs that they can kill."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

from ingest.device_requests import DeviceRequest
from ingest.stores.sqlite import SqliteReadingStore
from purna.core.devices import Customer, Site
from purna.core.readings import SeriesKey
from purna.run.bootstrap import Platform as Installation
from purna.run.migrate import upgrade
from purna.run.settings import load_settings
from tests.faults.rig import Ingesters, Running
from tests.ingest.kit import Machine, free_port, wait_for

CLIENTS = Path(__file__).parents[3] / "simulators" / "clients"
PRODUCT = """
id = "pump"
name = "Pump"
[[quantity]]
id = "q0"
name = "Q0"
unit = "1"
low = -1e9
high = 1e9
"""


class Platform:
    """`purna ingest` with the endpoint, in one folder and on one port from start to start."""

    def __init__(self, folder: Path) -> None:
        data = folder / "data"
        (data / "catalogue").mkdir(parents=True)
        (data / "catalogue" / "pump.toml").write_text(PRODUCT)
        self.port = free_port()
        (data / "purna.toml").write_text(
            f"[endpoint]\nport = {self.port}\n[ingest]\nack_interval_ms = 20\n"
        )
        self.installation = Installation(load_settings(data))
        upgrade(self.installation.db)
        self.installation.enrolment.add_site(Site("north", Customer("acme", "Acme"), "North"))
        self.commands = self.installation.commands
        self._starter = Ingesters(data, folder / "ingest.log", {})
        self._running: Running | None = None

    def register(self, device: str) -> str:
        """Its password."""
        return self.installation.enrolment.register(DeviceRequest(device, "pump", "north"))

    def start(self) -> None:
        if self._running is None:
            self._running = self._starter.start()
            wait_for(self._listens, 60)

    def _listens(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def kill(self) -> None:
        if self._running is not None:
            self._running.kill()
            self._running = None

    def close(self) -> None:
        self.kill()
        self._starter.close()
        self.installation.db.close()

    def machine(self) -> Machine:
        account = self.installation.feed_account
        return Machine(self.port, account.username, account.password)

    def stored(self, device: str) -> list[float]:
        """The values of the device that are on disk, in the order of their time."""
        reader = SqliteReadingStore(self.installation.readings_file, read_only=True)
        key = SeriesKey(device, "q0")
        try:
            return list(reader.read([key], 0, 2**62)[key].value.tolist())
        except KeyError:
            return []
        finally:
            reader.close()


class Client:
    """A reference client at work; ``lines`` are what it has said."""

    def __init__(
        self,
        command: Sequence[str],
        port: int,
        device: str,
        password: str,
        state: Path,
        resend_s: int = 20,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        python = command[-1].endswith("/python/device.py")
        resend = [f"--resend-s={resend_s}"] if python else [str(resend_s)]
        self._process = subprocess.Popen(
            [*command, "127.0.0.1", str(port), device, str(state), *resend],
            env={
                **os.environ,
                "DEVICE_PASSWORD": password,
                "PYTHONUNBUFFERED": "1",
                **(environment or {}),
            },
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.device = device
        self.lines: list[str] = []
        self._reading = threading.Thread(target=self._read)
        self._reading.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.lines.append(line.strip())

    def measure(self, *values: object, begin: int) -> None:
        """Give it one measurement each, a second apart from ``begin`` (micros)."""
        assert self._process.stdin is not None
        for number, value in enumerate(values):
            ts = begin // 1000 + 1000 * number
            self._process.stdin.write(json.dumps({"ts": ts, "m": {"q0": value}}) + "\n")
        with contextlib.suppress(BrokenPipeError):  # it may have been killed meanwhile
            self._process.stdin.flush()

    def said(self, word: str) -> list[str]:
        return [line for line in list(self.lines) if line.startswith(word)]

    def wait_for(self, word: str, count: int = 1, seconds: float = 20.0) -> None:
        wait_for(lambda: len(self.said(word)) >= count, seconds)

    @property
    def ended(self) -> bool:
        return self._process.poll() is not None

    def finish(self, seconds: float = 30.0) -> None:
        """No more measurements: it ends when the platform has them all."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        assert self._process.wait(seconds) == 0, self.lines
        self._reading.join()

    def kill(self) -> None:
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGKILL)
        self._process.wait()
        self._reading.join()
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            pipe.close()
