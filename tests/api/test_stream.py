"""The live stream: numbered, over several processes, with nothing missed after a break."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.app import create_app
from api.v1.summary.changes import Changes, Position
from api.v1.summary.live import Live
from api.v1.summary.schemas import Topic
from tests.api.plant import Plant
from tests.api.server import Server, Visitor


class Script:
    """Changes that the test makes."""

    def __init__(self) -> None:
        self.waiting: list[dict[Topic, str]] = []
        self.asked = 0
        self.fails = False

    def position(self) -> Position:
        return Position(0, 0)

    def since(self, position: Position) -> tuple[Position, dict[Topic, str]]:
        self.asked += 1
        if self.fails:
            raise OSError("database is away")
        return position, self.waiting.pop(0) if self.waiting else {}


def live(script: Script, **seconds: float) -> Live:
    given = {"poll_seconds": 0.001, "heartbeat_seconds": 5.0, "life_seconds": 5.0, **seconds}
    return Live(script, **given)  # type: ignore[arg-type]


async def events(stream: AsyncIterator[str], count: int) -> list[tuple[str, dict[str, Any]]]:
    """The next events as ``(id, data)``; other lines are passed over."""
    found = []
    async for lines in stream:
        if lines.startswith("id:"):
            first, second = lines.strip().split("\n")
            found.append((first[4:], json.loads(second[6:])))
            if len(found) == count:
                break
    return found


def test_events_are_numbered_one_by_one_and_all_listeners_get_the_same() -> None:
    async def scene() -> None:
        script = Script()
        stream = live(script)
        async with aclosing(stream.follow()) as one, aclosing(stream.follow()) as two:
            await anext(one), await anext(two)
            script.waiting += [{"orders": "ord_1"}, {"alerts": "", "assessments": ""}]
            first, second = await asyncio.gather(events(one, 3), events(two, 3))
        assert first == second
        assert [data for _, data in first] == [
            {"seq": 1, "topic": "orders", "id": "ord_1"},
            {"seq": 2, "topic": "alerts", "id": ""},
            {"seq": 3, "topic": "assessments", "id": ""},
        ]

    asyncio.run(scene())


def test_who_comes_back_is_told_exactly_what_he_missed() -> None:
    async def scene() -> None:
        script = Script()
        stream = live(script)
        async with aclosing(stream.follow()) as all_along:
            await anext(all_along)
            async with aclosing(stream.follow()) as first:
                await anext(first)
                script.waiting.append({"orders": "a"})
                ((last, _),) = await events(first, 1)
            script.waiting += [{"orders": "b"}, {"orders": "c"}]
            await events(all_along, 3)
            async with aclosing(stream.follow(last)) as again:
                assert [data["id"] for _, data in await events(again, 2)] == ["b", "c"]

    asyncio.run(scene())


@pytest.mark.parametrize("last", ["feedface-7", "x", "", "feedface-99999999999999999999", "-", "é"])
def test_who_comes_from_another_process_is_told_of_every_topic(last: str) -> None:
    async def scene() -> None:
        async with aclosing(live(Script()).follow(last)) as stream:
            told = [data["topic"] for _, data in await events(stream, 3)]
            assert told == ["orders", "alerts", "assessments"]

    asyncio.run(scene())


def test_what_is_too_long_ago_to_be_remembered_counts_as_unknown() -> None:
    async def scene() -> None:
        script = Script()
        stream = live(script, poll_seconds=0)
        async with aclosing(stream.follow()) as listener:
            await anext(listener)
            script.waiting += [{"orders": "x"}] * 300
            first, *_ = await events(listener, 300)
            async with aclosing(stream.follow(first[0])) as again:
                told = [data["topic"] for _, data in await events(again, 3)]
                assert told == ["orders", "alerts", "assessments"]

    asyncio.run(scene())


def test_nobody_listens_nobody_asks_and_what_happened_meanwhile_is_told() -> None:
    async def scene() -> None:
        script = Script()
        stream = live(script)
        async with aclosing(stream.follow()) as listener:
            await anext(listener)
            script.waiting.append({"orders": "a"})
            ((last, _),) = await events(listener, 1)
        await asyncio.sleep(0.02)
        asked = script.asked
        await asyncio.sleep(0.02)
        assert script.asked == asked
        script.waiting.append({"orders": "b"})
        async with aclosing(stream.follow(last)) as listener:
            assert [data["id"] for _, data in await events(listener, 1)] == ["b"]

    asyncio.run(scene())


def test_a_database_that_is_away_for_a_while_does_not_end_the_stream() -> None:
    async def scene() -> None:
        script = Script()
        async with aclosing(live(script).follow()) as listener:
            await anext(listener)
            script.fails = True
            await asyncio.sleep(0.02)
            script.fails, script.waiting = False, [{"orders": "a"}]
            assert len(await events(listener, 1)) == 1

    asyncio.run(scene())


def test_a_listener_who_does_not_read_is_let_go_and_others_are_not_held_up() -> None:
    async def scene() -> None:
        script = Script()
        stream = live(script, poll_seconds=0)
        async with aclosing(stream.follow()) as slow, aclosing(stream.follow()) as quick:
            await anext(slow), await anext(quick)
            script.waiting += [{"orders": "x"}] * 200
            assert len(await events(quick, 200)) == 200
            kept = [lines async for lines in slow if lines.startswith("id:")]
            assert 0 < len(kept) < 200

    asyncio.run(scene())


def test_silence_is_broken_by_heartbeats_and_a_stream_ends_in_time() -> None:
    async def scene() -> None:
        stream = live(Script(), heartbeat_seconds=0.01, life_seconds=0.1)
        lines = [line async for line in stream.follow()]
        assert lines[0].startswith("retry:")
        assert len([line for line in lines if line.startswith(":")]) >= 2

    asyncio.run(scene())


def test_changes_name_the_order_or_say_that_it_was_several(plant: Plant) -> None:
    changes = Changes(plant.alerts, plant.assessments)
    start = changes.position()
    plant.furnish()
    position, found = changes.since(start)
    assert found == {"orders": "", "alerts": "", "assessments": ""}
    assert changes.since(position) == (position, {})
    order = plant.order_of("pump-01")
    plant.alerts.accept(order, "ada")
    assert changes.since(position)[1]["orders"] == order


def test_a_browser_hears_of_a_change_and_goes_on_from_there(console: Visitor, plant: Plant) -> None:
    def listen(headers: dict[str, str], change: str = "") -> tuple[str, dict[str, Any]]:
        with console.stream("GET", "/api/v1/stream", headers=headers, timeout=10) as answer:
            assert answer.headers["content-type"].startswith("text/event-stream")
            assert answer.headers["cache-control"] == "no-store"
            assert "content-encoding" not in answer.headers
            event_id = ""
            for line in answer.iter_lines():
                if line.startswith(":") and change:  # all is set up: the first heartbeat
                    plant.alerts.accept(plant.order_of(change), "ada")
                    change = ""
                elif line.startswith("id: "):
                    event_id = line[4:]
                elif line.startswith("data: "):
                    return event_id, json.loads(line[6:])
        raise AssertionError("the stream ended")

    last, event = listen({}, change="pump-01")
    assert event == {"seq": 1, "topic": "orders", "id": plant.order_of("pump-01")}
    plant.alerts.accept(plant.order_of("pump-02"), "ada")
    _, event = listen({"Last-Event-ID": last})
    assert event == {"seq": 2, "topic": "orders", "id": plant.order_of("pump-02")}


def test_a_change_in_one_process_is_heard_in_another(
    console: Visitor, plant: Plant, tmp_path: Path
) -> None:
    with Server() as other:
        other.app = create_app(plant.services_of_another_process(), console=tmp_path)
        cookies = {"Cookie": f"purna_session={console.cookies['purna_session']}"}
        url = f"{other.address}/api/v1/stream"
        with httpx.stream("GET", url, headers=cookies, timeout=10) as answer:
            for line in answer.iter_lines():
                if line.startswith(":"):
                    order = plant.order_of("pump-01")
                    console.post(f"/api/v1/orders/{order}/accept", json={})
                if line.startswith("data: "):
                    assert json.loads(line[6:])["id"] == order
                    break
