"""What every reading store promises, over every backend."""

from __future__ import annotations

import os
import random
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from influxdb_client import InfluxDBClient

from ingest.acks import Progress
from ingest.stores import open_store
from ingest.stores.base import Cutoff, IngestStore
from ingest.stores.influx import InfluxReadingStore
from purna.core.clock import DAY, HOUR, MINUTE, SECOND
from purna.core.readings import (
    DeviceEvent,
    Points,
    Quality,
    ReadingBatch,
    SeriesKey,
    Telemetry,
)
from purna.core.rollups import STEPS, Rollups
from tests.ingest.stores import influx_server

T0 = 1_700_000_000_000_000
ALL_TIME = (0, 2**60)


BACKENDS = [
    "memory",
    "sqlite",
    "sqlite-sealing",
    "influx-wire",
    pytest.param("influx", marks=pytest.mark.influx),
]


@pytest.fixture(params=BACKENDS)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[IngestStore]:
    if request.param == "influx-wire":
        with influx_server.running() as (_, url):
            opened = open_store(url)
            yield opened
            opened.close()
        return
    opened = opened_store(request.param, tmp_path)
    yield opened
    opened.close()


class SealingStore:
    """Seals after every write, so that the whole suite also runs on chunks alone."""

    def __init__(self, store: IngestStore) -> None:
        self._store = store

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)

    def append(self, *args: object) -> object:
        result = self._store.append(*args)  # type: ignore[arg-type]
        self._store.seal()
        return result


def opened_store(kind: str, folder: Path) -> IngestStore:
    if kind == "memory":
        return open_store("memory://")
    if kind == "influx":
        return real_influx()
    store = open_store(f"sqlite:///{folder}/readings.db")
    return SealingStore(store) if kind == "sqlite-sealing" else store  # type: ignore[return-value]


def real_influx() -> IngestStore:
    """An empty bucket of a real InfluxDB 2, named by PURNA_TEST_INFLUX_{URL,TOKEN,ORG,BUCKET}."""
    names = ("URL", "TOKEN", "ORG", "BUCKET")
    given = {name: os.environ.get(f"PURNA_TEST_INFLUX_{name}", "") for name in names}
    if not all(given.values()):
        pytest.skip("no InfluxDB is named")
    store = InfluxReadingStore(given["URL"], given["TOKEN"], given["ORG"], given["BUCKET"])
    with InfluxDBClient(url=given["URL"], token=given["TOKEN"], org=given["ORG"]) as client:
        for measurement in ("reading", "event", "ack"):
            client.delete_api().delete(
                "1970-01-01T00:00:00Z",
                "2200-01-01T00:00:00Z",
                f'_measurement="{measurement}"',
                given["BUCKET"],
                given["ORG"],
            )
    return store


def message(device: str, ts: int, boot: str = "", seq: int = -1, **values: float) -> Telemetry:
    return Telemetry(device, [(ts, values)], boot, seq)


def batch(*messages: Telemetry) -> ReadingBatch:
    return ReadingBatch.of(messages)


def as_lists(points: Points) -> list[tuple[int, float, int]]:
    return list(
        zip(points.ts.tolist(), points.value.tolist(), points.quality.tolist(), strict=True)
    )


def content(store: IngestStore) -> dict[SeriesKey, list[tuple[int, float, int]]]:
    return {k: as_lists(p) for k, p in store.read(store.series(), *ALL_TIME).items()}


def test_what_was_appended_is_read_back_in_time_order(store: IngestStore) -> None:
    appended = store.append(
        batch(message("p1", T0 + 20, temp=3.0, rpm=1500.0), message("p1", T0 + 10, temp=2.5))
    )
    assert appended == (3, 0)
    found = store.read([SeriesKey("p1", "temp"), SeriesKey("p1", "rpm")], *ALL_TIME)
    assert as_lists(found[SeriesKey("p1", "temp")]) == [(T0 + 10, 2.5, 0), (T0 + 20, 3.0, 0)]
    assert as_lists(found[SeriesKey("p1", "rpm")]) == [(T0 + 20, 1500.0, 0)]


def test_reading_takes_the_start_and_leaves_the_end_out(store: IngestStore) -> None:
    store.append(batch(*(message("p1", T0 + i, temp=float(i)) for i in range(5))))
    key = SeriesKey("p1", "temp")
    assert store.read([key], T0 + 1, T0 + 4)[key].value.tolist() == [1.0, 2.0, 3.0]
    assert len(store.read([key], T0 + 9, T0 + 20)[key]) == 0
    assert len(store.read([key], T0 + 3, T0 + 3)[key]) == 0


