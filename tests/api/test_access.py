"""Who may use which route: every route crossed with every role."""

from __future__ import annotations

import re

import pytest
from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute

from api.access import OPEN_ROUTES, check_routes, needs, right_of
from api.app import ROUTERS, build_routes
from api.auth import Users
from api.roles import RIGHTS, Right
from api.v1.session.schemas import Role
from tests.api.plant import Plant
from tests.api.server import Visitor

EVERYBODY = set(Role)
READERS = {Role.DISPATCHER, Role.RELIABILITY_ENGINEER, Role.ADMIN}
DISPATCH = {Role.DISPATCHER, Role.ADMIN}
FIELD = DISPATCH | {Role.TECHNICIAN}
FIRMWARE = {Role.FIRMWARE, Role.ADMIN}
MAKERS = {Role.RELIABILITY_ENGINEER, Role.FIRMWARE, Role.ADMIN}

ALLOWED: dict[str, set[Role] | None] = {
    "GET /api/v1/session": None,
    "POST /api/v1/session": None,
    "DELETE /api/v1/session": EVERYBODY,
    "POST /api/v1/setup": None,
    "GET /api/v1/users": {Role.ADMIN},
    "POST /api/v1/users": {Role.ADMIN},
    "PATCH /api/v1/users/{user_id}": {Role.ADMIN},
    "GET /api/v1/keys": {Role.ADMIN},
    "POST /api/v1/keys": {Role.ADMIN},
    "DELETE /api/v1/keys/{key_id}": {Role.ADMIN},
    "GET /api/v1/devices": EVERYBODY,
    "POST /api/v1/devices": FIRMWARE,
    "POST /api/v1/devices/import": FIRMWARE,
    "PATCH /api/v1/devices/{device_id}": FIRMWARE,
    "GET /api/v1/devices/{device_id}/credential": EVERYBODY,
    "POST /api/v1/devices/{device_id}/secret": FIRMWARE,
    "POST /api/v1/devices/{device_id}/revoke": FIRMWARE,
    "GET /api/v1/devices/{device_id}/commands": EVERYBODY,
    "POST /api/v1/devices/{device_id}/commands": MAKERS,
    "GET /api/v1/devices/{device_id}/commands/{command_id}": EVERYBODY,
    "GET /api/v1/devices/{device_id}/gaps": EVERYBODY,
    "POST /api/v1/claims": None,
    "GET /api/v1/claim-keys": FIRMWARE,
    "POST /api/v1/claim-keys": FIRMWARE,
    "DELETE /api/v1/claim-keys/{key_id}": FIRMWARE,
    "GET /api/v1/devices/{device_id}": EVERYBODY,
    "GET /api/v1/devices/{device_id}/readings": EVERYBODY,
    "GET /api/v1/devices/{device_id}/assessments": EVERYBODY,
    "GET /api/v1/devices/{device_id}/waveforms": EVERYBODY,
    "GET /api/v1/devices/{device_id}/waveforms/{waveform_id}": EVERYBODY,
    "GET /api/v1/devices/{device_id}/events": EVERYBODY,
    "GET /api/v1/alerts": READERS,
    "GET /api/v1/orders": READERS | {Role.TECHNICIAN},
    "GET /api/v1/orders/{order_id}": READERS | {Role.TECHNICIAN},
    "POST /api/v1/orders/{order_id}/accept": DISPATCH,
    "POST /api/v1/orders/{order_id}/reject": DISPATCH,
    "POST /api/v1/orders/{order_id}/reschedule": DISPATCH,
    "POST /api/v1/orders/{order_id}/complete": FIELD,
    "POST /api/v1/orders/{order_id}/cancel": DISPATCH,
    "GET /api/v1/sites": EVERYBODY,
    "POST /api/v1/sites": FIRMWARE,
    "GET /api/v1/technicians": EVERYBODY,
    "GET /api/v1/parts": EVERYBODY,
    "GET /api/v1/products": EVERYBODY,
    "GET /api/v1/models": {Role.RELIABILITY_ENGINEER, Role.ADMIN},
    "GET /api/v1/quarantine": MAKERS,
    "GET /api/v1/quarantine/counts": MAKERS,
    "POST /api/v1/quarantine/replay": MAKERS,
    "GET /api/v1/summary": EVERYBODY,
    "GET /api/v1/stream": EVERYBODY,
    "GET /healthz": None,
    "GET /metrics": MAKERS,
}
"""Who is let in, by route; None where nobody is asked."""


def routes() -> list[str]:
    return [
        f"{method.upper()} {path}"
        for path, methods in build_routes().openapi()["paths"].items()
        for method in methods
    ]


def test_this_table_knows_every_route() -> None:
    assert set(routes()) == set(ALLOWED)


def test_every_role_gets_exactly_its_routes(address: str, plant: Plant, users: Users) -> None:
    keys = {role: users.add_key(role.value, [role], "ada")[1] for role in Role}
    wrong = []
    client = Visitor(base_url=address)
    for route, allowed in ALLOWED.items():
        method, path = route.split()
        url = re.sub(r"\{.*?\}", "none", path)
        for role, key in [*keys.items(), (None, "")]:
            headers = {"Authorization": f"Bearer {key}"} if key else {}
            with client.stream(method, url, headers=headers) as answer:
                let_in = answer.status_code not in (401, 403)
            expected = allowed is None or (role in allowed)
            if route in ("POST /api/v1/session", "POST /api/v1/setup", "POST /api/v1/claims"):
                expected, let_in = True, answer.status_code == 422
            if let_in != expected:
                wrong.append((route, role, answer.status_code))
            if not expected:
                assert answer.status_code == (403 if role else 401), (route, role)
    client.close()
    assert wrong == []


def test_a_role_more_never_takes_a_right_away() -> None:
    for role in Role:
        assert RIGHTS[role] <= RIGHTS[Role.ADMIN]
    assert RIGHTS[Role.ADMIN] == set(Right)


def test_a_new_route_without_a_right_stops_the_application() -> None:
    router = APIRouter()

    @router.get("/forgotten")
    def forgotten() -> None: ...

    with pytest.raises(LookupError, match="GET /forgotten"):
        check_routes([*ROUTERS, router])


def test_a_route_of_another_kind_can_not_slip_in() -> None:
    router = APIRouter()
    router.mount("/files", FastAPI())
    with pytest.raises(LookupError, match="/files"):
        check_routes([router])


def test_the_right_of_a_route_is_the_one_it_declares() -> None:
    router = APIRouter()

    @router.get("/declared", dependencies=[needs(Right.MODELS_READ)])
    def declared() -> None: ...

    (route,) = router.routes
    assert isinstance(route, APIRoute)
    assert right_of(route) is Right.MODELS_READ
    check_routes([router])


def test_what_is_listed_as_open_exists() -> None:
    existing = {tuple(route.split()) for route in routes()}
    for method, path in OPEN_ROUTES:
        assert {(method, path), (method, f"/api/v1{path}")} & existing
