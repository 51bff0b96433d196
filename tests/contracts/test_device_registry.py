"""What every device registry promises, over every backend."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import event

from ingest.registry import SqlDeviceRegistry
from purna.core.devices import Customer, Device, Site
from purna.core.errors import BadInput, NotFound, RetryLater
from purna.db.base import Base
from purna.db.engine import Database

ACME = Customer("acme", "Acme Water", 48.0)
NORTH = Site("north", ACME, "North plant", "1 Mill Rd", 52.5, 13.4, "Europe/Berlin")
SOUTH = Site("south", Customer("sari", "PT Sari"), "Pabrik Selatan", timezone="Asia/Jakarta")


def device(name: str, site: Site = NORTH, product: str = "pump") -> Device:
    return Device(name, product, site, f"SN-{name}", 5, 9, {"model": 3.0, "kind": "x"})


BACKENDS = ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)]


@pytest.fixture(params=BACKENDS)
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    url = f"sqlite:///{tmp_path}/service.db"
    if request.param == "postgres":
        url = request.getfixturevalue("postgres_url")
    opened = Database(url)
    Base.metadata.create_all(opened.engine)
    yield opened
    opened.close()


@pytest.fixture
def registry(database: Database) -> SqlDeviceRegistry:
    return SqlDeviceRegistry(database)


def test_a_device_comes_back_as_it_went_in(registry: SqlDeviceRegistry) -> None:
    registry.add([device("p1")])
    assert registry.get("p1") == device("p1")
    assert registry.find("p1") == device("p1")


def test_an_unknown_device_is_not_found(registry: SqlDeviceRegistry) -> None:
    assert registry.find("p9") is None
    with pytest.raises(NotFound):
        registry.get("p9")


def test_all_are_sorted_and_may_be_of_one_product(registry: SqlDeviceRegistry) -> None:
    registry.add([device("p2"), device("c1", SOUTH, "compressor"), device("p1")])
    assert [d.id for d in registry.all()] == ["c1", "p1", "p2"]
    assert [d.id for d in registry.all("pump")] == ["p1", "p2"]
    assert registry.sites() == [NORTH, SOUTH]


def test_adding_again_replaces(registry: SqlDeviceRegistry) -> None:
    registry.add([device("p1")])
    registry.add([replace(device("p1", SOUTH), serial="new")])
    assert registry.get("p1") == replace(device("p1", SOUTH), serial="new")


def test_sites_and_customers_may_come_without_devices(registry: SqlDeviceRegistry) -> None:
    registry.add([], [NORTH], [Customer("other", "Other")])
    assert registry.sites() == [NORTH]


def test_an_id_that_fits_no_topic_is_refused_and_nothing_is_added(
    registry: SqlDeviceRegistry,
) -> None:
    with pytest.raises(BadInput):
        registry.add([device("p1"), device("p/2")])
    assert registry.all() == []


def test_search_pages_by_id_and_counts(registry: SqlDeviceRegistry) -> None:
    registry.add([device(f"p{n:02d}") for n in range(7)] + [device("c1", SOUTH, "compressor")])
    first = registry.search(product="pump", limit=3)
    second = registry.search(product="pump", after_id=first[-1].id, limit=10)
    assert [d.id for d in first + second] == [f"p{n:02d}" for n in range(7)]
    assert registry.count() == 8
    assert registry.count(site="south") == registry.count(q="pt sari") == 1
    assert [d.id for d in registry.search(q="sn-P03")] == ["p03"]
    assert [d.id for d in registry.search(q="selatan")] == ["c1"]
    assert registry.count(q="%") == 0


def test_a_gateway_knows_who_is_behind_it(registry: SqlDeviceRegistry) -> None:
    registry.add([replace(device(name), attributes={"gateway": "g1"}) for name in ("p1", "p2")])
    registry.add([device("g1"), replace(device("p2"), attributes={"gateway": "g2"})])
    assert registry.behind("g1") == {"p1"}
    assert registry.behind("g2") == {"p2"}
    assert registry.behind("g3") == registry.behind("") - {"g1"} == frozenset()


def test_reading_many_devices_takes_one_question(
    registry: SqlDeviceRegistry, database: Database
) -> None:
    registry.add([device(f"p{n}", NORTH if n % 2 else SOUTH) for n in range(50)])
    asked: list[str] = []
    event.listen(database.engine, "before_cursor_execute", lambda *args: asked.append(str(args[2])))
    assert len(registry.all()) == 50
    assert sum(text.lstrip().startswith("SELECT") for text in asked) == 1


@pytest.mark.parametrize(
    "url", ["sqlite:////nowhere/service.db", "postgresql+psycopg://nobody@127.0.0.1:1/x"]
)
def test_a_database_that_can_not_be_asked_says_try_later(url: str) -> None:
    database = Database(url)
    with pytest.raises(RetryLater):
        SqlDeviceRegistry(database).find("p1")
    database.close()
