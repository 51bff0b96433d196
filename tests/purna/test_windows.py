"""Windows are scored once each, oldest first, and never before they have ended."""

from hypothesis import given
from hypothesis import strategies as st

from purna.core.clock import HOUR, MINUTE
from purna.run.windows import due_windows, late_windows


def test_the_first_round_reaches_back() -> None:
    assert due_windows(step=10, now=105, last=None, backfill=30) == [70, 80, 90, 100]
    assert due_windows(step=10, now=105, last=None, backfill=0) == [100]


@given(st.integers(1, 50), st.integers(0, 5000), st.lists(st.integers(0, 300), max_size=9))
def test_rounds_cover_every_window_once(step: int, start: int, pauses: list[int]) -> None:
    last, now, seen = start // step * step, start, []
    for pause in pauses:
        now += pause
        ends = due_windows(step=step, now=now, last=last, backfill=0)
        assert all(end <= now for end in ends)
        seen += ends
        last = ends[-1] if ends else last
    assert seen == list(range(start // step * step + step, now // step * step + 1, step))


def test_late_readings_touch_the_windows_that_hold_them() -> None:
    touched = [("p1", 5 * HOUR), ("p1", 9 * HOUR), ("p2", 8 * HOUR), ("p3", 2 * HOUR)]
    assert late_windows(touched, step=HOUR, since=2 * HOUR, last=8 * HOUR) == {
        "p1": [5 * HOUR],
        "p2": [8 * HOUR],
    }
    assert late_windows(touched, step=6 * HOUR, since=0, last=8 * HOUR) == {
        "p1": [6 * HOUR],
        "p3": [6 * HOUR],
    }
    short = late_windows([("p1", 5 * HOUR)], step=20 * MINUTE, since=0, last=5 * HOUR)
    assert short == {"p1": [4 * HOUR + 20 * MINUTE, 4 * HOUR + 40 * MINUTE, 5 * HOUR]}
    running = late_windows([("p1", 5 * HOUR)], step=20 * MINUTE, since=0, last=5 * HOUR - 1)
    assert running == {}


@given(
    ts=st.integers(1, 10**12),
    step=st.sampled_from([10 * MINUTE, HOUR, 3 * HOUR, 24 * HOUR]),
)
def test_the_window_of_a_late_reading_is_among_them(ts: int, step: int) -> None:
    hour, window = -(-ts // HOUR) * HOUR, -(-ts // step) * step
    found = late_windows([("p1", hour)], step=step, since=0, last=max(hour, window))
    assert window in found["p1"]
