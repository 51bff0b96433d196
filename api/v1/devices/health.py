"""The health of a device: one word from what models and alerts say of it. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from api.v1.devices.schemas import Health
from purna.core.assessments import Assessment, FailureRisk
from purna.core.catalogue import Policy

SEVERITY: Mapping[Health, int] = {"act": 0, "watch": 1, "unknown": 2, "good": 3}
"""The order of the fleet table: the worst first, and who is not watched before who is well."""


def health_of(assessment: Assessment | None, policy: Policy, *, open_alert: bool) -> Health:
    """``act``: an open alert, or a risk at which one is raised. ``watch``: a risk at which an alert
    would not clear, or an anomaly at the detector's limit. ``unknown``: never assessed.
    """
    risk = top_risk(assessment, policy.horizon_hours)
    probability = probability_of(risk, policy.horizon_hours)
    if open_alert or probability >= policy.raise_probability:
        return "act"
    if assessment is None:
        return "unknown"
    anomalous = assessment.anomaly is not None and assessment.anomaly.score >= 1.0
    if anomalous or probability >= policy.clear_probability:
        return "watch"
    return "good"


def top_risk(assessment: Assessment | None, horizon_hours: int) -> FailureRisk | None:
    """The component most likely to fail within the horizon."""
    risks = assessment.risks if assessment else ()
    told = [risk for risk in risks if horizon_hours in risk.probability]
    return max(told, key=lambda risk: risk.probability[horizon_hours], default=None)


def probability_of(risk: FailureRisk | None, horizon_hours: int) -> float:
    """0 where the models say nothing."""
    return 0.0 if risk is None else risk.probability.get(horizon_hours, 0.0)
