"""How good a model is: metrics of rows, and of the orders that its alarms would open."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from sklearn.metrics import average_precision_score, brier_score_loss

from models.base import Bool, Float64, Int64
from models.frames import Timeline
from purna.core.clock import DAY, HOUR

Metrics = Mapping[str, float]


def risk_metrics(
    probability: Float64, failed: Bool, weights: Float64, threshold: float
) -> dict[str, float]:
    """Average precision, Brier score, and precision, recall and F1 at ``threshold``.

    ``weights`` undo a sampling of rows, so that precision and Brier are those of all rows.
    """
    alarm = probability >= threshold
    hit = float(weights[alarm & failed].sum())
    precision = hit / max(float(weights[alarm].sum()), 1e-9)
    recall = hit / max(float(weights[failed].sum()), 1e-9)
    known = bool(failed.any())
    return {
        "average_precision": (
            float(average_precision_score(failed, probability, sample_weight=weights))
            if known
            else float("nan")
        ),
        "brier": float(brier_score_loss(failed, probability, sample_weight=weights)),
        "base_rate": float(weights[failed].sum() / weights.sum()),
        "precision": precision,
        "recall": recall,
        "f1": 2 * precision * recall / max(precision + recall, 1e-9),
    }


def life_metrics(intervals: Float64, hours: Float64) -> dict[str, float]:
    """RMSE of the median, and coverage and mean width of the interval, ``(rows, 3)``, in hours."""
    low, median, high = intervals.T
    return {
        "rmse": float(np.sqrt(np.mean((median - hours) ** 2))),
        "mae": float(np.mean(np.abs(median - hours))),
        "coverage": float(np.mean((low <= hours) & (hours <= high))),
        "width": float(np.mean(high - low)),
    }


def nasa_score(predicted: Float64, true: Float64) -> float:
    """Sum of exponential penalties, late predictions cost more (Saxena et al., PHM 2008)."""
    late = predicted - true
    return float(np.sum(np.where(late < 0, np.exp(-late / 13), np.exp(late / 10)) - 1))


@dataclass(frozen=True, slots=True)
class OrderReport:
    """What alarms would have meant as orders of one component.

    ``leads`` are the hours from the first alarm of the order to each caught failure.
    """

    failures: int
    caught: int
    orders: int
    needless: int
    leads: Float64


def order_report(
    device: Int64,
    alarm_ts: Int64,
    failed_device: Int64,
    failed_ts: Int64,
    *,
    gap: int = DAY,
    within: int = 2 * DAY,
) -> OrderReport:
    """Alarms with gaps of at most ``gap`` are one order; it is needless when no failure follows.

    An order stands from its first alarm until ``within`` after its last; a failure in that time
    is caught, unless it came at or before the first alarm. All times are micros.
    """
    order = np.lexsort((alarm_ts, device))
    device, alarm_ts = device[order], alarm_ts[order]
    new = np.ones(len(device), np.bool_)
    new[1:] = (np.diff(device) != 0) | (np.diff(alarm_ts) > gap)
    first = np.flatnonzero(new)
    last = np.append(first[1:], len(device)) - 1 if len(first) else first
    failures = Timeline(failed_device, failed_ts)
    whose, opened, closed = device[first], alarm_ts[first], alarm_ts[last] + within
    useful = failures.count(whose, opened, closed) > 0
    before = Timeline(whose, opened).last(failed_device, failed_ts - 1)
    until = Timeline(whose, opened, closed).last(failed_device, failed_ts - 1)
    caught = (before >= 0) & (until >= failed_ts)
    return OrderReport(
        failures=len(failed_ts),
        caught=int(caught.sum()),
        orders=len(first),
        needless=int((~useful).sum()),
        leads=(failed_ts[caught] - before[caught]) / HOUR,
    )
