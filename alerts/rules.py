"""When a finding is raised and when it has gone: a fold with hysteresis over assessments. Pure.

One rule per (device, failure mode) reads the device's windows in the order of their ends and keeps
a small state. An *episode* starts when the rule raises for the first time and ends when the rule
has been quiet for the policy's horizon or the component was repaired; speaking up again before
that is the same episode, so that a probability that flickers is one alert and one order.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum, IntEnum

import msgspec

from purna.core.assessments import Assessment, Contribution, RemainingLife
from purna.core.catalogue import FailureMode, Name, Policy, Product, Remedy
from purna.core.clock import HOUR, MINUTE
from purna.core.texts import Message

ANOMALY = "anomaly"
"""Id of the failure mode of an inspection: something is wrong and no model can name it."""

INSPECTION_NAME = Name({"en": "Unexplained anomaly", "id": "Anomali yang belum terjelaskan"})
INSPECTION_HOURS = 1.0

LIFE_KIND = "life"
"""Key of :attr:`Assessment.models` under which a life model is bound to speak."""


class Level(IntEnum):
    """What one window says for a rule."""

    SILENT = 0  # the model abstains: counts neither for nor against
    QUIET = 1  # against the finding
    BETWEEN = 2  # neither high enough to raise nor low enough to clear
    NO_TREND = 3  # only the life model could speak, and sees no end coming
    LIFE_HIT = 4  # for the finding, by remaining life alone
    HIT = 5  # for the finding


class Change(Enum):
    """What a window changed."""

    RAISED = "raised"  # a new episode
    REOPENED = "reopened"  # the same episode speaks up again
    STANDING = "standing"  # raised already, and this window speaks for it too
    CLEARED = "cleared"
    ENDED = "ended"  # quiet for long enough that the episode is over


class FoldState(msgspec.Struct, frozen=True, array_like=True):
    """What a rule remembers. Times are window ends in micros, 0 for none.

    ``hits`` and ``quiet`` count consecutive windows for and against; ``spoken`` is the last window
    in which the model spoke; windows that end before ``muted_until`` are not looked at. ``by_life``
    is true when the last hit was by remaining life alone: then the life model may take it back.
    """

    window: int = 0
    spoken: int = 0
    hits: int = 0
    quiet: int = 0
    raised: bool = False
    episode: int = 0
    last_hit: int = 0
    muted_until: int = 0
    by_life: bool = False


@dataclass(frozen=True, slots=True)
class Rule:
    """Thresholds for one failure mode, taken from the product's policy. ``gap`` is in micros."""

    mode: FailureMode
    policy: Policy
    raise_after: int
    clear_after: int
    gap: int


@dataclass(frozen=True, slots=True)
class Finding:
    """What speaks for a failure mode of a device at a window's end.

    ``probability`` is that at the policy's horizon, ``curve`` all horizons (hours) that the model
    gave; for an anomaly alone both are absent and ``score`` (1.0 is the detector's limit) speaks.
    """

    device: str
    mode: FailureMode
    window_end: int
    probability: float | None = None
    curve: Mapping[int, float] = field(default_factory=dict)
    life: RemainingLife | None = None
    score: float | None = None
    contributions: Sequence[Contribution] = ()
    models: Mapping[str, str] = field(default_factory=dict)


def rules_of(product: Product) -> tuple[Rule, ...]:
    """One rule per component that can fail, and one for an anomaly that nothing explains.

    A model speaks of components. Where several failure modes share a component, the first listed
    stands for all of them: nothing in an assessment could tell them apart.
    """
    policy = product.policy
    gap = max(policy.horizon_hours * HOUR, 2 * product.step_minutes * MINUTE)
    modes: dict[str, FailureMode] = {}
    for mode in product.failure_modes:
        modes.setdefault(mode.component, mode)
    named = tuple(
        Rule(mode, policy, policy.raise_after, policy.clear_after, gap) for mode in modes.values()
    )
    return (
        *named,
        Rule(inspection_of(product), policy, policy.anomaly_after, policy.clear_after, gap),
    )


