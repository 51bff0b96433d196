"""One word for the state of a device."""

from __future__ import annotations

import pytest

from api.v1.devices.health import health_of, is_online, top_risk
from purna.core.assessments import Anomaly, Assessment, FailureRisk
from purna.core.catalogue import Policy
from purna.core.clock import HOUR

POLICY = Policy(horizon_hours=24, raise_probability=0.6, clear_probability=0.3)


def _assessment(*risks: float, anomaly: float = 0.0) -> Assessment:
    return Assessment(
        "d",
        0,
        anomaly=Anomaly(anomaly),
        risks=[FailureRisk(f"c{i}", {24: risk, 168: 0.99}) for i, risk in enumerate(risks)],
    )


@pytest.mark.parametrize(
    ("assessment", "open_alert", "health"),
    [
        (None, False, "unknown"),
        (None, True, "act"),
        (_assessment(), False, "good"),
        (_assessment(0.1), False, "good"),
        (_assessment(0.1), True, "act"),
        (_assessment(0.29, anomaly=0.99), False, "good"),
        (_assessment(0.3), False, "watch"),
        (_assessment(0.1, anomaly=1.0), False, "watch"),
        (_assessment(0.59, anomaly=9.0), False, "watch"),
        (_assessment(0.1, 0.6), False, "act"),
        (Assessment("d", 0), False, "good"),
    ],
)
def test_the_worst_that_models_and_alerts_say_counts(
    assessment: Assessment | None, open_alert: bool, health: str
) -> None:
    assert health_of(assessment, POLICY, open_alert=open_alert) == health


def test_the_top_risk_is_the_likeliest_at_the_policys_horizon() -> None:
    risk = top_risk(_assessment(0.1, 0.4, 0.2), 24)
    assert risk is not None
    assert risk.component == "c1"
    assert top_risk(_assessment(0.1), 48) is None


@pytest.mark.parametrize(
    ("last_seen", "last_status", "online"),
    [
        (None, None, False),
        (9 * HOUR, None, True),
        (7 * HOUR, None, False),
        (9 * HOUR, (9 * HOUR + 1, "offline"), False),
        (9 * HOUR + 2, (9 * HOUR + 1, "offline"), True),
        (None, (9 * HOUR, "online"), True),
        (1 * HOUR, (9 * HOUR, "online"), True),
    ],
)
def test_a_device_is_online_until_it_signs_off_or_falls_silent(
    last_seen: int | None, last_status: tuple[int, str] | None, online: bool
) -> None:
    assert is_online(last_seen, last_status, now=10 * HOUR, quiet_after=2 * HOUR) is online
