"""The dependency that asks who is calling and what he may do.

Closed by default: :func:`check_routes` refuses an application with a route that neither declares
a right by :func:`needs` nor stands in :data:`OPEN_ROUTES`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.params import Depends as DependsParam
from fastapi.security import APIKeyCookie, HTTPAuthorizationCredentials, HTTPBearer
from starlette.routing import BaseRoute

from api.errors import SignInRequired
from api.roles import Caller, Right
from api.services import ServicesParam
from purna.core.errors import Denied

SESSION_COOKIE = "purna_session"
CSRF_HEADER = "X-CSRF-Token"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
OPEN_ROUTES = frozenset(
    {
        ("GET", "/session"),
        ("POST", "/session"),
        ("POST", "/setup"),
        ("POST", "/claims"),  # a claim key is its own proof
        ("GET", "/healthz"),
    }
)
"""The routes that ask nobody who he is."""

_cookie = APIKeyCookie(
    name=SESSION_COOKIE,
    scheme_name="session",
    auto_error=False,
    description=f"Set by `POST /api/v1/session`; changes need `{CSRF_HEADER}` too",
)
_bearer = HTTPBearer(
    scheme_name="key", auto_error=False, description="A key made by `POST /api/v1/keys`"
)


def current_caller(
    request: Request,
    services: ServicesParam,
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


def right_of(route: BaseRoute) -> Right | None:
    """The right that a route declares, or None."""
    for dependency in getattr(route, "dependencies", ()):
        if isinstance(dependency, DependsParam) and isinstance(dependency.dependency, Needs):
            return dependency.dependency.right
    return None


def check_routes(routers: Iterable[APIRouter]) -> None:
    """Raises ``LookupError`` naming the routes that are open without being listed as open."""
    undeclared = [
        f"{method} {path}"
        for router in routers
        for route in router.routes
        if right_of(route) is None
        for method, path in _calls_of(route)
        if (method, path) not in OPEN_ROUTES
    ]
    if undeclared:
        raise LookupError(f"routes that declare no right: {', '.join(undeclared)}")


def _calls_of(route: BaseRoute) -> list[tuple[str, str]]:
    """Method and path of all calls of a route; of one that is no API route, ``ANY``."""
    methods = sorted(getattr(route, "methods", None) or {"ANY"})
    return [(method, getattr(route, "path", "?")) for method in methods]
