"""The application: routes, problems, security headers, console. Nothing happens at import."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.middleware.gzip import GZipMiddleware

from api import system
from api.access import check_routes
from api.console.serving import DIST, Console
from api.errors import install_error_handlers
from api.examples import add_examples
from api.measure import Measure
from api.security import Guard
from api.services import Services
from api.v1.alerts.endpoints import router as alerts
from api.v1.claims.endpoints import ClaimThrottle
from api.v1.claims.endpoints import router as claims
from api.v1.commands.endpoints import router as commands
from api.v1.common import Problem
from api.v1.devices.contact import OnlineCount
from api.v1.devices.endpoints import router as devices
from api.v1.devices.newest import NewestAssessments
from api.v1.devices.registration import router as registration
from api.v1.devices.roster import Roster
from api.v1.models.endpoints import router as models
from api.v1.orders.endpoints import router as orders
from api.v1.products.endpoints import router as products
from api.v1.quarantine.endpoints import router as quarantine
from api.v1.resources.endpoints import router as resources
from api.v1.session.endpoints import router as session
from api.v1.summary.changes import Changes
from api.v1.summary.endpoints import router as summary
from api.v1.summary.live import Live
from api.v1.summary.schemas import LiveEvent
from api.v1.users.endpoints import router as users
from api.v1.waveforms.endpoints import router as waveforms
from purna.core.clock import SystemClock

VERSION = "1.0"
"""Of the API's contract, not of the program."""

V1 = (
    session,
    users,
    devices,
    registration,
    commands,
    claims,
    waveforms,
    alerts,
    orders,
    resources,
    products,
    models,
    quarantine,
    summary,
)


ROUTERS = (*V1, system.router)


def create_app(services: Services, console: Path = DIST) -> FastAPI:
    """The API and the console over these services; ``console`` is the folder of its build."""
    app = build_routes()
    app.state.services = services
    app.state.roster = Roster(services.registry)
    app.state.newest = NewestAssessments(services.assessments)
    app.state.online_count = OnlineCount(services.store, services.clock)
    app.state.claim_throttle = ClaimThrottle(SystemClock())
    app.state.live = Live(
        Changes(services.alerts, services.assessments),
        poll_seconds=services.settings.stream_poll_seconds,
        heartbeat_seconds=services.settings.stream_heartbeat_seconds,
        life_seconds=services.settings.stream_life_seconds,
    )
    app.router.default = Console(console, otherwise=app.router.default)
    app.add_middleware(GZipMiddleware, minimum_size=1000)
    app.add_middleware(Guard, hosts=services.settings.hosts)
    app.add_middleware(Measure, registry=services.metrics)
    return app


def build_routes() -> FastAPI:
    """The application without its services: enough for the OpenAPI description."""
    check_routes(ROUTERS)
    app = FastAPI(
        title="Purna",
        version=VERSION,
        summary="Predictive maintenance: a reading becomes one well-founded service order.",
        docs_url=None,  # its pages would load scripts from elsewhere
        redoc_url=None,
        redirect_slashes=False,
        generate_unique_id_function=_operation_id,
    )
    for router in V1:
        app.include_router(router, prefix="/api/v1")
    app.include_router(system.router)
    install_error_handlers(app)
    _complete_description(app)
    return app


def _operation_id(route: APIRoute) -> str:
    return route.name


def _complete_description(app: FastAPI) -> None:
    """Adds examples, and the wire shapes that no route returns as its model."""
    describe = app.openapi

    def openapi() -> dict[str, Any]:
        document: dict[str, Any] = describe()
        schemas: dict[str, Mapping[str, Any]] = document["components"]["schemas"]
        for shape in (Problem, LiveEvent):
            schemas.setdefault(
                shape.__name__,
                shape.model_json_schema(ref_template="#/components/schemas/{model}"),
            )
        add_examples(document)
        return document

    app.openapi = openapi  # type: ignore[method-assign]
