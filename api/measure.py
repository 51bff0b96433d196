"""Counts and times requests for ``/metrics``."""

from __future__ import annotations

import time

from prometheus_client import CollectorRegistry, Histogram
from starlette.types import ASGIApp, Message, Receive, Scope, Send


class Measure:
    """One histogram by operation, as the OpenAPI description names it, and status.

    Never by path: ids in it would flood the figures.
    """

    def __init__(self, app: ASGIApp, registry: CollectorRegistry) -> None:
        self._app = app
        self._seconds = Histogram(
            "purna_http_request_seconds",
            "Time from a request to the start of its answer",
            ("operation", "status"),
            registry=registry,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        start = time.perf_counter()

        async def send_and_measure(message: Message) -> None:
            if message["type"] == "http.response.start":
                operation = getattr(scope.get("route"), "name", "none")
                self._seconds.labels(operation, message["status"]).observe(
                    time.perf_counter() - start
                )
            await send(message)

        await self._app(scope, receive, send_and_measure)
