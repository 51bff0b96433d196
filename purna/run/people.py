"""The people who use the console: how the first of them gets in."""

from __future__ import annotations

from api.auth import Users
from purna.core.clock import SystemClock
from purna.core.ids import TimeOrderedIds
from purna.run.bootstrap import Platform


def users_of(platform: Platform) -> Users:
    """Users and sessions; they live by the computer's clock, not by the platform's virtual one."""
    clock = SystemClock()
    return Users(platform.db, clock, TimeOrderedIds(clock))


def setup_link(platform: Platform) -> str:
    """A new one-time link that makes an administrator; earlier links stop working."""
    api = platform.settings.api
    return f"http://{api.host}:{api.port}/setup?token={users_of(platform).create_setup_token()}"


def setup_link_if_needed(platform: Platform) -> str:
    """A link while nobody can sign in yet, else an empty text."""
    return setup_link(platform) if users_of(platform).setup_required() else ""
