"""Any history of appending, sealing, pruning and reopening against a plain recomputation."""

from __future__ import annotations

import math
from collections import defaultdict
from contextlib import closing
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.stores import chunks, sealing, sqlite_prune
from ingest.stores.base import Cutoff
from ingest.stores.sqlite import SqliteReadingStore
from purna.core.clock import DAY, HOUR, MINUTE
from purna.core.readings import ReadingBatch, SeriesKey, Telemetry
from purna.core.rollups import STEPS

DAY_0 = 19_000 * DAY
KEYS = [SeriesKey(device, quantity) for device in ("p1", "p2") for quantity in ("temp", "rpm")]

Row = tuple[str, int, float, int]  # boot, seq, value, quality: the greatest wins


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Limits so low that a few readings make many chunks, blocks and steps."""
    monkeypatch.setattr(chunks, "CHUNK_ROWS", 6)
    monkeypatch.setattr(chunks, "HOURS_FROM_ROWS", 3)
    monkeypatch.setattr(chunks, "READINGS_PER_HOUR", 1)
    monkeypatch.setattr(sealing, "ROWS_AT_ONCE", 12)
    monkeypatch.setattr(sealing, "SERIES_AT_ONCE", 2)
    monkeypatch.setattr(sqlite_prune, "READINGS_PER_MINUTE", 1)
    monkeypatch.setattr(sqlite_prune, "BLOCK_ROWS", 4)
    monkeypatch.setattr(sqlite_prune, "CHUNKS_AT_ONCE", 2)
    monkeypatch.setattr(sqlite_prune, "SERIES_AT_ONCE", 1)


class Plain:
    """What the store should hold, by the rules alone."""

    def __init__(self) -> None:
        self.rows: dict[SeriesKey, dict[int, Row]] = defaultdict(dict)
        self.final: dict[tuple[SeriesKey, int], dict[int, list[tuple[int, float]]]] = {}
        self.pruned: dict[SeriesKey, int] = {}

    def add(self, key: SeriesKey, ts: int, row: Row) -> None:
        self.rows[key][ts] = max(self.rows[key].get(ts, row), row)

    def prune(self, before: int) -> None:
        for key, rows in self.rows.items():
            if any(ts < before for ts in rows):
                for step in STEPS:
                    self.final[key, step] = self.buckets(key, step, before)
                self.pruned[key] = max(before, self.pruned.get(key, before))
                for ts in [ts for ts in rows if ts < before]:
                    del rows[ts]

    def buckets(
        self, key: SeriesKey, step: int, before: int = 2**62
    ) -> dict[int, list[tuple[int, float]]]:
        """Good readings by bucket; those of pruned stretches as they were then."""
        since = self.pruned.get(key, 0)
        found = {ts: list(rows) for ts, rows in self.final.get((key, step), {}).items()}
        for ts, (_, _, value, quality) in sorted(self.rows[key].items()):
            if since <= ts < before and quality == 0:
                found.setdefault(ts - ts % step, []).append((ts, value))
        return found


moments = st.builds(
    lambda day, hour, minute, rest: DAY_0 + day * DAY + hour * HOUR + minute * MINUTE + rest,
    st.integers(0, 3),
    st.sampled_from([0, 1, 23]),
    st.sampled_from([0, 1, 59]),
    st.integers(0, 5),
)
readings = st.tuples(
    st.sampled_from(KEYS),
    moments,
    st.sampled_from(["", "b1", "b10", "b9"]),
    st.integers(-1, 3),
    st.sampled_from([0.0, -0.0, 0.1, 1e9, 1e9 + 0.25, -2.5]),
    st.sampled_from([0, 0, 0, 0, 1, 2]),
)
steps = st.one_of(
    st.lists(readings, min_size=1, max_size=12),
    st.lists(readings, min_size=1, max_size=12),
    st.sampled_from(["seal", "seal", "reopen", "again"]),
    st.integers(0, 3),  # prune what is older than so many days after the first
)


@settings(
    max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(history=st.lists(steps, min_size=1, max_size=14))
def test_any_history_ends_in_the_readings_and_roll_ups_of_a_recomputation(
    tmp_path_factory: pytest.TempPathFactory, history: list[Any]
) -> None:
    path = tmp_path_factory.mktemp("store") / "r.db"
    plain, last = Plain(), []
    store = SqliteReadingStore(path)
    try:
        for step in history:
            if step == "seal":
                store.seal()
            elif step == "reopen":
                store.close()
                store = SqliteReadingStore(path)
            elif isinstance(step, int):
                store.prune(Cutoff(DAY_0 + step * DAY + 5))
                plain.prune(DAY_0 + step * DAY)
            else:
                last = last if step == "again" else step
                append(store, plain, last)
            check(store, plain)
    finally:
        store.close()
    with closing(SqliteReadingStore(path, read_only=True)) as reader:
        check(reader, plain)


def append(store: SqliteReadingStore, plain: Plain, rows: list[Any]) -> None:
    messages = []
    for key, ts, boot, seq, value, quality in rows:
        flags = {key.quantity: quality}
        messages.append(
            Telemetry(key.device, [(ts, {key.quantity: value})], boot, seq, quality=flags)
        )
        plain.add(key, ts, (boot, seq, value, quality))
    store.append(ReadingBatch.of(messages))


def check(store: SqliteReadingStore, plain: Plain) -> None:
    start, end = DAY_0 - DAY, DAY_0 + 9 * DAY
    for key, points in store.read(KEYS, start, end).items():
        columns = (points.ts.tolist(), points.value.tolist(), points.quality.tolist())
        assert list(zip(*columns, strict=True)) == [
            (ts, value, quality) for ts, (_, _, value, quality) in sorted(plain.rows[key].items())
        ]
    known = {key: rows for key, rows in plain.rows.items() if rows}
    assert store.series() == sorted(known)
    assert {key: latest.ts for key, latest in store.latest(["p1", "p2"]).items()} == {
        key: max(rows) for key, rows in known.items()
    }
    for step in STEPS:
        for key, rollups in store.rollups(KEYS, start, end, step).items():
            rows = zip(*(column.tolist() for column in rollups.columns), strict=True)
            expected = sorted(plain.buckets(key, step).items())
            for (ts, count, mean, m2, *exact), (begin, bucket) in zip(rows, expected, strict=True):
                values = [value for _, value in bucket]
                assert (ts, count) == (begin, len(values))
                assert exact == [min(values), max(values), values[0], values[-1]]
                close(mean, m2, values)


def close(mean: float, m2: float, values: list[float]) -> None:
    """To rounding: of the mean to that of the values, of m2 to that times the spread."""
    exact = [Fraction(value) for value in values]
    true_mean = sum(exact, Fraction()) / len(exact)
    true_m2 = sum(((value - true_mean) ** 2 for value in exact), Fraction())
    rounding = math.ulp(max(map(abs, values)))
    spread = max(values) - min(values)
    assert abs(mean - true_mean) <= 2 * rounding
    assert abs(m2 - true_m2) <= 8 * len(values) * (spread + rounding) * rounding
