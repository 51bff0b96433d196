"""Dirt comes at its odds, and loses nothing but the readings it names."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import msgspec
import numpy as np
import pytest

from purna.core.clock import DAY, from_iso
from simulators.dirt import CLEAN, Odds, disorder, lose
from simulators.encode import Message
from simulators.fleet import Fleet

START = from_iso("2026-03-01T00:00:00Z")


def messages(count: int) -> list[Message]:
    return [Message("purna/v1/d/telemetry", str(i).encode(), i) for i in range(count)]


def test_readings_go_missing_at_the_odds() -> None:
    draws = np.random.default_rng(1).random((1000, 100))
    lost = np.isnan(lose(np.ones((1000, 100)), draws, Odds(missing=0.01)))
    assert lost.mean() == pytest.approx(0.01, abs=0.001)


def test_messages_come_late_doubled_and_swapped_at_the_odds() -> None:
    draws = np.random.default_rng(2).random((20_000, 4))
    told = messages(20_000)
    now, later = disorder(zip(told, draws, strict=True), Odds(0, 0.03, 0.02, 0.01, late_ticks=5))
    count = Counter(now)
    assert len(later) / 20_000 == pytest.approx(0.03, abs=0.004)
    assert {delay for delay, _ in later} == {1, 2, 3, 4, 5}
    assert sum(n == 2 for n in count.values()) / 20_000 == pytest.approx(0.02, abs=0.004)
    swapped = sum(a.ts > b.ts for a, b in pairwise(now))
    assert swapped / 20_000 == pytest.approx(0.01, abs=0.003)
    assert set(count) | {message for _, message in later} == set(told)


def test_without_dirt_everything_arrives_once_and_in_order() -> None:
    draws = np.random.default_rng(3).random((500, 4))
    assert disorder(zip(messages(500), draws, strict=True), CLEAN) == (messages(500), [])


def test_a_dirty_fleet_says_what_a_clean_one_says_but_for_missing_readings() -> None:
    def told(odds: Odds) -> tuple[int, dict[tuple[str, int, str], float]]:
        fleet = Fleet(4, START, odds=odds)
        live = [*fleet.history(START + 4 * DAY), *fleet.advance(START + 12 * DAY)]
        readings = {}
        for message in live:
            if message.topic.endswith("/telemetry"):
                body = msgspec.json.decode(message.payload)
                for ts, values in body.get("r") or [(body["ts"], body["m"])]:
                    for quantity, value in values.items():
                        readings[message.topic, ts, quantity] = value
        return len(live), readings

    clean_count, clean = told(CLEAN)
    dirty_count, dirty = told(Odds(missing=0.0, late=0.05, doubled=0.05, swapped=0.05))
    assert dirty_count > clean_count
    held_back = {key for key in clean if key not in dirty}
    assert all(ts * 1000 > START + 11 * DAY for _, ts, _ in held_back)
    assert {key: clean[key] for key in dirty} == dirty
    _, holed = told(Odds(0.01, 0, 0, 0))
    assert 1 - len(holed) / len(clean) == pytest.approx(0.01, abs=0.002)


def test_a_history_holds_nothing_back_at_its_end() -> None:
    fleet = Fleet(4, START, odds=Odds(0, 0.3, 0, 0))
    seen: dict[str, list[int]] = {}
    for message in fleet.history(START + 4 * DAY):
        if message.topic.endswith("/telemetry"):
            seen.setdefault(message.topic, []).append(msgspec.json.decode(message.payload)["seq"])
    numbers = [sorted(got) == list(range(1, len(got) + 1)) for got in seen.values()]
    assert len(numbers) == 46
    assert sum(numbers) >= 40  # but for machines that were started anew, and count again
