"""The application: routes, problems, security headers, console. Nothing happens at import."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI

from api.access import check_routes
from api.errors import install_error_handlers
from api.services import ApiSettings, Services
from api.v1.alerts.endpoints import router as alerts
from api.v1.common import Problem
from api.v1.devices.endpoints import router as devices
from api.v1.models.endpoints import router as models
from api.v1.orders.endpoints import router as orders
from api.v1.products.endpoints import router as products
from api.v1.quarantine.endpoints import router as quarantine
from api.v1.resources.endpoints import router as resources
from api.v1.session.endpoints import router as session
from api.v1.summary.endpoints import router as summary
from api.v1.summary.schemas import LiveEvent
from api.v1.users.endpoints import router as users

VERSION = "1.0"
"""Of the API's contract, not of the program."""

V1 = (session, users, devices, alerts, orders, resources, products, models, quarantine, summary)


def create_app(services: Services) -> FastAPI:
    """The API and the console over these services."""
    app = build_routes(services.settings)
    app.state.services = services
    return app


def build_routes(settings: ApiSettings) -> FastAPI:
    """The application without its services: enough for the OpenAPI description."""
    check_routes(V1)
    app = FastAPI(
        title="Purna",
        version=VERSION,
        summary="Predictive maintenance: a reading becomes one well-founded service order.",
        docs_url="/docs" if settings.docs else None,
        redoc_url=None,
        generate_unique_id_function=lambda route: route.name,
    )
    for router in V1:
        app.include_router(router, prefix="/api/v1")
    install_error_handlers(app)
    _describe_shared_schemas(app)
    return app


def _describe_shared_schemas(app: FastAPI) -> None:
    """Adds the wire shapes that no route returns as its model: problems and live events."""
    describe = app.openapi

    def openapi() -> dict[str, Any]:
        document: dict[str, Any] = describe()
        schemas: dict[str, Mapping[str, Any]] = document["components"]["schemas"]
        for shape in (Problem, LiveEvent):
            schemas.setdefault(
                shape.__name__,
                shape.model_json_schema(ref_template="#/components/schemas/{model}"),
            )
        return document

    app.openapi = openapi  # type: ignore[method-assign]