def test_an_unknown_series_has_no_points(store: IngestStore) -> None:
    key = SeriesKey("nobody", "temp")
    points = store.read([key], *ALL_TIME)[key]
    assert (points.ts.dtype, points.value.dtype, points.quality.dtype) == (
        np.int64,
        np.float64,
        np.uint8,
    )
    assert len(points) == 0


def test_an_empty_store_says_so(store: IngestStore) -> None:
    assert store.series() == []
    assert store.span() is None
    assert store.latest(["p1"]) == {}
    assert store.events(["p1"], *ALL_TIME) == []
    assert store.append(batch()) == (0, 0)


def test_sending_again_changes_nothing_and_counts_as_duplicates(store: IngestStore) -> None:
    messages = [message("p1", T0 + i, "b1", i, temp=float(i), rpm=9.0) for i in range(4)]
    assert store.append(batch(*messages)) == (8, 0)
    before = content(store)
    assert store.append(batch(*messages)) == (0, 8)
    assert store.append(batch(messages[2], message("p1", T0 + 99, "b1", 9, temp=1.0))) == (1, 2)
    after = content(store)
    assert after[SeriesKey("p1", "rpm")] == before[SeriesKey("p1", "rpm")]
    assert after[SeriesKey("p1", "temp")][:4] == before[SeriesKey("p1", "temp")]


def test_a_key_twice_in_one_batch_is_stored_once(store: IngestStore) -> None:
    both = batch(message("p1", T0, "b1", 2, temp=2.0), message("p1", T0, "b1", 1, temp=1.0))
    assert store.append(both) == (1, 1)
    assert content(store) == {SeriesKey("p1", "temp"): [(T0, 2.0, 0)]}


@pytest.mark.parametrize(
    ("winner", "loser"),
    [
        (("b2", 0, 1.0), ("b1", 9, 5.0)),
        (("b1", 10, 1.0), ("b1", 9, 5.0)),
        (("b1", 9, 5.0), ("b1", 9, 1.0)),
        (("b1", 0, 1.0), ("", -1, 5.0)),
    ],
)
@pytest.mark.parametrize("winner_first", [True, False])
def test_the_highest_boot_number_and_value_wins_in_any_order(
    store: IngestStore,
    winner: tuple[str, int, float],
    loser: tuple[str, int, float],
    winner_first: bool,
) -> None:
    for boot, seq, value in (winner, loser) if winner_first else (loser, winner):
        store.append(batch(message("p1", T0, boot, seq, temp=value)))
    assert content(store) == {SeriesKey("p1", "temp"): [(T0, winner[2], 0)]}
    assert store.latest(["p1"])[SeriesKey("p1", "temp")] == (T0, winner[2])


def test_quality_is_kept(store: IngestStore) -> None:
    flagged = Telemetry("p1", [(T0, {"temp": 900.0, "rpm": 1.0})], quality={"temp": 1})
    store.append(batch(flagged))
    assert content(store) == {
        SeriesKey("p1", "rpm"): [(T0, 1.0, 0)],
        SeriesKey("p1", "temp"): [(T0, 900.0, 1)],
    }


def test_latest_follows_event_time_not_arrival(store: IngestStore) -> None:
    store.append(batch(message("p1", T0 + 50, temp=5.0), message("p2", T0, temp=1.0)))
    store.append(batch(message("p1", T0 + 10, temp=1.0), message("p1", T0 + 20, rpm=2.0)))
    assert store.latest(["p1", "nobody"]) == {
        SeriesKey("p1", "temp"): (T0 + 50, 5.0),
        SeriesKey("p1", "rpm"): (T0 + 20, 2.0),
    }


def test_series_are_sorted_and_the_span_covers_all(store: IngestStore) -> None:
    store.append(batch(message("p2", T0 + 7, temp=1.0), message("p1", T0 + 3, rpm=1.0, amps=2.0)))
    assert store.series() == [
        SeriesKey("p1", "amps"),
        SeriesKey("p1", "rpm"),
        SeriesKey("p2", "temp"),
    ]
    assert store.span() == (T0 + 3, T0 + 7)


