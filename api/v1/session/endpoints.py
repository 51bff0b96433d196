"""Sign-in, sign-out, and the one-time set-up of the first administrator."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from api.access import Right, needs
from api.errors import problems
from api.v1.session.schemas import Session, SetUp, SignIn

router = APIRouter(tags=["session"])


@router.get("/session", responses=problems(open_to_all=True))
def read_session(request: Request) -> Session:
    """Who is signed in, the platform's time, and what a browser needs for changes."""
    raise NotImplementedError


@router.post("/session", responses=problems(401, 429, open_to_all=True))
def sign_in(body: SignIn, request: Request, response: Response) -> Session:
    """Sign in; sets the session cookie."""
    raise NotImplementedError


@router.delete(
    "/session", status_code=204, dependencies=[needs(Right.SESSION_END)], responses=problems()
)
def sign_out(request: Request, response: Response) -> None:
    """Sign out; ends the session of this browser."""
    raise NotImplementedError


@router.post("/setup", status_code=201, responses=problems(403, 409, open_to_all=True))
def set_up(body: SetUp, request: Request, response: Response) -> Session:
    """Make the first administrator with the one-time token; signs in."""
    raise NotImplementedError
