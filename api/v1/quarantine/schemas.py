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
