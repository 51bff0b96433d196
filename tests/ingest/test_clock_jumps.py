"""A clock that is set: both times are believed for a while, and it is said."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from ingest.clock_jumps import DOUBT_S, JUMP, ClockJumps
from ingest.quality import TimeWindow
from purna.core.clock import DAY, HOUR, MINUTE, SECOND
from tests.ingest.conftest import Desks
from tests.ingest.kit import telemetry

NOW = 1_780_000_000_000_000


@pytest.mark.parametrize("jump", [-400 * DAY, -2 * HOUR, 400 * DAY])
def test_good_readings_are_taken_before_and_after_the_clock_is_set(desks: Desks, jump: int) -> None:
    desk = desks(NOW, retention_days=30)
    desk.close()
    desk.open(clock_jumps=ClockJumps())
    desk.send(telemetry(desk.clock.now(), 1, temp=1.0))
    desk.pass_time(10)
    right = desk.clock.now()
    with capture_logs() as logs:
        desk.clock.advance(jump)
        desk.send(telemetry(right, 2, temp=1.0), telemetry(desk.clock.now(), 3, temp=1.0))
    assert desk.counters.as_dict()["stored"] == 3
    assert desk.counters.as_dict()["clock_jumps"] == 1
    assert [entry["seconds"] for entry in logs if entry["log_level"] == "error"] == [
        pytest.approx(jump / SECOND, abs=1)
    ]
    desk.pass_time(DOUBT_S + 2)
    desk.send(telemetry(right, 4, temp=1.0))
    assert desk.counters.as_dict()["quarantined"] == 1


def test_far_future_and_ancient_times_never_become_the_latest(desks: Desks) -> None:
    desk = desks(NOW, retention_days=30)
    desk.send(
        telemetry(NOW + 6 * MINUTE, 1, temp=99.0),
        telemetry(NOW + 4 * MINUTE, 2, temp=1.0),
        telemetry(NOW - 31 * DAY, 3, temp=99.0),
    )
    assert desk.quarantine.counts() == {"ts.future": 1, "ts.old": 1}
    [latest] = desk.store.latest(["d1"]).values()
    assert latest == (NOW + 4 * MINUTE, 1.0)


@given(
    st.lists(st.tuples(st.floats(0, 5000), st.integers(-(10**12), 10**12)), min_size=1, max_size=8)
)
def test_every_clock_of_the_last_hour_is_believed_and_no_other(
    steps: list[tuple[float, int]],
) -> None:
    watch, wall, now = ClockJumps(), NOW, 0.0
    watch.look(wall, now)
    shifts: list[tuple[int, float]] = []  # what a clock before said more than real time, since when
    true = NOW
    offset = 0
    for pause, jump in steps:
        now += pause
        true += round(pause * SECOND)
        if abs(jump) > JUMP + SECOND:
            shifts.append((offset, now))
            offset += jump
        else:
            jump = 0
        wall = true + offset
        assert abs(watch.look(wall, now) - jump) <= 10
        times = watch.widened(TimeWindow(wall, wall - DAY, wall + MINUTE))
        believed = [offset, *(old for old, since in shifts if now < since + DOUBT_S)]
        assert abs(times.oldest - (true + min(believed) - DAY)) <= 100
        assert abs(times.newest - (true + max(believed) + MINUTE)) <= 100
