"""From a finding to an action with its expected cost and its reason. Pure.

With F(t) the probability of failure within *t* hours, the expected cost of an action that takes
*r* hours to help and costs *c* is, over a common period of *T* hours:

    F(r) x (failure cost + repair in a hurry)  +  (1 - F(r)) x c

Waiting is the action that never helps: r = T and c = 0. The period ends one horizon of the policy
(or its life hours, where remaining life speaks) after the slowest action would have helped. The
repair in a hurry is an urgent visit, or a shipment where the customer changes the part himself.
The cheapest action is taken; between equals the one that does less.

The sums are those of the machine as a whole, whoever pays in the end: the order says separately
whether the warranty covers it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import exp, log

from alerts.order import Action, Option, PartStock, Priority
from alerts.rules import ANOMALY, Finding
from purna.core.catalogue import FailureMode, Mode, Policy, Remedy
from purna.core.texts import Message

CERTAIN = 0.9999
"""Cap on a probability, so that its cumulative hazard stays finite."""

HIGH_PROBABILITY = 0.8
"""From here on an order that is not urgent has high priority."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What a decision looks at besides the finding.

    ``visit_hours`` is how soon a planned visit could start, None when no technician has the skill:
    then a failure mode that is put right by shipping is not visited, and any other one within the
    SLA by somebody whom the dispatcher has to find. ``joined`` is the number of a visit that is
    open on the same device anyway, ``joined_hours`` how soon that one starts.
    ``price`` is in the policy's currency. ``part`` is None when none is
    needed or the stock does not list it: then it is taken as being at hand.
    """

    mode: FailureMode
    price: float
    part: PartStock | None
    sla_hours: float
    visit_hours: float | None
    urgent_hours: float
    shipping_hours: float
    inspection_yield: float
    joined: str = ""
    joined_hours: float = 0.0


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do about a finding, why, and what else was weighed.

    ``order`` is the id of the order that was opened or that answers it already, else empty.
    ``saving`` is the expected cost of waiting less that of the action.
    """

    device: str
    failure_mode: str
    window_end: int
    action: Action
    reason: Message
    options: Sequence[Option] = ()
    saving: float = 0.0
    priority: Priority = Priority.NORMAL
    order: str = ""


@dataclass(frozen=True, slots=True)
class _Way:
    """An action with the hours until it helps and what it costs when it comes in time."""

    action: Action
    hours: float
    cost: float


class FailureCurve:
    """F(t): the probability of failure within *t* hours, from what the models gave.

    Between the given horizons the hazard rate is taken as constant, beyond the last one as in the
    last stretch; a remaining-life interval gives three points of the same kind. Where both speak,
    the higher probability counts.
    """

    def __init__(self, finding: Finding, *, unknown: float, unknown_hours: float) -> None:
        """``unknown`` is taken at ``unknown_hours`` when no model gives a probability."""
        curves = [_hazards({float(h): p for h, p in finding.curve.items()})]
        if life := finding.life:
            tail = (1 - life.level) / 2
            curves.append(
                _hazards({life.low: tail, life.median: 0.5, life.high: 1 - tail}),
            )
        self._curves = [c for c in curves if len(c) > 1] or [_hazards({unknown_hours: unknown})]

    def __call__(self, hours: float) -> float:
        return 1 - exp(-max(_at(curve, hours) for curve in self._curves))


def decide(finding: Finding, facts: Facts, policy: Policy, mode: Mode = Mode.SUGGEST) -> Decision:
    """The cheapest action on expectation, with its reason.

    In observe mode the action is that which would be taken; the reason says that it is not.
    """
    ways = _ways(finding, facts, policy)
    period = ways[0].hours
    curve = FailureCurve(finding, unknown=facts.inspection_yield, unknown_hours=period)
    failure = facts.mode.failure_cost + _in_a_hurry(facts, policy)
    costs = {
        way.action: curve(way.hours) * failure + (1 - curve(way.hours)) * way.cost for way in ways
    }
    chosen = min(ways, key=lambda way: costs[way.action])  # the first of equals does the least
    if facts.joined and finding.mode.id == ANOMALY:
        chosen = ways[0]  # somebody goes there anyway and will look
    options = tuple(
        Option(
            way.action,
            round(costs[way.action], 2),
            curve(way.hours),
            way is chosen,
            _option_reason(way, curve, facts, policy),
        )
        for way in ways
    )
    saving = costs[Action.WAIT] - costs[chosen.action]
    return Decision(
        device=finding.device,
        failure_mode=finding.mode.id,
        window_end=finding.window_end,
        action=chosen.action,
        reason=_reason(chosen, costs, curve, facts, policy, period, mode),
        options=options,
        saving=round(saving, 2),
        priority=priority(chosen.action, finding),
    )


def priority(action: Action, finding: Finding) -> Priority:
    """Urgent for an urgent visit; high when failure within the horizon is very likely."""
    if action is Action.URGENT_VISIT:
        return Priority.URGENT
    likely = finding.probability is not None and finding.probability >= HIGH_PROBABILITY
    return Priority.HIGH if likely else Priority.NORMAL


