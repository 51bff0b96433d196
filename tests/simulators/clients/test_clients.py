"""Each reference client against the running platform: what it has kept arrives, once.

A measurement is one reading; its value is its number, so that the store tells what is missing or
doubled.
"""

from __future__ import annotations

import json
import re
import time
from pathlib import Path

import pytest

from ingest.payloads import json_v1
from purna.core.clock import SystemClock
from tests.ingest.kit import wait_for
from tests.simulators.clients.conftest import Start
from tests.simulators.clients.kit import CLIENTS, Platform

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
    machine = platform.machine()
    machine.listen(f"purna/v1/{client.device}/status")
    client.wait_for("connected")
    client.measure(*range(50), begin=BEGIN)
    client.finish()  # it ends when everything is acknowledged
    assert len(client.said("kept")) == 50
    assert client.said("freed")
    assert not client.said("resend")
    assert platform.stored(client.device) == list(range(50))
    wait_for(lambda: machine.heard and not machine.heard[-1][1]["online"])
    assert machine.heard[0][1]["online"]
    machine.close()
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
    platform.kill()
    client.wait_for("no connection", len(client.said("no connection")) + 1)
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


def test_without_an_ack_it_sends_again(start: Start, platform: Platform) -> None:
    """A broker that has taken a message may still lose it: here nobody listens behind it."""
    platform.kill_ingester()
    client = start(resend_s=1)
    client.wait_for("connected")
    client.measure(*range(5), begin=BEGIN)
    client.wait_for("resend")
    assert not client.said("freed")


def test_a_command_is_obeyed_once_and_answered_each_time(start: Start, platform: Platform) -> None:
    client = start()
    machine = platform.machine()
    machine.listen(f"purna/v1/{client.device}/command/result")
    client.wait_for("connected")
    expires = round(time.time() * 1000) + 60_000
    for key, name in (("1", "ping"), ("1", "ping"), ("2", "fly")):
        asked = {"args": {"name": "no"}, "id": key, "name": name, "expires": expires}
        machine.send(f"purna/v1/{client.device}/command", json.dumps(asked).encode())

    def results() -> list[tuple[str, str]]:
        told = [(said["id"], said["state"]) for _, said in machine.heard]
        return [result for result in told if result[1] != "received"]

    wait_for(lambda: len(results()) == 3)
    assert results() == [("1", "ok"), ("1", "ok"), ("2", "failed")]
    client.finish()
    assert client.said("command") == ["command 1 ping", "command 2 fly"]
    machine.close()
