"""Commands go down to devices and their results come up; revoked devices are shown out."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ingest.command_log import SqlCommandLog
from ingest.commands import Command, CommandState
from ingest.credentials import SqlCredentials
from ingest.downward import Downward
from ingest.links.base import Received
from ingest.passwords import make_password
from ingest.stores.memory import MemoryReadingStore
from purna.core.clock import SECOND, ManualClock, SystemClock
from purna.core.errors import RetryLater
from purna.core.ids import SequentialIds, TimeOrderedIds
from purna.db.engine import Database
from tests.ingest.conftest import RunningBroker
from tests.ingest.kit import Line, Machine, make_registry, wait_for


class RecordingLink:
    """A link that notes what it is asked to do."""

    def __init__(self) -> None:
        self.connected = True
        self.published: list[tuple[str, dict[str, Any], str]] = []
        self.expelled: list[str] = []
        self.acknowledged: list[str] = []

    def start(self) -> None: ...

    def stop(self) -> None: ...

    def receive(self, limit: int, timeout: float) -> list[Received]:
        return []

    def acknowledge(self, messages: object, refused: object = None) -> None: ...

    def publish(self, topic: str, payload: bytes, key: str = "") -> bool:
        if self.connected:
            self.published.append((topic, json.loads(payload), key))
        return self.connected

    def delivered(self) -> list[str]:
        done, self.acknowledged = self.acknowledged, []
        return done

    def expel(self, device: str) -> None:
        self.expelled.append(device)


class Desk:
    """Downward over a real database and a clock moved by hand, one look at a time."""

    def __init__(self, database: Database) -> None:
        self.clock = ManualClock(1_780_000_000_000_000)
        self.link = RecordingLink()
        self.credentials = SqlCredentials(database)
        self.commands = SqlCommandLog(database, self.clock, SequentialIds())
        self.downward = Downward(self.link, self.credentials, self.commands)

    def create(self) -> Command:
        return self.commands.create(
            "d1", "blink", {}, ttl_s=60, timeout_s=10, retries=1, created_by="ann"
        )

    def round(self) -> None:
        self.downward.look()
        self.downward.pump()
        self.downward.look()

    def state(self, command: Command) -> CommandState:
        return self.commands.get(command.id).state


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    database, _ = make_registry(tmp_path, "d1", "d2")
    yield Desk(database)
    database.close()


def test_a_command_goes_out_under_its_id_and_the_delivery_is_noted(desk: Desk) -> None:
    command = desk.create()
    desk.round()
    ((topic, payload, key),) = desk.link.published
    assert topic == "purna/v1/d1/command"
    assert payload["id"] == key == command.id
    assert desk.state(command) is CommandState.SENT
    desk.link.acknowledged = [key]
    desk.round()
    assert desk.state(command) is CommandState.DELIVERED
    assert len(desk.link.published) == 1


def test_without_a_connection_a_command_waits(desk: Desk) -> None:
    desk.link.connected = False
    command = desk.create()
    desk.round()
    assert desk.state(command) is CommandState.QUEUED
    desk.link.connected = True
    desk.clock.advance(5 * SECOND)
    desk.round()
    assert desk.state(command) is CommandState.SENT
    assert len(desk.link.published) == 1


def test_who_lost_something_is_shown_out_once(desk: Desk) -> None:
    for now in (1, 2):
        desk.credentials.set_password("d1", make_password(), now)
    desk.downward.start()  # sessions begun from now on know this password
    try:
        desk.credentials.revoke("d2", 2)

        def shown_out() -> bool:
            desk.downward.pump()
            return bool(desk.link.expelled)

        wait_for(shown_out, seconds=5)
    finally:
        desk.downward.stop()
    desk.round()
    assert desk.link.expelled == ["d2"]


def test_a_failing_database_is_waited_for_and_a_bug_is_not_hidden(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks, failures = (
        threading.Semaphore(0),
        [RetryLater("database.unavailable"), ValueError("bug")],
    )

    def look() -> None:
        looks.release()
        raise failures.pop(0)

    monkeypatch.setattr("ingest.downward._LOOK_EVERY_S", 0.01)
    monkeypatch.setattr(desk.downward, "look", look)
    desk.downward.start()
    for _ in range(2):
        assert looks.acquire(timeout=5)
    desk.downward.stop()
    with pytest.raises(ValueError, match="bug"):
        desk.downward.pump()


def test_a_device_is_told_and_its_result_is_taken(
    tmp_path: Path, broker: RunningBroker, machine: Machine
) -> None:
    """Over a real broker, with the ingester that takes results."""
    clock = SystemClock()
    database, _ = make_registry(tmp_path, "d1")
    commands = SqlCommandLog(database, clock, TimeOrderedIds(clock))
    line = Line(tmp_path, MemoryReadingStore(), broker.settings(), take_result=commands.take_result)
    downward = Downward(line.link, SqlCredentials(database), commands)
    line.each_step = downward.pump
    machine.listen("purna/v1/d1/command", "purna/v1/d1/reject")
    line.start()
    downward.start()
    try:
        command = commands.create(
            "d1", "blink", {"times": 3}, ttl_s=60, timeout_s=30, retries=0, created_by="ann"
        )
        wait_for(lambda: machine.heard)
        assert machine.heard[0][1]["args"] == {"times": 3}
        for state in ("received", "ok", "ok"):
            answer = {"id": command.id, "state": state, "text": "blinked"}
            machine.send("purna/v1/d1/command/result", json.dumps(answer).encode())
        counts = line.settled(3)
        assert (counts["stored"], counts["duplicates"]) == (2, 1)
        done = commands.get(command.id)
        assert (done.state, done.text) == (CommandState.SUCCESSFUL, "blinked")
        assert done.delivered_at is not None
        machine.send("purna/v1/d1/command/result", b'{"id": "cmd_x", "state": "ok"}')
        assert line.settled(4)["quarantined"] == 1
        wait_for(lambda: len(machine.heard) == 2)
        assert machine.heard[1][1]["code"] == "command.unknown"
    finally:
        downward.stop()
        line.stop()
        database.close()