def inspection_of(product: Product) -> FailureMode:
    """The generic visit after an anomaly: the usual skill and mean cost of the visited modes."""
    modes = [mode for mode in product.failure_modes if mode.remedy is Remedy.VISIT]
    mode = FailureMode(ANOMALY, INSPECTION_NAME, component="", hours=INSPECTION_HOURS)
    if not modes:
        return mode
    return replace(
        mode,
        skill=Counter(m.skill for m in modes).most_common(1)[0][0],
        failure_cost=sum(m.failure_cost for m in modes) / len(modes),
    )


def mode_of(product: Product, mode_id: str) -> FailureMode:
    """The failure mode with this id; one that the catalogue no longer has keeps its id as name."""
    if mode_id == ANOMALY:
        return inspection_of(product)
    return product.failure_mode(mode_id) or FailureMode(mode_id, Name({"en": mode_id}), "")


def level(assessment: Assessment, rule: Rule) -> Level:
    """What this window says for the rule."""
    if rule.mode.id == ANOMALY:
        return _anomaly_level(assessment, rule.policy)
    return _component_level(assessment, rule.mode.component, rule.policy)


def fold(
    state: FoldState, assessment: Assessment, rule: Rule
) -> tuple[FoldState, tuple[Change, ...]]:
    """The state after one more window, and what it changed.

    A window that is not later than the last one changes nothing, so delivering twice is harmless;
    late windows are folded in by :func:`alerts.engine.refold`.
    """
    window = assessment.window_end
    if window <= state.window:
        return state, ()
    said = level(assessment, rule) if window >= state.muted_until else Level.SILENT
    if said is Level.NO_TREND:
        said = Level.QUIET if state.by_life or not state.raised else Level.SILENT
    over = state.episode and not state.raised and window - state.last_hit > rule.gap
    ended: tuple[Change, ...] = (Change.ENDED,) if over else ()
    episode = 0 if over else state.episode
    if said is Level.SILENT:
        quiet_on = FoldState(
            window, state.spoken, state.hits, state.quiet, state.raised, episode,
            state.last_hit, state.muted_until, state.by_life,
        )  # fmt: skip
        return quiet_on, ended
    stale = window - state.spoken > rule.gap  # counts of before a long silence are worth nothing
    hit = said >= Level.LIFE_HIT
    hits = (0 if stale else state.hits) + 1 if hit else 0
    quiet = (0 if stale else state.quiet) + 1 if said is Level.QUIET else 0
    last_hit = window if hit else state.last_hit
    by_life = said is Level.LIFE_HIT if hit else state.by_life
    raised, change = state.raised, ended
    if raised and hit:
        change = (Change.STANDING,)
    elif raised and quiet >= rule.clear_after:
        raised, change = False, (Change.CLEARED,)
    elif not raised and hits >= rule.raise_after:
        raised = True
        change = (Change.REOPENED,) if episode else (*ended, Change.RAISED)
        episode = episode or window
    after = FoldState(
        window, window, hits, quiet, raised, episode, last_hit, state.muted_until, by_life
    )
    return after, change


def repaired(state: FoldState, at: int, mute: int) -> tuple[FoldState, tuple[Change, ...]]:
    """The state after a repair at ``at``: a fresh start, mute for ``mute`` micros.

    An episode that began after the mute time (the repair became known late) is about something
    newer and stays.
    """
    muted_until = max(state.muted_until, at + mute)
    if state.episode >= at + mute:
        return msgspec.structs.replace(state, muted_until=muted_until), ()
    changes = (Change.CLEARED,) if state.raised else ()
    ended = (Change.ENDED,) if state.episode else ()
    return FoldState(window=state.window, muted_until=muted_until), (*changes, *ended)


