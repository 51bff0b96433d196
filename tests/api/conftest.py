from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from argon2 import PasswordHasher

from api.app import create_app
from api.auth import Users
from api.v1.session.schemas import Role
from purna.core.clock import ManualClock
from purna.core.ids import SequentialIds
from purna.db.base import Base
from purna.db.engine import Database
from tests.api.plant import NOW, Plant
from tests.api.server import Server, Visitor

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
def plant(tmp_path: Path, database: Database, users: Users) -> Iterator[Plant]:
    """All services over a real database; nothing in it yet."""
    plant = Plant(tmp_path, database, users)
    yield plant
    plant.quarantine.close()


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """One server for all tests; each puts its own application behind it."""
    with Server() as server:
        yield server


@pytest.fixture
def address(server: Server, plant: Plant, tmp_path: Path) -> str:
    server.app = create_app(plant.services, console=tmp_path / "dist")
    return server.address


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


@pytest.fixture
def console(admin: Visitor, plant: Plant) -> Visitor:
    """The administrator's browser in front of a furnished plant."""
    plant.furnish()
    return admin
