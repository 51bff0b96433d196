from __future__ import annotations

from dataclasses import replace
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from alerts.order import Technician
from alerts.schedule import Slot, distance_km, first_free, suggest, working_days
from purna.core.clock import HOUR, from_iso, to_datetime
from tests.alerts.fleet import SITE, T0

UTC = ZoneInfo("UTC")
DUE = T0 + 48 * HOUR
NEAR = Technician("near", "Near", ("mechanical",), latitude=48.1, longitude=11.6)
FAR = Technician("far", "Far", ("mechanical",), latitude=52.5, longitude=13.4)


def micros(text: str) -> int:
    return from_iso(text)


def test_who_lacks_the_skill_is_not_suggested() -> None:
    assert suggest([NEAR], {}, SITE, "electrical", 2, T0, DUE) is None
    assert suggest([], {}, SITE, "mechanical", 2, T0, DUE) is None


def test_the_nearer_one_goes_unless_he_is_much_busier() -> None:
    found = suggest([FAR, NEAR], {}, SITE, "mechanical", 2, T0, DUE)
    assert found is not None
    assert found.technician.id == "near"
    busier = replace(NEAR, open_orders=40)
    found = suggest([FAR, busier], {}, SITE, "mechanical", 2, T0, DUE)
    assert found is not None
    assert found.technician.id == "far"


def test_an_earlier_day_beats_a_shorter_way() -> None:
    day = Slot(micros("2026-03-02T08:00:00Z"), micros("2026-03-02T17:00:00Z"))
    found = suggest([NEAR, FAR], {"near": [day]}, SITE, "mechanical", 2, T0, DUE)
    assert found is not None
    assert found.technician.id == "far"


def test_work_starts_on_a_working_day_in_the_site_s_time() -> None:
    site = replace(SITE, timezone="Asia/Jakarta")  # UTC+7
    friday_evening = micros("2026-03-06T10:30:00Z")  # 17:30 there
    found = suggest([NEAR], {}, site, "mechanical", 2, friday_evening, DUE)
    assert found is not None
    assert found.start == micros("2026-03-09T01:00:00Z")  # Monday 08:00 there


def test_a_site_with_a_wrong_time_zone_is_planned_in_utc() -> None:
    for name in ("Mars/Olympus", "", "../etc"):
        found = suggest([NEAR], {}, replace(SITE, timezone=name), "mechanical", 2, T0, DUE)
        assert found is not None
        assert found.start == micros("2026-03-02T08:00:00Z")


def test_work_does_not_overlap_what_is_planned_already() -> None:
    busy = [
        Slot(micros("2026-03-02T08:00:00Z"), micros("2026-03-02T09:15:00Z")),
        Slot(micros("2026-03-02T11:00:00Z"), micros("2026-03-02T12:00:00Z")),
    ]
    assert first_free(busy, working_days(UTC, T0), 1.5, T0) == micros("2026-03-02T09:30:00Z")
    assert first_free(busy, working_days(UTC, T0), 2.0, T0) == micros("2026-03-02T12:00:00Z")


def test_an_urgent_visit_waits_neither_for_the_morning_nor_for_monday() -> None:
    friday_evening = micros("2026-03-06T19:30:00Z")
    found = suggest([NEAR], {}, SITE, "mechanical", 2, friday_evening, DUE, urgent=True)
    assert found is not None
    assert found.start == friday_evening


def test_a_job_longer_than_a_day_starts_in_the_morning() -> None:
    later = T0 + 4 * HOUR
    start = first_free([], working_days(UTC, later), 30.0, later)
    assert start == micros("2026-03-03T08:00:00Z")


def test_distance_is_that_on_the_globe() -> None:
    assert 480 < distance_km(FAR, SITE) < 520  # Berlin to Munich, about 504 km
    assert distance_km(NEAR, SITE) < 1


slots = st.lists(
    st.tuples(st.integers(0, 200), st.integers(1, 10)).map(
        lambda s: Slot(T0 + s[0] * HOUR, T0 + (s[0] + s[1]) * HOUR)
    ),
    max_size=15,
)


@given(slots, st.floats(0.5, 9), st.integers(0, 300))
def test_a_suggested_start_is_always_free_and_in_working_time(
    busy: list[Slot], hours: float, later: int
) -> None:
    earliest = T0 + later * HOUR
    start = first_free(busy, working_days(ZoneInfo("Europe/Berlin"), earliest), hours, earliest)
    assert start is not None
    assert start >= earliest
    end = start + round(hours * HOUR)
    assert all(end <= slot.start or slot.end <= start for slot in busy)
    opens, closes = (to_datetime(t).astimezone(ZoneInfo("Europe/Berlin")) for t in (start, end))
    assert opens.weekday() < 5
    assert opens.hour >= 8
    assert (closes.hour, closes.minute, closes.second) <= (17, 0, 0)
    assert opens.date() == closes.date()
