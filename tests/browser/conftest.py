"""The console in Debian's Chromium, over the real application and a furnished plant."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher
from playwright.sync_api import ConsoleMessage, Page

from api.app import create_app
from api.auth import Users
from api.console.serving import DIST
from api.v1.session.schemas import Role
from purna.core.clock import ManualClock
from purna.core.ids import SequentialIds
from purna.db.base import Base
from purna.db.engine import Database
from tests.api.plant import NOW, Plant
from tests.api.server import Server
from tests.browser.desk import PASSWORD, Desk

CHROMIUM = shutil.which("chromium")
QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)

EXPECTED = ("the server responded with a status of 4", "net::ERR_FAILED")
"""What Chromium itself reports of refused calls; the console tells them in words."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "page" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.skipif(not CHROMIUM, reason="no chromium here"))


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    return {**browser_type_launch_args, "executable_path": CHROMIUM, "args": QUIET}


@pytest.fixture(scope="session")
def browser_context_args(browser_context_args: dict[str, Any]) -> dict[str, Any]:
    return {**browser_context_args, "locale": "en-GB"}


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    with Server() as server:
        yield server


@pytest.fixture(scope="session")
def base_url(server: Server) -> str:
    return server.address


@pytest.fixture
def plant(tmp_path: Path) -> Iterator[Plant]:
    """The real services over a database of their own, with something to be done."""
    database = Database(f"sqlite:///{tmp_path / 'service.db'}")
    Base.metadata.create_all(database.engine)
    cheap = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    users = Users(database, ManualClock(NOW), SequentialIds(), cheap)
    plant = Plant(tmp_path, database, users)
    plant.furnish()
    yield plant
    plant.close()
    database.close()


@pytest.fixture
def application(server: Server, plant: Plant) -> None:
    if not (DIST / "index.html").is_file():
        pytest.fail("the console is not built: pip install -e . builds it")
    server.app = create_app(plant.services)


@pytest.fixture
def page(page: Page, application: None) -> Iterator[Page]:
    """A page that must not complain: no script error, nothing refused by the security policy."""
    complaints: list[str] = []

    def hear(message: ConsoleMessage) -> None:
        if message.type == "error" and not any(says in message.text for says in EXPECTED):
            complaints.append(message.text)

    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", hear)
    page.set_default_timeout(10_000)
    yield page
    assert complaints == []


@pytest.fixture
def desk(page: Page, plant: Plant) -> Desk:
    """An administrator, signed in, in front of the queue."""
    plant.users.add_user("ada", "Ada", PASSWORD, [Role.ADMIN])
    desk = Desk(page)
    desk.sign_in("ada")
    return desk
