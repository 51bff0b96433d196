"""A broker nobody here wrote, for the tests of the link behind a broker: rumqttd from ``iotcore``.

It keeps everything in memory, holds back a limited backlog, reads its accounts at the start, and
has no rights per topic.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Mapping
from pathlib import Path

import iotcore

from purna.core.errors import AskOperator

HOST = "127.0.0.1"
ACCOUNTS = {"platform": "a password of the platform", "devices": "a password of devices"}

_PACKET_BYTES = 1024 * 1024
"""Above this the broker cuts the connection. Far above the contract's limit for a message, so that
a device that sends too much hears why."""
_SEGMENT_BYTES = 10 * 1024 * 1024
_SEGMENTS = 10


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
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(0o600)
    path.write_text(text, encoding="utf-8")
