"""Wire shapes of users and API keys."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from api.v1.common import Wire
from api.v1.session.schemas import Role


class UserEntry(Wire):
    """Somebody who can sign in."""

    id: str = Field(examples=["usr_01jd3v8k2m4q6s8t0v2x"])
    username: str = Field(examples=["rini"])
    name: str = Field(examples=["Rini Wulandari"])
    roles: list[Role] = Field(examples=[["dispatcher"]])
    disabled: bool
    technician: str | None = Field(description="Technician that this user is", examples=["tec-03"])
    created_at: datetime


class NewUser(Wire):
    """A user to add, with a first password that the user should change."""

    username: str = Field(
        min_length=1, max_length=80, pattern=r"^[A-Za-z0-9_.@-]+$", examples=["rini"]
    )
    name: str = Field(min_length=1, max_length=120, examples=["Rini Wulandari"])
    password: str = Field(min_length=12, max_length=200, examples=["seven green pumps"])
    roles: list[Role] = Field(min_length=1, examples=[["dispatcher"]])
    technician: str | None = Field(default=None, max_length=80)


class UserChange(Wire):
    """What to change; what is left out stays. A new password ends the user's sessions."""

    name: str | None = Field(default=None, min_length=1, max_length=120)
    roles: list[Role] | None = Field(default=None, min_length=1, examples=[["technician"]])
    disabled: bool | None = None
    password: str | None = Field(default=None, min_length=12, max_length=200)
    technician: str | None = Field(default=None, max_length=80, description="Empty to take it away")


class KeyEntry(Wire):
    """A key that a program signs in with."""

    id: str = Field(examples=["key_01jd3v8k2m4q6s8t0v2x"])
    name: str = Field(examples=["erp"])
    roles: list[Role] = Field(examples=[["dispatcher"]])
    hint: str = Field(description="First characters of the key", examples=["purna_3fQ8"])
    created_by: str = Field(examples=["rini"])
    created_at: datetime
    last_used_at: datetime | None


class NewKey(Wire):
    """A key to make."""

    name: str = Field(min_length=1, max_length=80, examples=["erp"])
    roles: list[Role] = Field(min_length=1, examples=[["dispatcher"]])


class KeyCreated(KeyEntry):
    """A new key. ``token`` is shown this once and never again."""

    token: str = Field(examples=["purna_3fQ8x…"])
