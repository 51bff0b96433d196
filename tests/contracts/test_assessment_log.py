"""What every assessment log promises, over every backend."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models.assessments import SqlAssessmentLog
from purna.core.assessments import (
    Anomaly,
    Assessment,
    Contribution,
    FailureRisk,
    RemainingLife,
)
from purna.db.base import Base
from purna.db.engine import Database


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def log(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SqlAssessmentLog]:
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'service.db'}"
    else:
        url = request.getfixturevalue("postgres_url")
    db = Database(url)
    Base.metadata.create_all(db.engine)
    yield SqlAssessmentLog(db)
    db.close()


def said(device: str, end: int, score: float = 0.5) -> Assessment:
    return Assessment(device, end, {"anomaly": "v1"}, Anomaly(score))


FULL = Assessment(
    device="p1",
    window_end=7,
    models={"failure": "f-1", "life": "l-1"},
    anomaly=Anomaly(2.5, (Contribution("vib", 0.7), Contribution("event:E1", 0.3))),
    risks=(FailureRisk("seal", {24: 0.25, 168: 0.5}, (Contribution("age:seal", 1.0),)),),
    lives=(RemainingLife("bearing", 10.0, 20.5, 40.0, 0.9),),
)


def test_everything_comes_back_as_it_was_put(log: SqlAssessmentLog) -> None:
    log.put([FULL])
    (again,) = log.between("p1", 0, 100)
    assert (again.device, again.window_end, again.models) == ("p1", 7, FULL.models)
    assert again.anomaly is not None
    assert list(again.anomaly.contributions) == list(FULL.anomaly.contributions)  # type: ignore[union-attr]
    risk = again.risk_of("seal")
    assert risk is not None
    assert dict(risk.probability) == {24: 0.25, 168: 0.5}
    assert again.life_of("bearing") == FULL.lives[0]


def test_windows_come_in_time_order_and_the_end_is_outside(log: SqlAssessmentLog) -> None:
    log.put([said("p1", 30), said("p1", 10), said("p1", 20), said("p2", 15)])
    assert [a.window_end for a in log.between("p1", 10, 30)] == [10, 20]


def test_the_latest_window_counts_not_the_latest_put(log: SqlAssessmentLog) -> None:
    log.put([said("p1", 30), said("p2", 5)])
    log.put([said("p1", 20)])
    assert {d: a.window_end for d, a in log.latest().items()} == {"p1": 30, "p2": 5}
    assert list(log.latest(["p2", "unknown"])) == ["p2"]
    assert log.latest([]) == {}


def test_a_rescored_window_replaces_the_older_one_and_is_pending_again(
    log: SqlAssessmentLog,
) -> None:
    log.put([said("p1", 10, 0.1), said("p1", 20, 0.1)])
    read = log.pending(0, 10)
    log.put([said("p1", 10, 0.9)])
    assert [a.anomaly.score for a in log.between("p1", 0, 100) if a.anomaly] == [0.9, 0.1]
    again = log.pending(read[-1][0], 10)
    assert [(a.window_end, a.anomaly.score) for _, a in again if a.anomaly] == [(10, 0.9)]


def test_pending_comes_in_the_order_of_putting_and_in_pages(log: SqlAssessmentLog) -> None:
    log.put([said("p2", 20), said("p1", 10)])
    log.put([said("p1", 5)])
    first = log.pending(0, 2)
    rest = log.pending(first[-1][0], 2)
    assert [(a.device, a.window_end) for _, a in first + rest] == [
        ("p2", 20),
        ("p1", 10),
        ("p1", 5),
    ]
    assert log.pending(rest[-1][0], 2) == []
    assert log.position() == rest[-1][0]


def test_of_two_for_the_same_window_in_one_call_the_last_counts(log: SqlAssessmentLog) -> None:
    log.put([said("p1", 10, 0.1), said("p1", 10, 0.2)])
    assert [a.anomaly.score for _, a in log.pending(0, 10) if a.anomaly] == [0.2]


def test_the_last_window_of_some_devices_is_told(log: SqlAssessmentLog) -> None:
    assert log.last_window(["p1"]) is None
    log.put([said("p1", 10), said("p2", 30)])
    assert log.last_window(["p1"]) == 10
    assert log.last_window(["p1", "p2"]) == 30


def test_thousands_are_put_at_once(log: SqlAssessmentLog) -> None:
    log.put([said(f"p{n % 7}", n) for n in range(5_000)])
    assert len(log.pending(0, 10_000)) == 5_000


def test_pruning_spares_the_latest_window_and_what_is_still_to_be_read(
    log: SqlAssessmentLog,
) -> None:
    log.put([said("p1", 10), said("p1", 20), said("p2", 10)])
    read = log.position()
    log.put([said("p1", 5)])
    assert log.prune(before=100, keep_after=read) == 1
    assert [a.window_end for a in log.between("p1", 0, 100)] == [5, 20]
    assert [a.window_end for a in log.between("p2", 0, 100)] == [10]


def test_positions_never_repeat_after_pruning(log: SqlAssessmentLog) -> None:
    log.put([said("p1", 10), said("p1", 20)])
    before = log.position()
    log.prune(before=15, keep_after=before)
    log.put([said("p1", 30)])
    assert log.pending(before, 10)[0][0] > before


def test_a_reader_that_follows_positions_misses_nothing_of_racing_writers(
    log: SqlAssessmentLog,
) -> None:
    def write(number: int) -> None:
        for end in range(20):
            log.put([said(f"p{number}", end), said(f"q{number}", end)])

    writers = [threading.Thread(target=write, args=(n,)) for n in range(3)]
    for writer in writers:
        writer.start()
    seen: list[tuple[str, int]] = []
    position = 0
    while True:
        done = not any(writer.is_alive() for writer in writers)
        page = log.pending(position, 50)
        seen.extend((a.device, a.window_end) for _, a in page)
        position = page[-1][0] if page else position
        if done and not page:
            break
    assert len(seen) == len(set(seen)) == 3 * 2 * 20


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.lists(st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 5)), max_size=4), max_size=5)
)
def test_following_positions_ends_in_the_same_content_as_asking(
    log: SqlAssessmentLog, calls: list[list[tuple[str, int]]]
) -> None:
    start = log.position()
    for number, call in enumerate(calls):
        log.put([said(device, end, float(number)) for device, end in call])
    followed = {(a.device, a.window_end): a.anomaly for _, a in log.pending(start, 100)}
    for device in "ab":
        for assessment in log.between(device, 0, 10):
            key = (device, assessment.window_end)
            if key in followed:
                assert followed[key] == assessment.anomaly
    assert set(followed) == {key for call in calls for key in call}
