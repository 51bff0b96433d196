from hypothesis import given
from hypothesis import strategies as st

from api.throttle import Throttle
from purna.core.clock import HOUR, MINUTE, SECOND


def test_the_first_attempts_are_free_and_then_each_failure_doubles_the_wait() -> None:
    throttle = Throttle(free=3)
    now, waits = 0, []
    for _ in range(7):
        assert throttle.attempt("a", now) == 0
        waits.append(throttle.attempt("a", now))
        now += 16 * MINUTE
    assert waits == [0, 1, 2, 4, 8, 16, 32]


def test_success_forgets_and_other_keys_are_not_slowed() -> None:
    throttle = Throttle(free=1)
    throttle.attempt("a", 0)
    assert throttle.attempt("a", 0) == 1
    assert throttle.attempt("b", 0) == 0
    throttle.succeeded("a")
    assert throttle.attempt("a", 0) == 0


def test_an_hour_without_attempts_is_forgotten() -> None:
    throttle = Throttle(free=1)
    for step in range(5):
        throttle.attempt("a", step * 15 * MINUTE)
    assert throttle.attempt("a", 3 * HOUR) == 0
    assert throttle.attempt("a", 3 * HOUR) == 1


def test_a_flood_of_keys_pushes_out_the_oldest_only() -> None:
    throttle = Throttle(free=1, max_keys=3)
    for key in "abcd":
        throttle.attempt(key, 0)
    assert throttle.attempt("d", 0) == 1
    assert throttle.attempt("a", 0) == 0


@given(st.lists(st.integers(0, 30 * SECOND), min_size=1, max_size=60))
def test_no_pace_of_guessing_gets_more_than_the_free_attempts_and_one_per_wait(
    gaps: list[int],
) -> None:
    throttle = Throttle(free=5)
    now, passed = 0, 0
    for gap in gaps:
        now += gap
        passed += throttle.attempt("a", now) == 0
    # After the free ones the waits are 1, 2, 4 … s: their sum must fit into the time that went by.
    extra = max(passed - 6, 0)
    assert (2**extra - 1) * SECOND <= now
