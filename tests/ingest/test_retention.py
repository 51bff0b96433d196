"""How long readings are kept, from the settings and the catalogue to the store."""

from __future__ import annotations

import pytest

from ingest.retention import FOREVER, Retention, borne_out
from ingest.settings import IngestSettings
from ingest.stores.base import Cutoff
from purna.core.catalogue import parse_product
from purna.core.clock import DAY
from purna.core.devices import Customer, Device, Site
from purna.core.errors import BadInput
from purna.core.readings import SeriesKey

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
