"""Wire shapes of commands to devices."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import Field

from api.v1.common import Wire
from ingest.commands import CommandState


class NewCommand(Wire):
    """Something that a device is to do."""

    name: str = Field(pattern=r"^[A-Za-z0-9_.-]{1,64}$", examples=["sample.faster"])
    arguments: dict[str, Any] = Field({}, examples=[{"seconds": 60}])
    ttl_seconds: float = Field(
        300.0, ge=1, le=2_592_000, description="It is not sent after this time"
    )
    timeout_seconds: float = Field(
        30.0, ge=1, le=86_400, description="Without a result after this time it is sent again"
    )
    retries: int = Field(2, ge=0, le=10, description="How often it is sent again")


class CommandEntry(Wire):
    """A command and what became of it. Its times are those of the server's own clock."""

    id: str
    device: str
    name: str
    arguments: dict[str, Any]
    state: CommandState
    created_by: str
    created_at: datetime
    expires_at: datetime
    timeout_seconds: float
    retries: int
    attempts: int
    sent_at: datetime | None
    delivered_at: datetime | None
    finished_at: datetime | None
    text: str = Field(description="What the device said of the result")
