"""One device's rules over its timeline of windows and repairs, with checkpoints. Pure.

Windows normally come in order and only the present state matters. A window that comes late, or is
scored anew, is folded in from the last checkpoint before it: the windows since then are folded
again, and what the people have seen already is never taken back silently (:func:`settle`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import msgspec

from alerts.rules import ANOMALY, Change, FoldState, Rule, fold, repaired
from purna.core.assessments import Assessment
from purna.core.devices import Maintenance

States = Mapping[str, FoldState]
"""States of a device's rules by failure mode."""


class Checkpoint(msgspec.Struct, frozen=True, array_like=True):
    """Three states of a device: ``now``, and two older ones to go back to, ``base`` <= ``middle``.

    ``base`` lies between one and two times the tolerated lateness behind ``now``.
    """

    window: int = 0
    now: dict[str, FoldState] = {}
    middle_window: int = 0
    middle: dict[str, FoldState] = {}
    base_window: int = 0
    base: dict[str, FoldState] = {}


@dataclass(frozen=True, slots=True)
class Step:
    """Something that changed for a rule at ``at`` (micros), caused by a window or a repair.

    ``episode`` is the window that began the episode concerned, 0 when a repair ended it.
    """

    at: int
    device: str
    rule: Rule
    change: Change
    episode: int
    assessment: Assessment | None = None


@dataclass(frozen=True, slots=True)
class Repair:
    """A repair that was met on the timeline: orders for the component are answered by it."""

    at: int
    record: Maintenance


Event = Step | Repair


def advance(
    checkpoint: Checkpoint,
    device: str,
    rules: Sequence[Rule],
    windows: Sequence[Assessment],
    repairs: Sequence[Maintenance],
    mute: int,
    late: int,
) -> tuple[Checkpoint, list[Event]]:
    """Fold new windows and repairs, each in time order, into the checkpoint.

    Parameters
    ----------
    windows
        Sorted by window end, all later than ``checkpoint.window``.
    repairs
        Sorted by time. A repair is applied before the window that ends at the same time.
    mute, late
        Micros: how long a repair silences the rules, and how late a window may come.
    """
    states = dict(checkpoint.now)
    events: list[Event] = []
    waiting = list(repairs)
    base, base_window = checkpoint.base, checkpoint.base_window
    middle, middle_window = checkpoint.middle, checkpoint.middle_window
    window = checkpoint.window
    for assessment in windows:
        while waiting and waiting[0].ts <= assessment.window_end:
            events += _repair(states, device, rules, waiting.pop(0), mute)
            # What was before a repair must not be folded again.
            base = middle = dict(states)
            base_window = middle_window = window
        window = assessment.window_end
        for rule in rules:
            state, changes = fold(states.get(rule.mode.id, _NEW), assessment, rule)
            states[rule.mode.id] = state
            for change in changes:
                events.append(Step(window, device, rule, change, state.episode, assessment))
        if window - middle_window >= late:
            base, base_window = middle, middle_window
            middle, middle_window = dict(states), window
    for record in waiting:
        events += _repair(states, device, rules, record, mute)
        base = middle = dict(states)
        base_window = middle_window = window
    return Checkpoint(window, states, middle_window, middle, base_window, base), events


def refold(
    checkpoint: Checkpoint, device: str, rules: Sequence[Rule], windows: Iterable[Assessment]
) -> tuple[Checkpoint, list[Event]]:
    """Fold all windows since the base again, late ones included.

    ``windows`` are those in ``(base_window, window]`` as they are known now, sorted.
    """
    states = dict(checkpoint.base)
    newest: Assessment | None = None
    for assessment in windows:
        newest = assessment
        for rule in rules:
            states[rule.mode.id], _ = fold(states.get(rule.mode.id, _NEW), assessment, rule)
    events: list[Event] = []
    for rule in rules:
        mode = rule.mode.id
        old = checkpoint.now.get(mode, _NEW)
        states[mode], changes = settle(old, states.get(mode, _NEW))
        events += [
            Step(checkpoint.window, device, rule, change, states[mode].episode, newest)
            for change in changes
        ]
    return msgspec.structs.replace(checkpoint, now=states), events


def settle(old: FoldState, new: FoldState) -> tuple[FoldState, tuple[Change, ...]]:
    """Go from the state that people have seen to the one that late windows lead to.

    An episode that was told to people keeps its identity, and does not vanish: when the late
    windows speak against it, it clears and then ends like any other.
    """
    episode = old.episode or new.episode
    last_hit = max(old.last_hit, new.last_hit)
    state = msgspec.structs.replace(
        new, window=max(old.window, new.window), episode=episode, last_hit=last_hit
    )
    if new.raised and not old.raised:
        return state, (Change.REOPENED if old.episode else Change.RAISED,)
    if old.raised and not new.raised:
        return state, (Change.CLEARED,)
    return state, ()


def _repair(
    states: dict[str, FoldState],
    device: str,
    rules: Sequence[Rule],
    record: Maintenance,
    mute: int,
) -> list[Event]:
    events: list[Event] = [Repair(record.ts, record)]
    for rule in rules:
        mode = rule.mode
        # After any repair the machine may sound different: the anomaly detector has to look anew.
        if mode.component == record.component or mode.id == ANOMALY:
            states[mode.id], changes = repaired(states.get(mode.id, _NEW), record.ts, mute)
            events += [Step(record.ts, device, rule, change, 0) for change in changes]
    return events


_NEW = FoldState()
