from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
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


def cheap_users(database: Database, clock: ManualClock) -> Users:
    hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    return Users(database, clock, SequentialIds(), hasher)


@contextmanager
def made(folder: Path) -> Iterator[Database]:
    """An empty service database."""
    database = Database(f"sqlite:///{folder / 'service.db'}")
    Base.metadata.create_all(database.engine)
    yield database
    database.close()


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with made(tmp_path) as database:
        yield database


@pytest.fixture
def wall() -> ManualClock:
    return ManualClock(NOW)


@pytest.fixture
def users(database: Database, wall: ManualClock) -> Users:
    return cheap_users(database, wall)


@pytest.fixture
def plant(tmp_path: Path, database: Database, users: Users) -> Iterator[Plant]:
    """All services over a real database; nothing in it yet."""
    plant = Plant(tmp_path, database, users)
    yield plant
    plant.close()


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


@pytest.fixture(scope="session")
def glance(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Visitor]:
    """The administrator's browser in front of a furnished plant, only to look at: all share it."""
    folder: Path = tmp_path_factory.mktemp("glance")
    with made(folder) as database, Server() as server:
        users = cheap_users(database, ManualClock(NOW))
        plant = Plant(folder, database, users)
        plant.furnish()
        server.app = create_app(plant.services, console=folder)
        users.add_user("ada", "Ada", PASSWORD, [Role.ADMIN])
        with Visitor(base_url=server.address) as visitor:
            visitor.sign_in("ada", PASSWORD)
            yield visitor
        plant.close()
