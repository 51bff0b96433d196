"""The quarantine: what devices sent and the platform could not take in."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from api.access import needs
from api.roles import Right
from api.errors import problems
from api.paging import CursorParam, PageLimit
from api.v1.common import Page
from api.v1.quarantine.schemas import RejectedEntry

router = APIRouter(prefix="/quarantine", tags=["quarantine"])


@router.get("", dependencies=[needs(Right.QUARANTINE_READ)], responses=problems(503))
def list_rejected(
    device: Annotated[str, Query(max_length=64)] = "",
    code: Annotated[str, Query(max_length=80, examples=["payload.json"])] = "",
    cursor: CursorParam = None,
    limit: PageLimit = 50,
) -> Page[RejectedEntry]:
    """Messages set aside, newest first, each with its reason."""
    raise NotImplementedError
