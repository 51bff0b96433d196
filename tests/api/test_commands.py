"""Commands over the API."""

from __future__ import annotations

import pytest

from ingest.payloads.command_result import CommandResult, ResultState
from purna.core.clock import SECOND
from tests.api.plant import Plant
from tests.api.server import Visitor

URL = "/api/v1/devices/pump-01/commands"
BLINK = {"name": "blink", "arguments": {"times": 3}, "ttl_seconds": 60, "retries": 0}


def test_a_command_is_seen_from_queued_to_done(console: Visitor, plant: Plant) -> None:
    made = console.post(URL, json=BLINK)
    assert made.status_code == 201
    command = made.json()
    assert command["state"] == "queued"
    assert command["created_by"] == "ada"
    assert command["expires_at"] == "2026-03-01T06:01:00Z"
    url = f"{URL}/{command['id']}"
    assert console.get(url).json() == command

    plant.commands.move_due()
    assert console.get(url).json()["state"] == "sent"
    plant.real_clock.advance(SECOND)
    plant.commands.delivered([command["id"]])
    assert console.get(url).json()["delivered_at"] == "2026-03-01T06:00:01Z"
    plant.commands.take_result(CommandResult("pump-01", command["id"], ResultState.OK, "blinked"))
    done = console.get(url).json()
    assert (done["state"], done["text"], done["attempts"]) == ("successful", "blinked", 1)


def test_a_command_belongs_to_its_device(console: Visitor) -> None:
    command = console.post(URL, json=BLINK).json()
    other = URL.replace("pump-01", "pump-02")
    assert console.get(f"{other}/{command['id']}").status_code == 404
    assert console.get(other).json()["items"] == []


def test_commands_are_paged_newest_first(console: Visitor) -> None:
    made = [console.post(URL, json=BLINK).json()["id"] for _ in range(3)]
    first = console.get(f"{URL}?limit=2").json()
    assert [c["id"] for c in first["items"]] == made[:0:-1]
    assert first["total"] == 3
    rest = console.get(f"{URL}?limit=2&cursor={first['next_cursor']}").json()
    assert [c["id"] for c in rest["items"]] == made[:1]
    assert rest["next_cursor"] is None


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": "no good"}, "name"),
        ({"arguments": [1]}, "arguments"),
        ({"arguments": {"a": "x" * 17_000}}, "arguments"),
        ({"arguments": {"a": "\0"}}, "arguments"),
        ({"ttl_seconds": 0}, "ttl_seconds"),
        ({"retries": 11}, "retries"),
        ({"timeout_seconds": "soon"}, "timeout_seconds"),
    ],
)
def test_a_wrong_command_names_the_field(
    console: Visitor, plant: Plant, change: dict[str, object], field: str
) -> None:
    answer = console.post(URL, json={**BLINK, **change})
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == [field]
    assert plant.commands.count("pump-01") == 0


def test_a_device_that_is_not_there_gets_none(console: Visitor) -> None:
    assert console.post(URL.replace("pump-01", "pump-99"), json=BLINK).status_code == 404
