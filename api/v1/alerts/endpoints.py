"""Alerts: the findings and what was decided about them."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query

from api.access import needs
from api.roles import Right
from api.errors import problems
from api.paging import CursorParam, PageLimit
from api.v1.alerts.schemas import AlertSummary
from api.v1.common import Page

router = APIRouter(prefix="/alerts", tags=["alerts"])


@router.get("", dependencies=[needs(Right.ALERTS_READ)], responses=problems())
def list_alerts(
    state: Annotated[
        Literal["open", "acknowledged", "cleared"] | None, Query(description="Default: all")
    ] = None,
    device: Annotated[str, Query(max_length=80)] = "",
    cursor: CursorParam = None,
    limit: PageLimit = 50,
) -> Page[AlertSummary]:
    """Alerts, newest first."""
    raise NotImplementedError
