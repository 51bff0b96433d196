"""What every maintenance log promises, over every backend."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alerts.maintenance import SqlMaintenanceLog
from purna.core.devices import Maintenance
from purna.core.ports import MaintenanceLog
from purna.db.base import Base
from purna.db.engine import Database

T0 = 1_700_000_000_000_000


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def log(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[MaintenanceLog]:
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'service.db'}"
    else:
        url = request.getfixturevalue("postgres_url")
    db = Database(url)
    Base.metadata.create_all(db.engine)
    yield SqlMaintenanceLog(db)
    db.close()


def record(device: str, component: str, ts: int, known_at: int | None = None) -> Maintenance:
    known = T0 + ts if known_at is None else T0 + known_at
    return Maintenance(device, component, T0 + ts, True, known, "import")


def test_records_come_back_as_they_were_sorted_by_time_device_and_component(
    log: MaintenanceLog,
) -> None:
    records = [
        record("p2", "seal", 5),
        record("p1", "seal", 5),
        record("p1", "bearing", 5),
        Maintenance("p9", "filter", T0, False, T0 + 7, "V-000001"),
    ]
    assert log.add(records) == 4
    assert log.records() == [records[3], records[2], records[1], records[0]]


def test_what_is_there_already_is_not_added_and_stays_as_it_was(log: MaintenanceLog) -> None:
    first = record("p1", "seal", 5)
    assert log.add([first]) == 1
    again = Maintenance("p1", "seal", T0 + 5, False, T0 + 99, "somebody else")
    assert log.add([again, record("p1", "seal", 6), record("p1", "seal", 6)]) == 1
    assert log.records() == [first, record("p1", "seal", 6)]


def test_only_the_devices_asked_for_are_given(log: MaintenanceLog) -> None:
    log.add([record("p1", "seal", 1), record("p2", "seal", 2), record("p3", "seal", 3)])
    assert [r.device for r in log.records(["p3", "p1", "p7"])] == ["p1", "p3"]
    assert log.records([]) == []


def test_what_was_learnt_later_is_hidden(log: MaintenanceLog) -> None:
    log.add([record("p1", "seal", 1, known_at=10), record("p2", "seal", 5, known_at=5)])
    assert [r.device for r in log.records(known_before=T0 + 10)] == ["p2"]
    assert [r.device for r in log.records(known_before=T0 + 11)] == ["p1", "p2"]
    assert log.records(["p1"], known_before=T0 + 6) == []


def test_an_empty_log_has_no_records(log: MaintenanceLog) -> None:
    assert log.add([]) == 0
    assert log.records() == []


def test_a_large_import_is_taken_at_once(log: MaintenanceLog) -> None:
    records = [record(f"p{n % 50:02}", "seal", n) for n in range(5_000)]
    assert log.add(reversed(records)) == 5_000
    assert log.records() == records


keys = st.tuples(st.sampled_from("ab"), st.sampled_from("xy"), st.integers(0, 5))


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(st.lists(keys, max_size=6), max_size=5))
def test_whatever_is_added_in_whatever_portions_each_key_is_kept_once(
    log: MaintenanceLog, portions: list[list[tuple[str, str, int]]]
) -> None:
    before = {(r.device, r.component, r.ts - T0) for r in log.records()}
    for portion in portions:
        new = log.add([record(*key) for key in portion])
        assert new == len(set(portion) - before)
        before |= set(portion)
    found = [(r.ts - T0, r.device, r.component) for r in log.records()]
    assert found == sorted((ts, device, component) for device, component, ts in before)
