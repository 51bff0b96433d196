"""Fault frequencies of published bearings, and lines that are there or are not."""

from __future__ import annotations

from itertools import count

import numpy as np
import pytest

from models.vibration.faults import (
    HARMONICS,
    FaultLine,
    Multiples,
    envelope_spectrum,
    fault_line,
    multiples_of,
)
from models.vibration.signals import Float64
from purna.core.quantities import Name
from purna.core.vibration import NAMED_FROM, Bearing
from tests.models.vibration.sounds import RATE, SPEED, impacts, looseness, noise

BEARING_6205 = Multiples(3.5848, 5.4152, 2.3567, 0.3983)
BEARING_6203 = Multiples(3.0530, 4.9469, 1.9937, 0.3817)


def bearing(balls: int, ball: float, pitch: float, angle: float = 0.0) -> Bearing:
    return Bearing("b", Name({"en": "B"}), "c", "vib", balls, ball, pitch, angle)


@pytest.mark.parametrize(
    ("geometry", "published"),
    [
        # 6205-2RS and 6203-2RS of the Case Western Reserve University's test stand (inches).
        (bearing(9, 0.3126, 1.537), BEARING_6205),
        (bearing(8, 0.2656, 1.122), BEARING_6203),
        # Rexnord ZA-2115 of the IMS data set: 16 rollers, 15.17 degrees (inches).
        (bearing(16, 0.331, 2.815, 15.17), Multiples(7.092, 8.908, 4.198, 0.4433)),
    ],
)
def test_multiples_follow_from_the_geometry(geometry: Bearing, published: Multiples) -> None:
    assert multiples_of(geometry) == pytest.approx(published, rel=1e-3)


def test_the_rates_of_both_rings_add_up_to_the_number_of_balls() -> None:
    for balls, angle in zip(range(5, 20), count(0, 4), strict=False):
        found = multiples_of(bearing(balls, 1.0, 5.0, angle))
        assert found.bpfo + found.bpfi == pytest.approx(balls)
        assert found.bpfo == pytest.approx(balls * found.ftf)


def test_multiples_of_the_maker_are_taken_as_they_are() -> None:
    given = Bearing("b", Name({"en": "B"}), "c", "vib", bpfo=3.0, bpfi=5.0, bsf=2.0, ftf=0.4)
    assert multiples_of(given) == (3.0, 5.0, 2.0, 0.4)


def line(x: Float64, multiple: float, speed: float = SPEED, sideband: float = 0.0) -> FaultLine:
    envelope = envelope_spectrum(x, RATE, speed)
    assert envelope is not None
    found = fault_line(envelope, multiple * speed, sideband)
    assert found is not None
    return found


@pytest.mark.parametrize("seed", range(5))
def test_impacts_are_heard_at_their_rate_with_all_their_multiples(seed: int) -> None:
    x = impacts(3.5848 * SPEED * 0.99, strength=6.0, seed=seed)
    found = line(x, 3.5848)
    assert found.found == pytest.approx(3.5848 * SPEED * 0.99, rel=4e-3)
    assert found.score > 1.5
    assert found.ratio == pytest.approx(np.exp(found.score))
    assert len(found.harmonics) == HARMONICS
    assert found.harmonics[0] is not None
    assert found.harmonics[0] > 5


def test_nothing_is_heard_at_another_rate() -> None:
    x = impacts(3.5848 * SPEED, strength=6.0)
    assert line(x, 2 * 2.3567).score < NAMED_FROM
    assert line(x, 4.3).score < NAMED_FROM


def test_sidebands_raise_the_score_of_what_is_modulated() -> None:
    modulated = impacts(5.4152 * SPEED, strength=8.0, modulation=SPEED)
    with_sidebands = line(modulated, 5.4152, sideband=SPEED)
    assert with_sidebands.sidebands > 2
    assert with_sidebands.score > line(modulated, 5.4152).score


@pytest.mark.parametrize("seconds", [10 / SPEED, 1.0, 3.0])
def test_noise_is_not_taken_for_a_fault(seconds: float) -> None:
    for seed in range(60):
        x = noise(seconds, seed=seed)
        scores = [
            line(x, BEARING_6205.bpfo).score,
            line(x, BEARING_6205.bpfi, sideband=SPEED).score,
            line(x, 2 * BEARING_6205.bsf, sideband=BEARING_6205.ftf * SPEED).score,
        ]
        assert max(scores) < NAMED_FROM


@pytest.mark.parametrize("seed", range(10))
def test_what_the_shaft_does_is_not_taken_for_a_fault(seed: int) -> None:
    """BPFI of a 6203 is 4.947 turns: a line at the fifth multiple of the speed is within 2 %."""
    x = looseness(SPEED, seed)
    assert line(x, BEARING_6203.bpfi, sideband=SPEED).score < NAMED_FROM
    # The same lines would be a fault if the shaft turned at another speed.
    assert line(x, 5 / 1.07, SPEED * 1.07).score > NAMED_FROM


def test_a_fault_that_coincides_with_the_shaft_can_not_be_told() -> None:
    slow = envelope_spectrum(noise(), RATE, 2.0)
    assert slow is not None
    assert fault_line(slow, 4.0) is None


def test_a_record_in_which_nothing_moves_has_no_envelope() -> None:
    assert envelope_spectrum(np.zeros(12_000), RATE, SPEED) is None
    assert envelope_spectrum(np.full(12_000, 7.0), RATE, SPEED) is None


def test_scale_sign_and_offset_do_not_matter() -> None:
    x = impacts(3.5848 * SPEED, strength=6.0)
    score = line(x, 3.5848).score
    assert line(-1e-6 * (x + 40), 3.5848).score == pytest.approx(score, rel=1e-6)
    assert line(1e6 * x, 3.5848).score == pytest.approx(score, rel=1e-6)
