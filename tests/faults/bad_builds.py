"""Builds that are wrong on purpose. Whoever trusts the suite wants to see it catch them.

Each is a patch of the running product, made in the ingester's process before it starts; the
product itself has no such options.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

import apsw

from ingest.links import mqtt
from ingest.links.base import Link, Received
from ingest.links.endpoint.connection import Connection
from ingest.links.endpoint.link import EndpointLink
from ingest.links.endpoint.server import Server
from ingest.links.mqtt import MqttLink
from ingest.quarantine import SqliteQuarantine
from ingest.stores import sqlite_schema
from ingest.stores.sqlite import SqliteReadingStore
from ingest.stores.waveforms import SqliteWaveformStore


def acknowledge_on_arrival() -> None:
    """What an MQTT library does by itself: the acknowledgement goes out with the callback."""
    for link in LINKS:
        _patch(link, receive=_acknowledging(link), acknowledge=lambda *_, **__: None)


def _acknowledging(link: type[Link]) -> Any:
    receive, acknowledge = link.receive, link.acknowledge

    def receive_and_acknowledge(self: Link, limit: int, timeout: float) -> list[Received]:
        messages = receive(self, limit, timeout)
        acknowledge(self, messages)
        return messages

    return receive_and_acknowledge


def synchronous_normal() -> None:
    """A commit that is not synced: survives every kill, and loses the last ones to a power cut."""
    make_durable = sqlite_schema.make_durable

    def make_half_durable(connection: apsw.Connection) -> None:
        make_durable(connection)
        connection.pragma("synchronous", "NORMAL")

    _patch(sqlite_schema, make_durable=make_half_durable)


def acknowledge_without_generation() -> None:
    """Packet ids of an older connection are acknowledged on the present one."""
    acknowledge = MqttLink.acknowledge

    def acknowledge_whatever(
        self: MqttLink, messages: Sequence[Received], *args: Any, **given: Any
    ) -> None:
        renewed = [
            message._replace(token=mqtt.Token(self._generation, message.token.packet))
            for message in messages
            if message.token is not None
        ]
        acknowledge(self, renewed, *args, **given)

    _patch(MqttLink, acknowledge=acknowledge_whatever)


def acknowledge_by_client_id() -> None:
    """The endpoint acknowledges to the client of that name, on whatever connection it is now."""
    present: dict[str, Connection] = {}
    accept, acknowledge = Connection.accept, Server.acknowledge

    def accept_and_remember(self: Connection, identity: Any, *args: Any, **given: Any) -> Any:
        present[identity.name] = self
        return accept(self, identity, *args, **given)

    def acknowledge_the_name(
        self: Server, groups: Mapping[Any, list[bytes]], refused: Sequence[Any]
    ) -> None:
        ids: dict[Any, list[bytes]] = {}
        for owner, more in groups.items():
            ids.setdefault(present[owner.identity.name], []).extend(more)
        acknowledge(self, ids, refused)

    _patch(Connection, accept=accept_and_remember)
    _patch(Server, acknowledge=acknowledge_the_name)


def quarantine_after_acknowledgement() -> None:
    """Refused messages are set aside once they are acknowledged already."""
    add = SqliteQuarantine.add
    waiting: list[tuple[Any, ...]] = []
    _patch(SqliteQuarantine, add=lambda *given: waiting.append(given))
    for link in LINKS:
        _patch(link, acknowledge=_then(link.acknowledge, lambda: _drain(waiting, add)))


def readings_before_the_rest() -> None:
    """Readings, and with them the numbers for ``ack``, are committed before waveforms and refused
    messages: whoever frees by ``ack`` may lose those."""
    waiting: list[Callable[[], object]] = []
    add_waveforms, set_aside = SqliteWaveformStore.add, SqliteQuarantine.add

    def add_later(self: SqliteWaveformStore, waveforms: Sequence[Any]) -> list[bool]:
        waiting.append(lambda: add_waveforms(self, waveforms))
        return [True] * len(waveforms)

    def set_aside_later(*given: Any) -> None:
        waiting.append(lambda: set_aside(*given))

    commit = SqliteReadingStore.commit

    def commit_first(self: SqliteReadingStore, *given: Any) -> Any:
        committed = commit(self, *given)
        while waiting:
            waiting.pop()()
        return committed

    _patch(SqliteWaveformStore, add=add_later)
    _patch(SqliteQuarantine, add=set_aside_later)
    _patch(SqliteReadingStore, commit=commit_first)


def _then(action: Callable[..., None], more: Callable[[], None]) -> Callable[..., None]:
    def both(*args: Any, **given: Any) -> None:
        action(*args, **given)
        more()

    return both


def _drain(waiting: list[tuple[Any, ...]], action: Callable[..., None]) -> None:
    while waiting:
        action(*waiting.pop())


def sync_errors_ignored() -> None:
    """What a disk says about a failed sync does not reach anybody."""

    class DeafFile(apsw.VFSFile):
        def xSync(self, flags: int) -> None:  # noqa: N802 - apsw's name
            with suppress(apsw.IOError):
                super().xSync(flags)

    class DeafDisk(apsw.VFS):
        def __init__(self) -> None:
            super().__init__("deaf", "unix", makedefault=True)

        def xOpen(self, name: Any, flags: list[int]) -> apsw.VFSFile:  # noqa: N802
            return DeafFile("unix", name, flags)

    _kept.append(DeafDisk())


BAD_BUILDS: Mapping[str, Callable[[], None]] = {
    "acknowledge_on_arrival": acknowledge_on_arrival,
    "synchronous_normal": synchronous_normal,
    "acknowledge_without_generation": acknowledge_without_generation,
    "acknowledge_by_client_id": acknowledge_by_client_id,
    "quarantine_after_acknowledgement": quarantine_after_acknowledgement,
    "readings_before_the_rest": readings_before_the_rest,
    "sync_errors_ignored": sync_errors_ignored,
}

LINKS: tuple[type[Link], ...] = (MqttLink, EndpointLink)

_kept: list[object] = []  # a VFS lives as long as its Python object


def _patch(owner: Any, **replacements: Any) -> None:
    for name, replacement in replacements.items():
        if not hasattr(owner, name):
            raise AttributeError(f"{owner} has no {name} any more: this bad build has to follow")
        setattr(owner, name, replacement)
