from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.decision import Facts, FailureCurve, decide, rank
from alerts.order import Action, PartStock, Priority
from alerts.rules import ANOMALY, Finding, finding_of, inspection_of, rules_of
from purna.core.assessments import Assessment
from purna.core.catalogue import Mode, Name
from tests.alerts.fleet import POLICY, PUMP, anomaly, life, risk

MODES = {mode.id: mode for mode in PUMP.failure_modes}
FILTER = MODES["clogging"]
BEARING = PartStock("BRG-6205", Name({"en": "Bearing"}), stock=3)
FACTS = Facts(
    mode=MODES["bearing_wear"],
    price=110.0,
    part=BEARING,
    sla_hours=48.0,
    visit_hours=10.0,
    urgent_hours=4.0,
    shipping_hours=48.0,
    inspection_yield=0.0,
)


def finding(window: Assessment, mode: str = "bearing_wear") -> Finding:
    return finding_of(window, next(r for r in rules_of(PUMP) if r.mode.id == mode))


@pytest.mark.parametrize(
    ("probability", "changes", "action"),
    [
        (0.02, {}, Action.WAIT),  # 4 % x 3,900 is less than a visit
        (0.30, {}, Action.VISIT),
        (0.30, {"visit_hours": 4.0}, Action.VISIT),  # no reason to pay for urgency
        (0.95, {"visit_hours": 30.0}, Action.URGENT_VISIT),
        (0.95, {"visit_hours": 4.0}, Action.VISIT),
        (0.30, {"mode": replace(MODES["bearing_wear"], failure_cost=0.0)}, Action.WAIT),
        (0.30, {"part": replace(BEARING, stock=0, delivery_hours=60.0)}, Action.VISIT),
        (0.12, {}, Action.WAIT),
        (0.12, {"joined": "V-000007", "joined_hours": 10.0}, Action.VISIT),
        (0.50, {"mode": replace(FILTER, failure_cost=200.0), "price": 18.0}, Action.SHIP),
        (0.99, {"mode": FILTER, "price": 18.0}, Action.URGENT_VISIT),  # the part would come late
        (0.99, {"mode": FILTER, "price": 18.0, "visit_hours": None}, Action.SHIP),
        (0.30, {"visit_hours": None}, Action.URGENT_VISIT),  # somebody must be found
    ],
)
def test_the_cheapest_action_is_taken(
    probability: float, changes: dict[str, object], action: Action
) -> None:
    facts = replace(FACTS, **changes)  # type: ignore[arg-type]
    component = facts.mode.component
    found = finding(risk(0, probability, component=component), facts.mode.id)
    decision = decide(found, facts, POLICY)
    assert decision.action is action
    cheapest = min(decision.options, key=lambda option: option.expected_cost)
    assert cheapest.action is action
    assert [option.action for option in decision.options if option.chosen] == [action]


def test_the_sums_are_those_of_the_formula() -> None:
    decision = decide(finding(risk(0, 0.5)), FACTS, POLICY)
    costs = {option.action: option.expected_cost for option in decision.options}
    # Constant hazard; repair 2 h x 75 + 110 = 260, visit 280; the period ends 24 h after it.
    at_10, at_34 = 1 - 0.5 ** (10 / 24), 1 - 0.5 ** (34 / 24)
    failure = 3000 + 560 + 260
    assert costs[Action.VISIT] == pytest.approx(at_10 * failure + (1 - at_10) * 540, abs=0.01)
    assert costs[Action.WAIT] == pytest.approx(at_34 * failure, abs=0.01)
    assert decision.saving == pytest.approx(costs[Action.WAIT] - costs[decision.action], abs=0.02)


def test_a_planned_visit_on_the_same_device_saves_the_way() -> None:
    alone = decide(finding(risk(0, 0.3)), FACTS, POLICY)
    joined = replace(FACTS, joined="V-000007", joined_hours=FACTS.visit_hours)
    together = decide(finding(risk(0, 0.3)), joined, POLICY)
    assert together.saving > alone.saving
    assert "V-000007" in together.reason.text("en")


