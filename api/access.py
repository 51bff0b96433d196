"""Who may do what: the one table of roles and rights, and the dependency that asks it.

Closed by default: :func:`check_routes` refuses an application with a route that neither declares
a right by :func:`needs` nor stands in :data:`OPEN_ROUTES`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.params import Depends as DependsParam
from fastapi.routing import APIRoute
from fastapi.security import APIKeyCookie, HTTPAuthorizationCredentials, HTTPBearer

from api.errors import SignInRequired
from api.services import Services, services_of
from api.v1.session.schemas import Role
from purna.core.errors import Denied

SESSION_COOKIE = "purna_session"
CSRF_HEADER = "X-CSRF-Token"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class Right(StrEnum):
    """Something that a route may ask for."""

    SESSION_END = "session.end"
    SUMMARY_READ = "summary.read"
    DEVICES_READ = "devices.read"
    DEVICES_ADD = "devices.add"
    QUARANTINE_READ = "quarantine.read"
    ALERTS_READ = "alerts.read"
    ORDERS_READ = "orders.read"
    ORDERS_READ_OWN = "orders.read_own"
    ORDERS_ACT = "orders.act"
    ORDERS_COMPLETE_OWN = "orders.complete_own"
    RESOURCES_READ = "resources.read"
    PRODUCTS_READ = "products.read"
    MODELS_READ = "models.read"
    METRICS_READ = "metrics.read"
    USERS_MANAGE = "users.manage"


_EVERYBODY = {
    Right.SESSION_END,
    Right.SUMMARY_READ,
    Right.DEVICES_READ,
    Right.PRODUCTS_READ,
    Right.RESOURCES_READ,
}
RIGHTS: dict[Role, frozenset[Right]] = {
    Role.DISPATCHER: frozenset(
        _EVERYBODY
        | {Right.ORDERS_READ, Right.ORDERS_READ_OWN, Right.ORDERS_ACT}
        | {Right.ORDERS_COMPLETE_OWN, Right.ALERTS_READ}
    ),
    Role.TECHNICIAN: frozenset(_EVERYBODY | {Right.ORDERS_READ_OWN, Right.ORDERS_COMPLETE_OWN}),
    Role.RELIABILITY_ENGINEER: frozenset(
        _EVERYBODY
        | {Right.ORDERS_READ, Right.ORDERS_READ_OWN, Right.ALERTS_READ}
        | {Right.MODELS_READ, Right.QUARANTINE_READ, Right.METRICS_READ}
    ),
    Role.FIRMWARE: frozenset(
        _EVERYBODY | {Right.DEVICES_ADD, Right.QUARANTINE_READ, Right.METRICS_READ}
    ),
    Role.ADMIN: frozenset(Right),
}
"""What each role may do; a user with several roles may do what any of them may."""

OPEN_ROUTES = frozenset(
    {
        ("GET", "/session"),
        ("POST", "/session"),
        ("POST", "/setup"),
        ("GET", "/healthz"),
    }
)
"""The routes that ask nobody who he is."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who sent the request: a signed-in person or a program with a key.

    ``technician`` is the id of the technician that the person is, or empty.
    """

    id: str
    name: str
    roles: frozenset[Role]
    technician: str = ""

    @property
    def rights(self) -> frozenset[Right]:
        return frozenset().union(*(RIGHTS[role] for role in self.roles))

    def may(self, right: Right) -> bool:
        return right in self.rights


_cookie = APIKeyCookie(
    name=SESSION_COOKIE, auto_error=False, description="Set by `POST /api/v1/session`"
)
_bearer = HTTPBearer(auto_error=False, description="A key made by `POST /api/v1/keys`")


def current_caller(
    request: Request,
    services: Annotated[Services, Depends(services_of)],
    cookie: Annotated[str | None, Depends(_cookie)],
    bearer: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
) -> Caller:
    """The caller, by key or by session cookie; raises :class:`SignInRequired`."""
    if bearer is not None:
        return services.users.caller_of_key(bearer.credentials)
    if not cookie:
        raise SignInRequired("auth.required", "no session cookie and no key")
    caller = services.users.caller_of_session(cookie)
    if request.method not in SAFE_METHODS:
        services.users.check_csrf(cookie, request.headers.get(CSRF_HEADER, ""))
    return caller


CallerParam = Annotated[Caller, Depends(current_caller)]


class Needs:
    """Asks whether the caller has a right; raises :class:`Denied` when not."""

    def __init__(self, right: Right) -> None:
        self.right = right

    def __call__(self, caller: CallerParam) -> None:
        if not caller.may(self.right):
            raise Denied("auth.right", f"{caller.name} lacks {self.right}", right=self.right.value)


def needs(right: Right) -> Any:
    """For a route's ``dependencies``: only callers with this right may use it."""
    return Depends(Needs(right))


def right_of(route: APIRoute) -> Right | None:
    """The right that a route declares, or None."""
    for dependency in route.dependencies:
        if isinstance(dependency, DependsParam) and isinstance(dependency.dependency, Needs):
            return dependency.dependency.right
    return None


def check_routes(routers: Iterable[APIRouter]) -> None:
    """Raises ``LookupError`` naming the routes that are open without being listed as open."""
    undeclared = [
        f"{method} {route.path}"
        for router in routers
        for route in router.routes
        if isinstance(route, APIRoute) and right_of(route) is None
        for method in sorted(route.methods)
        if (method, route.path) not in OPEN_ROUTES
    ]
    if undeclared:
        raise LookupError(f"routes that declare no right: {', '.join(undeclared)}")