def test_events_are_kept_once_and_sorted(store: IngestStore) -> None:
    first = DeviceEvent("p2", T0 + 2, "event", "E17", "hot")
    second = DeviceEvent("p1", T0 + 2, "event", "E18")
    online = DeviceEvent("p1", T0 + 1, "status", "online", "2.4.1")
    store.append(batch(), [first, second, online])
    store.append(batch(message("p1", T0, temp=1.0)), [first])
    assert store.events(["p1", "p2"], T0, T0 + 9) == [second, first]
    assert store.events(["p1", "p2"], T0, T0 + 9, "status") == [online]
    assert store.events(["p1"], T0 + 3, T0 + 9) == []
    assert store.events([], T0, T0 + 9) == []


def test_the_longer_text_of_one_event_wins_in_any_order(store: IngestStore) -> None:
    for text in ("b", "a", "c", "b"):
        store.append(batch(), [DeviceEvent("p1", T0, "event", "E17", text)])
    assert [event.text for event in store.events(["p1"], T0, T0 + 1)] == ["c"]


def test_the_group_tells_which_rows_and_events_were_new(store: IngestStore) -> None:
    event = DeviceEvent("p1", T0, "event", "E17")
    one = store.commit(batch(message("p1", T0, temp=1.0)), [event])
    assert (one.new_rows.tolist(), one.new_events) == ([True], (True,))
    two = store.commit(batch(message("p1", T0, temp=1.0), message("p1", T0 + 1, temp=1.0)), [event])
    assert (two.new_rows.tolist(), two.new_events) == ([False, True], (False,))


def test_acknowledgement_state_is_kept_with_older_boots_first(store: IngestStore) -> None:
    store.commit(batch(), (), [Progress("p1", "b2", 1, 5, ((7, 9),)), Progress("p2", "b1", 1, 1)])
    store.commit(batch(), (), [Progress("p1", "b1", 3, 4)])
    store.commit(batch(), (), [Progress("p2", "b1", 1, 2), Progress("p1", "b1", 3, 9, ((11, 11),))])
    assert [one for one in store.progress() if one.device == "p1"] == [
        Progress("p1", "b2", 1, 5, ((7, 9),)),
        Progress("p1", "b1", 3, 9, ((11, 11),)),
    ]
    assert [one for one in store.progress() if one.device == "p2"] == [Progress("p2", "b1", 1, 2)]


def test_pruning_removes_nothing_that_is_young_enough(store: IngestStore) -> None:
    noon = T0 // DAY * DAY + DAY // 2
    store.append(batch(*(message("p1", noon + i * DAY, temp=float(i)) for i in range(10))))
    store.append(
        batch(message("p2", noon, temp=1.0)),
        [
            DeviceEvent("p1", noon, "event", "old"),
            DeviceEvent("p1", noon + 5 * DAY, "event", "new"),
        ],
    )
    store.prune(Cutoff(noon + 5 * DAY - 1))
    key = SeriesKey("p1", "temp")
    assert store.read([key], *ALL_TIME)[key].value.tolist() == [5.0, 6.0, 7.0, 8.0, 9.0]
    assert [event.code for event in store.events(["p1"], *ALL_TIME)] == ["new"]
    assert store.series() == [key]
    assert store.append(batch(message("p2", noon + 6 * DAY, temp=2.0))) == (1, 0)
    assert store.latest(["p2"]) == {SeriesKey("p2", "temp"): (noon + 6 * DAY, 2.0)}


