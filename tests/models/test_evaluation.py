from __future__ import annotations

import numpy as np
import pytest

from models.evaluation import life_metrics, nasa_score, order_report, risk_metrics
from purna.core.clock import HOUR


def hours(*values: float) -> np.ndarray:
    return (np.array(values) * HOUR).astype(np.int64)


def test_alarms_close_to_each_other_are_one_order() -> None:
    report = order_report(np.array([0, 0, 0, 1]), hours(10, 34, 59, 10), np.array([0]), hours(60))
    assert report.orders == 3
    assert report.needless == 1  # device 1; the first order of device 0 stood until 34 + 48
    assert report.caught == 1
    assert report.leads.tolist() == [1.0]


def test_a_failure_long_after_the_alarm_is_not_caught_and_the_order_needless() -> None:
    report = order_report(np.array([0]), hours(10), np.array([0]), hours(59))
    assert (report.caught, report.needless) == (0, 1)


def test_an_alarm_at_the_failure_comes_too_late() -> None:
    report = order_report(np.array([0]), hours(10), np.array([0]), hours(10))
    assert (report.caught, report.needless) == (0, 1)


def test_without_alarms_nothing_is_caught() -> None:
    none = np.empty(0, np.int64)
    report = order_report(none, none, np.array([0]), hours(10))
    assert (report.failures, report.caught, report.orders) == (1, 0, 0)


def test_weights_undo_the_sampling_of_negatives() -> None:
    probability = np.array([0.9, 0.8, 0.1])
    failed = np.array([True, False, False])
    metrics = risk_metrics(probability, failed, np.array([1.0, 3.0, 6.0]), 0.5)
    assert metrics["precision"] == pytest.approx(0.25)
    assert metrics["recall"] == 1.0
    assert metrics["base_rate"] == pytest.approx(0.1)


def test_late_predictions_cost_more() -> None:
    true = np.array([50.0])
    assert nasa_score(np.array([60.0]), true) > nasa_score(np.array([40.0]), true) > 0


def test_coverage_counts_lives_inside_their_interval() -> None:
    intervals = np.array([[0.0, 5.0, 10.0], [0.0, 5.0, 10.0]])
    metrics = life_metrics(intervals, np.array([10.0, 11.0]))
    assert metrics["coverage"] == 0.5
    assert metrics["width"] == 10.0
