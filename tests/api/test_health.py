"""One word for the state of a device."""

from __future__ import annotations

import pytest

from api.v1.devices.contact import Contact, is_online
from api.v1.devices.health import health_of, top_risk
from purna.core.assessments import Anomaly, Assessment, FailureRisk
from purna.core.catalogue import Name, Policy, Product
from purna.core.clock import HOUR
from purna.core.readings import DeviceEvent

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
        (1 * HOUR, (2 * HOUR, "online"), False),
    ],
)
def test_a_device_is_online_until_it_signs_off_or_falls_silent(
    last_seen: int | None, last_status: tuple[int, str] | None, online: bool
) -> None:
    status = last_status and DeviceEvent("d", last_status[0], "status", last_status[1])
    product = Product("p", Name({"en": "P"}), step_minutes=60)
    assert is_online(Contact(last_seen, status), product, now=10 * HOUR) is online
