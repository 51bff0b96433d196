"""For those who run the platform: is it well, and in figures."""

from __future__ import annotations

from typing import Literal

import structlog
from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from api.access import needs
from api.errors import problems
from api.roles import Right
from api.services import ServicesParam
from api.v1.common import Wire

router = APIRouter(tags=["system"])
log = structlog.get_logger()


class Healthz(Wire):
    """Whether the platform works, and each of its parts."""

    status: Literal["ok", "failing"]
    checks: dict[str, Literal["ok", "failing"]]


@router.get(
    "/healthz",
    responses={503: {"model": Healthz, "description": "A part does not work"}},
)
def read_health(response: Response, services: ServicesParam) -> Healthz:
    """Asks every part whether it works; 503 when one does not. Why stands in the server's log."""
    checks: dict[str, Literal["ok", "failing"]] = {}
    for name, check in services.checks.items():
        try:
            check()
            checks[name] = "ok"
        except Exception as error:
            log.warning("health check failed", check=name, error=str(error))
            checks[name] = "failing"
    failing = "failing" in checks.values()
    response.status_code = 503 if failing else 200
    return Healthz(status="failing" if failing else "ok", checks=checks)


@router.get(
    "/metrics",
    dependencies=[needs(Right.METRICS_READ)],
    response_class=Response,
    responses={
        200: {"content": {"text/plain": {"schema": {"type": "string"}}}},
        **problems(),
    },
)
def read_metrics(services: ServicesParam) -> Response:
    """Figures in the Prometheus text format."""
    return Response(generate_latest(services.metrics), media_type=CONTENT_TYPE_LATEST)
