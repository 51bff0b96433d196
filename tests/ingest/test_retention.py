"""How long readings are kept, from the settings and the catalogue to the store."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from ingest.retention import FOREVER, Retention, borne_out
from ingest.settings import IngestSettings
from ingest.stores.base import Cutoff
from purna.core.catalogue import parse_product
from purna.core.clock import DAY
from purna.core.devices import Customer, Device, Site
from purna.core.errors import BadInput
from purna.core.readings import ReadingBatch, SeriesKey, Telemetry
from tests.ingest import kit

NOW = 20_000 * DAY
SITE = Site("s", Customer("c", "C"), "S")


def product(name: str, **days: float) -> object:
    quantity = {"id": "temp", "name": "temp", "unit": "1", "low": 0, "high": 1}
    other = {**quantity, "id": "rpm"}
    return parse_product({"id": name, "name": name, "quantity": [{**quantity, **days}, other]})


def retention(**settings: float) -> Retention:
    catalogue = {
        "plain": product("plain"),
        "brief": product("brief", retention_days=7),
        "long": product("long", retention_days=900, rollup_retention_days=2000),
    }
    return Retention(IngestSettings(**settings), catalogue)  # type: ignore[arg-type]


def test_a_quantity_may_be_kept_for_longer_or_shorter_than_the_rest() -> None:
    devices = [Device(f"{p}-1", p, SITE) for p in ("plain", "brief", "long")]
    kept = retention(retention_days=90, rollup_retention_days=365)
    assert kept.default(NOW) == Cutoff(NOW - 90 * DAY, NOW - 365 * DAY)
    assert kept.own(NOW, devices) == {
        SeriesKey("brief-1", "temp"): Cutoff(NOW - 7 * DAY, NOW - 365 * DAY),
        SeriesKey("long-1", "temp"): Cutoff(NOW - 900 * DAY, NOW - 2000 * DAY),
    }


def test_readings_are_taken_as_long_as_any_quantity_keeps_them() -> None:
    assert retention(retention_days=90).longest == 900 * DAY
    assert retention(retention_days=1000).longest == 1000 * DAY
    assert retention().longest == 0


def test_without_limits_nothing_is_too_old() -> None:
    assert not Retention(IngestSettings(), {}).limited
    assert Retention(IngestSettings(), {}).default(NOW) == Cutoff(FOREVER, FOREVER)
    assert Retention(IngestSettings(rollup_retention_days=1), {}).limited
    assert retention().limited


def test_what_is_old_is_told_by_a_clock_that_readings_bear_out() -> None:
    assert borne_out(10 * DAY, (DAY, 12 * DAY)) == 10 * DAY
    assert borne_out(10_000 * DAY, (DAY, 12 * DAY)) == 12 * DAY
    assert borne_out(10 * DAY, None) == 0


def test_a_negative_retention_is_refused_by_its_name() -> None:
    with pytest.raises(BadInput, match=r"quantity\.temp\.retention_days"):
        product("p", retention_days=-1)


def test_the_ingester_prunes_each_series_by_what_its_product_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pump = kit.CATALOGUE["pump"]
    quantities = [replace(q, retention_days=60 if q.id == "vib" else None) for q in pump.quantities]
    monkeypatch.setitem(kit.CATALOGUE, "pump", replace(pump, quantities=quantities))  # type: ignore[arg-type]
    desk = kit.Desk(tmp_path, now=NOW, retention_days=30)
    days = {"temp": (50, 40, 1), "vib": (70, 40, 1)}
    for quantity, ages in days.items():
        rows = [(NOW - age * DAY, {quantity: 1.0}) for age in ages]
        desk.store.append(ReadingBatch.of([Telemetry("d1", rows)]))
    desk.ingester._prune()
    found = desk.store.read(desk.store.series(), 0, NOW)
    assert {key.quantity: len(points) for key, points in found.items()} == {"temp": 1, "vib": 2}
    temp = SeriesKey("d1", "temp")
    assert desk.store.rollups([temp], 0, NOW, DAY)[temp].count.tolist() == [1, 1, 1]
    desk.close()
