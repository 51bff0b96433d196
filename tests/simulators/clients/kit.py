"""A platform that tests can take away, and the reference clients as programs that they can kill."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ingest.links.broker import BrokerAccounts, EmbeddedBroker
from ingest.stores.sqlite import SqliteReadingStore
from purna.core.readings import SeriesKey
from tests.ingest.kit import Machine, free_port, make_registry, wait_for

DEVICES, PASSWORD = [f"d{n}" for n in range(40)], "a word"
CLIENTS = Path(__file__).parents[3] / "simulators" / "clients"


class Platform:
    """Broker and ingester as processes, in one folder and on one port from start to start."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        database, _ = make_registry(folder, *DEVICES)
        database.close()
        self._accounts = BrokerAccounts(folder / "accounts.json")
        for device in DEVICES:
            self._accounts.put(device, PASSWORD)
        self.port, self._port_v5 = free_port(), free_port()
        self._broker: EmbeddedBroker | None = None
        self._ingester: subprocess.Popen[str] | None = None

    def start(self) -> None:
        if self._broker is None:
            self._broker = EmbeddedBroker(
                self._folder / "broker.toml", self._accounts.all(), self.port, self._port_v5
            )
            self._broker.start()
        if self._ingester is None:
            self._start_ingester()

    def _start_ingester(self) -> None:
        account = self._accounts.platform
        settings = {
            "mqtt_port": self.port,
            "mqtt_protocol": "3.1.1",
            "mqtt_username": account.username,
            "mqtt_password": account.password,
            "ack_interval_ms": 20.0,
        }
        self._ingester = subprocess.Popen(
            [sys.executable, "-m", "tests.ingest.runner", str(self._folder), json.dumps(settings)],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self._ingester.stdout is not None
        assert self._ingester.stdout.readline().startswith("connected")

    def kill(self) -> None:
        if self._broker is not None:
            self._broker.stop()
            self._broker = None
        self.kill_ingester()

    def kill_ingester(self) -> None:
        if self._ingester is not None:
            _end(self._ingester)
            self._ingester = None

    def machine(self) -> Machine:
        account = self._accounts.devices
        return Machine(self.port, account.username, account.password)

    def stored(self, device: str) -> list[float]:
        """The values of the device that are on disk, in the order of their time."""
        reader = SqliteReadingStore(self._folder / "readings.db", read_only=True)
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
        self, command: Sequence[str], port: int, device: str, state: Path, resend_s: int = 20
    ) -> None:
        python = command[-1].endswith("/python/device.py")
        resend = [f"--resend-s={resend_s}"] if python else [str(resend_s)]
        self._process = subprocess.Popen(
            [*command, "127.0.0.1", str(port), device, str(state), *resend],
            env={**os.environ, "DEVICE_PASSWORD": PASSWORD, "PYTHONUNBUFFERED": "1"},
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
        self._process.stdin.flush()

    def said(self, word: str) -> list[str]:
        return [line for line in list(self.lines) if line.startswith(word)]

    def wait_for(self, word: str, count: int = 1, seconds: float = 20.0) -> None:
        wait_for(lambda: len(self.said(word)) >= count, seconds)

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


def _end(process: subprocess.Popen[Any]) -> None:
    process.kill()
    process.wait()
    assert process.stdout is not None
    process.stdout.close()
