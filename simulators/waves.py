"""What an accelerometer on a bearing housing hears, as counts of 16 bits."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from simulators.machines.machine import Array, Listening

RATE = 12_000
SECONDS = 1.0
UNIT = "m/s2"
SCALE = 490.0 / 32_767  # a sensor of 50 g

_TURNS = 25.0  # of a four-pole motor at 50 Hz, per second, without load
_SLIP = 0.025  # at full load
_SHARES = (0.85, 0.1, 0.05)  # of the vibration's power on one, two and three times the speed
_NOISE = 0.6  # m/s2, of flow and friction
_LOUDEST = 9.0  # a hit on a failed bearing, over that noise
_ROLLER_SLIP = 0.01


def speed_of(load: float) -> float:
    """Turns per second of the shaft at a load of 0 to 100 %."""
    return _TURNS * (1 - _SLIP * load / 100)


def heard(
    at: Listening,
    speed: float,
    velocity: float,
    severity: float,
    inner: bool,
    rng: np.random.Generator,
) -> NDArray[np.int16]:
    """One block of samples.

    Parameters
    ----------
    velocity
        RMS in mm/s: imbalance and misalignment, on multiples of the speed.
    severity
        Of the bearing's spall, 0..1; ``inner``: on the inner ring, which carries it through the
        load once a turn.
    """
    t = np.arange(round(SECONDS * RATE)) / RATE
    signal = _NOISE * rng.standard_normal(len(t))
    for multiple, share in enumerate(_SHARES, 1):
        angular = 2 * np.pi * multiple * speed
        amplitude = velocity / 1000 * np.sqrt(2 * share) * angular
        signal += amplitude * np.sin(angular * t + rng.uniform(0, 2 * np.pi))
    if severity > 0:
        hits = _hits(at.bpfi if inner else at.bpfo, speed, rng)
        force = _LOUDEST * _NOISE * np.sqrt(severity) * np.ones(len(hits))
        if inner:
            force *= 0.6 + 0.4 * np.cos(2 * np.pi * speed * hits)
        signal += _ringing(at, hits, force, len(t))
    return np.clip(np.round(signal / SCALE), -32_768, 32_767).astype(np.int16)


def _hits(per_turn: float, speed: float, rng: np.random.Generator) -> Array:
    """Times at which a roller meets the spall; rollers slip a little."""
    count = int(per_turn * speed * SECONDS) + 2
    gaps = (1 + _ROLLER_SLIP * rng.standard_normal(count)) / (per_turn * speed)
    times = np.cumsum(gaps) - rng.uniform(0, gaps[0])
    return np.asarray(times[(times >= 0) & (times < SECONDS)])


def _ringing(at: Listening, hits: Array, force: Array, samples: int) -> Array:
    train = np.zeros(samples)
    np.add.at(train, (hits * RATE).astype(np.int64), force)
    t = np.arange(round(0.004 * RATE)) / RATE
    response = np.exp(-1200 * t) * np.cos(2 * np.pi * at.ringing * t)
    return np.convolve(train, response)[:samples]
