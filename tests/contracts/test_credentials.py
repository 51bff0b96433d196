"""What device credentials promise, over every backend."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from ingest.credentials import Certificate, Credential, SqlCredentials
from ingest.passwords import make_password
from ingest.registry import SqlDeviceRegistry
from purna.core.devices import Customer, Device, Site
from purna.core.errors import BadInput, Conflict, NotFound, RetryLater
from purna.db.base import Base
from purna.db.engine import Database

SITE = Site("north", Customer("acme", "Acme Water"), "North plant")
FIRST, SECOND = "a1" * 32, "b2" * 32
ONE, OTHER = make_password(), make_password()

BACKENDS = ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)]


@pytest.fixture(params=BACKENDS)
def credentials(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SqlCredentials]:
    url = f"sqlite:///{tmp_path}/service.db"
    if request.param == "postgres":
        url = request.getfixturevalue("postgres_url")
    database = Database(url)
    Base.metadata.create_all(database.engine)
    registry = SqlDeviceRegistry(database)
    registry.add([Device(name, "pump", SITE) for name in ("p1", "p2", "p3")])
    yield SqlCredentials(database)
    database.close()


def test_a_password_is_verified_replaced_and_revoked(credentials: SqlCredentials) -> None:
    credentials.set_password("p1", ONE, 5)
    assert credentials.verify("p1", ONE)
    assert not credentials.verify("p1", OTHER)
    assert not credentials.verify("p2", ONE)
    assert not credentials.verify("nobody", ONE)
    credentials.set_password("p1", OTHER, 6)
    assert not credentials.verify("p1", ONE)
    assert credentials.verify("p1", OTHER)
    assert credentials.of(["p1"]) == {"p1": Credential(True, 6)}
    credentials.revoke("p1", 7)
    assert not credentials.verify("p1", OTHER)
    assert not credentials.verify("p1", "")
    assert credentials.of(["p1"]) == {"p1": Credential(False, None, 7)}
    credentials.set_password("p1", ONE, 8)
    assert credentials.verify("p1", ONE)
    assert credentials.of(["p1", "p2"]) == {"p1": Credential(True, 8, 7), "p2": Credential()}


def test_a_password_that_somebody_may_have_made_up_is_refused(credentials: SqlCredentials) -> None:
    with pytest.raises(BadInput, match="password"):
        credentials.set_password("p1", "correct horse", 1)


def test_nothing_is_given_to_a_device_that_is_not_there(credentials: SqlCredentials) -> None:
    with pytest.raises(NotFound):
        credentials.set_password("nobody", ONE, 1)
    with pytest.raises(NotFound):
        credentials.add_certificate("nobody", FIRST, 9, 1)
    with pytest.raises(NotFound):
        credentials.revoke("nobody", 1)
    with pytest.raises(NotFound):
        credentials.revoke_certificate(FIRST, 1)


def test_a_registered_certificate_speaks_for_its_device_whatever_its_name(
    credentials: SqlCredentials,
) -> None:
    credentials.add_certificate("p1", FIRST.upper(), 99, 1)
    assert credentials.device_of_certificate(FIRST, "p2") == "p1"
    assert credentials.of(["p1"])["p1"].certificates == (Certificate(FIRST, 99, 1, None),)
    with pytest.raises(Conflict):
        credentials.add_certificate("p2", FIRST, 99, 2)
    assert credentials.revoke_certificate(FIRST, 3) == "p1"
    assert credentials.device_of_certificate(FIRST, "p1") is None
    assert credentials.device_of_certificate(FIRST, "p2") is None
    assert credentials.of(["p1"])["p1"].certificates == (Certificate(FIRST, 99, 1, 3),)


def test_an_unregistered_certificate_speaks_for_the_device_of_its_name(
    credentials: SqlCredentials,
) -> None:
    assert credentials.device_of_certificate(FIRST, "p1") == "p1"
    assert credentials.device_of_certificate(FIRST, "nobody") is None
    assert credentials.device_of_certificate(FIRST, "") is None


def test_once_certificates_are_registered_only_those_count(credentials: SqlCredentials) -> None:
    credentials.add_certificate("p1", FIRST, 99, 1)
    assert credentials.device_of_certificate(SECOND, "p1") is None
    credentials.revoke_certificate(FIRST, 2)
    assert credentials.device_of_certificate(SECOND, "p1") is None


def test_a_name_alone_never_counts_again_after_a_revocation(credentials: SqlCredentials) -> None:
    credentials.revoke("p1", 1)
    assert credentials.device_of_certificate(FIRST, "p1") is None
    credentials.set_password("p1", ONE, 2)
    assert credentials.device_of_certificate(FIRST, "p1") is None
    credentials.add_certificate("p1", SECOND, 99, 3)
    assert credentials.device_of_certificate(SECOND, "p1") == "p1"


def test_revoking_a_device_takes_all_its_certificates(credentials: SqlCredentials) -> None:
    credentials.add_certificate("p1", FIRST, 99, 1)
    credentials.add_certificate("p2", SECOND, 99, 1)
    credentials.revoke("p1", 2)
    assert credentials.device_of_certificate(FIRST, "p1") is None
    assert credentials.device_of_certificate(SECOND, "p2") == "p2"


def test_whoever_asks_hears_once_who_lost_something(credentials: SqlCredentials) -> None:
    start = credentials.position()
    credentials.set_password("p1", ONE, 1)  # gives, takes nothing
    credentials.set_password("p2", ONE, 1)
    assert credentials.changes(start) == (start, [])
    credentials.set_password("p1", OTHER, 1)
    credentials.set_password("p2", OTHER, 1)
    credentials.revoke("p1", 2)
    then, devices = credentials.changes(start)
    assert devices == ["p2", "p1"]
    assert then == credentials.position()
    assert credentials.changes(then) == (then, [])
    credentials.add_certificate("p3", FIRST, 99, 3)  # gives, takes nothing
    assert credentials.changes(then) == (then, [])
    credentials.revoke_certificate(FIRST, 4)
    assert credentials.changes(then)[1] == ["p3"]


def test_no_change_is_missed_while_many_write(credentials: SqlCredentials) -> None:
    """Numbers rise in the order of commits, so asking after the last one seen is enough."""
    heard: list[str] = []
    done = threading.Event()

    def write(device: str) -> None:
        for now in range(15):
            credentials.set_password(device, ONE, now)

    def ask() -> None:
        after = 0
        while True:
            last_look = done.is_set()
            after, devices = credentials.changes(after)
            heard.extend(devices)
            if last_look:
                return

    writers = [threading.Thread(target=write, args=(name,)) for name in ("p1", "p2", "p3")]
    asker = threading.Thread(target=ask)
    for thread in (asker, *writers):
        thread.start()
    for thread in writers:
        thread.join()
    done.set()
    asker.join()
    assert credentials.position() == 42
    last = credentials.changes(0)[1]
    assert list(dict.fromkeys(reversed(heard)))[:3] == last[::-1]


def test_hashes_go_out_for_devices_with_a_password(credentials: SqlCredentials) -> None:
    credentials.set_password("p2", ONE, 1)
    credentials.set_password("p1", OTHER, 1)
    credentials.set_password("p3", OTHER, 1)
    credentials.revoke("p3", 2)
    kept = credentials.password_hashes()
    assert list(kept) == ["p1", "p2"]
    assert all(line.startswith("$7$") for line in kept.values())


@pytest.mark.parametrize(
    "url", ["sqlite:////nowhere/service.db", "postgresql+psycopg://nobody@127.0.0.1:1/x"]
)
def test_a_database_that_can_not_be_asked_says_try_later(url: str) -> None:
    database = Database(url)
    with pytest.raises(RetryLater):
        SqlCredentials(database).verify("p1", ONE)
    database.close()
