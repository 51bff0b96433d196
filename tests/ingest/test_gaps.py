"""Gaps in the numbering: named after a while, shrinking, closed; and what is kept of them."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.acks import BOOTS_PER_DEVICE, AckTracker, Progress
from ingest.gaps import GAPS_PER_BOOT, GapWatch, holes_of
from ingest.stores import gaps as gaps_module
from ingest.stores.gaps import SqliteGapLog
from purna.core.clock import SECOND
from purna.core.readings import Gap
from tests.ingest.conftest import Desks
from tests.ingest.kit import Desk, telemetry

NOW = 1_780_000_000_000_000


@pytest.fixture
def desk(desks: Desks) -> Desk:
    return desks(NOW, gap_after_s=30)


def send(desk: Desk, *seqs: int, boot: str = "b1", device: str = "d1") -> None:
    now = desk.clock.now()
    desk.send(*(telemetry(now + seq, seq, boot, temp=1.0) for seq in seqs), device=device)


def found(desk: Desk, *, open_only: bool = False) -> list[tuple[str, int, int, int, bool]]:
    gaps = desk.gaps.gaps(open_only=open_only)
    return [(g.device, g.first, g.last, g.missing, g.closed is not None) for g in gaps]


def test_a_hole_is_named_after_30_seconds_and_closed_when_it_is_filled(desk: Desk) -> None:
    send(desk, 1, 2, 10)
    desk.pass_time(29)
    assert found(desk) == []
    desk.pass_time(2)
    assert found(desk) == [("d1", 3, 9, 7, False)]
    assert desk.counters.figures().gauges["gaps_open"] == 1
    send(desk, 3, 4, 6)
    assert found(desk) == [("d1", 3, 9, 4, False)]
    send(desk, 5, 7, 8, 9)
    assert found(desk) == [("d1", 3, 9, 0, True)]
    assert found(desk, open_only=True) == []
    assert desk.counters.figures().gauges["gaps_open"] == 0
    [gap] = desk.gaps.gaps()
    assert gap.closed is not None
    assert 0 < gap.closed - gap.opened <= 2 * SECOND
    assert desk.link.acks()[-1] == 10


def test_a_hole_that_is_filled_in_time_is_never_named(desk: Desk) -> None:
    send(desk, 1, 3, 5)
    desk.pass_time(20)
    send(desk, 2)
    desk.pass_time(5)
    send(desk, 4)
    desk.pass_time(60)
    assert found(desk) == []


def test_a_hole_keeps_its_age_while_it_is_filled_from_below(desk: Desk) -> None:
    send(desk, 1, 10)
    for seq in (2, 3, 4):
        desk.pass_time(9)
        send(desk, seq)
    desk.pass_time(5)
    assert found(desk) == [("d1", 5, 9, 5, False)]


def test_an_open_gap_is_known_after_a_restart(desk: Desk) -> None:
    send(desk, 1, 4)
    desk.pass_time(31)
    send(desk, 8, device="d2", boot="x")
    desk.close()
    desk.open()
    assert found(desk) == [("d1", 2, 3, 2, False)]
    send(desk, 2)
    desk.pass_time(10)
    send(desk, 3)
    assert found(desk)[-1] == ("d1", 2, 3, 0, True)


def test_a_hole_of_an_earlier_run_gets_its_30_seconds_again(desk: Desk) -> None:
    send(desk, 1, 4)
    desk.close()
    desk.open()
    desk.pass_time(29)
    assert found(desk) == []
    desk.pass_time(2)
    assert found(desk) == [("d1", 2, 3, 2, False)]


def test_what_is_missing_before_a_late_begin_is_named_and_not_waited_for(desk: Desk) -> None:
    send(desk, 57, 58)
    desk.pass_time(3)
    assert desk.link.acks() == []
    desk.pass_time(4)
    assert desk.link.acks() == [58]
    assert found(desk) == [("d1", 1, 56, 56, True)]
    send(desk, 59)
    assert desk.link.acks()[-1] == 59


def test_late_lower_numbers_come_before_the_count_begins(desk: Desk) -> None:
    send(desk, 3)
    desk.pass_time(2)
    send(desk, 2, 1)
    assert desk.link.acks() == [3]
    desk.pass_time(60)
    assert found(desk) == []


def test_gaps_of_forgotten_boots_are_given_up(desk: Desk) -> None:
    send(desk, 1, 3)
    desk.pass_time(31)
    for number in range(BOOTS_PER_DEVICE):
        send(desk, 1, boot=f"c{number}")
    desk.pass_time(2)
    assert found(desk) == [("d1", 2, 2, 1, True)]
    assert desk.counters.figures().gauges["gaps_open"] == 0


def test_with_very_many_holes_the_last_gap_stands_for_the_rest() -> None:
    progress = Progress("d1", "b1", 1, 1, tuple((n, n) for n in range(3, 203, 2)))
    holes = holes_of(progress)
    assert len(holes) == GAPS_PER_BOOT
    assert sum(hole.missing for hole in holes) == 100
    assert (holes[-1].first, holes[-1].last) == (40, 200)


@given(
    st.lists(
        st.tuples(st.integers(0, 25), st.sampled_from([0.0, 5.0, 40.0])), min_size=1, max_size=25
    )
)
def test_the_named_gaps_are_exactly_the_old_holes(steps: list[tuple[int, float]]) -> None:
    """Open gaps together hold every number that has been missing for long, and no settled one."""
    tracker, watch, log = AckTracker(), GapWatch(30.0), dict[int, Gap]()
    now = 0.0
    settled: set[int] = set()
    missing_since: dict[int, float] = {}
    for seq, pause in [(0, 0.0), *steps]:
        now += pause
        changed = watch.name(now, 0)
        progress = tracker.settle("d1", "b1", seq, seq)
        settled.add(seq)
        for gap in [*changed, *watch.look([progress], now, 0)]:
            log[gap.first] = gap
        missing = set(range(max(settled))) - settled
        missing_since = {n: missing_since.get(n, now) for n in missing}
        open_gaps = [gap for gap in log.values() if gap.closed is None]
        assert watch.open == len(open_gaps)
        inside = {n for gap in open_gaps for n in range(gap.first, gap.last + 1)}
        assert sum(gap.missing for gap in open_gaps) == len(inside - settled)
        assert all(gap.missing for gap in open_gaps)
        # Named when it was looked at last: at the latest before this message.
        long_missing = {n for n, since in missing_since.items() if now - since >= 30 and n != seq}
        assert long_missing <= inside


def gap(first: int, opened: int = 0, closed: int | None = None, device: str = "d1") -> Gap:
    return Gap(device, "b1", first, first + 1, 2 if closed is None else 0, opened, closed)


def test_the_log_renews_filters_and_outlives_its_process(tmp_path: Path) -> None:
    reader = SqliteGapLog(tmp_path / "r.db", read_only=True)
    assert reader.gaps() == []
    log = SqliteGapLog(tmp_path / "r.db")
    log.note([gap(1, 10), gap(5, 20), gap(5, 15, device="d2")])
    log.note([gap(1, 10, 30)])
    assert log.gaps() == [gap(5, 20), gap(5, 15, device="d2"), gap(1, 10, 30)]
    assert reader.gaps("d1") == [gap(5, 20), gap(1, 10, 30)]
    assert reader.gaps("d1", open_only=True) == [gap(5, 20)]
    assert reader.gaps(limit=1) == [gap(5, 20)]
    with pytest.raises(RuntimeError, match="reading only"):
        reader.note([gap(1)])
    log.close()
    reader.close()


def test_the_log_is_bounded_but_keeps_every_open_gap(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gaps_module, "GAPS_KEPT", 10)
    log = SqliteGapLog(tmp_path / "r.db")
    log.note([gap(0)])
    for n in range(1, 100):
        log.note([gap(n, n, n)])
    assert [one.first for one in log.gaps()] == [*range(99, 89, -1), 0]
    assert log.gaps(open_only=True) == [gap(0)]
    log.close()
