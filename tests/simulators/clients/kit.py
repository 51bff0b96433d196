"""A platform that tests can take away, and the reference clients as programs that they can kill."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from ingest.registry import SqlDeviceRegistry
from ingest.stores.sqlite import SqliteReadingStore
from purna.core.readings import SeriesKey
from purna.db.engine import Database
from purna.run.folder import DataFolder
from purna.run.heartbeat import last_beat
from purna.run.migrate import upgrade
from tests.embedded_broker import ACCOUNTS, EmbeddedBroker
from tests.ingest.kit import Machine, device, free_port, wait_for

DEVICES, PASSWORD = [f"d{n}" for n in range(40)], "a word"
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
    """Broker and ingester as processes, in one folder and on one port from start to start."""

    def __init__(self, folder: Path) -> None:
        self._folder = DataFolder(folder)
        self._folder.create()
        (self._folder.catalogue / "pump.toml").write_text(PRODUCT)
        database = Database(f"sqlite:///{folder}/service.sqlite")
        upgrade(database)
        SqlDeviceRegistry(database).add([device(name) for name in DEVICES])
        database.close()
        self.port, self._port_v5 = free_port(), free_port()
        self._broker: EmbeddedBroker | None = None
        self._ingester: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        if self._broker is None:
            self._broker = EmbeddedBroker(
                self._folder.path / "broker.toml",
                {**ACCOUNTS, **dict.fromkeys(DEVICES, PASSWORD)},
                self.port,
                self._port_v5,
            )
            self._broker.start()
        if self._ingester is None:
            self._start_ingester()

    def _start_ingester(self) -> None:
        began = time.time()
        self._ingester = subprocess.Popen(
            [sys.executable, "-m", "purna.run.cli", "ingest", "--data", str(self._folder.path)],
            env={
                **os.environ,
                "PURNA_ENDPOINT__ENABLED": "false",
                "PURNA_INGEST__MQTT_PORT": str(self.port),
                "PURNA_INGEST__MQTT_PROTOCOL": "3.1.1",
                "PURNA_INGEST__MQTT_USERNAME": "platform",
                "PURNA_INGEST__MQTT_PASSWORD": ACCOUNTS["platform"],
                "PURNA_INGEST__ACK_INTERVAL_MS": "20",
            },
            stderr=subprocess.DEVNULL,
        )

        def listens() -> bool:
            beat = last_beat(self._folder.heartbeat)
            return beat is not None and beat.at > began and beat.connected

        wait_for(listens, 30)

    def kill(self) -> None:
        if self._broker is not None:
            self._broker.stop()
            self._broker = None
        self.kill_ingester()

    def kill_ingester(self) -> None:
        if self._ingester is not None:
            self._ingester.kill()
            self._ingester.wait()
            self._ingester = None

    def machine(self) -> Machine:
        return Machine(self.port, "devices", ACCOUNTS["devices"])

    def stored(self, device: str) -> list[float]:
        """The values of the device that are on disk, in the order of their time."""
        reader = SqliteReadingStore(self._folder.path / "readings.sqlite", read_only=True)
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
