"""The overview and the live stream."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Header, Request
from fastapi.responses import StreamingResponse

from api.access import needs
from api.errors import problems
from api.roles import Right
from api.services import ServicesParam
from api.v1.devices.contact import OnlineCountParam
from api.v1.devices.fleet import fleet_lines
from api.v1.devices.newest import NewestParam
from api.v1.devices.roster import RosterParam
from api.v1.summary.live import Live
from api.v1.summary.schemas import Summary

router = APIRouter(tags=["summary"])


class EventStream(StreamingResponse):
    """Server-sent events."""

    media_type = "text/event-stream"


@router.get("/summary", dependencies=[needs(Right.SUMMARY_READ)], responses=problems(503))
def read_summary(
    services: ServicesParam, roster: RosterParam, newest: NewestParam, online: OnlineCountParam
) -> Summary:
    """The numbers above the queue."""
    service = services.alerts.summary()
    lines = fleet_lines(
        roster.all(),
        services.catalogue,
        newest.by_device(),
        service.devices_act | service.devices_watch,
    )
    health = [line.health for line in lines]
    return Summary(
        proposed=service.proposed,
        accepted=service.accepted,
        overdue=service.overdue,
        devices=len(lines),
        devices_online=online.of(lines),
        devices_act=health.count("act"),
        devices_watch=health.count("watch"),
        completed_90d=service.completed_90d,
        needless_90d=service.needless_90d,
        failures_90d=service.failures_90d,
    )


@router.get(
    "/stream",
    dependencies=[needs(Right.SUMMARY_READ)],
    response_class=EventStream,
    responses={
        200: {
            "description": "One `LiveEvent` per `data:` line",
            "content": {
                "text/event-stream": {"schema": {"$ref": "#/components/schemas/LiveEvent"}}
            },
        },
        **problems(),
    },
)
async def follow_changes(
    request: Request,
    last_event_id: Annotated[
        str | None, Header(max_length=200, description="`id` of the last event received")
    ] = None,
) -> EventStream:
    """What changed, as it changes (server-sent events)."""
    live: Live = request.app.state.live
    return EventStream(live.follow(last_event_id))
