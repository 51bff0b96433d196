"""Devices: the fleet table and the device page."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Query

from alerts.lifecycle import AlertState
from alerts.views import OrderFilter
from api.access import needs
from api.errors import problems
from api.language import LanguageParam
from api.paging import CursorParam, PageLimit, cut
from api.roles import Right
from api.services import Services, ServicesParam
from api.v1.common import Page
from api.v1.devices.contact import contacts_of
from api.v1.devices.downsample import reduced_series
from api.v1.devices.fleet import fleet_lines, product_of
from api.v1.devices.history import assessment_history
from api.v1.devices.newest import NewestParam
from api.v1.devices.roster import RosterParam
from api.v1.devices.schemas import (
    AssessmentHistory,
    DeviceDetail,
    DeviceEventEntry,
    DeviceSummary,
    GapEntry,
    Health,
    Series,
)
from api.v1.devices.wire import device_detail, device_summary
from purna.core.clock import DAY, SECOND, from_datetime, to_datetime
from purna.core.errors import BadInput
from purna.core.readings import EVENT_KINDS, DeviceEvent, Gap, SeriesKey

router = APIRouter(prefix="/devices", tags=["devices"])
_READ = [needs(Right.DEVICES_READ)]
_DEFAULT_PERIOD = 30 * DAY
Start = Annotated[datetime | None, Query(description="From then on; default 30 days before end")]
End = Annotated[datetime | None, Query(description="Before then; default now")]
Points = Annotated[int, Query(ge=1, le=4000, description="At most so many points per series")]


@router.get("", dependencies=_READ, responses=problems(503))
def list_devices(
    services: ServicesParam,
    roster: RosterParam,
    newest: NewestParam,
    language: LanguageParam,
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
    summary = services.alerts.summary()
    lines = [
        line
        for line in fleet_lines(
            roster.all(),
            services.catalogue,
            newest.by_device(),
            summary.devices_act | summary.devices_watch,
        )
        if (not product or line.device.product == product)
        and (not site or line.device.site.id == site)
        and (health is None or line.health == health)
        and (not q or line.speaks_of(q))
    ]
    if sort == "health":
        lines.sort(key=lambda line: line.by_health)
        shown, next_cursor = cut(
            lines, lambda line: line.by_health, (int, float, str), cursor, limit
        )
    else:
        shown, next_cursor = cut(lines, lambda line: line.by_id, (str,), cursor, limit)

    now = services.clock.now()
    ids = [line.device.id for line in shown]
    contacts = contacts_of(services.store, ids, services.store.latest(ids), now)
    open_orders = services.alerts.open_orders()
    return Page(
        items=[
            device_summary(
                line, contacts[line.device.id], open_orders.get(line.device.id, 0), now, language
            )
            for line in shown
        ],
        next_cursor=next_cursor,
        total=len(lines),
    )


@router.get("/{device_id}", dependencies=_READ, responses=problems(404, 503))
def read_device(
    device_id: str, services: ServicesParam, newest: NewestParam, language: LanguageParam
) -> DeviceDetail:
    """All about one device: newest readings, assessments, alerts, orders, maintenance."""
    device = services.registry.get(device_id)
    now = services.clock.now()
    readings = services.store.latest([device_id])
    alerts = services.alerts.alerts(
        states=(AlertState.OPEN, AlertState.ACKNOWLEDGED), device=device_id, limit=200
    ).items
    open_orders = services.alerts.open_orders().get(device_id, 0)
    with_alert = {device_id} if alerts or open_orders else set()
    (line,) = fleet_lines([device], services.catalogue, newest.by_device(), with_alert)
    return device_detail(
        line,
        contacts_of(services.store, [device_id], readings, now)[device_id],
        now,
        language,
        newest=readings,
        alerts=alerts,
        orders=services.alerts.orders(OrderFilter(device=device_id), limit=200).items,
        open_orders=open_orders,
        maintenance=services.maintenance.records([device_id]),
    )


@router.get("/{device_id}/readings", dependencies=_READ, responses=problems(404, 503))
def read_series(
    device_id: str,
    services: ServicesParam,
    language: LanguageParam,
    quantity: Annotated[str, Query(min_length=1, max_length=80, examples=["vib_rms"])],
    start: Start = None,
    end: End = None,
    points: Points = 1000,
) -> Series:
    """One quantity over time, reduced to at most ``points`` buckets that keep every extreme.

    Over long stretches the buckets come from roll-ups, which know good readings only.
    """
    product = product_of(services.catalogue, services.registry.get(device_id))
    shown = product.quantity(quantity)
    if shown is None:
        raise BadInput(
            "quantity.unknown",
            f"product {product.id} has no quantity {quantity!r}",
            field="quantity",
            product=product.id,
            quantity=quantity,
        )
    since, until = _period(start, end, services)
    key = SeriesKey(device_id, quantity)
    reduced = reduced_series(services.store, key, since, until, points)
    return Series(
        quantity=quantity,
        name=shown.name.text(language),
        unit=shown.unit,
        alarm=shown.alarm,
        step_seconds=reduced.step / SECOND,
        ts=(reduced.ts // 1000).tolist(),
        low=reduced.low.tolist(),
        mean=reduced.mean.tolist(),
        high=reduced.high.tolist(),
    )


@router.get("/{device_id}/assessments", dependencies=_READ, responses=problems(404))
def read_assessments(
    device_id: str,
    services: ServicesParam,
    language: LanguageParam,
    start: Start = None,
    end: End = None,
    points: Points = 1000,
) -> AssessmentHistory:
    """What the models said of the device over time."""
    product = product_of(services.catalogue, services.registry.get(device_id))
    since, until = _period(start, end, services)
    found = services.assessments.between(device_id, since, until)
    return assessment_history(found, product, points, language)


@router.get("/{device_id}/events", dependencies=_READ, responses=problems(404, 503))
def list_events(
    device_id: str,
    services: ServicesParam,
    start: Start = None,
    end: End = None,
    cursor: CursorParam = None,
    limit: PageLimit = 50,
) -> Page[DeviceEventEntry]:
    """What the device said, and what the platform noticed of it, newest first."""
    services.registry.get(device_id)
    since, until = _period(start, end, services)
    events = [
        event
        for kind in EVENT_KINDS
        for event in services.store.events([device_id], since, until, kind=kind)
    ]
    events.sort(key=_newest_first)
    shown, next_cursor = cut(events, _newest_first, (int, str, str), cursor, limit)
    return Page(
        items=[
            DeviceEventEntry(
                ts=to_datetime(event.ts), kind=event.kind, code=event.code, text=event.text
            )
            for event in shown
        ],
        next_cursor=next_cursor,
        total=len(events),
    )


@router.get("/{device_id}/gaps", dependencies=_READ, responses=problems(404, 503))
def list_gaps(
    device_id: str, services: ServicesParam, cursor: CursorParam = None, limit: PageLimit = 50
) -> Page[GapEntry]:
    """Holes in the numbers of the device's messages, those opened last first; 1,000 at most."""
    services.registry.get(device_id)
    gaps = sorted(services.gaps.gaps(device_id), key=_opened_last_first)
    shown, next_cursor = cut(gaps, _opened_last_first, (int, str, int), cursor, limit)
    return Page(
        items=[
            GapEntry(
                boot=gap.boot,
                first=gap.first,
                last=gap.last,
                missing=gap.missing,
                opened_at=to_datetime(gap.opened),
                closed_at=None if gap.closed is None else to_datetime(gap.closed),
            )
            for gap in shown
        ],
        next_cursor=next_cursor,
        total=len(gaps),
    )


def _opened_last_first(gap: Gap) -> tuple[int, str, int]:
    return -gap.opened, gap.boot, gap.first


def _newest_first(event: DeviceEvent) -> tuple[int, str, str]:
    return -event.ts, event.kind, event.code


def _period(start: datetime | None, end: datetime | None, services: Services) -> tuple[int, int]:
    until = services.clock.now() if end is None else from_datetime(end)
    since = until - _DEFAULT_PERIOD if start is None else from_datetime(start)
    if since >= until:
        raise BadInput("request.period", "start must be before end", field="end")
    return since, until
