"""Users and API keys; for administrators."""

from __future__ import annotations

from fastapi import APIRouter

from api.access import Right, needs
from api.errors import problems
from api.paging import CursorParam, ListLimit
from api.v1.common import Page
from api.v1.users.schemas import KeyCreated, KeyEntry, NewKey, NewUser, UserChange, UserEntry

router = APIRouter(tags=["users"])
_MANAGE = [needs(Right.USERS_MANAGE)]


@router.get("/users", dependencies=_MANAGE, responses=problems())
def list_users(cursor: CursorParam = None, limit: ListLimit = 1000) -> Page[UserEntry]:
    """All users, by user name."""
    raise NotImplementedError


@router.post("/users", status_code=201, dependencies=_MANAGE, responses=problems(409))
def add_user(body: NewUser) -> UserEntry:
    """Add a user."""
    raise NotImplementedError


@router.patch("/users/{user_id}", dependencies=_MANAGE, responses=problems(404, 409))
def change_user(user_id: str, body: UserChange) -> UserEntry:
    """Change roles, name or password, or disable a user."""
    raise NotImplementedError


@router.get("/keys", dependencies=_MANAGE, responses=problems())
def list_keys(cursor: CursorParam = None, limit: ListLimit = 1000) -> Page[KeyEntry]:
    """All keys, newest last."""
    raise NotImplementedError


@router.post("/keys", status_code=201, dependencies=_MANAGE, responses=problems(409))
def add_key(body: NewKey) -> KeyCreated:
    """Make a key for a program; its token is shown this once."""
    raise NotImplementedError


@router.delete("/keys/{key_id}", status_code=204, dependencies=_MANAGE, responses=problems(404))
def remove_key(key_id: str) -> None:
    """Revoke a key at once."""
    raise NotImplementedError
