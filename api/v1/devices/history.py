"""What the models said of a device over time, as curves. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from api.v1.common import Span
from api.v1.devices.schemas import AssessmentHistory, LifeCurve, RiskCurve
from api.v1.refs import component_ref
from purna.core.assessments import Assessment, RemainingLife
from purna.core.catalogue import Product
from purna.core.clock import MINUTE, to_datetime

_LIMIT = 1.0  # the anomaly detector's own limit


def assessment_history(
    assessments: Sequence[Assessment], product: Product, points: int, language: str
) -> AssessmentHistory:
    """Curves of at most ``points`` from assessments in time order.

    Where windows are put together, the worst of them counts: the highest anomaly score and
    probability, the shortest life. Anomaly spans are taken from every single window.
    """
    horizon = product.policy.horizon_hours
    group = -(-len(assessments) // points) if assessments else 1
    first = np.arange(0, len(assessments), group)
    last = np.minimum(first + group, len(assessments)) - 1

    def worst(reduce: np.ufunc, value: Callable[[Assessment], float | None]) -> list[float | None]:
        values = np.array([_or_nan(value(assessment)) for assessment in assessments])
        return [None if np.isnan(v) else float(v) for v in reduce.reduceat(values, first)]

    def of_life(component: str, part: Callable[[RemainingLife], float]) -> list[float | None]:
        def value(assessment: Assessment) -> float | None:
            life = assessment.life_of(component)
            return None if life is None else part(life)

        return worst(np.fmin, value)

    risks = sorted({risk.component for a in assessments for risk in a.risks})
    lives = sorted({life.component for a in assessments for life in a.lives})
    return AssessmentHistory(
        ts=[assessments[i].window_end // 1000 for i in last],
        anomaly=worst(np.fmax, _anomaly) if assessments else [],
        anomaly_spans=_anomaly_spans(assessments, product.step_minutes * MINUTE),
        risks=[
            RiskCurve(
                component=component_ref(product, component, language),
                probability=worst(np.fmax, partial(_probability, component, horizon)),
            )
            for component in risks
        ],
        lives=[
            LifeCurve(
                component=component_ref(product, component, language),
                low=of_life(component, lambda life: life.low),
                median=of_life(component, lambda life: life.median),
                high=of_life(component, lambda life: life.high),
            )
            for component in lives
        ],
        horizon_hours=horizon,
    )


def _anomaly(assessment: Assessment) -> float | None:
    return None if assessment.anomaly is None else assessment.anomaly.score


def _probability(component: str, horizon: int, assessment: Assessment) -> float | None:
    risk = assessment.risk_of(component)
    return None if risk is None else risk.probability.get(horizon)


def _anomaly_spans(assessments: Sequence[Assessment], step: int) -> list[Span]:
    """Stretches of windows without a break at or above the limit."""
    spans: list[tuple[int, int]] = []
    for assessment in assessments:
        if (_anomaly(assessment) or 0.0) < _LIMIT:
            continue
        start, end = assessment.window_end - step, assessment.window_end
        if spans and start <= spans[-1][1]:
            spans[-1] = (spans[-1][0], end)
        else:
            spans.append((start, end))
    return [Span(start=to_datetime(start), end=to_datetime(end)) for start, end in spans]


def _or_nan(value: float | None) -> float:
    return np.nan if value is None else value
