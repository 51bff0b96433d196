from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.frames import FleetReader, Grid, Timeline, read_means
from purna.core.clock import DAY, HOUR, MINUTE
from purna.core.devices import Device, Maintenance
from purna.core.readings import DeviceEvent, Points, SeriesKey
from tests.models.fleets import EPOCH, SITE, ArrayStore, plant, product


def test_a_step_holds_the_readings_after_the_last_end_and_up_to_its_own() -> None:
    store = ArrayStore()
    ends = EPOCH + HOUR * np.array([1, 2, 3])
    store.put("d", "q", [EPOCH, EPOCH + 1, ends[0], ends[0] + 1, ends[2]], [9.0, 1, 3, 7, 5])
    out = np.full((1, 1, 3), np.nan, np.float32)
    read_means(store, ["d"], ["q"], Grid(HOUR, int(ends[0]), 3), out)
    assert out[0, 0].tolist() == [2.0, 7.0, 5.0]


def test_only_good_readings_count() -> None:
    store = ArrayStore()
    ts = np.array([EPOCH + 1, EPOCH + 2, EPOCH + HOUR + 1])
    store.points[SeriesKey("d", "q")] = Points(
        ts, np.array([1.0, 99.0, 99.0]), np.array([0, 1, 2], np.uint8)
    )
    out = np.full((1, 1, 2), np.nan, np.float32)
    read_means(store, ["d"], ["q"], Grid(HOUR, EPOCH + HOUR, 2), out)
    assert out[0, 0, 0] == 1.0
    assert np.isnan(out[0, 0, 1])


@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 50), st.integers(0, 50)), max_size=30),
    st.lists(st.tuples(st.integers(0, 3), st.integers(-5, 60), st.integers(0, 20)), min_size=1),
)
def test_a_timeline_answers_as_a_loop_would(
    instants: list[tuple[int, int, int]], asked: list[tuple[int, int, int]]
) -> None:
    device, ts, value = np.array(instants, np.int64).reshape(-1, 3).T
    who, when, width = np.array(asked, np.int64).T
    plain, valued = Timeline(device, ts), Timeline(device, ts, value)
    for row in range(len(asked)):
        mine = [(t, v) for d, t, v in instants if d == who[row]]
        past = [(t, v) for t, v in mine if t <= when[row]]
        inside = [t for t, _ in past if t > when[row] - width[row]]
        later = [t for t, _ in mine if t > when[row]]
        assert plain.count(who, when - width, when)[row] == len(inside)
        assert plain.last(who, when)[row] == max([t for t, _ in past], default=-1)
        assert valued.last(who, when)[row] == max([v for _, v in past], default=-1)
        assert plain.next(who, when)[row] == min(later, default=-1)


def test_a_replacement_counts_after_it_happened_and_not_before_it_was_learnt_of() -> None:
    small = plant(count=1, days=10)
    late = Maintenance("pump-00", "fan", EPOCH + DAY, False, EPOCH + 3 * DAY)
    fleet = FleetReader(small.product).read(small.store, small.devices, [late], [small.until])
    days = EPOCH + DAY * np.array([1, 2, 3, 4])
    last = fleet.replacements("fan").last(np.zeros(4, np.int64), days)
    assert last.tolist() == [-1, -1, EPOCH + DAY, EPOCH + DAY]
    at_once = Maintenance("pump-00", "fan", EPOCH + DAY, False, EPOCH + DAY)
    fleet = FleetReader(small.product).read(small.store, small.devices, [at_once], [small.until])
    last = fleet.replacements("fan").last(np.zeros(4, np.int64), days)
    assert last.tolist() == [-1, EPOCH + DAY, EPOCH + DAY, EPOCH + DAY]


def test_the_next_round_reads_only_the_new_steps_and_ends_in_the_same_fleet() -> None:
    small = plant(count=3, days=20)
    reader = FleetReader(small.product)
    first = small.until - 5 * HOUR
    reader.read(small.store, small.devices, small.maintenance, [first])
    small.store.given = 0
    for end in range(first + HOUR, small.until + 1, HOUR):
        grown = reader.read(small.store, small.devices, small.maintenance, [end])
    assert small.store.given <= 3 * 4 * 5
    fresh = FleetReader(small.product).read(
        small.store, small.devices, small.maintenance, [small.until]
    )
    assert grown.grid == fresh.grid
    assert np.array_equal(grown.values, fresh.values, equal_nan=True)
    assert grown.codes == fresh.codes
    assert sorted(grown.event_ts) == sorted(fresh.event_ts)


def test_asking_for_an_earlier_end_reads_late_data_anew() -> None:
    small = plant(count=1, days=5, gap=0.0)
    reader = FleetReader(small.product)
    reader.read(small.store, small.devices, [], [small.until])
    key = SeriesKey("pump-00", "vibration")
    points = small.store.points[key]
    touched = small.until - 10 * HOUR
    late = points.value.copy()
    late[points.ts > touched - HOUR] += 5
    small.store.points[key] = Points(points.ts, late, points.quality)
    small.store.raised.append(DeviceEvent("pump-00", touched, "event", "E99"))
    ends = list(range(touched, small.until + 1, HOUR))
    fleet = reader.read(small.store, small.devices, [], ends)
    fresh = FleetReader(small.product).read(small.store, small.devices, [], ends)
    assert np.array_equal(fleet.values, fresh.values, equal_nan=True)
    assert "E99" in fleet.codes


def test_history_older_than_what_was_read_makes_the_reader_start_again() -> None:
    small = plant(count=1, days=5, gap=0.0)
    key = SeriesKey("pump-00", "vibration")
    whole = small.store.points
    small.store.points = {
        k: Points(p.ts[48:], p.value[48:], p.quality[48:]) for k, p in whole.items()
    }
    reader = FleetReader(small.product)
    assert reader.read(small.store, small.devices, [], [small.until]).grid.count == 72
    small.store.points = whole
    fleet = reader.read(small.store, small.devices, [], [small.until])
    assert fleet.grid.count == 120
    assert np.isfinite(fleet.values[0, fleet.quantities.index(key.quantity)]).all()


@pytest.mark.slow
def test_a_fleet_of_half_a_year_is_read_in_two_seconds() -> None:
    rng = np.random.default_rng(0)
    store, step = ArrayStore(), HOUR
    ts = EPOCH + step * np.arange(4320) + 30 * MINUTE
    names = [f"pump-{n:02d}" for n in range(46)]
    for name in names:
        for quantity in product().quantities:
            store.put(name, quantity.id, ts, rng.normal(size=4320))
    devices = [Device(name, "pump", SITE) for name in names]
    began = time.perf_counter()
    FleetReader(product()).read(store, devices, [], [EPOCH + step * 4320])
    assert time.perf_counter() - began < 2.0
