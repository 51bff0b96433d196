"""Wire shapes of sign-in and set-up."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Literal

from pydantic import Field

from api.v1.common import Wire


class Role(StrEnum):
    """What a user may do; a user has one or more."""

    DISPATCHER = "dispatcher"
    TECHNICIAN = "technician"
    RELIABILITY_ENGINEER = "reliability_engineer"
    FIRMWARE = "firmware"
    ADMIN = "admin"


class Me(Wire):
    """The signed-in user."""

    id: str
    username: str
    name: str
    roles: list[Role]


class ServerClock(Wire):
    """The platform's time; a browser counts SLA clocks down from it at ``speed``."""

    now: datetime
    speed: float = Field(description="Platform seconds per real second: 1 in production")


class Session(Wire):
    """What the console needs to know before anything else. Open to everybody."""

    user: Me | None
    setup_required: bool = Field(description="True until the first administrator exists")
    clock: ServerClock
    mode: Literal["observe", "suggest", "auto"]
    version: str
    csrf_token: str = Field(description="Send as X-CSRF-Token with every change from a browser")


class SignIn(Wire):
    """Credentials of a person."""

    username: str = Field(min_length=1, max_length=80)
    password: str = Field(min_length=1, max_length=200)


class SetUp(Wire):
    """The first administrator, made with the one-time token that the server printed."""

    token: str
    username: str = Field(min_length=1, max_length=80, pattern=r"^[A-Za-z0-9_.@-]+$")
    name: str = Field(min_length=1, max_length=120)
    password: str = Field(min_length=12, max_length=200)
