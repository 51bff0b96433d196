"""Reducing a series keeps what an eye would look for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.v1.devices.downsample import downsample, reduced_series
from ingest.stores import open_store
from ingest.stores.base import Cutoff, IngestStore
from purna.core.clock import DAY, HOUR, MINUTE
from purna.core.readings import Points, ReadingBatch, SeriesKey, Telemetry

VALUES = st.floats(-1e9, 1e9, allow_nan=False)


def _points(rows: dict[int, float]) -> Points:
    times = sorted(rows)
    return Points(
        np.array(times, np.int64),
        np.array([rows[ts] for ts in times], np.float64),
        np.zeros(len(times), np.uint8),
    )


@given(
    st.dictionaries(st.integers(1_000, 50_000), VALUES, max_size=300),
    st.integers(1, 100),
)
def test_extremes_order_and_bounds_are_kept(rows: dict[int, float], limit: int) -> None:
    points = _points(rows)
    reduced = downsample(points, 1_000, 50_001, limit)
    assert len(reduced.ts) <= limit or len(reduced.ts) == 0
    assert len({len(column) for column in reduced[1:]}) == 1
    assert np.all(np.diff(reduced.ts) > 0)
    assert np.all(reduced.low <= reduced.mean)
    assert np.all(reduced.mean <= reduced.high)
    if rows:
        assert reduced.low.min() == min(rows.values())
        assert reduced.high.max() == max(rows.values())
        assert reduced.ts[0] >= 1_000
        assert reduced.ts[-1] <= max(rows)


@given(
    st.dictionaries(st.integers(0, 9_999), VALUES, min_size=21, max_size=300),
    st.integers(1, 20),
)
def test_each_bucket_tells_of_exactly_the_points_in_it(rows: dict[int, float], limit: int) -> None:
    reduced = downsample(_points(rows), 0, 10_000, limit)
    for ts, low, mean, high in zip(*reduced[1:], strict=True):
        inside = [value for at, value in rows.items() if ts <= at < ts + reduced.step]
        assert low == min(inside)
        assert high == max(inside)
        np.testing.assert_allclose(mean, np.mean(inside), rtol=1e-9, atol=1e-3)


def test_points_that_fit_stay_as_they_are() -> None:
    points = _points({10: 1.0, 20: 3.0})
    reduced = downsample(points, 0, 100, 2)
    assert reduced.step == 0
    assert reduced.ts.tolist() == [10, 20]
    assert reduced.low.tolist() == reduced.mean.tolist() == reduced.high.tolist() == [1.0, 3.0]


def test_a_gap_stays_a_gap() -> None:
    points = _points({**dict.fromkeys(range(10), 0.0), **dict.fromkeys(range(90, 100), 1.0)})
    reduced = downsample(points, 0, 100, 10)
    assert reduced.ts.tolist() == [0, 90]


KEY = SeriesKey("p1", "temp")
DAYS = 40


@pytest.fixture
def store(tmp_path: Path) -> Iterator[IngestStore]:
    """A reading every ten minutes for forty days, with one high one."""
    store = open_store(f"sqlite:///{tmp_path}/r.sqlite")
    times = range(0, DAYS * DAY, 10 * MINUTE)
    values = {ts: 99.0 if ts == 7 * DAY else float(ts % DAY == 0) for ts in times}
    store.append(
        ReadingBatch.of([Telemetry("p1", [(ts, {"temp": v}) for ts, v in values.items()])])
    )
    store.seal()
    yield store
    store.close()


def test_too_many_readings_are_shown_by_their_roll_ups(
    store: IngestStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    start, end = 5 * MINUTE, DAYS * DAY
    exact = reduced_series(store, KEY, start, end, 100)
    assert exact.step % HOUR != 0
    monkeypatch.setattr("api.v1.devices.downsample.MOST_POINTS", 1000)
    for limit in (2, 3, 100, 900):
        rough = reduced_series(store, KEY, start, end, limit)
        assert rough.step % HOUR == 0
        assert 1 <= len(rough.ts) <= limit
        assert rough.ts[0] == start
        assert (np.diff(rough.ts) > 0).all()
        assert rough.high.max() == 99.0
        assert np.flatnonzero(rough.high == 99.0).tolist() == [
            np.searchsorted(rough.ts, 7 * DAY, "right") - 1
        ]
    few = reduced_series(store, KEY, 0, 5 * HOUR, 1000)
    assert (few.step, len(few.ts)) == (0, 30)


def test_roll_ups_stand_in_for_readings_that_were_removed(store: IngestStore) -> None:
    before = reduced_series(store, KEY, 0, DAYS * DAY, 50)
    store.prune(Cutoff(DAYS * DAY - DAY))
    after = reduced_series(store, KEY, 0, DAYS * DAY, 50)
    assert after.ts[0] == before.ts[0] == 0
    assert after.high.max() == 99.0
