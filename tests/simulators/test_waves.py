"""A simulated spall is one: the analysis, which knows nothing of the simulation, hears it."""

from __future__ import annotations

import numpy as np
import pytest

from models.vibration import Finding, analyse
from models.vibration.faults import multiples_of
from purna.core.waveforms import Waveform
from simulators import waves
from simulators.catalogue import load_catalogue
from simulators.machines.pump import Pump

PUMP = load_catalogue()["cp-200"]


def finding(severity: float, inner: bool, seed: int, velocity: float = 1.8) -> Finding:
    assert Pump.listening is not None
    speed = waves.speed_of(65.0)
    samples = waves.heard(
        Pump.listening, speed, velocity, severity, inner, np.random.default_rng(seed)
    )
    waveform = Waveform("p1", "vib_de", 0, waves.RATE, waves.UNIT, samples, waves.SCALE, speed)
    analysis = analyse(waveform, PUMP)
    assert analysis.indicators["vib_de.rms_velocity"] == pytest.approx(velocity, rel=0.15)
    return analysis.verdicts[0].finding


def test_the_simulated_bearing_is_the_one_in_the_catalogue() -> None:
    (bearing,) = PUMP.bearings
    assert Pump.listening is not None
    multiples = multiples_of(bearing)
    assert multiples.bpfo == pytest.approx(Pump.listening.bpfo, rel=1e-3)
    assert multiples.bpfi == pytest.approx(Pump.listening.bpfi, rel=1e-3)
    assert {w.id for w in PUMP.waveforms} == {Pump.listening.quantity}


@pytest.mark.parametrize("seed", range(8))
def test_a_sound_bearing_is_not_flagged_and_a_worn_one_is_named(seed: int) -> None:
    assert finding(0.0, False, seed) is Finding.NONE
    assert finding(0.001, True, seed) is Finding.NONE  # half of its life gone
    assert finding(0.5, False, seed) is Finding.OUTER_RACE
    assert finding(0.5, True, seed) is Finding.INNER_RACE


def test_a_spall_is_heard_weeks_before_the_failure() -> None:
    """18 % of the symptoms show 12 % of a bearing's life before its end."""
    named = [finding(0.18, False, seed) is Finding.OUTER_RACE for seed in range(20)]
    assert sum(named) >= 15
