"""What the ingester remembers of the registry."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from ingest import directory
from ingest.directory import Directory, Known
from ingest.registry import SqlDeviceRegistry
from purna.core.devices import Device
from tests.ingest.kit import CATALOGUE, device, make_registry


class Clockwork:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Counting:
    """The real registry, counting the questions."""

    def __init__(self, registry: SqlDeviceRegistry) -> None:
        self._registry = registry
        self.questions = 0

    def __getattr__(self, name: str) -> object:
        return getattr(self._registry, name)

    def find(self, device_id: str) -> Device | None:
        self.questions += 1
        return self._registry.find(device_id)


@pytest.fixture
def seconds() -> Clockwork:
    return Clockwork()


@pytest.fixture
def registry(tmp_path: Path) -> object:
    database, registry = make_registry(tmp_path, "d1")
    yield Counting(registry)
    database.close()


@pytest.fixture
def known(registry: Counting, seconds: Clockwork) -> Directory:
    return Directory(registry, CATALOGUE, seconds, 60.0, 2.0)  # type: ignore[arg-type]


def test_a_known_device_is_asked_for_once_in_a_while(
    known: Directory, registry: Counting, seconds: Clockwork
) -> None:
    known.load()
    for _ in range(100):
        found = known.find("d1")
        assert found is not None
        assert found.ranges is not None
    assert registry.questions == 0
    seconds.now += 61
    known.find("d1")
    known.find("d1")
    assert registry.questions == 1


def test_an_unknown_device_is_asked_for_again_soon(
    known: Directory, registry: Counting, seconds: Clockwork
) -> None:
    assert [known.find("new") for _ in range(10)] == [None] * 10
    assert registry.questions == 1
    registry.add([device("new")])  # type: ignore[operator]
    seconds.now += 2.1
    assert known.find("new") is not None
    assert registry.questions == 2


def test_a_flood_of_invented_ids_does_not_flood_the_database(
    known: Directory, registry: Counting, seconds: Clockwork
) -> None:
    for number in range(1000):
        assert known.find(f"x{number}") is None
    assert registry.questions == directory.QUESTIONS_PER_SECOND
    known.load()
    assert known.find("d1") is not None
    seconds.now += 1.1
    known.find("y")
    assert registry.questions == directory.QUESTIONS_PER_SECOND + 1


def test_a_product_outside_the_catalogue_has_no_ranges(
    known: Directory, registry: Counting
) -> None:
    registry.add([device("odd", "turbine")])  # type: ignore[operator]
    assert known.find("odd") == Known("turbine", None)


def test_a_device_behind_a_gateway_is_known_with_it(known: Directory, registry: Counting) -> None:
    registry.add([replace(device("d7", "pump"), attributes={"gateway": "g1"})])
    found = known.find("d7")
    assert found is not None
    assert found.gateway == "g1"
