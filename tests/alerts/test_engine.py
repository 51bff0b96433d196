from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from alerts.engine import Checkpoint, Event, Repair, Step, advance, refold
from alerts.rules import Change, FoldState, rules_of
from purna.core.assessments import Assessment
from purna.core.clock import HOUR
from purna.core.devices import Maintenance
from tests.alerts.fleet import PUMP, anomaly, at, risk, silent

RULES = rules_of(PUMP)
MUTE, LATE = 24 * HOUR, 48 * HOUR


def repair(hours: float, component: str = "bearing") -> Maintenance:
    return Maintenance("p1", component, at(hours), True, at(hours))


def seen(events: list[Event], mode: str = "bearing_wear") -> list[tuple[float, Change]]:
    return [
        ((event.at - at(0)) / HOUR, event.change)
        for event in events
        if isinstance(event, Step) and event.rule.mode.id == mode
    ]


def run(
    windows: list[Assessment],
    repairs: list[Maintenance] | None = None,
    checkpoint: Checkpoint | None = None,
) -> tuple[Checkpoint, list[Event]]:
    start = checkpoint or Checkpoint()
    return advance(start, "p1", RULES, windows, repairs or [], MUTE, LATE)


def test_a_repair_is_applied_before_the_window_that_ends_at_the_same_time() -> None:
    checkpoint, events = run([risk(0, 0.9), risk(24, 0.9)], [repair(24)])
    assert seen(events) == [(0, Change.RAISED), (24, Change.CLEARED), (24, Change.ENDED)]
    assert [event.at for event in events if isinstance(event, Repair)] == [at(24)]
    assert not checkpoint.now["bearing_wear"].raised


def test_a_repair_resets_its_own_component_and_the_anomaly_only() -> None:
    both = [risk(0, 0.9), risk(0.5, 0.9, component="seal"), *(anomaly(h, 5) for h in range(1, 14))]
    checkpoint, _ = run(both, [repair(20, "seal")])
    raised = {mode: state.raised for mode, state in checkpoint.now.items()}
    assert raised == {"bearing_wear": True, "clogging": False, "leak": False, "anomaly": False}
    muted = {mode for mode, state in checkpoint.now.items() if state.muted_until}
    assert muted == {"leak", "anomaly"}


def test_the_base_of_a_checkpoint_lies_one_to_two_latenesses_back() -> None:
    checkpoint = Checkpoint()
    for hours in range(0, 400, 3):
        checkpoint, _ = run([risk(hours, 0.1)], checkpoint=checkpoint)
        if hours > 2 * 48:
            assert LATE <= checkpoint.window - checkpoint.base_window <= 2 * LATE


def test_late_windows_never_reach_back_behind_a_repair() -> None:
    windows = [risk(h, 0.9) for h in range(0, 30, 3)]
    checkpoint, _ = run(windows, [repair(15)])
    again, events = refold(checkpoint, "p1", RULES, windows)
    assert events == []
    assert again.now == checkpoint.now


def delivered(portions: list[list[Assessment]]) -> tuple[dict[str, FoldState], list[Event]]:
    """What comes of windows that arrive in these portions, with all earlier ones in a log."""
    checkpoint, known, events = Checkpoint(), {}, []
    for portion in portions:
        known |= {window.window_end: window for window in portion}
        late = [w for w in portion if checkpoint.base_window < w.window_end <= checkpoint.window]
        if late:
            since = [known[end] for end in sorted(known) if checkpoint.base_window < end]
            past = [window for window in since if window.window_end <= checkpoint.window]
            checkpoint, more = refold(checkpoint, "p1", RULES, past)
            events += more
        fresh = sorted({w.window_end for w in portion if w.window_end > checkpoint.window})
        checkpoint, more = run([known[end] for end in fresh], checkpoint=checkpoint)
        events += more
    return dict(checkpoint.now), events


values = st.lists(st.one_of(st.none(), st.floats(0, 1)), min_size=1, max_size=24)


@given(values, st.data())
def test_whatever_the_order_of_delivery_the_finding_ends_the_same(
    probabilities: list[float | None], data: st.DataObject
) -> None:
    windows = [silent(h) if p is None else risk(h, p) for h, p in enumerate(probabilities)]
    in_order, _ = delivered([windows])
    shuffled = data.draw(st.permutations(windows))
    cut = data.draw(st.integers(0, len(windows)))
    mixed, events = delivered([shuffled[:cut], shuffled[cut:], shuffled[: cut // 2]])
    for mode, state in in_order.items():
        assert mixed[mode].raised == state.raised, mode
        assert (mixed[mode].hits, mixed[mode].quiet) == (state.hits, state.quiet)
    opened = 0
    for _, change in seen(events):
        opened += change in (Change.RAISED, Change.REOPENED)
        opened -= change is Change.CLEARED
        assert opened in (0, 1)
    assert opened == mixed["bearing_wear"].raised
