from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from argon2 import PasswordHasher

from api.app import create_app
from api.auth import Users
from api.services import Services
from api.v1.session.schemas import Role
from purna.core.catalogue import Mode
from purna.core.clock import ManualClock, from_iso
from purna.core.ids import SequentialIds
from purna.db.base import Base
from purna.db.engine import Database
from tests.api.server import Visitor, serve

NOW = from_iso("2026-03-01T06:00:00Z")
PASSWORD = "seven green pumps"


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = Database(f"sqlite:///{tmp_path / 'service.db'}")
    Base.metadata.create_all(database.engine)
    yield database
    database.close()


@pytest.fixture
def wall() -> ManualClock:
    return ManualClock(NOW)


@pytest.fixture
def users(database: Database, wall: ManualClock) -> Users:
    cheap = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    return Users(database, wall, SequentialIds(), cheap)


@pytest.fixture
def services(users: Users) -> Services:
    return Services(
        catalogue={},
        registry=None,
        maintenance=None,
        store=None,
        quarantine=None,
        assessments=None,
        users=users,
        clock=ManualClock(NOW),
        speed=60.0,
        mode=Mode.SUGGEST,
        version="1.2.3",
    )


@pytest.fixture
def address(services: Services, tmp_path: Path) -> Iterator[str]:
    with serve(create_app(services, console=tmp_path / "dist")) as address:
        yield address


@pytest.fixture
def visitor(address: str) -> Iterator[Visitor]:
    """A browser in which nobody is signed in."""
    with Visitor(base_url=address) as visitor:
        yield visitor


@pytest.fixture
def admin(visitor: Visitor, users: Users) -> Visitor:
    """A browser in which the first administrator, ``ada``, is signed in."""
    users.add_user("ada", "Ada", PASSWORD, [Role.ADMIN])
    visitor.sign_in("ada", PASSWORD)
    return visitor