def rank(saving: float, probability: float | None, sla_left: float) -> float:
    """Where an order stands in the queue, 0..100; higher is first.

    Half by the probability of failure at the policy's horizon, 30 by the money that acting saves
    (half of it reached at 1,000), 20 by the part of the SLA that has passed (``sla_left`` is 1 at
    the start, 0 when due and below when overdue).
    """
    money = max(0.0, saving)
    passed = min(1.0, max(0.0, 1 - sla_left))
    return round(50 * (probability or 0.0) + 30 * money / (money + 1000) + 20 * passed, 1)


def _ways(finding: Finding, facts: Facts, policy: Policy) -> list[_Way]:
    """From the one that does least, waiting, to the one that does most."""
    missing = 0.0
    if facts.part is not None and facts.part.available < 1:
        missing = facts.part.delivery_hours
    repair = facts.mode.hours * policy.hour_cost + facts.price
    shipped = facts.mode.remedy is Remedy.SHIP
    ways = []
    if shipped:
        cost = policy.shipping_cost + facts.price
        ways.append(_Way(Action.SHIP, facts.shipping_hours + missing, cost))
    if facts.joined:
        ways.append(_Way(Action.VISIT, max(facts.joined_hours, missing), repair))
    elif facts.visit_hours is not None or not shipped:
        hours = facts.sla_hours if facts.visit_hours is None else facts.visit_hours
        ways.append(_Way(Action.VISIT, max(hours, missing), policy.visit_cost + repair))
    if finding.mode.id != ANOMALY and (facts.visit_hours is not None or not shipped):
        cost = policy.visit_cost * policy.urgent_factor + repair
        ways.append(_Way(Action.URGENT_VISIT, max(facts.urgent_hours, missing), cost))
    horizon = float(policy.horizon_hours)
    if finding.life is not None:
        horizon = max(horizon, policy.life_hours)
    return [_Way(Action.WAIT, max(way.hours for way in ways) + horizon, 0.0), *ways]


def _in_a_hurry(facts: Facts, policy: Policy) -> float:
    """What putting it right costs once it has failed."""
    if facts.mode.remedy is Remedy.SHIP:
        return policy.shipping_cost + facts.price
    return (
        policy.visit_cost * policy.urgent_factor + facts.mode.hours * policy.hour_cost + facts.price
    )


def _option_reason(way: _Way, curve: FailureCurve, facts: Facts, policy: Policy) -> Message:
    params: dict[str, object] = {
        "hours": way.hours,
        "probability": curve(way.hours),
        "cost": [round(way.cost, 2), policy.currency],
        "failure_cost": [round(facts.mode.failure_cost, 2), policy.currency],
    }
    if way.action is Action.WAIT:
        return Message("option.wait", params)
    if way.action is Action.VISIT and facts.joined:
        return Message("option.join", {**params, "number": facts.joined})
    if facts.part is not None and facts.part.available < 1:
        params |= {"part": facts.part.number, "delivery": facts.part.delivery_hours}
        return Message(f"option.{way.action}.no_stock", params)
    return Message(f"option.{way.action}.plain", params)


def _reason(
    chosen: _Way,
    costs: dict[Action, float],
    curve: FailureCurve,
    facts: Facts,
    policy: Policy,
    period: float,
    mode: Mode,
) -> Message:
    params: dict[str, object] = {
        "cost": [round(costs[chosen.action], 2), policy.currency],
        "wait_cost": [round(costs[Action.WAIT], 2), policy.currency],
        "hours": chosen.hours,
        "probability": curve(chosen.hours),
        "period": period,
        "period_probability": curve(period),
    }
    code: str = chosen.action
    if facts.joined and chosen.action in (Action.WAIT, Action.VISIT):
        params["number"] = facts.joined
        code = "join" if chosen.action is Action.VISIT else "seen_by"
    if chosen.action is Action.WAIT and code != "seen_by":
        acting = min((a for a in costs if a is not Action.WAIT), key=lambda a: costs[a])
        params["act_cost"] = [round(costs[acting], 2), policy.currency]
    return Message(f"decision.{'observe' if mode is Mode.OBSERVE else 'act'}.{code}", params)


def _hazards(points: dict[float, float]) -> list[tuple[float, float]]:
    """``(hours, cumulative hazard)`` from ``{hours: probability}``, rising, from (0, 0)."""
    out = [(0.0, 0.0)]
    for hours, probability in sorted(points.items()):
        if hours > out[-1][0]:
            hazard = -log(1 - min(max(probability, 0.0), CERTAIN))
            out.append((hours, max(hazard, out[-1][1])))
    return out


def _at(curve: Sequence[tuple[float, float]], hours: float) -> float:
    for (h0, c0), (h1, c1) in pairwise(curve):
        if hours <= h1:
            return c0 + (c1 - c0) * (hours - h0) / (h1 - h0)
    (h0, c0), (h1, c1) = curve[-2], curve[-1]
    return c1 + (c1 - c0) / (h1 - h0) * (hours - h1)
