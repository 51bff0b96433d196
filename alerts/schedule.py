"""Suggest who goes and when: skill, working hours, SLA, way and load. Pure and simple."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from math import asin, cos, radians, sin, sqrt
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from alerts.order import Technician
from purna.core.clock import HOUR, from_datetime, to_datetime
from purna.core.devices import Site

OPENS, CLOSES = time(8), time(17)
SEARCH_DAYS = 30
EARTH_RADIUS_KM = 6371.0
UNKNOWN_WAY_KM = 50.0
KM_PER_OPEN_ORDER = 25.0
"""How far further a less busy technician may come from."""


@dataclass(frozen=True, slots=True)
class Slot:
    """A stretch of a technician's time, in micros UTC."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Suggestion:
    """Who and when; ``start`` in micros UTC."""

    technician: Technician
    start: int


def suggest(
    technicians: Sequence[Technician],
    busy: Mapping[str, Sequence[Slot]],
    site: Site,
    skill: str,
    hours: float,
    earliest: int,
    due: int,
    urgent: bool = False,
) -> Suggestion | None:
    """The best technician with a start in working time, None when nobody has the skill.

    A start by ``due`` beats a later one; then the earlier working day, then the shorter way, where
    every open order counts like :data:`KM_PER_OPEN_ORDER` more. Working time is Monday to Friday,
    8 to 17 at the site. A job longer than a day starts in the morning. An urgent visit may start
    at any hour of any day: that is what its higher cost pays for.

    Parameters
    ----------
    busy
        Planned work by technician id.
    hours
        Working time on site.
    earliest, due
        Micros UTC.
    """
    zone = zone_of(site)
    best: tuple[tuple[bool, int, float, int, str], Suggestion] | None = None
    for technician in technicians:
        if skill not in technician.skills:
            continue
        days = _around_the_clock(earliest) if urgent else working_days(zone, earliest)
        start = first_free(busy.get(technician.id, ()), days, hours, earliest)
        if start is None:
            continue
        way = distance_km(technician, site) + KM_PER_OPEN_ORDER * technician.open_orders
        day = to_datetime(start).astimezone(zone).toordinal()
        key = (start > due, day, way, start, technician.id)
        if best is None or key < best[0]:
            best = key, Suggestion(technician, start)
    return best[1] if best else None


def zone_of(site: Site) -> ZoneInfo:
    """The site's time zone; UTC when its name is none, so that a typo holds up no order."""
    try:
        return ZoneInfo(site.timezone)
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")


def first_free(
    busy: Sequence[Slot], days: Iterable[tuple[int, int]], hours: float, earliest: int
) -> int | None:
    """The first start at or after ``earliest`` from which ``hours`` are free within one day.

    ``days`` are the stretches (opens, closes) in which work may be done, in time order.
    """
    length = round(min(hours, CLOSES.hour - OPENS.hour) * HOUR)
    for opens, closes in days:
        start = _on_the_half_hour(max(opens, earliest))
        for slot in sorted(busy, key=lambda s: s.start):
            if slot.start < start + length and start < slot.end:
                start = _on_the_half_hour(slot.end)
        if start + length <= closes:
            return start
    return None


def distance_km(technician: Technician, site: Site) -> float:
    """Great-circle distance (haversine); :data:`UNKNOWN_WAY_KM` when a position is missing."""
    if (
        technician.latitude is None
        or technician.longitude is None
        or site.latitude is None
        or site.longitude is None
    ):
        return UNKNOWN_WAY_KM
    lat1, lat2 = radians(technician.latitude), radians(site.latitude)
    east = radians(site.longitude - technician.longitude)
    half = sin((lat2 - lat1) / 2) ** 2 + cos(lat1) * cos(lat2) * sin(east / 2) ** 2
    return 2 * EARTH_RADIUS_KM * asin(sqrt(half))


def working_days(zone: ZoneInfo, earliest: int) -> Iterator[tuple[int, int]]:
    """Working time of the coming days, as (opens, closes) in micros."""
    first = to_datetime(earliest).astimezone(zone).date()
    for offset in range(SEARCH_DAYS):
        day = first + timedelta(days=offset)
        if day.weekday() < 5:
            opens = datetime.combine(day, OPENS, zone)
            closes = datetime.combine(day, CLOSES, zone)
            yield from_datetime(opens), from_datetime(closes)


def _around_the_clock(earliest: int) -> list[tuple[int, int]]:
    """One stretch without closing hours, so that a job may go on past midnight."""
    return [(earliest, earliest + SEARCH_DAYS * 24 * HOUR)]


def _on_the_half_hour(micros: int) -> int:
    half = HOUR // 2
    return -(-micros // half) * half
