from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.base import Features
from models.conditions import OperatingConditions
from models.features import (
    Past,
    Rows,
    anomaly_features,
    component_features,
    failure_features,
    plan_features,
)
from models.frames import Fleet, FleetReader
from models.wear import WearPlan, life_step, lives_of, wear_features
from purna.core.clock import DAY, HOUR
from purna.core.devices import Maintenance
from tests.models.fleets import EPOCH, Plant, plant


def read(some: Plant) -> Fleet:
    return FleetReader(some.product).read(some.store, some.devices, some.maintenance, [some.until])


SMALL = plant(count=4, days=45)
FLEET = read(SMALL)
CONDITIONS = OperatingConditions().fit(FLEET, SMALL.product)
PLAN = plan_features(SMALL.product, FLEET, CONDITIONS.symptoms_)
WEAR = WearPlan("bearing", 168.0, life_step(FLEET, 168.0), CONDITIONS.symptoms_)


def every_feature(fleet: Fleet, rows: Rows) -> Features:
    deviations = CONDITIONS.transform(fleet)
    past = Past(deviations)
    lives, life, step = lives_of(WEAR, CONDITIONS.symptoms_, fleet, deviations, rows)
    own = component_features(PLAN, "bearing", fleet, past, rows)
    tables = [
        failure_features(PLAN, fleet, past, rows),
        Features(tuple(f"own {n}" for n in own.names), own.values),
        anomaly_features(CONDITIONS.symptoms_, fleet, past, rows),
        wear_features(WEAR, lives, life, step),
    ]
    return Features(
        tuple(n for t in tables for n in t.names), np.hstack([t.values for t in tables])
    )


@settings(max_examples=25, deadline=None)
@given(st.integers(0, FLEET.grid.count - 1))
def test_features_of_a_truncated_history_equal_the_truncated_features(time: int) -> None:
    ends = np.array([FLEET.grid.first + time * FLEET.grid.step])
    rows = Rows.every(FLEET, ends)
    whole = every_feature(FLEET, rows)
    cut = every_feature(FLEET.until(int(ends[0])), rows)
    assert whole.names == cut.names
    assert np.array_equal(whole.values, cut.values, equal_nan=True)


def test_one_window_has_the_same_features_alone_and_in_a_batch() -> None:
    ends = FLEET.grid.ends[-50:]
    batch = every_feature(FLEET, Rows.every(FLEET, ends))
    alone = every_feature(FLEET, Rows.every(FLEET, ends[-1:]))
    assert np.array_equal(batch.values[49::50], alone.values, equal_nan=True)


def test_a_planted_look_ahead_would_be_noticed() -> None:
    time = 500
    rows = Rows.every(FLEET, FLEET.grid.ends[time : time + 1])
    values = FLEET.values.copy()
    values[:, :, time] += 100
    changed = Fleet(
        FLEET.devices, FLEET.quantities, FLEET.grid, values, FLEET.codes, FLEET.event_device,
        FLEET.event_code, FLEET.event_ts, FLEET.maintenance,
    )  # fmt: skip
    assert not np.array_equal(
        every_feature(FLEET, rows).values, every_feature(changed, rows).values, equal_nan=True
    )