def test_an_inspection_is_not_sent_where_somebody_goes_anyway() -> None:
    facts = replace(FACTS, mode=inspection_of(PUMP), part=None, price=0.0, inspection_yield=0.25)
    found = finding(anomaly(0, 3.0), ANOMALY)
    assert decide(found, facts, POLICY).action is Action.VISIT
    seen_by = decide(found, replace(facts, joined="V-000007"), POLICY)
    assert seen_by.action is Action.WAIT
    assert seen_by.reason.code == "decision.act.seen_by"


def test_an_inspection_of_which_nothing_is_expected_waits() -> None:
    facts = replace(FACTS, mode=inspection_of(PUMP), part=None, price=0.0, inspection_yield=0.01)
    assert decide(finding(anomaly(0, 3.0), ANOMALY), facts, POLICY).action is Action.WAIT


def test_remaining_life_counts_over_the_policy_s_life_hours() -> None:
    policy = replace(POLICY, life_hours=200.0)
    soon = decide(finding(life(0, 60)), FACTS, policy)
    assert soon.action is Action.VISIT
    late = decide(finding(life(0, 3000)), FACTS, policy)
    assert late.action is Action.WAIT


def test_priority_follows_action_and_probability() -> None:
    assert decide(finding(risk(0, 0.3)), FACTS, POLICY).priority is Priority.NORMAL
    near = replace(FACTS, visit_hours=1.0)
    assert decide(finding(risk(0, 0.9)), near, POLICY).priority is Priority.HIGH
    far = replace(FACTS, visit_hours=40.0)
    assert decide(finding(risk(0, 0.9)), far, POLICY).priority is Priority.URGENT


@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize("probability", [0.01, 0.3, 0.97])
@pytest.mark.parametrize("failure_mode", ["bearing_wear", "clogging"])
@pytest.mark.parametrize("joined", ["", "V-000007"])
@pytest.mark.parametrize("stock", [0, 3])
@pytest.mark.parametrize("language", ["en", "id"])
def test_every_decision_and_option_has_a_complete_reason(
    mode: Mode, probability: float, failure_mode: str, joined: str, stock: int, language: str
) -> None:
    facts = replace(
        FACTS,
        mode=MODES[failure_mode],
        joined=joined,
        part=replace(BEARING, stock=stock),
        visit_hours=20.0,
    )
    found = finding(risk(0, probability, component=facts.mode.component), failure_mode)
    decision = decide(found, facts, POLICY, mode)
    for message in (decision.reason, *(option.reason for option in decision.options)):
        text = message.text(language)
        assert text != message.code
        assert "{" not in text
    assert ("observe" in decision.reason.code) == (mode is Mode.OBSERVE)


horizons = st.dictionaries(st.sampled_from([6, 24, 72, 168, 720]), st.floats(0, 1), min_size=1)


@given(horizons, st.lists(st.floats(0, 2000), min_size=2, max_size=20))
def test_the_probability_of_failure_never_falls_with_time(
    points: dict[int, float], hours: list[float]
) -> None:
    curve = FailureCurve(
        Finding("p1", MODES["leak"], 1, curve=points), unknown=0.1, unknown_hours=24
    )
    values = [curve(h) for h in sorted(hours)]
    assert values == sorted(values)
    assert all(0 <= value <= 1 for value in values)


@given(st.dictionaries(st.sampled_from([24, 168]), st.floats(0, 0.99), min_size=2))
def test_the_curve_passes_through_what_the_model_gave(points: dict[int, float]) -> None:
    rising = {24: min(points.values()), 168: max(points.values())}
    curve = FailureCurve(
        Finding("p1", MODES["leak"], 1, curve=rising), unknown=0.1, unknown_hours=24
    )
    for hours, probability in rising.items():
        assert curve(hours) == pytest.approx(probability, abs=1e-9)


@given(
    st.floats(-1e5, 1e5), st.one_of(st.none(), st.floats(0, 1)), st.floats(-5, 1), st.floats(0, 1)
)
def test_rank_rises_with_saving_probability_and_urgency(
    saving: float, probability: float | None, left: float, step: float
) -> None:
    here = rank(saving, probability, left)
    assert 0 <= here <= 100
    assert rank(saving + 1000 * step, probability, left) >= here
    assert rank(saving, min(1.0, (probability or 0.0) + step), left) >= here
    assert rank(saving, probability, left - step) >= here
