"""Windows are scored once each, oldest first, and never before they have ended."""

from hypothesis import given
from hypothesis import strategies as st

from purna.run.windows import due_windows


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
