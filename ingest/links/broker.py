"""The broker that Purna starts itself: rumqttd from the ``iotcore`` wheel, on loopback.

What it can't do, and whoever needs it takes a broker of his own: it keeps everything in memory,
so what it had accepted and not delivered is lost when it dies; it holds back a limited backlog
for an ingester that is away; it reads its accounts at the start; and it has no rights per topic,
so every account may publish under every device's id.
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import iotcore

from purna.core.errors import AskOperator

HOST = "127.0.0.1"
PLATFORM, DEVICES = "platform", "devices"

_PACKET_BYTES = 1024 * 1024
"""Above this the broker cuts the connection. Far above the contract's limit for a message, so that
a device that sends too much hears why."""
_SEGMENT_BYTES = 10 * 1024 * 1024
_SEGMENTS = 10


@dataclass(frozen=True, slots=True)
class Credentials:
    """A user name and its password; the password does not show when printed."""

    username: str
    password: str = field(repr=False)


class BrokerAccounts:
    """The accounts of the embedded broker, in a file that only its owner may read.

    There is one for the platform, one (``devices``) for simulated fleets and gateways, and one
    for each device that was given a password. A change counts from the broker's next start.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    @property
    def platform(self) -> Credentials:
        return Credentials(PLATFORM, self._read()[PLATFORM])

    @property
    def devices(self) -> Credentials:
        return Credentials(DEVICES, self._read()[DEVICES])

    def all(self) -> Mapping[str, str]:
        """Passwords by user name; a device's user name is its id."""
        return self._read()

    def put(self, device: str, password: str) -> None:
        with self._changing() as accounts:
            accounts[device] = password

    def remove(self, device: str) -> None:
        with self._changing() as accounts:
            accounts.pop(device, None)

    def _read(self) -> dict[str, str]:
        if not self._path.exists():
            with self._changing() as accounts:
                return accounts
        return dict(json.loads(self._path.read_text("utf-8")))

    @contextmanager
    def _changing(self) -> Iterator[dict[str, str]]:
        """The accounts, to be changed by one process at a time; made when there are none."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.with_name(self._path.name + ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            accounts = {name: secrets.token_urlsafe(18) for name in (PLATFORM, DEVICES)}
            if self._path.exists():
                accounts = dict(json.loads(self._path.read_text("utf-8")))
            yield accounts
            _write_private(self._path, json.dumps(accounts, indent=1))


class EmbeddedBroker:
    """One rumqttd in a child process that ends with ours.

    Parameters
    ----------
    config_path
        Where its configuration is written, readable by its owner only.
    accounts
        Passwords by user name; nobody else gets in.
    port, port_v5
        For MQTT 3.1.1 and MQTT 5, which this broker takes on separate ports.
    """

    def __init__(
        self, config_path: Path, accounts: Mapping[str, str], port: int, port_v5: int
    ) -> None:
        self._config_path = config_path
        self._accounts = dict(accounts)
        self._ports = {"broker.port": port, "broker.port_v5": port_v5}
        self._broker: iotcore.Broker | None = None

    @property
    def running(self) -> bool:
        return self._broker is not None and bool(self._broker.is_running)

    def start(self) -> None:
        """Start it, and return when it takes connections.

        Raises
        ------
        AskOperator
            When a port is taken, or the broker does not come up.
        """
        for setting, port in self._ports.items():
            _check_free(setting, port)
        port, port_v5 = self._ports.values()
        _write_private(self._config_path, configuration(self._accounts, port, port_v5))
        self._broker = iotcore.Broker(config_path=str(self._config_path))
        try:
            self._broker.start()
        except (OSError, RuntimeError) as error:
            self._broker = None
            raise AskOperator(
                "broker.start", f"The embedded broker does not start ({error})."
            ) from error

    def stop(self) -> None:
        if self._broker is not None:
            self._broker.stop()
            self._broker = None


def configuration(accounts: Mapping[str, str], port: int, port_v5: int) -> str:
    """The broker's configuration as TOML.

    It keeps messages in memory by size and not by need, and drops the oldest in silence. With
    these sizes it holds about 600,000 small messages for an ingester that is away, and takes up
    to 300 MB for it in the end.
    """
    auth = "\n".join(f"{json.dumps(name)} = {json.dumps(word)}" for name, word in accounts.items())
    listeners = "\n".join(
        f"""
[{version}.1]
name = "{version}"
listen = "{HOST}:{number}"
next_connection_delay_ms = 1

[{version}.1.connections]
connection_timeout_ms = 60000
max_payload_size = {_PACKET_BYTES}
max_inflight_count = 100
dynamic_filters = false

[{version}.1.connections.auth]
{auth}
"""
        for version, number in (("v4", port), ("v5", port_v5))
    )
    return f"""id = 0

[router]
id = 0
max_connections = 10010
max_outgoing_packet_count = 200
max_segment_size = {_SEGMENT_BYTES}
max_segment_count = {_SEGMENTS}
{listeners}"""


def _check_free(setting: str, port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise AskOperator(
                "broker.port",
                f"Port {port} on {HOST} can't be used for the broker ({error.strerror}): stop "
                f"what listens there, or choose another port with the setting {setting}.",
            ) from error


def _write_private(path: Path, text: str) -> None:
    """Replace a file in one step; nobody but its owner can read it at any moment."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(path.name + ".new")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
