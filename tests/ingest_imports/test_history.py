"""A history is cut without leaks, published in order, and loaded to the same rows."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
import numpy as np
import pytest

from ingest.imports import History, Track
from ingest.imports.history import VALUES_PER_MESSAGE
from purna.core.catalogue import parse_product
from purna.core.clock import HOUR, MINUTE
from purna.core.devices import Customer, Device, Maintenance, Site
from purna.core.readings import DeviceEvent, Quality

PRODUCT = parse_product(
    {
        "id": "fan",
        "name": "Fan",
        "step_minutes": 60,
        "quantity": [
            {"id": q, "name": q, "unit": "1", "low": 0.0, "high": 50.0} for q in ("a", "b")
        ],
        "component": [{"id": "bearing", "name": "Bearing", "part": "B"}],
    }
)
SITE = Site("s", Customer("c", "C"), "S")


def made(devices: int = 3, rows: int = 40, seed: int = 1) -> History:
    rng = np.random.default_rng(seed)
    names = [f"d{i}" for i in range(devices)]
    tracks = {}
    for name in names:
        ts = np.sort(rng.choice(10 * HOUR // MINUTE, rows, replace=False)) * MINUTE
        values = np.round(rng.uniform(0, 60, (rows, 2)), 3)
        values[rng.random((rows, 2)) < 0.2] = np.nan
        values[np.isnan(values).all(axis=1), 0] = 1.0
        tracks[name] = Track.of(ts, values, HOUR)
    return History(
        product=PRODUCT,
        devices=[Device(name, "fan", SITE) for name in names],
        quantities=("a", "b"),
        tracks=tracks,
        events=[DeviceEvent("d0", h * HOUR, "event", "E1") for h in (1, 4, 12)],
        maintenance=[
            Maintenance("d0", "bearing", 4 * HOUR, True, 6 * HOUR),
            Maintenance("d1", "bearing", 7 * HOUR, False, 7 * HOUR),
        ],
    )


def rows_of(history: History, start: int = 0, end: int = 100 * HOUR) -> dict[object, float]:
    """Readings in the messages, by (device, quantity, ts) and number."""
    out: dict[object, float] = {}
    for _, topic, payload in history.messages(start, end):
        if topic.endswith("/telemetry"):
            body = msgspec.json.decode(payload)
            for ts, values in body.get("r") or [(body["ts"], body["m"])]:
                for quantity, value in values.items():
                    key = (topic.split("/")[2], quantity, ts * 1000, body["seq"])
                    assert key not in out
                    out[key] = value
    return out


def test_messages_carry_exactly_the_readings_of_the_bulk_load() -> None:
    history = made()
    loaded: dict[object, float] = {}
    for batch in history.batches(rows=25):
        for i in range(len(batch)):
            key = batch.series[batch.index[i]]
            row = (key.device, key.quantity, int(batch.ts[i]), int(batch.seq[i]))
            loaded[row] = float(batch.value[i])
            suspect = batch.value[i] > 50
            assert batch.quality[i] == (Quality.SUSPECT if suspect else Quality.GOOD)
    assert loaded == rows_of(history)
    assert len(loaded) == history.readings


def test_messages_come_in_time_order_with_events_between() -> None:
    told = list(made().messages(0, 100 * HOUR))
    times = [ts for ts, _, _ in told]
    assert times == sorted(times)
    events = [ts for ts, topic, _ in told if topic.endswith("/event")]
    assert events == [HOUR, 4 * HOUR, 12 * HOUR]


def test_each_device_is_numbered_without_gaps() -> None:
    seen: dict[str, list[int]] = {}
    for _, topic, payload in made().messages(0, 100 * HOUR):
        if topic.endswith("/telemetry"):
            seen.setdefault(topic, []).append(msgspec.json.decode(payload)["seq"])
    assert all(numbers == list(range(1, len(numbers) + 1)) for numbers in seen.values())


@pytest.mark.parametrize("cut", [0, 3 * HOUR, 10 * HOUR])
def test_a_history_told_in_two_parts_says_the_same(cut: int) -> None:
    history = made()
    whole = rows_of(history)
    assert rows_of(history, 0, cut) | rows_of(history, cut) == whole
    assert rows_of(history.until(cut)) | rows_of(history.after(cut)) == whole


def test_telling_again_repeats_the_boot_and_another_start_is_another_boot() -> None:
    def boots(start: int) -> set[str]:
        return {
            msgspec.json.decode(payload)["boot"]
            for _, topic, payload in made().messages(start, 100 * HOUR)
            if topic.endswith("/telemetry")
        }

    assert boots(0) == boots(0)
    assert len(boots(0)) == 1
    assert boots(0).isdisjoint(boots(3 * HOUR))


def test_until_shows_nothing_that_was_learnt_later() -> None:
    before = made().until(5 * HOUR)
    assert all(track.ts.max(initial=0) < 5 * HOUR for track in before.tracks.values())
    assert [event.ts for event in before.events] == [HOUR, 4 * HOUR]
    assert before.maintenance == []  # the bearing failed at 4 h, but that was known at 6 h
    assert [m.ts for m in made().after(5 * HOUR).maintenance] == [4 * HOUR, 7 * HOUR]
    assert made().until(5 * HOUR).readings + made().after(5 * HOUR).readings == made().readings


def test_full_messages_are_split() -> None:
    ts = np.arange(1000, dtype=np.int64)
    track = Track.of(ts, np.ones((1000, 2)), HOUR)
    sizes = np.bincount(track.seq)[1:]
    assert sizes.sum() == 1000
    assert sizes.max() * 2 <= VALUES_PER_MESSAGE


def test_an_empty_history_says_nothing() -> None:
    empty: Mapping[str, Track] = {}
    history = History(PRODUCT, [], ("a", "b"), empty, [], [])
    assert list(history.messages(0, HOUR)) == []
    assert list(history.batches()) == []
    assert history.span() == (0, 0)
