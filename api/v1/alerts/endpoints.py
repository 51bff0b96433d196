"""Alerts: the findings and what was decided about them."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query

from alerts.alert import Alert
from alerts.lifecycle import AlertState
from api.access import needs
from api.errors import problems
from api.language import LanguageParam
from api.paging import CursorParam, PageLimit
from api.roles import Right
from api.services import ServicesParam
from api.v1.alerts.schemas import AlertSummary
from api.v1.common import Page, Ref
from api.v1.refs import device_ref, shown_text
from purna.core.clock import to_datetime

router = APIRouter(prefix="/alerts", tags=["alerts"])


@router.get("", dependencies=[needs(Right.ALERTS_READ)], responses=problems())
def list_alerts(
    services: ServicesParam,
    language: LanguageParam,
    state: Annotated[
        Literal["open", "acknowledged", "cleared"] | None, Query(description="Default: all")
    ] = None,
    device: Annotated[str, Query(max_length=80)] = "",
    cursor: CursorParam = None,
    limit: PageLimit = 50,
) -> Page[AlertSummary]:
    """Alerts, newest first."""
    states = (AlertState(state),) if state else ()
    page = services.alerts.alerts(states=states, device=device, cursor=cursor, limit=limit)
    return Page(
        items=[_alert_summary(alert, language) for alert in page.items],
        next_cursor=page.next_cursor,
        total=page.total,
    )


def _alert_summary(alert: Alert, language: str) -> AlertSummary:
    return AlertSummary(
        id=alert.id,
        device=device_ref(alert.device),
        failure_mode=Ref(id=alert.mode.id, name=alert.mode.name.text(language)),
        state=alert.state.value,
        opened_at=to_datetime(alert.opened_at),
        cleared_at=None if alert.cleared_at is None else to_datetime(alert.cleared_at),
        reason=shown_text(alert.reason, language),
        decision=shown_text(alert.decision, language),
        order=Ref(id=alert.order, name=alert.order_number) if alert.order else None,
    )