def feature(name: str, device: int, end: int, some: Fleet = FLEET) -> float:
    rows = Rows(np.array([device]), np.array([(end - some.grid.first) // some.grid.step]))
    table = failure_features(PLAN, some, Past(CONDITIONS.transform(some)), rows)
    return float(table.values[0, table.names.index(name)])


def test_events_are_counted_up_to_the_window_end() -> None:
    event = next(e for e in SMALL.store.raised if e.ts > EPOCH + 5 * DAY)
    device = FLEET.position()[event.device]
    before = feature("event:E17|count24", device, event.ts - HOUR)
    at = feature("event:E17|count24", device, event.ts)
    assert at == before + 1
    assert feature("event:E17|since", device, event.ts + 3 * HOUR) == 3.0


def test_the_replacement_at_a_failure_does_not_leak_into_its_age() -> None:
    failure = next(m for m in SMALL.maintenance if m.component == "bearing")
    device = FLEET.position()[failure.device]
    at = feature("age:bearing|hours", device, failure.ts)
    assert at == (failure.ts - EPOCH) / HOUR
    assert feature("age:bearing|hours", device, failure.ts + HOUR) == 1.0


def test_what_load_explains_is_taken_out() -> None:
    load = FLEET.values[0, FLEET.quantities.index("load")]
    raw = FLEET.values[0, FLEET.quantities.index("temperature")]
    deviation = CONDITIONS.transform(FLEET)[0, CONDITIONS.symptoms_.index("temperature")]
    known = np.isfinite(load) & np.isfinite(raw)
    assert np.corrcoef(load[known], raw[known])[0, 1] > 0.8
    assert abs(np.corrcoef(load[known], deviation[known])[0, 1]) < 0.3


def test_clear_clusters_of_settings_become_regimes_and_others_do_not() -> None:
    assert len(CONDITIONS.regimes_) == 1
    rng = np.random.default_rng(3)
    values = FLEET.values.copy()
    shape = values[:, 0].shape
    regime = rng.integers(0, 3, shape)
    load = FLEET.quantities.index("load")
    values[:, load] = 30 * regime + rng.normal(0, 0.01, shape)
    vibration = FLEET.quantities.index("vibration")
    values[:, vibration] = np.array([1.0, 5.0, 3.0])[regime] + rng.normal(0, 0.1, shape)
    switched = Fleet(
        FLEET.devices, FLEET.quantities, FLEET.grid, values.astype(np.float32), FLEET.codes,
        FLEET.event_device, FLEET.event_code, FLEET.event_ts, FLEET.maintenance,
    )  # fmt: skip
    conditions = OperatingConditions().fit(switched, SMALL.product)
    assert len(conditions.regimes_) == 3
    deviation = conditions.transform(switched)[:, conditions.symptoms_.index("vibration")]
    for k in range(3):
        assert deviation[regime == k].mean() == pytest.approx(0.0, abs=0.1)
        assert deviation[regime == k].std() == pytest.approx(1.0, abs=0.1)


@pytest.mark.parametrize(("every", "learnt"), [(6, True), (24, True), (24 * 7, False)])
def test_a_symptom_that_is_hardly_measured_is_not_learnt_from(every: int, learnt: bool) -> None:
    """Such as the indicators of a waveform: there a few times a day, or not for long yet."""
    values = FLEET.values.copy()
    column = FLEET.quantities.index("pressure")
    values[:, column, np.arange(FLEET.grid.count) % every != 0] = np.nan
    conditions = OperatingConditions().fit(replace(FLEET, values=values), SMALL.product)
    assert ("pressure" in conditions.symptoms_) == learnt
    assert {"vibration", "temperature"} <= set(conditions.symptoms_)
    deviations = conditions.transform(FLEET)
    assert deviations.shape[1] == len(conditions.symptoms_)


def test_the_detector_is_mute_for_a_day_after_any_replacement() -> None:
    swap = Maintenance("pump-00", "fan", EPOCH + 10 * DAY, False, EPOCH + 10 * DAY)
    fleet = FleetReader(SMALL.product).read(SMALL.store, SMALL.devices, [swap], [SMALL.until])
    past = Past(CONDITIONS.transform(fleet))
    hours = np.array([-1, 5, 20, 40])
    rows = Rows(np.zeros(4, np.int64), 10 * 24 - 1 + hours)
    table = anomaly_features(CONDITIONS.symptoms_, fleet, past, rows)
    level = table.columns(["vibration|level"])[:, 0]
    assert np.isfinite(level).tolist() == [True, False, False, True]


def test_a_life_begins_anew_at_the_replacement() -> None:
    failure = next(m for m in SMALL.maintenance if m.component == "bearing")
    device = FLEET.position()[failure.device]
    time = (failure.ts - FLEET.grid.first) // FLEET.grid.step
    rows = Rows(np.array([device, device]), np.array([time, time + 30]))
    past = CONDITIONS.transform(FLEET)
    lives, life, step = lives_of(WEAR, CONDITIONS.symptoms_, FLEET, past, rows)
    table = wear_features(WEAR, lives, life, step)
    rise = table.columns(["vibration|rise"])[:, 0]
    age = table.columns(["age:bearing|steps"])[:, 0]
    assert rise[0] > 3 > 1 > rise[1]
    assert age[1] == 30
