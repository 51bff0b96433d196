from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from alerts.rules import (
    ANOMALY,
    Change,
    FoldState,
    Level,
    Rule,
    finding_of,
    fold,
    level,
    reason_of,
    repaired,
    rules_of,
)
from purna.core.assessments import Anomaly, Assessment, Contribution
from purna.core.clock import HOUR
from tests.alerts.fleet import POLICY, PUMP, anomaly, at, life, risk, silent


def rule_for(mode: str, **policy: object) -> Rule:
    product = replace(PUMP, policy=replace(POLICY, **policy))  # type: ignore[arg-type]
    return next(rule for rule in rules_of(product) if rule.mode.id == mode)


BEARING = rule_for("bearing_wear")


def folded(
    windows: list[Assessment], rule: Rule = BEARING, state: FoldState | None = None
) -> tuple[FoldState, list[tuple[float, Change]]]:
    """The last state, and the changes with their hours after T0."""
    state = state or FoldState()
    seen = []
    for window in windows:
        state, changes = fold(state, window, rule)
        seen += [((window.window_end - at(0)) / HOUR, change) for change in changes]
    return state, seen


def test_a_finding_is_raised_after_the_policy_s_number_of_windows() -> None:
    rule = rule_for("bearing_wear", raise_after=3)
    _, seen = folded([risk(h, p) for h, p in enumerate([0.9, 0.9, 0.1, 0.7, 0.7, 0.7])], rule)
    assert seen == [(5, Change.RAISED)]


def test_a_probability_between_the_limits_neither_raises_nor_clears() -> None:
    _, seen = folded([risk(h, p) for h, p in enumerate([0.5, 0.6, 0.45, 0.45, 0.45, 0.45])])
    assert seen == [(1, Change.RAISED)]


def test_a_finding_clears_after_the_policy_s_number_of_quiet_windows_in_a_row() -> None:
    _, seen = folded([risk(h, p) for h, p in enumerate([0.9, 0.1, 0.5, 0.1, 0.1])])
    assert seen == [(0, Change.RAISED), (4, Change.CLEARED)]


def test_speaking_up_again_within_the_horizon_is_the_same_episode() -> None:
    state, seen = folded([risk(h, p) for h, p in enumerate([0.9, 0.1, 0.1, 0.8])])
    assert [change for _, change in seen] == [Change.RAISED, Change.CLEARED, Change.REOPENED]
    assert state.episode == at(0)


def test_an_episode_ends_when_nothing_spoke_for_it_for_the_horizon() -> None:
    windows = [risk(0, 0.9), *(risk(h, 0.1) for h in range(1, 27)), risk(27, 0.9)]
    state, seen = folded(windows)
    assert seen == [
        (0, Change.RAISED), (2, Change.CLEARED), (25, Change.ENDED), (27, Change.RAISED),
    ]  # fmt: skip
    assert state.episode == at(27)


def test_an_abstaining_model_neither_raises_nor_clears() -> None:
    state, seen = folded([risk(0, 0.9), *(silent(h) for h in range(1, 20))])
    assert seen == [(0, Change.RAISED)]
    assert state.raised


def test_a_probability_for_other_horizons_only_is_an_abstention() -> None:
    window = risk(0, 0.9)
    window = replace(window, risks=(replace(window.risks[0], probability={168: 0.99}),))
    assert level(window, BEARING) is Level.SILENT


def test_windows_on_both_sides_of_a_long_gap_are_not_consecutive() -> None:
    rule = rule_for("bearing_wear", raise_after=2)
    _, seen = folded([risk(0, 0.9), risk(30, 0.9)], rule)
    assert seen == []
    _, seen = folded([risk(0, 0.9), risk(23, 0.9)], rule)
    assert seen == [(23, Change.RAISED)]


def test_short_remaining_life_raises_and_no_trend_takes_it_back() -> None:
    rule = rule_for("bearing_wear", life_hours=100.0)
    no_trend = [Assessment("p1", at(h), {"life": "l-1", "failure": "f-1"}) for h in (2, 3)]
    _, seen = folded([life(0, 120), life(1, 90), *no_trend], rule)
    assert seen == [(1, Change.RAISED), (3, Change.CLEARED)]


def test_what_stands_out_speaks_for_a_remaining_life_without_a_risk() -> None:
    odd = (Contribution("vib_rms", 0.8),)
    assessment = replace(life(0, 40), anomaly=Anomaly(3.0, odd))
    assert finding_of(assessment, BEARING).contributions == odd
    assert finding_of(life(0, 40), BEARING).contributions == ()


def test_no_trend_does_not_take_back_what_the_risk_model_found() -> None:
    no_trend = [Assessment("p1", at(h), {"life": "l-1", "failure": "f-1"}) for h in (1, 2, 3)]
    state, _ = folded([risk(0, 0.9), *no_trend])
    assert state.raised


