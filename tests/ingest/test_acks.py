"""What the platform may acknowledge to a device."""

from __future__ import annotations

from itertools import zip_longest

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.acks import (
    BOOTS_PER_DEVICE,
    NOT_BEGUN,
    RANGES_PER_BOOT,
    AckTracker,
    Progress,
    runs,
)


def settle(tracker: AckTracker, *numbers: int, boot: str = "b1") -> int:
    return [tracker.settle("d1", boot, number, number) for number in numbers][-1].last


@pytest.mark.parametrize("first", [0, 1])
def test_a_count_begins_at_0_or_1(first: int) -> None:
    assert settle(AckTracker(), first, first + 1) == first + 1


def test_a_boot_first_heard_of_in_the_middle_waits_for_lower_numbers() -> None:
    tracker = AckTracker()
    assert settle(tracker, 4711, 4712) == NOT_BEGUN
    tracker.settle("d1", "b1", 4700, 4710, 3.0)
    assert tracker.begin(0.0) == []
    [(progress, expected)] = tracker.begin(0.1)
    assert (progress, expected) == (Progress("d1", "b1", 4700, 4712), 1)
    assert settle(tracker, 4713) == 4713
    assert tracker.begin(99.0) == []


def test_a_boot_first_heard_of_in_the_middle_begins_when_its_first_number_comes() -> None:
    tracker = AckTracker()
    assert settle(tracker, 3, 2) == NOT_BEGUN
    assert settle(tracker, 1) == 3
    assert tracker.begin(99.0) == []


def test_a_device_may_go_on_counting_across_boots() -> None:
    tracker = AckTracker([Progress("d1", "b1", 1, 90, ((95, 99),))])
    assert settle(tracker, 100, boot="b2") == 100
    assert settle(tracker, 105, 106, boot="b3") == NOT_BEGUN
    assert tracker.begin(99.0) == [(Progress("d1", "b3", 105, 106), 101)]


def test_waiting_for_lower_numbers_goes_on_after_a_restart() -> None:
    tracker = AckTracker([Progress("d1", "b1", ahead=((5, 6),))], now=10.0)
    assert tracker.begin(10.0) == []
    assert tracker.begin(10.1) == [(Progress("d1", "b1", 5, 6), 1)]


def test_a_gap_holds_it_back_until_it_is_filled() -> None:
    tracker = AckTracker()
    assert settle(tracker, 1, 2, 5, 4, 7) == 2
    assert settle(tracker, 3) == 5
    assert settle(tracker, 6) == 7


def test_earlier_and_repeated_numbers_change_nothing() -> None:
    tracker = AckTracker([Progress("d1", "b1", 5, 5)])
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


@given(st.lists(st.integers(0, 30), min_size=1), st.lists(st.integers(0, 6)))
def test_it_is_the_end_of_the_run_that_starts_at_the_first(
    numbers: list[int], sizes: list[int]
) -> None:
    tracker = AckTracker()
    settled: set[int] = set()
    first = None
    for number, size in zip_longest(numbers, sizes[: len(numbers)], fillvalue=0):
        progress = tracker.settle("d1", "b1", number, number + size)
        settled |= set(range(number, number + size + 1))
        if first is None and settled & {0, 1}:
            first = min(settled)
        expected = NOT_BEGUN if first is None else first
        while first is not None and expected + 1 in settled:
            expected += 1
        assert (progress.first, progress.last) == (NOT_BEGUN if first is None else first, expected)
        assert progress.highest == max(settled)


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 12)), max_size=40))
def test_runs_cover_exactly_what_came(pairs: list[tuple[int, int]]) -> None:
    streams = np.array([stream for stream, _ in pairs], np.int32)
    seqs = np.array([seq for _, seq in pairs], np.int64)
    found = list(runs(streams, seqs))
    covered = [(stream, seq) for stream, first, last in found for seq in range(first, last + 1)]
    assert sorted(covered) == sorted(set(pairs))
    assert len(found) == sum((stream, seq - 1) not in pairs for stream, seq in set(pairs))
