"""What a waveform says: the right thing, or nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models.vibration import Finding, Why, analyse, indicators_of
from models.vibration.signals import Float64
from purna.core.catalogue import Product, parse_product
from purna.core.errors import BadInput
from purna.core.quantities import Indicator
from purna.core.vibration import NAMED_FROM_RATIO, Zone
from purna.core.waveforms import Waveform
from tests.models.vibration.sounds import RATE, SPEED, impacts, noise, sine

BPFO, BPFI, BALL, CAGE = 3.5848, 5.4152, 4.7135, 0.3983


def product(unit: str = "m/s2", **changes: Any) -> Product:
    return parse_product(
        {
            "id": "fan",
            "name": "Fan",
            "waveform": [
                {
                    "id": "vib",
                    "name": "Vibration",
                    "unit": unit,
                    "full_scale": 400,
                    "bands": [[1000, 3000]],
                },
                {"id": "amps", "name": "Current", "unit": "A", "full_scale": 50},
                {"id": "speed", "name": "Velocity", "unit": "mm/s", "full_scale": 500},
            ],
            "machine": {"group": 2, "foundation": "rigid"},
            "bearing": [
                {
                    "id": "de",
                    "name": "Drive end",
                    "component": "bearing",
                    "waveform": "vib",
                    "balls": 9,
                    "ball_diameter": 7.94,
                    "pitch_diameter": 39.04,
                }
            ],
            "component": [{"id": "bearing", "name": "Bearing", "part": "6205"}],
            "policy": {"horizon_hours": 24},
            **changes,
        }
    )


FAN = product()


def waveform(x: Float64, **changes: Any) -> Waveform:
    """In m/s², as float32; ``changes`` of any field."""
    given_ = Waveform("fan-1", "vib", 0, RATE, "m/s2", x.astype(np.float32), speed=SPEED)
    return replace(given_, **changes)


@pytest.mark.parametrize(
    ("x", "finding"),
    [
        (impacts(BPFO * SPEED, strength=7), Finding.OUTER_RACE),
        (impacts(BPFI * SPEED, strength=9, modulation=SPEED), Finding.INNER_RACE),
        (impacts(BALL * SPEED, strength=9, modulation=CAGE * SPEED), Finding.ROLLING_ELEMENT),
        (noise(), Finding.NONE),
        (noise() + sine(0.5, 100.0), Finding.NONE),
        (noise() + sine(3.0, SPEED), Finding.RAISED),  # 11 mm/s: zone D
    ],
)
def test_the_fault_that_is_there_is_named(x: Float64, finding: Finding) -> None:
    found = analyse(waveform(x), FAN)
    (verdict,) = found.verdicts
    assert (verdict.bearing, verdict.finding, verdict.why) == ("de", finding, None)
    assert list(verdict.lines) == ["bpfo", "bpfi", "bsf", "ftf"]


def test_a_finding_and_an_indicator_above_its_alarm_are_the_same() -> None:
    faulty = analyse(waveform(impacts(BPFO * SPEED, strength=7)), FAN)
    assert faulty.indicators["vib.de.bpfo"] > NAMED_FROM_RATIO
    assert analyse(waveform(noise()), FAN).indicators["vib.de.bpfo"] < NAMED_FROM_RATIO


def test_every_indicator_is_a_quantity_of_the_product_inside_its_range() -> None:
    x = impacts(BPFO * SPEED, strength=7)
    for source in ("vib", "amps", "speed"):
        units = {"vib": "m/s2", "amps": "A", "speed": "mm/s"}
        found = indicators_of(waveform(x, quantity=source, unit=units[source]), FAN)
        expected = {
            q.id for q in FAN.quantities if isinstance(q, Indicator) and q.waveform == source
        }
        assert set(found) == expected
        for quantity, value in found.items():
            known = FAN.quantity(quantity)
            assert known is not None
            assert known.low <= value <= known.high


def test_the_zone_is_that_of_the_velocity() -> None:
    for velocity, zone in [(1.0, Zone.A), (2.0, Zone.B), (3.5, Zone.C), (6.0, Zone.D)]:
        x = sine(velocity * np.sqrt(2) * 2 * np.pi * 100 / 1000, 100.0)
        found = analyse(waveform(x), FAN)
        assert found.indicators["vib.rms_velocity"] == pytest.approx(velocity, rel=1e-3)
        assert found.zone is zone
        assert found.level_raised is (zone in (Zone.C, Zone.D))
    assert analyse(waveform(sine(1.0, 100.0)), replace(FAN, machine=None)).zone is None


def test_units_are_converted() -> None:
    x = sine(1.0, 100.0)
    metric = analyse(waveform(x), FAN).indicators
    in_g = analyse(waveform(x / 9.80665, unit="g"), FAN).indicators
    of_g = analyse(waveform(x), product("g")).indicators
    assert in_g["vib.rms"] == pytest.approx(metric["vib.rms"], rel=1e-6)
    assert of_g["vib.rms"] == pytest.approx(metric["vib.rms"] / 9.80665, rel=1e-6)
    assert of_g["vib.rms_velocity"] == pytest.approx(metric["vib.rms_velocity"], rel=1e-6)
    velocity = waveform(sine(3.0, 100.0), quantity="speed", unit="m/s")
    found = analyse(velocity, FAN).indicators
    assert found["speed.rms_velocity"] == pytest.approx(3000 / np.sqrt(2), rel=1e-3)


def test_a_level_far_above_the_usual_one_is_raised_without_a_cause() -> None:
    usual = dict(analyse(waveform(noise()), FAN).indicators)
    louder = analyse(waveform(2.6 * noise(seed=1)), FAN, usual)
    assert louder.level_raised
    assert louder.verdicts[0].finding is Finding.RAISED
    same = analyse(waveform(1.5 * noise(seed=1)), FAN, usual)
    assert same.verdicts[0].finding is Finding.NONE


FAULTY = impacts(BPFO * SPEED, strength=7)


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        (waveform(FAULTY, speed=0.0), Why.NO_SPEED),
        (waveform(FAULTY[: round(9 * RATE / SPEED)]), Why.TOO_SHORT),
        (waveform(FAULTY[::9], rate=RATE / 9), Why.RATE_TOO_LOW),
        (waveform(np.clip(100 * FAULTY, -400, 400)), Why.CLIPPED),
        (waveform(np.ones(12_000)), Why.FLAT),
    ],
)
def test_without_what_it_takes_there_is_no_answer_and_the_reason_is_told(
    changed: Waveform, why: Why
) -> None:
    quiet = replace(FAN, machine=None)
    (verdict,) = analyse(changed, quiet).verdicts
    assert (verdict.finding, verdict.why, dict(verdict.lines)) == (Finding.UNKNOWN, why, {})
    assert "vib.de.bpfo" not in analyse(changed, quiet).indicators
    assert "vib.rms" in analyse(changed, quiet).indicators


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        (waveform(noise(), quantity="other"), "waveform.source"),
        (waveform(noise(), unit="A"), "unit.mismatch"),
        (waveform(noise()[:63]), "waveform.samples"),
        (waveform(np.append(noise(), np.nan)), "waveform.samples"),
        (waveform(np.append(noise(), np.inf)), "waveform.samples"),
        (waveform(noise(), rate=0.0), "waveform.samples"),
    ],
)
def test_what_can_not_be_analysed_is_named(wrong: Waveform, code: str) -> None:
    with pytest.raises(BadInput) as caught:
        analyse(wrong, FAN)
    assert caught.value.code == code


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    samples=st.binary(min_size=128, max_size=4096).map(
        lambda data: np.frombuffer(data[: len(data) // 2 * 2], np.int16)
    ),
    rate=st.floats(0.1, 1e6),
    scale=st.floats(-1e6, 1e6),
    speed=st.floats(0, 1e5),
)
def test_any_samples_give_finite_indicators(
    samples: Any, rate: float, scale: float, speed: float
) -> None:
    found = analyse(Waveform("d", "vib", 0, rate, "g", samples, scale, speed), FAN)
    assert all(np.isfinite(value) for value in found.indicators.values())
    assert {"vib.rms", "vib.peak", "vib.peak_to_peak"} <= set(found.indicators)