def test_after_a_repair_nothing_is_raised_until_the_model_had_time_to_see_it() -> None:
    state, _ = folded([risk(0, 0.9)])
    state, changes = repaired(state, at(1), 24 * HOUR)
    assert changes == (Change.CLEARED, Change.ENDED)
    _, seen = folded([risk(h, 0.95) for h in range(2, 27)], state=state)
    assert seen[0] == (25, Change.RAISED)


def test_a_repair_that_became_known_late_leaves_a_newer_episode_alone() -> None:
    state, _ = folded([risk(40, 0.9)])
    after, changes = repaired(state, at(2), 24 * HOUR)
    assert changes == ()
    assert after.raised


def test_an_anomaly_alone_asks_for_an_inspection_only_after_its_own_number_of_windows() -> None:
    rule = rule_for(ANOMALY, anomaly_score=2.0, anomaly_after=3)
    _, seen = folded([anomaly(h, 2.5) for h in range(3)], rule)
    assert seen == [(2, Change.RAISED)]


def test_an_anomaly_that_a_named_component_explains_asks_for_nothing() -> None:
    rule = rule_for(ANOMALY, anomaly_after=1)
    window = replace(risk(0, 0.5), anomaly=Anomaly(9.0))
    assert level(window, rule) is Level.SILENT
    assert level(replace(window, risks=()), rule) is Level.HIT


def test_an_anomaly_clears_only_below_the_detector_s_own_limit() -> None:
    rule = rule_for(ANOMALY, anomaly_after=1)
    assert level(anomaly(0, 1.2), rule) is Level.BETWEEN
    assert level(anomaly(0, 0.9), rule) is Level.QUIET
    assert level(silent(0), rule) is Level.SILENT


def test_modes_of_one_component_share_one_rule() -> None:
    twin = replace(PUMP.failure_modes[0], id="bearing_crack")
    product = replace(PUMP, failure_modes=(*PUMP.failure_modes, twin))
    assert [rule.mode.id for rule in rules_of(product)] == [
        "bearing_wear", "clogging", "leak", "anomaly",
    ]  # fmt: skip


def test_the_reason_names_the_numbers_in_both_languages() -> None:
    reason = reason_of(finding_of(risk(0, 0.87), BEARING), PUMP)
    assert reason.text("en") == (
        "Probability of failure within 24 hours: 87%. Evidence: Vibration 60%, event E17 30%."
    )
    assert "24 jam: 87%. Petunjuk: Getaran 60%, kejadian E17 30%." in reason.text("id")
    both = replace(risk(0, 0.87), lives=life(0, 50).lives)
    assert "Remaining life about 50 hours (90% between 25 hours and 3 days)" in reason_of(
        finding_of(both, BEARING), PUMP
    ).text("en")


probabilities = st.lists(st.one_of(st.none(), st.floats(0, 1)), min_size=1, max_size=60)


def windows_of(values: list[float | None]) -> list[Assessment]:
    return [silent(h) if p is None else risk(h, p) for h, p in enumerate(values)]


@given(probabilities, st.integers(1, 4), st.integers(1, 4), st.data())
def test_delivering_windows_again_changes_nothing(
    values: list[float | None], raise_after: int, clear_after: int, data: st.DataObject
) -> None:
    rule = rule_for("bearing_wear", raise_after=raise_after, clear_after=clear_after)
    windows = windows_of(values)
    once, changes = folded(windows, rule)
    repeated = []
    for position, window in enumerate(windows):
        repeated.append(window)
        repeated += windows[data.draw(st.integers(0, position)) : position + 1]
    assert folded(repeated, rule) == (once, changes)


@given(probabilities, st.integers(1, 4), st.integers(1, 4))
def test_raising_and_clearing_alternate_whatever_comes(
    values: list[float | None], raise_after: int, clear_after: int
) -> None:
    rule = rule_for("bearing_wear", raise_after=raise_after, clear_after=clear_after)
    _, seen = folded(windows_of(values), rule)
    changes = [change for _, change in seen if change is not Change.STANDING]
    is_open = in_episode = False
    for change in changes:
        if change in (Change.RAISED, Change.REOPENED):
            assert not is_open
            assert in_episode == (change is Change.REOPENED)
            is_open = in_episode = True
        elif change is Change.CLEARED:
            assert is_open
            is_open = False
        else:
            assert in_episode
            assert not is_open
            in_episode = False


@given(probabilities)
def test_no_window_below_the_raise_level_ever_raises(values: list[float | None]) -> None:
    low = [None if p is None else p * 0.59 for p in values]
    assert folded(windows_of(low))[1] == []
