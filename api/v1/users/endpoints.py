"""Users and API keys; for administrators."""

from __future__ import annotations

from fastapi import APIRouter

from api.access import CallerParam, needs
from api.auth import Key, User
from api.errors import problems
from api.paging import CursorParam, ListLimit, page_of
from api.roles import Right
from api.services import ServicesParam
from api.v1.common import Page
from api.v1.users.schemas import KeyCreated, KeyEntry, NewKey, NewUser, UserChange, UserEntry
from purna.core.clock import to_datetime

router = APIRouter(tags=["users"])
_MANAGE = [needs(Right.USERS_MANAGE)]


@router.get("/users", dependencies=_MANAGE, responses=problems())
def list_users(
    services: ServicesParam, cursor: CursorParam = None, limit: ListLimit = 1000
) -> Page[UserEntry]:
    """All users, by user name."""
    users = services.users.users()
    return page_of(users, lambda user: (user.username,), _user_entry, cursor, limit)


@router.post("/users", status_code=201, dependencies=_MANAGE, responses=problems(400, 409))
def add_user(body: NewUser, services: ServicesParam) -> UserEntry:
    """Add a user."""
    user = services.users.add_user(
        body.username, body.name, body.password, body.roles, body.technician or ""
    )
    return _user_entry(user)


@router.patch("/users/{user_id}", dependencies=_MANAGE, responses=problems(400, 404, 409))
def change_user(user_id: str, body: UserChange, services: ServicesParam) -> UserEntry:
    """Change roles, name or password, or disable a user."""
    return _user_entry(services.users.change_user(user_id, **body.model_dump()))


@router.get("/keys", dependencies=_MANAGE, responses=problems())
def list_keys(
    services: ServicesParam, cursor: CursorParam = None, limit: ListLimit = 1000
) -> Page[KeyEntry]:
    """All keys, newest last."""
    return page_of(services.users.keys(), lambda key: (key.id,), _key_entry, cursor, limit)


@router.post("/keys", status_code=201, dependencies=_MANAGE, responses=problems(400, 409))
def add_key(body: NewKey, services: ServicesParam, caller: CallerParam) -> KeyCreated:
    """Make a key for a program; its token is shown this once."""
    key, token = services.users.add_key(body.name, body.roles, caller.name)
    return KeyCreated(**_key_entry(key).model_dump(), token=token)


@router.delete("/keys/{key_id}", status_code=204, dependencies=_MANAGE, responses=problems(404))
def remove_key(key_id: str, services: ServicesParam) -> None:
    """Revoke a key at once."""
    services.users.remove_key(key_id)


def _user_entry(user: User) -> UserEntry:
    return UserEntry(
        id=user.id,
        username=user.username,
        name=user.name,
        roles=list(user.roles),
        disabled=user.disabled,
        technician=user.technician or None,
        created_at=to_datetime(user.created_at),
    )


def _key_entry(key: Key) -> KeyEntry:
    return KeyEntry(
        id=key.id,
        name=key.name,
        roles=list(key.roles),
        hint=key.hint,
        created_by=key.created_by,
        created_at=to_datetime(key.created_at),
        last_used_at=None if key.last_used_at is None else to_datetime(key.last_used_at),
    )
