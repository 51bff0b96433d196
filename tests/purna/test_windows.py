"""Windows are scored once each, oldest first, and never before they have ended."""

from hypothesis import given
from hypothesis import strategies as st

from purna.run.windows import due_windows


def test_the_first_round_reaches_back() -> None:
    assert due_windows(step=10, now=105, last=None, backfill=30, limit=99) == [70, 80, 90, 100]


@given(st.integers(1, 50), st.integers(0, 5000), st.integers(0, 2000), st.integers(1, 20))
def test_rounds_cover_every_window_once(step: int, start: int, length: int, limit: int) -> None:
    last: int | None = start // step * step
    seen: list[int] = []
    while True:
        ends = due_windows(step=step, now=start + length, last=last, backfill=0, limit=limit)
        if not ends:
            break
        assert len(ends) <= limit
        seen += ends
        last = ends[-1]
    newest = (start + length) // step * step
    assert seen == list(range(start // step * step + step, newest + 1, step))
