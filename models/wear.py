"""Features of wear over a component's life, from one replacement to the next.

Each life is a row of its own, aligned at its start, on a coarser grid: a life step is the
125th part of the cap (the longest time to failure that is told apart), at least one step of the
product. So windows, slopes and ages are in the proportions of the life that is predicted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.signal import lfilter

from models.base import Features, Float32, Float64, Int64, anything_known
from models.features import Rows
from models.frames import Fleet
from purna.core.clock import HOUR

CAP_STEPS = 125
_SPANS = (5, 10, 20, 40)
_SLOPES = (15, 30, 60)
_BASELINE = 15
_SMOOTH = 0.2  # share of a sensor's variance that must be slow for it to be kept


@dataclass(frozen=True)
class WearPlan:
    """What the life model of ``component`` sees; ``step`` is the life step in micros."""

    component: str
    cap: float
    step: int
    symptoms: tuple[str, ...]


class Lives(NamedTuple):
    """Lives aligned at their start: ``values`` (life, symptom, step), NaN where unknown.

    ``begin`` is when a life began (0 if unknown), ``first`` the number of its first life step,
    counted from the epoch.
    """

    device: Int64
    begin: Int64
    first: Int64
    values: Float32


def life_step(fleet: Fleet, cap: float) -> int:
    """The life step in micros for a cap in hours: a whole number of the fleet's steps."""
    return max(round(cap * HOUR / CAP_STEPS / fleet.grid.step), 1) * fleet.grid.step


