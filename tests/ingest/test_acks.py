"""What the platform may acknowledge to a device."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ingest.acks import BOOTS_PER_DEVICE, RANGES_PER_BOOT, AckTracker, Progress


def settle(tracker: AckTracker, *numbers: int, boot: str = "b1") -> int:
    return [tracker.settle("d1", boot, number, number) for number in numbers][-1].last


def test_the_count_begins_with_the_first_number_seen() -> None:
    assert settle(AckTracker(), 4711, 4712) == 4712


def test_a_gap_holds_it_back_until_it_is_filled() -> None:
    tracker = AckTracker()
    assert settle(tracker, 1, 2, 5, 4, 7) == 2
    assert settle(tracker, 3) == 5
    assert settle(tracker, 6) == 7


def test_earlier_and_repeated_numbers_change_nothing() -> None:
    tracker = AckTracker()
    assert settle(tracker, 5, 6, 6, 5, 1, 8, 8) == 6
    assert tracker.get("d1", "b1") == Progress("d1", "b1", 5, 6, ((8, 8),))


def test_every_boot_counts_for_itself() -> None:
    tracker = AckTracker()
    settle(tracker, 1, 2, 3)
    assert settle(tracker, 1, boot="b2") == 1
    assert settle(tracker, 4) == 4


def test_it_goes_on_from_what_was_known() -> None:
    tracker = AckTracker([Progress("d1", "b1", 1, 4, ((6, 9),))])
    assert settle(tracker, 5) == 9


def test_old_boots_are_forgotten() -> None:
    tracker = AckTracker()
    for number in range(BOOTS_PER_DEVICE + 3):
        settle(tracker, 1, boot=f"b{number}")
    assert tracker.get("d1", "b2") is None
    assert tracker.get("d1", "b3") is not None


def test_endless_gaps_stay_bounded_and_never_acknowledge_too_much() -> None:
    tracker = AckTracker()
    settle(tracker, 0, *range(2, 4 * RANGES_PER_BOOT, 2))
    progress = tracker.get("d1", "b1")
    assert progress is not None
    assert len(progress.ahead) == RANGES_PER_BOOT
    assert settle(tracker, *range(1, 4 * RANGES_PER_BOOT, 2)) < 4 * RANGES_PER_BOOT


@given(st.lists(st.integers(0, 30), min_size=1))
def test_it_is_the_end_of_the_run_that_starts_at_the_first(numbers: list[int]) -> None:
    last = settle(AckTracker(), *numbers)
    expected = numbers[0]
    while expected + 1 in numbers:
        expected += 1
    assert last == expected
