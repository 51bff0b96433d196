"""Wire shapes of the quarantine: what could not be taken in."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from api.v1.common import Wire


class RejectedEntry(Wire):
    """A message that was set aside."""

    id: int
    received: datetime
    device: str
    topic: str
    code: str
    hint: str
    field: str
    payload: str = Field(description="As text, or base64 where it is none; cut at 4 KiB")
    encoding: str = Field(description="`utf-8` or `base64`")
    size: int
    whole: bool = Field(description="False when only its beginning was kept: no replay then")


class RejectedCount(Wire):
    """How many messages were set aside for one reason."""

    code: str
    count: int


class Replay(Wire):
    """Which messages to take in again: those of ``ids``, or all that fit the rest."""

    ids: list[int] | None = Field(default=None, max_length=1000)
    device: str = Field(default="", max_length=64)
    code: str = Field(default="", max_length=80)
    q: str = Field(default="", max_length=100)


class ReplayAsked(Wire):
    """How many messages will be taken in again."""

    asked: int