def lives_of(
    plan: WearPlan, symptoms: tuple[str, ...], fleet: Fleet, deviations: Float32, rows: Rows
) -> tuple[Lives, Int64, Int64]:
    """The lives in which rows lie, and for each row its life and its last whole step in it.

    A life begins at the component's last replacement that was known at the row, else with the
    device's first readings. The step is -1 for a row before the end of its life's first step.
    """
    ends = fleet.grid.first + rows.time * fleet.grid.step
    replaced = fleet.replacements(plan.component).last(rows.device, ends)
    pairs, life = np.unique(np.stack([rows.device, replaced]), axis=1, return_inverse=True)
    life = life.reshape(-1)
    device, begin = pairs
    coarse, base = _coarse(symptoms, plan, fleet, deviations)
    data = base + anything_known(coarse).argmax(axis=1)[device]
    first = np.where(begin < 0, data, np.maximum(-(-begin // plan.step) + 1, data))
    step = ends // plan.step - first[life]
    length = int(max(step.max(initial=0) + 1, 1))
    source = (first - base)[:, None] + np.arange(length)
    inside = source < coarse.shape[2]
    picked = coarse[device[:, None], :, np.minimum(source, coarse.shape[2] - 1)]
    picked[~inside] = np.nan
    installed = np.array([d.installed_at for d in fleet.devices], np.int64)[device]
    since = np.where(begin < 0, installed, begin)
    return Lives(device, since, first, picked.transpose(0, 2, 1)), life, np.maximum(step, -1)


def _coarse(
    symptoms: tuple[str, ...], plan: WearPlan, fleet: Fleet, deviations: Float32
) -> tuple[Float32, int]:
    """Means over whole life steps ``(device, kept symptom, step)``, and the first step's number."""
    grid = fleet.grid
    number = -(-grid.ends // plan.step)  # the life step in which each grid step lies
    base = int(number[0])
    if (grid.first - grid.step) % plan.step:  # its first part was not read
        base += 1
    edges = np.searchsorted(number, np.arange(base, int(number[-1]) + 1))
    steps = len(edges)
    out = np.full((deviations.shape[0], len(plan.symptoms), max(steps, 1)), np.nan, np.float32)
    for column, name in enumerate(plan.symptoms):
        if name not in symptoms or not steps:
            continue
        values = deviations[:, symptoms.index(name)]
        known = np.isfinite(values)
        total = np.add.reduceat(np.where(known, values, 0), edges, axis=1, dtype=np.float64)
        count = np.add.reduceat(known, edges, axis=1, dtype=np.int64)
        out[:, column] = np.where(count > 0, total / np.maximum(count, 1), np.nan)
    return out, base


def keep_slow(plan: WearPlan, lives: Lives) -> WearPlan:
    """The plan with only those symptoms that vary slowly within lives: the others are noise.

    Kept are those whose moving average over 10 steps holds more than a fifth of the variance.
    """
    raw = lives.values - np.nanmean(_or_zero(lives.values), axis=2, keepdims=True)
    slow = _ewma(lives.values, 10)
    slow = slow - np.nanmean(_or_zero(slow), axis=2, keepdims=True)
    known = np.isfinite(lives.values)
    over = np.maximum(known.sum(axis=(0, 2)), 1)
    noise = np.where(known, raw, 0.0)
    trend = np.where(known, slow, 0.0)
    variance = (noise**2).sum(axis=(0, 2)) / over
    share = (trend**2).sum(axis=(0, 2)) / over / np.maximum(variance, 1e-12)
    kept = (variance > 1e-9) & (share > _SMOOTH)
    symptoms = tuple(s for s, keep in zip(plan.symptoms, kept, strict=True) if keep)
    return WearPlan(plan.component, plan.cap, plan.step, symptoms)


def wear_features(plan: WearPlan, lives: Lives, life: Int64, step: Int64) -> Features:
    """Rows of wear features at (life, step); a row with step -1 is all NaN.

    Per symptom: moving averages, slopes, the level against the life's own first steps, what
    changed lately. Of the life: its age in life steps where its begin is known.
    """
    x = lives.values
    steps = np.arange(x.shape[2])
    averages = {span: _ewma(x, span) for span in _SPANS}
    sums, counts = _sums(x)
    head = np.minimum(steps + 1, _BASELINE)
    baseline = _ratio(sums[:, :, head], counts[:, :, head])
    parts: dict[str, Float64] = {f"average{span}": average for span, average in averages.items()}
    for window in _SLOPES:
        parts[f"slope{window}"] = _slope(x, window)
    parts["rise"] = averages[10] - baseline
    parts["total"] = _ratio(sums[:, :, 1:], counts[:, :, 1:]) - baseline
    recent = averages[20] - _earlier(averages[20], 25)
    parts["recent"] = recent
    parts["faster"] = recent - _earlier(recent, 60)
    parts["baseline"] = baseline
    at = np.maximum(step, 0)
    names = tuple(f"{s}|{what}" for what in parts for s in plan.symptoms)
    table = [values[life, :, at] for values in parts.values()]
    ends = (lives.first[life] + at) * plan.step
    begin = lives.begin[life]
    age = np.where(begin > 0, np.minimum((ends - begin) / plan.step, 2 * CAP_STEPS), np.nan)
    values = np.hstack([*table, age[:, None]]).astype(np.float32)
    values[step < 0] = np.nan
    return Features((*names, f"age:{plan.component}|steps"), values)


def _ewma(x: Float32, span: int) -> Float64:
    """Exponential moving average along the last axis, over the known values only."""
    alpha = 2.0 / (span + 1)
    known = np.isfinite(x)
    top = lfilter([alpha], [1.0, alpha - 1.0], np.where(known, x, 0.0).astype(np.float64))
    bottom = lfilter([alpha], [1.0, alpha - 1.0], known.astype(np.float64))
    return _ratio(top, bottom)


def _slope(x: Float32, window: int) -> Float64:
    """Least-squares slope per step over the last ``window`` steps, or as many as there are."""
    t = np.arange(x.shape[2], dtype=np.float64)
    known = np.isfinite(x)
    value = np.where(known, x, 0.0).astype(np.float64)
    sums = [_trailing(v, window) for v in (known * 1.0, known * t, known * t * t, value, value * t)]
    n, st, stt, sx, sxt = sums
    below = n * stt - st * st
    top = n * sxt - st * sx
    enough = (n >= 3) & (below > 1e-9)
    out = np.zeros_like(top)
    np.divide(top, below, out=out, where=enough)
    return out


def _trailing(values: Float64, window: int) -> Float64:
    total = np.cumsum(values, axis=2)
    out = total.copy()
    out[:, :, window:] -= total[:, :, :-window]
    return out


def _earlier(values: Float64, steps: int) -> Float64:
    """The values so many steps before, or the first ones in shorter lives."""
    index = np.maximum(np.arange(values.shape[2]) - steps, 0)
    return values[:, :, index]


def _sums(x: Float32) -> tuple[Float64, Float64]:
    known = np.isfinite(x)
    zero = np.zeros((x.shape[0], x.shape[1], 1))
    value = np.where(known, x, 0.0).astype(np.float64)
    return (
        np.concatenate([zero, np.cumsum(value, axis=2)], axis=2),
        np.concatenate([zero, np.cumsum(known, axis=2, dtype=np.float64)], axis=2),
    )


def _ratio(top: Float64, bottom: Float64) -> Float64:
    out = np.full(top.shape, np.nan)
    np.divide(top, bottom, out=out, where=bottom > 1e-12)
    return out


def _or_zero(x: Float32 | Float64) -> Float32 | Float64:
    """With one zero in place of series without any value, whose mean has no meaning."""
    empty = ~np.isfinite(x).any(axis=2, keepdims=True)
    return np.where(empty, 0.0, x)
