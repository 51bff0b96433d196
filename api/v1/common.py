"""Wire shapes that several domains share."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field

T = TypeVar("T")


class Wire(BaseModel):
    """Base of all wire shapes: unknown fields are refused, so a typo is never silently ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Page(Wire, Generic[T]):
    """One page of a list. ``next_cursor`` is null on the last page; pass it on as ``cursor``."""

    items: list[T]
    next_cursor: str | None = None
    total: int = Field(description="How many there are in all, with the same filters.")


class Problem(BaseModel):
    """An error as RFC 9457 problem details (``application/problem+json``)."""

    type: str = Field(description="`https://purna.dev/problems/` and the code")
    title: str
    status: int
    detail: str = Field(description="One sentence in the reader's language")
    code: str = Field(description="Stable name of the error, for programs")
    errors: list[dict[str, Any]] = Field(default=[], description="Wrong fields: `field`, `reason`")


class Ref(Wire):
    """A thing that has a page of its own."""

    id: str
    name: str


class Text(Wire):
    """A sentence in the reader's language, with its code and parameters for programs."""

    code: str
    params: dict[str, Any] = {}
    text: str


class Span(Wire):
    """A stretch of time."""

    start: datetime
    end: datetime
