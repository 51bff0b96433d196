"""Dirt comes at its odds, and loses nothing but the readings it names."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from itertools import pairwise

import msgspec
import numpy as np
import pytest

from purna.core.clock import DAY, from_iso
from simulators.dirt import CLEAN, Odds, delay, lose, shuffle
from simulators.encode import Message
from simulators.fleet import Fleet

START = from_iso("2026-03-01T00:00:00Z")


def test_readings_go_missing_at_the_odds() -> None:
    draws = np.random.default_rng(1).random((1000, 100))
    lost = np.isnan(lose(np.ones((1000, 100)), draws, Odds(missing=0.01)))
    assert lost.mean() == pytest.approx(0.01, abs=0.001)


def test_messages_come_late_at_the_odds() -> None:
    draws = np.random.default_rng(2).random((20_000, 4))
    odds = Odds(0, 0.03, 0, 0, late_ticks=5)
    now, later = delay(zip(range(20_000), draws, strict=True), odds)
    assert len(later) / 20_000 == pytest.approx(0.03, abs=0.004)
    assert {ticks for ticks, _ in later} == {1, 2, 3, 4, 5}
    assert sorted([*now, *(number for _, number in later)]) == list(range(20_000))


def test_messages_come_doubled_and_swapped_at_the_odds() -> None:
    draws = np.random.default_rng(2).random((20_000, 4))
    arrived = shuffle(zip(range(20_000), draws, strict=True), Odds(0, 0, 0.02, 0.01))
    count = Counter(arrived)
    assert set(count) == set(range(20_000))
    assert sum(n == 2 for n in count.values()) / 20_000 == pytest.approx(0.02, abs=0.004)
    swapped = sum(a > b for a, b in pairwise(arrived))
    assert swapped / 20_000 == pytest.approx(0.01, abs=0.003)


def test_without_dirt_everything_arrives_once_and_in_order() -> None:
    draws = np.random.default_rng(3).random((500, 4))
    assert delay(zip(range(500), draws, strict=True), CLEAN) == (list(range(500)), [])
    assert shuffle(zip(range(500), draws, strict=True), CLEAN) == list(range(500))


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


def test_late_messages_leave_no_hole_in_the_numbers() -> None:
    fleet = Fleet(4, START, odds=Odds(0, 0.3, 0, 0))
    numbers: dict[tuple[str, str], list[int]] = {}

    def note(messages: Iterable[Message]) -> int:
        rows = 0
        for message in messages:
            if message.topic.endswith("/telemetry"):
                body = msgspec.json.decode(message.payload)
                numbers.setdefault((message.topic, body["boot"]), []).append(body["seq"])
                rows += len(body.get("r", [None]))
        return rows

    # A history is told to its end; of the live messages some are still on their way.
    assert note(fleet.history(START + 20 * DAY)) == 46 * 20 * 48
    assert 0 < 46 * 20 * 48 - note(fleet.advance(START + 40 * DAY)) < 46 * 12
    assert len(numbers) > 46
    assert all(seen == list(range(1, len(seen) + 1)) for seen in numbers.values())
