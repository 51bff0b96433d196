"""Sign-in, sign-out, and the one-time set-up of the first administrator."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from api.access import SESSION_COOKIE, needs
from api.auth import User
from api.errors import SignInRequired, problems
from api.roles import Right
from api.services import Services, ServicesParam
from api.v1.session.schemas import Me, ServerClock, Session, SetUp, SignIn
from purna.core.clock import to_datetime

router = APIRouter(tags=["session"])


@router.get("/session", responses=problems(open_to_all=True))
def read_session(request: Request, services: ServicesParam) -> Session:
    """Who is signed in, the platform's time, and what a browser needs for changes."""
    token = request.cookies.get(SESSION_COOKIE, "")
    try:
        user = services.users.user_of_session(token)
    except SignInRequired:
        return _session(services, None, "")
    return _session(services, user, token)


@router.post("/session", responses=problems(400, 401, 429, open_to_all=True))
def sign_in(body: SignIn, request: Request, response: Response, services: ServicesParam) -> Session:
    """Sign in; sets the session cookie."""
    client = request.client.host if request.client else ""
    user = services.users.sign_in(body.username, body.password, client)
    return _start_session(services, user, request, response)


@router.delete(
    "/session", status_code=204, dependencies=[needs(Right.SESSION_END)], responses=problems()
)
def sign_out(request: Request, response: Response, services: ServicesParam) -> None:
    """Sign out; ends the session of this browser."""
    services.users.end_session(request.cookies.get(SESSION_COOKIE, ""))
    response.delete_cookie(SESSION_COOKIE, httponly=True, samesite="strict")


@router.post("/setup", status_code=201, responses=problems(400, 403, 409, open_to_all=True))
def set_up(body: SetUp, request: Request, response: Response, services: ServicesParam) -> Session:
    """Make the first administrator with the one-time token; signs in."""
    user = services.users.set_up(body.token, body.username, body.name, body.password)
    return _start_session(services, user, request, response)


def _start_session(services: Services, user: User, request: Request, response: Response) -> Session:
    token = services.users.open_session(user.id)
    response.set_cookie(
        SESSION_COOKIE,
        token,
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
    )
    return _session(services, user, token)


def _session(services: Services, user: User | None, token: str) -> Session:
    return Session(
        user=None
        if user is None
        else Me(id=user.id, username=user.username, name=user.name, roles=list(user.roles)),
        setup_required=user is None and services.users.setup_required(),
        clock=ServerClock(now=to_datetime(services.clock.now()), speed=services.clock.speed),
        mode=services.mode.value,
        version=services.version,
        csrf_token=services.users.csrf_token(token) if user else "",
    )
