"""Each reference client against the running platform: what it has kept arrives, once.

A measurement is one reading; its value is its number, so that the store tells what is missing or
doubled.
"""

from __future__ import annotations

import json
import re
import threading
from pathlib import Path

import pytest

from ingest.check import Verdict
from ingest.commands import CommandState
from ingest.payloads import json_v1
from purna.core.clock import SystemClock
from purna.run.checking import Check, listen_on
from tests.embedded_broker import EmbeddedBroker
from tests.ingest.kit import Machine, free_port, wait_for
from tests.simulators.clients.conftest import Start
from tests.simulators.clients.kit import CLIENTS, Client, Platform

BEGIN = (SystemClock().now() // 1_000_000 - 3600) * 1_000_000


@pytest.mark.parametrize("path", sorted(CLIENTS.glob("*/device.*")), ids=lambda p: p.parent.name)
def test_a_client_can_be_read_in_one_go(path: Path) -> None:
    assert len(path.read_text().splitlines()) < 300


def test_the_page_shows_a_measurement_that_the_platform_takes() -> None:
    page = (CLIENTS.parents[1] / "docs" / "clients.md").read_text("utf-8")
    [example] = re.findall(r"```json telemetry\n(.*?)\n```", page, re.DOTALL)
    assert json_v1.decode("d1", example.encode()).rows


def test_measurements_arrive_and_ack_empties_the_buffer(start: Start, platform: Platform) -> None:
    client = start()
    follower = platform.machine()
    follower.listen(f"purna/v1/{client.device}/status")
    client.wait_for("connected")
    client.measure(*range(50), begin=BEGIN)
    client.finish()  # it ends when everything is acknowledged
    assert len(client.said("kept")) == 50
    assert client.said("freed")
    assert not client.said("resend")
    assert platform.stored(client.device) == list(range(50))
    wait_for(lambda: follower.heard and not follower.heard[-1][1]["online"])
    assert follower.heard[0][1]["online"]
    follower.close()
    platform.kill()
    start().finish()  # nothing is left: it ends without having anybody to talk to


def test_while_the_platform_is_away_measurements_wait_and_then_arrive_once(
    start: Start, platform: Platform
) -> None:
    platform.kill()
    client = start(resend_s=2)
    client.measure(*range(40), begin=BEGIN)
    client.wait_for("kept", 40)
    client.wait_for("no connection")
    platform.start()
    client.wait_for("freed")
    before = len(client.said("no connection"))
    platform.kill()
    client.wait_for("no connection", before + 1)
    client.measure(*range(40, 80), begin=BEGIN + 40_000_000)
    client.wait_for("kept", 80)
    platform.start()
    client.finish()
    assert platform.stored(client.device) == list(range(80))


def test_kill_9_loses_nothing_that_was_kept(start: Start, platform: Platform) -> None:
    platform.kill()
    sure: list[int] = []
    boots: list[str] = []
    for kill in range(5):
        if kill == 2:
            platform.start()  # the first two have left something for it
        client = start(resend_s=2)
        if kill >= 2:
            client.wait_for("connected")
        given = range(200 * kill, 200 * kill + 200)
        client.measure(*given, begin=BEGIN + given[0] * 1_000_000)
        client.wait_for("kept", 20 + 30 * kill)
        client.kill()
        kept = client.said("kept")
        sure += given[: len(kept)]
        boots.append(kept[0].split()[1])
    last = start(resend_s=2)
    last.finish()
    stored = platform.stored(last.device)
    assert set(sure) <= set(stored)
    assert len(stored) == len(set(stored))
    assert boots == sorted(set(boots))


def test_a_reject_is_told_and_does_not_stop_what_follows(start: Start, platform: Platform) -> None:
    client = start()
    client.wait_for("connected")
    client.measure(1, begin=BEGIN)
    client.measure("hot", begin=BEGIN + 1_000_000)
    client.measure(3, begin=BEGIN + 2_000_000)
    client.finish()
    [told] = client.said("reject")
    assert told.startswith("reject field.type The field m.q0 must be a number")
    assert platform.stored(client.device) == [1, 3]


def test_the_device_check_finds_nothing_wrong_with_it(command: list[str], tmp_path: Path) -> None:
    check, stop, ports = Check("d1", None, 1000), threading.Event(), list[int]()
    clock = SystemClock()
    thread = threading.Thread(
        target=listen_on, args=(check, "127.0.0.1", 0, clock, stop, ports.append)
    )
    thread.start()
    wait_for(lambda: ports)
    for start in range(2):
        client = Client(command, ports[0], "d1", "any word", tmp_path / "state")
        client.measure(*range(30), begin=BEGIN + start * 30_000_000)
        client.finish()
        client.kill()
    stop.set()
    thread.join()
    assert check.messages >= 60
    good = (Verdict.PASS, Verdict.UNSEEN)
    assert [grade for grade in check.grades() if grade.verdict not in good] == []


def test_without_an_ack_it_sends_again(command: list[str], tmp_path: Path) -> None:
    """A broker that has taken a message may still lose it: here nobody listens behind it."""
    port = free_port()
    broker = EmbeddedBroker(tmp_path / "broker.toml", {"d1": "word"}, port, free_port())
    broker.start()
    client = Client(command, port, "d1", "word", tmp_path / "state", 1)
    try:
        client.wait_for("connected")
        client.measure(*range(5), begin=BEGIN)
        client.wait_for("resend")
        assert not client.said("freed")
    finally:
        client.kill()
        broker.stop()


def test_a_command_is_obeyed_and_answered(start: Start, platform: Platform) -> None:
    client = start()
    client.wait_for("connected")
    asked = [
        platform.commands.create(
            client.device, name, {"name": "no"}, ttl_s=60, timeout_s=30, retries=0, created_by="ann"
        )
        for name in ("ping", "fly")
    ]

    def states() -> list[CommandState]:
        return [platform.commands.get(command.id).state for command in asked]

    wait_for(lambda: states() == [CommandState.SUCCESSFUL, CommandState.FAILED], 20)
    assert platform.commands.get(asked[0].id).text == "pong"
    client.finish()
    assert client.said("command") == [
        f"command {asked[0].id} ping",
        f"command {asked[1].id} fly",
    ]


def test_a_command_that_comes_again_is_answered_again_and_not_done_again(
    command: list[str], tmp_path: Path
) -> None:
    port = free_port()
    accounts = {"d1": "word", "ann": "word"}
    broker = EmbeddedBroker(tmp_path / "broker.toml", accounts, port, free_port())
    broker.start()
    client = Client(command, port, "d1", "word", tmp_path / "state")
    try:
        client.wait_for("connected")
        machine = Machine(port, "ann", "word")
        machine.listen("purna/v1/d1/command/result")
        asked = {"args": {"id": "9"}, "id": "1", "name": "ping", "expires": 2**50}
        for _ in range(2):
            machine.send("purna/v1/d1/command", json.dumps(asked).encode())
        wait_for(lambda: [said["state"] for _, said in machine.heard].count("ok") == 2)
        assert {said["id"] for _, said in machine.heard} == {"1"}
        assert client.said("command") == ["command 1 ping"]
        machine.close()
    finally:
        client.kill()
        broker.stop()
