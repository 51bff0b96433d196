"""Wire shapes of the overview and the live stream."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from api.v1.common import Wire

Topic = Literal["orders", "alerts", "assessments"]


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
    """One message of the live stream (server-sent events).

    ``seq`` rises by one with every message. A number that does not follow the last one, as after
    a reconnect to another server, means that something was missed: fetch everything anew.
    """

    seq: int
    topic: Topic
    id: str = Field(description="Order or alert that changed, empty for many")
