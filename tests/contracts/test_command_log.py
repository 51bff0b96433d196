"""What the command log promises, over every backend."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from ingest.command_log import KEPT, OPEN_PER_DEVICE, SqlCommandLog
from ingest.commands import Command, CommandState
from ingest.payloads.command_result import CommandResult, ResultState
from ingest.registry import SqlDeviceRegistry
from purna.core.clock import SECOND, ManualClock
from purna.core.devices import Customer, Device, Site
from purna.core.errors import BadInput, BadPayload, Conflict, NotFound
from purna.core.ids import SequentialIds
from purna.db.base import Base
from purna.db.engine import Database

START = 1_780_000_000_000_000
SITE = Site("north", Customer("acme", "Acme Water"), "North plant")
BACKENDS = ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)]


class Desk:
    """The log under a clock moved by hand."""

    def __init__(self, database: Database) -> None:
        self.clock = ManualClock(START)
        self.log = SqlCommandLog(database, self.clock, SequentialIds())

    def create(self, device: str = "p1", **given: Any) -> Command:
        settings = {"ttl_s": 60.0, "timeout_s": 10.0, "retries": 1, **given}
        return self.log.create(device, "sample.faster", {"hz": 10}, created_by="ann", **settings)

    def sent(self, after_s: float = 0.0) -> list[str]:
        self.clock.advance(round(after_s * SECOND))
        return [command.id for command in self.log.move_due()]

    def state(self, command: Command) -> CommandState:
        return self.log.get(command.id).state

    def says(self, command: Command, state: ResultState, text: str = "") -> bool:
        return self.log.take_result(CommandResult(command.device, command.id, state, text))


@pytest.fixture(params=BACKENDS)
def desk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Desk]:
    url = f"sqlite:///{tmp_path}/service.db"
    if request.param == "postgres":
        url = request.getfixturevalue("postgres_url")
    database = Database(url)
    Base.metadata.create_all(database.engine)
    SqlDeviceRegistry(database).add([Device(name, "pump", SITE) for name in ("p1", "p2")])
    yield Desk(database)
    database.close()


def test_a_command_is_sent_once_delivered_and_done(desk: Desk) -> None:
    command = desk.create()
    assert desk.log.get(command.id) == command
    assert desk.sent() == [command.id]
    assert desk.sent(9) == []
    desk.log.delivered([command.id])
    assert desk.state(command) is CommandState.DELIVERED
    assert desk.says(command, ResultState.OK, "sampling at 10 Hz")
    done = desk.log.get(command.id)
    assert done.state is CommandState.SUCCESSFUL
    assert (done.text, done.attempts) == ("sampling at 10 Hz", 1)
    assert (done.sent_at, done.delivered_at) == (START, START + 9 * SECOND)
    assert done.finished_at == START + 9 * SECOND
    assert desk.sent(1000) == []


def test_without_a_result_it_is_sent_again_and_then_times_out(desk: Desk) -> None:
    command = desk.create()
    assert desk.sent() == [command.id]
    assert desk.sent(10) == [command.id]
    assert desk.log.get(command.id).attempts == 2
    assert desk.sent(10) == []
    assert desk.state(command) is CommandState.TIMEOUT
    assert desk.says(command, ResultState.FAILED, "no such rate")  # late, and still true
    assert desk.log.get(command.id).text == "no such rate"
    assert desk.state(command) is CommandState.FAILED


def test_a_device_that_has_it_gets_its_time_from_then_on(desk: Desk) -> None:
    command = desk.create(retries=0)
    assert desk.sent() == [command.id]
    assert desk.sent(9) == []
    assert desk.says(command, ResultState.RECEIVED)
    assert desk.sent(9) == []
    assert desk.state(command) is CommandState.DELIVERED
    assert not desk.says(command, ResultState.RECEIVED)  # saying it again gains no more time
    assert desk.sent(1) == []
    assert desk.state(command) is CommandState.TIMEOUT


def test_what_could_not_be_sent_waits_without_using_up_an_attempt(desk: Desk) -> None:
    command = desk.create(retries=0)
    for _ in range(3):
        assert desk.sent(5) == [command.id]
        desk.log.postpone([command.id])
        assert desk.state(command) is CommandState.QUEUED
    assert desk.sent(60) == []
    assert desk.state(command) is CommandState.EXPIRED
    assert not desk.says(command, ResultState.OK)
    assert desk.state(command) is CommandState.EXPIRED


def test_an_attempt_that_came_through_counts_though_a_later_one_was_postponed(desk: Desk) -> None:
    command = desk.create()
    assert desk.sent() == desk.sent(10) == [command.id]
    desk.log.postpone([command.id])
    assert desk.says(command, ResultState.OK)
    assert desk.state(command) is CommandState.SUCCESSFUL


def test_a_result_counts_once_and_for_its_own_device_only(desk: Desk) -> None:
    command = desk.create()
    desk.sent()
    with pytest.raises(BadPayload) as refused:
        desk.log.take_result(CommandResult("p2", command.id, ResultState.OK))
    assert refused.value.code == "command.unknown"
    with pytest.raises(BadPayload):
        desk.log.take_result(CommandResult("p1", "cmd_9", ResultState.OK))
    assert desk.says(command, ResultState.OK, "first")
    assert not desk.says(command, ResultState.FAILED, "second")
    assert desk.log.get(command.id).text == "first"
    desk.log.delivered([command.id])
    desk.log.postpone([command.id])
    assert desk.state(command) is CommandState.SUCCESSFUL


def test_of_many_ingesters_one_sends(desk: Desk) -> None:
    made = [desk.create().id for _ in range(20)]
    with ThreadPoolExecutor(4) as pool:
        rounds = list(pool.map(lambda _: [c.id for c in desk.log.move_due()], range(4)))
    assert sorted(name for sent in rounds for name in sent) == made


def test_the_newest_come_first_a_page_at_a_time(desk: Desk) -> None:
    made = [desk.create().id for _ in range(5)]
    desk.create("p2")
    first = desk.log.of("p1", limit=3)
    assert [c.id for c in first] == made[:1:-1]
    assert [c.id for c in desk.log.of("p1", before_id=first[-1].id)] == made[1::-1]
    assert desk.log.count("p1") == 5


def test_too_many_that_wait_are_refused(desk: Desk) -> None:
    for _ in range(OPEN_PER_DEVICE):
        last = desk.create()
    with pytest.raises(Conflict):
        desk.create()
    desk.sent()
    assert desk.says(last, ResultState.OK)
    desk.create()


def test_wrong_requests_make_no_command(desk: Desk) -> None:
    with pytest.raises(NotFound):
        desk.create("nobody")
    with pytest.raises(BadInput):
        desk.log.create("p1", "no good", {}, ttl_s=1, timeout_s=1, retries=0, created_by="ann")
    with pytest.raises(NotFound):
        desk.log.get("cmd_1")
    assert desk.log.count("p1") == 0


def test_old_ones_are_forgotten(desk: Desk) -> None:
    old = desk.create()
    desk.clock.advance(KEPT)
    new = desk.create()
    desk.clock.advance(1)
    desk.log.prune()
    assert [c.id for c in desk.log.of("p1")] == [new.id]
    assert old.id != new.id
