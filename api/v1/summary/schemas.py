"""Wire shapes of the overview and the live stream."""

from __future__ import annotations

from pydantic import Field

from api.v1.common import Wire


class Summary(Wire):
    """The numbers above the queue."""

    proposed: int
    accepted: int
    overdue: int
    devices: int
    devices_online: int
    devices_act: int
    devices_watch: int
    completed_90d: int
    needless_90d: int = Field(description="Completed with no fault found in the last 90 days")
    failures_90d: int = Field(description="Failures in service in the last 90 days")


class LiveEvent(Wire):
    """One message of the live stream (server-sent events)."""

    seq: int
    topic: str = Field(description="`orders`, `alerts` or `assessments`")
    id: str = Field(description="Order or alert that changed, empty for many")
