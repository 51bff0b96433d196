"""A running endpoint for the tests: devices, a taker that acknowledges, and raw sockets."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ingest.caps import Buckets
from ingest.links.base import Received
from ingest.links.endpoint.access import Access
from ingest.links.endpoint.link import EndpointLink
from ingest.links.endpoint.settings import EndpointSettings
from purna.core.errors import RetryLater
from tests.ingest.kit import wait_for
from tests.ingest.links.endpoint import wire

PASSWORDS = {"d1": "secret of d1", "d2": "secret of d2", "gate": "secret of gate"}
ACCOUNTS = {"fleet": "secret of the fleet", "feed": "secret of the feed"}
NOW = 1_780_000_000_000_000
BEHIND = {"gate": frozenset({"d2", "d3"})}


class Register:
    """Credentials in memory; ``down`` makes them unavailable as a database can be."""

    def __init__(self) -> None:
        self.passwords: dict[str, str] = dict(PASSWORDS)
        self.certificates: dict[str, str] = {}
        self.down = False
        self.asked = 0

    def verify(self, device: str, password: str) -> bool:
        self.asked += 1
        if self.down:
            raise RetryLater("database.unavailable", "the database is away")
        return self.passwords.get(device) == password

    def device_of_certificate(self, fingerprint: str, common_name: str) -> str | None:
        if self.down:
            raise RetryLater("database.unavailable", "the database is away")
        known = self.certificates.get(fingerprint)
        return known or (common_name if common_name in self.passwords else None)

    def behind(self, gateway: str) -> frozenset[str]:
        return BEHIND.get(gateway, frozenset())


class Endpoint:
    """An endpoint on a free port. What it takes is in ``taken``; it is acknowledged unless
    ``holding``; messages whose payload is in ``refusing`` are set aside with that text."""

    def __init__(self, folder: Path, buckets: Buckets | None = None, **settings: Any) -> None:
        self.register = Register()
        self.taken: list[Received] = []
        self.holding = False
        self.refusing: Mapping[bytes, str] = {}
        self.failure: BaseException | None = None
        self._held: list[Received] = []
        self._may_take = threading.Event()
        self._may_take.set()
        access = Access(self.register, self.register.behind, ACCOUNTS, b"key")
        given = EndpointSettings.model_validate({"port": 0, "tls_port": 0, **settings})
        self.link = EndpointLink(
            given, access, folder / "sessions.sqlite", lambda: NOW, buckets=buckets
        )
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._take)

    @property
    def port(self) -> int:
        return self.link.ports[0]

    @property
    def payloads(self) -> list[bytes]:
        return [message.payload for message in self.taken]

    def start(self) -> None:
        self.link.start()
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._may_take.set()
        self._thread.join()
        self.link.stop()

    def stop_taking(self) -> None:
        """As a store that hangs."""
        self._may_take.clear()
        time.sleep(0.05)

    def go_on_taking(self) -> None:
        self._may_take.set()

    def release(self) -> None:
        """Acknowledge what was held."""
        self.holding = False

    def wait_for(self, count: int) -> list[bytes]:
        wait_for(lambda: len(self.taken) >= count)
        return self.payloads

    def _take(self) -> None:
        try:
            self._take_until_stopped()
        except BaseException as error:
            self.failure = error

    def _take_until_stopped(self) -> None:
        while not self._stop.is_set():
            self._may_take.wait(5)
            messages = self.link.receive(1000, 0.02)
            self.taken += messages
            self._held += messages
            if self._held and not self.holding:
                held, self._held = self._held, []
                refused = {
                    number: self.refusing[message.payload]
                    for number, message in enumerate(held)
                    if message.payload in self.refusing
                }
                self.link.acknowledge(held, refused)


@contextmanager
def endpoint_in(
    folder: Path, buckets: Buckets | None = None, **settings: Any
) -> Iterator[Endpoint]:
    endpoint = Endpoint(folder, buckets, **settings)
    endpoint.start()
    try:
        yield endpoint
    finally:
        endpoint.stop()


class Raw:
    """A client on a bare socket, with the test's own codec: it can also do wrong."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=10)
        self._data = b""

    def send(self, *packets: bytes) -> None:
        self.socket.sendall(b"".join(packets))

    def read(self) -> wire.Packet | None:
        """The next packet; None when the server has closed."""
        while True:
            found = wire.split(self._data)
            if found is not None:
                packet, self._data = found
                return packet
            try:
                more = self.socket.recv(65_536)
            except ConnectionResetError:
                return None
            if not more:
                return None
            self._data += more

    def connect(
        self, name: str = "d1", *, v5: bool = False, password: str = "", **given: Any
    ) -> wire.Packet:
        """Send CONNECT, expect to be let in, return CONNACK."""
        word = password or PASSWORDS.get(name) or ACCOUNTS[name]
        self.send(wire.connect(given.pop("client", name), name, word, v5=v5, **given))
        answer = self.read()
        assert answer is not None
        assert answer.kind == wire.CONNACK
        assert answer.body[1] == 0, answer
        return answer

    def close(self) -> None:
        self.socket.close()

    def __enter__(self) -> Raw:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
