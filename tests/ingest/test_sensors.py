"""Sensors over time: jumps, standstill, gaps and wrong clocks, told once when they begin."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.directory import Directory
from ingest.links.base import Received
from ingest.payloads import Decoders
from ingest.quality import TimeWindow
from ingest.sensors import CLOCK_SAMPLES, ClockWatch, SensorLimits, SensorWatch, limits_of
from ingest.sorting import Sorter
from purna.core.catalogue import parse_product
from purna.core.clock import SECOND
from purna.core.errors import BadInput
from purna.core.readings import DeviceEvent, SeriesKey
from tests.ingest.kit import make_registry

NAN = float("nan")
SERIES = [SeriesKey("d1", "temp"), SeriesKey("d1", "free"), SeriesKey("d2", "temp")]
T0 = 1_700_000_000 * SECOND
LIMITS = SensorLimits(rate=2.0, stuck=60.0 * SECOND, gap=600.0 * SECOND)


def watch(limits: SensorLimits = LIMITS) -> SensorWatch:
    return SensorWatch(lambda key: limits if key.quantity == "temp" else None)


def look(
    sensors: SensorWatch, *readings: tuple[float, float], series: int = 0
) -> list[tuple[int, str, str]]:
    """Readings as (seconds, value); events as (seconds, code, text)."""
    events = sensors.look(
        SERIES,
        np.full(len(readings), series, np.int32),
        np.array([T0 + round(at * SECOND) for at, _ in readings], np.int64),
        np.array([value for _, value in readings], np.float64),
    )
    return [((one.ts - T0) // SECOND, one.code, one.text) for one in events]


def test_a_jump_begins_once_and_ends_with_the_next_quiet_step() -> None:
    sensors = watch()
    assert look(sensors, (0, 20.0), (10, 21.0), (20, 90.0)) == [
        (20, "jump:temp", "21 -> 90 in 10 s")
    ]
    assert look(sensors, (30, 20.0)) == []
    assert look(sensors, (40, 20.5)) == [(40, "jump.over:temp", "")]
    assert look(sensors, (50, 90.0), (60, 90.5)) == []  # not again within the hour
    assert look(sensors, (4000, 0.0), (4001, 50.0))[-1][:2] == (4001, "jump:temp")


def test_a_fast_sampler_does_not_jump_by_noise() -> None:
    assert look(watch(), (0, 20.0), (0.01, 21.0), (0.02, 20.0)) == []


def test_a_sensor_that_shows_the_same_for_long_is_stuck_until_it_moves() -> None:
    sensors = watch()
    same = [(at, 20.0) for at in range(0, 60, 10)]
    assert look(sensors, *same) == []
    assert look(sensors, (60, 20.0), (70, 20.0)) == [(60, "stuck:temp", "20 for 60 s")]
    assert look(sensors, (80, 20.1)) == [(80, "stuck.over:temp", "")]


def test_few_equal_readings_are_not_stuck_however_far_apart() -> None:
    assert look(watch(), *((at * 300, 20.0) for at in range(4))) == []


def test_a_gap_is_told_when_something_comes_again() -> None:
    sensors = watch()
    assert look(sensors, (0, 20.0), (600, 21.0), (1201, 22.0)) == [(1201, "gap:temp", "601 s")]


def test_what_is_late_is_passed_over() -> None:
    sensors = watch()
    look(sensors, (100, 20.0))
    assert look(sensors, (50, 900.0), (100, 900.0)) == []
    assert look(sensors, (110, 20.5)) == []


def test_series_without_limits_and_limits_not_given_say_nothing() -> None:
    wild = [(0.0, 0.0), (1.0, 1e9), *((float(at), 5.0) for at in range(2, 9999, 100))]
    assert look(watch(), *wild, series=1) == []
    assert look(watch(SensorLimits(NAN, NAN, NAN)), *wild) == []


def test_series_do_not_mix() -> None:
    sensors = watch()
    events = sensors.look(
        SERIES,
        np.array([0, 2, 1, 0, 2], np.int32),
        np.array([T0, T0, T0, T0 + SECOND, T0 + SECOND], np.int64),
        np.array([0.0, 100.0, 7.0, 1.0, 101.0]),
    )
    assert events == []


@given(
    st.lists(
        st.tuples(st.integers(1, 400), st.sampled_from([20.0, 20.5, 90.0])), min_size=1, max_size=40
    ),
    st.lists(st.integers(0, 40), max_size=5),
    st.randoms(use_true_random=False),
)
def test_how_readings_are_grouped_and_ordered_within_a_group_makes_no_difference(
    steps: list[tuple[int, float]], cuts: list[int], chance: object
) -> None:
    at = np.cumsum([step for step, _ in steps]).tolist()
    readings = [(float(when), value) for when, (_, value) in zip(at, steps, strict=True)]
    one_by_one, grouped = watch(), watch()
    expected = [event for reading in readings for event in look(one_by_one, reading)]
    found = []
    edges = sorted({0, len(readings), *(cut for cut in cuts if cut < len(readings))})
    for start, end in pairwise(edges):
        part = readings[start:end]
        chance.shuffle(part)  # type: ignore[attr-defined]
        found += look(grouped, *part)
    assert sorted(found) == sorted(expected)


class Clock:
    """Devices that send a reading every ten seconds, by a clock of their own."""

    def __init__(self, limit: float = 30.0) -> None:
        self.watch = ClockWatch(lambda device: limit if device != "free" else 0.0)
        self.now = T0

    def sends(self, *behind: float, device: str = "d1") -> list[tuple[str, str]]:
        """How many seconds its readings lie behind their arrival; what was said of it."""
        events: list[DeviceEvent] = []
        for seconds in behind:
            self.now += 10 * SECOND
            ts = np.array([self.now - round(seconds * SECOND)], np.int64)
            events += self.watch.look([device], np.zeros(1, np.int32), ts, self.now)
        return [(one.code, one.text) for one in events]


@pytest.mark.parametrize(("off", "code"), [(90.0, "clock.behind"), (-45.0, "clock.ahead")])
def test_a_wrong_clock_is_told_once_and_when_it_is_right_again(off: float, code: str) -> None:
    clock = Clock()
    assert clock.sends(*[off] * (CLOCK_SAMPLES - 1)) == []
    assert clock.sends(off, off, off) == [(code, f"{abs(off):.0f} s")]
    assert clock.sends(*[0.5] * CLOCK_SAMPLES) == [("clock.over", "0 s")]


def test_delays_and_a_backlog_are_no_wrong_clock() -> None:
    assert Clock().sends(*[0.1, 20.0, 0.2, 200.0] * 10) == []
    backlog = [max(0.0, 7200.0 - 200.0 * number) for number in range(60)]
    assert Clock().sends(*backlog) == []
    assert Clock().sends(*[90.0] * 40, device="free") == []


def test_two_samples_of_one_device_within_ten_seconds_count_once() -> None:
    clock = ClockWatch(lambda _: 30.0)
    for number in range(10 * CLOCK_SAMPLES):
        now = T0 + number * SECOND
        ts = np.array([now - 90 * SECOND], np.int64)
        events = clock.look(["d1"], np.zeros(1, np.int32), ts, now)
        assert bool(events) == (number == 10 * (CLOCK_SAMPLES - 1))


PUMP = {
    "id": "pump",
    "name": "Pump",
    "clock_limit_s": 30,
    "quantity": [
        {"id": "temp", "name": "T", "unit": "degC", "low": -20, "high": 120, "max_rate": 2},
        {"id": "load", "name": "L", "unit": "%", "low": 0, "high": 120},
    ],
}


def test_the_catalogue_says_what_is_watched() -> None:
    limits = limits_of(parse_product(PUMP))
    assert set(limits) == {"temp"}
    assert limits["temp"].rate == 2.0
    assert np.isnan(limits["temp"].stuck)
    for field in ("max_rate", "stuck_after_s", "gap_after_s"):
        quantity = {**PUMP["quantity"][0], field: 0}  # type: ignore[index, dict-item]
        with pytest.raises(BadInput, match=f"{field}: must be above 0"):
            parse_product({**PUMP, "quantity": [quantity]})
    with pytest.raises(BadInput, match="clock_limit_s: must be above 0"):
        parse_product({**PUMP, "clock_limit_s": -1})


def test_what_is_found_is_an_event_beside_the_readings_which_stay_as_they_are(
    tmp_path: Path,
) -> None:
    _, registry = make_registry(tmp_path, "d1")
    directory = Directory(registry, {"pump": parse_product(PUMP)}, lambda: 0.0, 60.0, 2.0)
    sorter = Sorter(Decoders(), directory, lambda _: None, lambda _: False, waveforms=False)
    times = TimeWindow.around(T0 + 60 * SECOND, 300 * SECOND, 0)
    batch = [[T0 / 1000, {"temp": 20}], [T0 / 1000 + 1000, {"temp": 90}]]
    group = sorter.sort(
        [Received("purna/v1/d1/telemetry", json.dumps({"r": batch}).encode())], (), times, 0.0
    )
    assert group.observed == [
        DeviceEvent("d1", T0 + SECOND, "quality", "jump:temp", "20 -> 90 in 1 s")
    ]
    assert group.batch.quality.tolist() == [0, 0]
    assert not group.events
