"""The overview and the live stream."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Header
from fastapi.responses import StreamingResponse

from api.access import needs
from api.roles import Right
from api.errors import problems
from api.v1.summary.schemas import Summary

router = APIRouter(tags=["summary"])


class EventStream(StreamingResponse):
    """Server-sent events."""

    media_type = "text/event-stream"


@router.get("/summary", dependencies=[needs(Right.SUMMARY_READ)], responses=problems(503))
def read_summary() -> Summary:
    """The numbers above the queue."""
    raise NotImplementedError


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
    last_event_id: Annotated[str | None, Header(max_length=200)] = None,
) -> EventStream:
    """What changed, as it changes (server-sent events)."""
    raise NotImplementedError
