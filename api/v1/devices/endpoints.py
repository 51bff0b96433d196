"""Devices: the fleet table, the device page and registration."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Query

from api.access import needs
from api.roles import Right
from api.errors import problems
from api.paging import CursorParam, PageLimit
from api.v1.common import Page
from api.v1.devices.schemas import (
    AssessmentHistory,
    DeviceCredential,
    DeviceDetail,
    DeviceEventEntry,
    DeviceSummary,
    Health,
    NewDevice,
    Series,
)

router = APIRouter(prefix="/devices", tags=["devices"])
_READ = [needs(Right.DEVICES_READ)]
Start = Annotated[datetime | None, Query(description="From then on; default 30 days before end")]
End = Annotated[datetime | None, Query(description="Before then; default now")]
Points = Annotated[int, Query(ge=1, le=4000, description="At most so many points per series")]


@router.get("", dependencies=_READ, responses=problems(503))
def list_devices(
    q: Annotated[
        str, Query(max_length=100, description="Part of id, serial, site or customer")
    ] = "",
    product: Annotated[str, Query(max_length=80)] = "",
    site: Annotated[str, Query(max_length=80)] = "",
    health: Health | None = None,
    sort: Annotated[
        Literal["health", "id"], Query(description="`health`: the worst come first")
    ] = "health",
    cursor: CursorParam = None,
    limit: PageLimit = 50,
) -> Page[DeviceSummary]:
    """The fleet, a page at a time."""
    raise NotImplementedError


@router.post("", status_code=201, dependencies=[needs(Right.DEVICES_ADD)], responses=problems(409))
def add_device(body: NewDevice) -> DeviceCredential:
    """Register a device; the answer holds the password it connects with, shown this once."""
    raise NotImplementedError


@router.get("/{device_id}", dependencies=_READ, responses=problems(404, 503))
def read_device(device_id: str) -> DeviceDetail:
    """All about one device: newest readings, assessments, alerts, orders, maintenance."""
    raise NotImplementedError


@router.get("/{device_id}/readings", dependencies=_READ, responses=problems(404, 503))
def read_series(
    device_id: str,
    quantity: Annotated[str, Query(min_length=1, max_length=80)],
    start: Start = None,
    end: End = None,
    points: Points = 1000,
) -> Series:
    """One quantity over time, reduced to at most ``points`` buckets that keep every extreme."""
    raise NotImplementedError


@router.get("/{device_id}/assessments", dependencies=_READ, responses=problems(404))
def read_assessments(
    device_id: str, start: Start = None, end: End = None, points: Points = 1000
) -> AssessmentHistory:
    """What the models said of the device over time."""
    raise NotImplementedError


@router.get("/{device_id}/events", dependencies=_READ, responses=problems(404, 503))
def list_events(
    device_id: str,
    start: Start = None,
    end: End = None,
    cursor: CursorParam = None,
    limit: PageLimit = 50,
) -> Page[DeviceEventEntry]:
    """What the device itself said, newest first."""
    raise NotImplementedError