def finding_of(assessment: Assessment, rule: Rule) -> Finding:
    """The evidence for the rule's failure mode in this window."""
    if rule.mode.id == ANOMALY:
        anomaly = assessment.anomaly
        return Finding(
            assessment.device,
            rule.mode,
            assessment.window_end,
            score=anomaly.score if anomaly else None,
            contributions=anomaly.contributions if anomaly else (),
            models=assessment.models,
        )
    risk, anomaly = assessment.risk_of(rule.mode.component), assessment.anomaly
    # A remaining life has no reasons of its own: without a risk, what stands out speaks for it.
    speaks = risk.contributions if risk else anomaly.contributions if anomaly else ()
    return Finding(
        assessment.device,
        rule.mode,
        assessment.window_end,
        probability=risk.probability.get(rule.policy.horizon_hours) if risk else None,
        curve=risk.probability if risk else {},
        life=assessment.life_of(rule.mode.component),
        contributions=speaks,
        models=assessment.models,
    )


def reason_of(finding: Finding, product: Product) -> Message:
    """The finding in a sentence: what was found, how sure, and what speaks for it."""
    params: dict[str, object] = {
        "horizon": product.policy.horizon_hours,
        "evidence": shares_of(finding.contributions, product),
    }
    life = finding.life
    if finding.probability is not None:
        params["probability"] = finding.probability
    if life is not None:
        params |= {"median": life.median, "low": life.low, "high": life.high}
        params["level"] = life.level
    if finding.mode.id == ANOMALY:
        return Message("finding.anomaly", {**params, "score": finding.score or 0.0})
    if finding.probability is None:
        return Message("finding.life" if life else "finding.none", params)
    return Message("finding.risk_and_life" if life else "finding.risk", params)


def shares_of(contributions: Sequence[Contribution], product: Product) -> list[list[object]]:
    """The three largest contributions as ``[names by language, share]``, for a text."""
    largest = sorted(contributions, key=lambda c: (-c.share, c.name))[:3]
    return [[dict(_named(c.name, product).texts), c.share] for c in largest]


def _named(contribution: str, product: Product) -> Name:
    kind, _, rest = contribution.partition(":")
    if kind == "age" and (component := product.component(rest)):
        return Name(
            {
                "en": f"age of {component.name.text('en')}",
                "id": f"umur {component.name.text('id')}",
            }
        )
    if kind == "event":
        return Name({"en": f"event {rest}", "id": f"kejadian {rest}"})
    quantity = product.quantity(contribution)
    return quantity.name if quantity else Name({"en": contribution})


def _component_level(assessment: Assessment, component: str, policy: Policy) -> Level:
    probability = None
    for risk in assessment.risks:
        if risk.component == component:
            probability = risk.probability.get(policy.horizon_hours)
            break
    if probability is not None and probability >= policy.raise_probability:
        return Level.HIT
    life_spoke = LIFE_KIND in assessment.models
    for life in assessment.lives:
        if life.component == component:
            if life.median < policy.life_hours:
                return Level.LIFE_HIT
            life_spoke = True
            break
    if probability is None:
        # A risk model that says nothing abstains: no news is not good news. Of a life model,
        # saying nothing means that there is no trend.
        return Level.NO_TREND if life_spoke else Level.SILENT
    return Level.QUIET if probability < policy.clear_probability else Level.BETWEEN


def _anomaly_level(assessment: Assessment, policy: Policy) -> Level:
    anomaly = assessment.anomaly
    if anomaly is None:
        return Level.SILENT
    if anomaly.score < policy.anomaly_score:
        # Below its own limit (1.0) the detector sees nothing unusual.
        return Level.QUIET if anomaly.score < 1.0 else Level.BETWEEN
    return Level.SILENT if _explained(assessment, policy) else Level.HIT


def _explained(assessment: Assessment, policy: Policy) -> bool:
    """Whether a named component is at least suspected in the same window."""
    if any(life.median < policy.life_hours for life in assessment.lives):
        return True
    return any(
        risk.probability.get(policy.horizon_hours, 0.0) >= policy.clear_probability
        for risk in assessment.risks
    )