def test_a_series_may_be_kept_longer_or_shorter_than_the_others(store: IngestStore) -> None:
    days = [T0 // DAY * DAY + day * DAY for day in range(6)]
    store.append(batch(*(message("p1", ts, temp=1.0, rpm=1.0, vib=1.0) for ts in days)))
    own = {SeriesKey("p1", "rpm"): Cutoff(days[1]), SeriesKey("p1", "vib"): Cutoff(days[5])}
    store.prune(Cutoff(days[3]), own)
    found = store.read(store.series(), *ALL_TIME)
    assert {key.quantity: points.ts.tolist() for key, points in found.items()} == {
        "temp": days[3:],
        "rpm": days[1:],
        "vib": days[5:],
    }


def as_rows(rollups: Rollups) -> list[tuple[float, ...]]:
    return list(zip(*(column.tolist() for column in rollups.columns), strict=True))


def test_roll_ups_tell_what_good_readings_were_like(store: IngestStore) -> None:
    day = T0 // DAY * DAY
    at = [day, day + 59 * SECOND, day + MINUTE, day + HOUR, day + DAY]
    values = [1.0, 4.0, 7.0, 2.0, 5.0]
    store.append(batch(*(message("p1", ts, temp=v) for ts, v in zip(at, values, strict=True))))
    flagged = Telemetry("p1", [(day + 1, {"temp": 99.0})], quality={"temp": Quality.SUSPECT})
    store.append(batch(flagged, Telemetry("p1", [(day + 2, {"temp": -9.0})], quality={"temp": 2})))
    key = SeriesKey("p1", "temp")

    def answer(step: int, start: int = day, end: int = day + 9 * DAY) -> list[tuple[float, ...]]:
        return as_rows(store.rollups([key], start, end, step)[key])

    assert answer(DAY) == [
        (day, 4, 3.5, 21.0, 1.0, 7.0, 1.0, 2.0),
        (day + DAY, 1, 5.0, 0.0, 5.0, 5.0, 5.0, 5.0),
    ]
    assert answer(HOUR)[:2] == [
        (day, 3, 4.0, 18.0, 1.0, 7.0, 1.0, 7.0),
        (day + HOUR, 1, 2.0, 0.0, 2.0, 2.0, 2.0, 2.0),
    ]
    assert [row[:3] for row in answer(MINUTE)] == [
        (day, 2, 2.5),
        (day + MINUTE, 1, 7.0),
        (day + HOUR, 1, 2.0),
        (day + DAY, 1, 5.0),
    ]
    assert [row[0] for row in answer(MINUTE, day + 1, day + HOUR)] == [day + MINUTE]
    assert answer(DAY, day + 1, day + DAY) == []
    nobody = SeriesKey("nobody", "temp")
    assert len(store.rollups([nobody], day, day + DAY, HOUR)[nobody]) == 0
    with pytest.raises(ValueError, match="steps"):
        store.rollups([key], day, day + DAY, 7 * MINUTE)


def test_roll_ups_follow_late_and_repeated_readings(store: IngestStore) -> None:
    key, day = SeriesKey("p1", "temp"), T0 // DAY * DAY
    store.append(batch(message("p1", day + 10, "b1", 2, temp=1.0)))
    store.append(batch(message("p1", day + 5, "b1", 1, temp=3.0)))
    store.append(batch(message("p1", day + 10, "b2", 0, temp=8.0)))
    store.append(batch(message("p1", day + 10, "b1", 2, temp=1.0)))
    [row] = as_rows(store.rollups([key], day, day + DAY, HOUR)[key])
    assert row == (day, 2, 5.5, 12.5, 3.0, 8.0, 3.0, 8.0)


def test_roll_ups_keep_small_spreads_of_large_values(store: IngestStore) -> None:
    key, day = SeriesKey("p1", "temp"), T0 // DAY * DAY
    values = [1e9 + at % 2 for at in range(100)]
    store.append(batch(*(message("p1", day + i, temp=v) for i, v in enumerate(values))))
    rollups = store.rollups([key], day, day + DAY, HOUR)[key]
    assert rollups.m2.tolist() == [25.0]
    assert rollups.mean.tolist() == [1e9 + 0.5]


@pytest.mark.parametrize("kind", ["memory", "sqlite", "sqlite-sealing"])
def test_the_store_tells_which_hours_were_touched_since(kind: str, tmp_path: Path) -> None:
    store, hour = opened_store(kind, tmp_path), T0 // HOUR * HOUR
    assert store.touched(0) == (0, frozenset())
    store.append(batch(message("p1", hour, temp=1.0), message("p2", hour + 1, temp=1.0)))
    first = store.touched(0)
    assert first.hours == {("p1", hour), ("p2", hour + HOUR)}
    assert store.touched(first.cursor) == (first.cursor, frozenset())
    store.append(batch(message("p1", hour + HOUR, temp=1.0)))
    store.append(batch(message("p1", hour - 4 * HOUR + 1, temp=1.0, rpm=2.0)))
    second = store.touched(first.cursor)
    assert second.hours == {("p1", hour + HOUR), ("p1", hour - 3 * HOUR)}
    assert store.touched(0).hours == first.hours | second.hours
    assert store.touched(second.cursor).hours == frozenset()
    store.close()


def test_the_history_of_a_series_has_everything_known(store: IngestStore) -> None:
    store.append(batch(message("p1", T0 + 2, "b2", 7, temp=2.0), message("p1", T0, temp=0.0)))
    store.append(batch(message("p1", T0 + 1, "b10", 3, temp=1.0), message("p1", T0, rpm=9.0)))
    store.append(batch(message("p1", T0 + 2, "b1", 9, temp=5.0)))
    store.append(batch(Telemetry("p1", [(T0 + 3, {"temp": 3.0})], "b2", 8, quality={"temp": 2})))
    key = SeriesKey("p1", "temp")
    found = [
        (ts, b.boots[boot], seq, value, quality)
        for b in store.history(key, T0, T0 + 9)
        for ts, boot, seq, value, quality in zip(
            *(c.tolist() for c in (b.ts, b.origin, b.seq, b.value, b.quality)), strict=True
        )
    ]
    assert found == [
        (T0, "", -1, 0.0, 0),
        (T0 + 1, "b10", 3, 1.0, 0),
        (T0 + 2, "b2", 7, 2.0, 0),
        (T0 + 3, "b2", 8, 3.0, 2),
    ]
    assert sum(map(len, store.history(key, T0 + 1, T0 + 3))) == 2
    assert sum(map(len, store.history(SeriesKey("nobody", "temp"), T0, T0 + 3))) == 0


def test_odd_names_and_numbers_survive(store: IngestStore) -> None:
    key = SeriesKey("d-1_Z", "vib rms,=ü")
    values = [0.1, -1e300, 2.5e-300, 1e15 + 0.5]
    store.append(
        batch(*(Telemetry(key.device, [(T0 + i, {key.quantity: v})]) for i, v in enumerate(values)))
    )
    assert store.read([key], *ALL_TIME)[key].value.tolist() == values


def exact_parts(store: IngestStore) -> object:
    """Of the roll-ups what does not depend on rounding, and the rest rounded."""
    day = T0 // DAY * DAY
    return {
        (key, step): [
            (ts, count, round(mean, 9), round(m2, 9), *exact)
            for ts, count, mean, m2, *exact in as_rows(rollups)
        ]
        for step in STEPS
        for key, rollups in store.rollups(store.series(), day, day + DAY, step).items()
    }


rows = st.lists(
    st.tuples(
        st.sampled_from(["p1", "p2"]),
        st.sampled_from(["temp", "rpm"]),
        st.integers(0, 6),
        st.sampled_from(["", "b1", "b10", "b9"]),
        st.integers(-1, 3),
        st.sampled_from([1.0, 2.0, 3.0]),
    ),
    min_size=1,
    max_size=25,
)


def in_groups(items: list[Telemetry], random_: random.Random) -> Iterable[list[Telemetry]]:
    items = items[:]
    while items:
        size = random_.randint(1, 6)
        yield items[:size]
        items = items[size:]


@pytest.mark.parametrize("kind", ["memory", "sqlite", "sqlite-sealing"])
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(rows=rows, seed=st.integers(0, 2**32))
def test_shuffled_and_repeated_batches_end_in_the_same_content(
    kind: str,
    tmp_path_factory: pytest.TempPathFactory,
    rows: list[tuple[str, str, int, str, int, float]],
    seed: int,
) -> None:
    random_ = random.Random(seed)
    messages = [
        Telemetry(device, [(T0 + at, {quantity: value})], boot, seq)
        for device, quantity, at, boot, seq, value in rows
    ]
    again = messages + random_.sample(messages, len(messages) // 2)
    random_.shuffle(again)
    found, rolled = [], []
    for order in (messages, again):
        folder = tmp_path_factory.mktemp("store")
        store = opened_store(kind, folder)
        total = 0
        for group in in_groups(order, random_):
            appended = store.append(ReadingBatch.of(group))
            assert sum(appended) == len(group)
            total += appended.stored
            if random_.random() < 0.2:
                store.seal()
            if kind != "memory" and random_.random() < 0.1:
                store.close()
                store = opened_store(kind, folder)
        found.append(content(store))
        rolled.append(exact_parts(store))
        assert total == sum(len(points) for points in found[-1].values())
        assert {k: v[-1][:2] for k, v in found[-1].items()} == store.latest(["p1", "p2"])
        store.close()
    assert found[0] == found[1]
    assert rolled[0] == rolled[1]
