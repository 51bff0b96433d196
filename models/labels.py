"""Targets of learning from what was replaced when.

A failure is a maintenance record with ``failed``; labels only ever look at what was known at the
time of training, and a row whose horizon is not over yet has no label.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from models.base import Bool, Float64
from models.features import Rows
from models.frames import Fleet
from purna.core.clock import HOUR

_REPAIR = 72 * HOUR  # a replacement so soon after a failure is its repair


class FailureLabels(NamedTuple):
    """``failed``: a failure comes within the horizon. ``known``: the row may be learnt from."""

    failed: Bool
    known: Bool


def failure_labels(
    fleet: Fleet, component: str, horizon: int, rows: Rows, until: int
) -> FailureLabels:
    """Whether ``component`` fails within ``(T, T + horizon hours]`` of each row's window end T.

    Not known are rows whose horizon reaches past ``until``, and rows between a failure and its
    repair. A part that was replaced in time counts as not failed: what is learnt is the risk
    under the maintenance that is really done.
    """
    ends = fleet.grid.first + rows.time * fleet.grid.step
    coming = fleet.failures(component).next(rows.device, ends)
    failed = (coming >= 0) & (coming <= ends + horizon * HOUR)
    known = (ends + horizon * HOUR <= until) & ~broken(fleet, component, rows)
    return FailureLabels(failed & known, known)


def broken(fleet: Fleet, component: str, rows: Rows) -> Bool:
    """Rows between a failure and its repair (a replacement within 72 h)."""
    ends = fleet.grid.first + rows.time * fleet.grid.step
    failures = fleet.failures(component)
    last = failures.last(rows.device, ends)
    repaired = fleet.repairs(component).next(rows.device, last)
    soon = (last >= 0) & (repaired >= 0) & (repaired - last <= _REPAIR)
    return soon & (ends < repaired)


def healthy(fleet: Fleet, components: tuple[str, ...], rows: Rows, hours: int = 168) -> Bool:
    """Rows with no failure of any component within the next ``hours``, and none under repair."""
    ends = fleet.grid.first + rows.time * fleet.grid.step
    out = np.ones(len(rows.device), np.bool_)
    for component in components:
        coming = fleet.failures(component).next(rows.device, ends)
        out &= (coming < 0) | (coming > ends + hours * HOUR)
        out &= ~broken(fleet, component, rows)
    return out


def remaining_hours(fleet: Fleet, component: str, rows: Rows, until: int, cap: float) -> Float64:
    """Hours to the next failure of ``component``, at most ``cap``; NaN where nobody can know.

    A life that ended by a replacement in time, or goes on at ``until``, is censored: its rows say
    only that it lasted at least so long, and are used where that is the cap or more.
    """
    ends = fleet.grid.first + rows.time * fleet.grid.step
    failure = fleet.failures(component).next(rows.device, ends)
    replaced = fleet.repairs(component).next(rows.device, ends)
    fails = (failure >= 0) & (failure <= until) & ((replaced < 0) | (failure <= replaced))
    over = np.where((replaced >= 0) & (replaced <= until), replaced, until)
    hours = (np.where(fails, failure, over) - ends) / HOUR
    usable = fails | (hours >= cap)
    usable &= ~broken(fleet, component, rows)
    return np.where(usable, np.minimum(hours, cap), np.nan)
