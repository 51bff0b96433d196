"""Health and figures."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from api.app import create_app
from tests.api.plant import Plant
from tests.api.server import Server, Visitor


def test_all_well(visitor: Visitor) -> None:
    answer = visitor.get("/healthz")
    assert answer.status_code == 200
    assert answer.json() == {"status": "ok", "checks": {"database": "ok"}}


def test_a_failing_part_is_named_but_not_explained_to_strangers(
    visitor: Visitor, server: Server, plant: Plant, tmp_path: Path
) -> None:
    def broken() -> None:
        raise OSError("secret path")

    checks = {**plant.services.checks, "store": broken}
    server.app = create_app(replace(plant.services, checks=checks), console=tmp_path)
    answer = visitor.get("/healthz")
    assert answer.status_code == 503
    assert answer.json() == {"status": "failing", "checks": {"database": "ok", "store": "failing"}}
    assert "secret" not in answer.text


def test_requests_are_counted_by_route_and_status(admin: Visitor) -> None:
    admin.get("/api/v1/devices/pump-99")
    admin.get("/api/v1/devices/pump-98")
    answer = admin.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain")
    counted = 'purna_http_request_seconds_count{operation="read_device",status="404"} 2.0'
    assert counted in answer.text
    assert "pump-99" not in answer.text
