from __future__ import annotations

import numpy as np

from models.features import Rows
from models.frames import Fleet, FleetReader
from models.labels import broken, failure_labels, healthy, remaining_hours
from purna.core.clock import DAY, HOUR
from purna.core.devices import Maintenance
from tests.models.fleets import EPOCH, plant

SMALL = plant(count=1, days=20)


def with_records(*records: tuple[float, bool]) -> Fleet:
    """One device; records of the fan as (day, failed)."""
    maintenance = [
        Maintenance("pump-00", "fan", int(EPOCH + day * DAY), failed, int(EPOCH + day * DAY))
        for day, failed in records
    ]
    return FleetReader(SMALL.product).read(SMALL.store, SMALL.devices, maintenance, [SMALL.until])


def at_hours(fleet: Fleet, *hours: int) -> Rows:
    """Rows whose windows end so many hours after the epoch."""
    time = np.array([(EPOCH + h * HOUR - fleet.grid.first) // HOUR for h in hours])
    return Rows(np.zeros(len(hours), np.int64), time)


def test_a_row_is_positive_when_the_failure_comes_after_it_and_within_the_horizon() -> None:
    fleet = with_records((10, True))
    rows = at_hours(fleet, 215, 216, 239, 240, 241)
    labels = failure_labels(fleet, "fan", 24, rows, SMALL.until)
    assert labels.failed.tolist() == [False, True, True, False, False]
    assert labels.known.all()


def test_rows_whose_horizon_is_not_over_are_not_known() -> None:
    fleet = with_records((10, True))
    until = EPOCH + 10 * DAY + 5 * HOUR
    labels = failure_labels(fleet, "fan", 24, at_hours(fleet, 221, 222), until)
    assert labels.known.tolist() == [True, False]
    assert labels.failed.tolist() == [True, False]


def test_a_part_replaced_in_time_did_not_fail() -> None:
    fleet = with_records((10, False))
    labels = failure_labels(fleet, "fan", 24, at_hours(fleet, 230), SMALL.until)
    assert not labels.failed[0]
    assert labels.known[0]


def test_rows_between_failure_and_repair_are_left_out() -> None:
    fleet = with_records((10, True), (11, False))
    rows = at_hours(fleet, 239, 240, 250, 263, 264)
    assert broken(fleet, "fan", rows).tolist() == [False, True, True, True, False]
    assert not failure_labels(fleet, "fan", 24, rows, SMALL.until).known[2]


def test_healthy_rows_have_no_failure_within_a_week() -> None:
    fleet = with_records((15, True))
    rows = at_hours(fleet, 360 - 169, 360 - 168, 359, 361)
    assert healthy(fleet, ("fan",), rows).tolist() == [True, False, False, True]


def test_remaining_hours_are_capped_and_count_to_the_failure() -> None:
    fleet = with_records((10, True))
    hours = remaining_hours(fleet, "fan", at_hours(fleet, 100, 200, 240), SMALL.until, 100.0)
    assert hours[:2].tolist() == [100.0, 40.0]


def test_censored_lives_are_used_only_where_they_outlast_the_cap() -> None:
    replaced = with_records((10, False))
    hours = remaining_hours(replaced, "fan", at_hours(replaced, 100, 200), SMALL.until, 100.0)
    assert hours[0] == 100.0
    assert np.isnan(hours[1])
    running = with_records()
    hours = remaining_hours(running, "fan", at_hours(running, 100, 460), SMALL.until, 100.0)
    assert hours[0] == 100.0
    assert np.isnan(hours[1])
