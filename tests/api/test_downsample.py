"""Reducing a series keeps what an eye would look for."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from api.v1.devices.downsample import downsample
from purna.core.readings import Points

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
