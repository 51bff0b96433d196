"""Signals whose answer is known: sines, noise, and bearings that are hit in a rhythm."""

from __future__ import annotations

import numpy as np

from models.vibration.signals import Float64

RATE = 12_000.0
SPEED = 29.95


def sine(amplitude: float, frequency: float, seconds: float = 1.0, rate: float = RATE) -> Float64:
    t = np.arange(round(seconds * rate)) / rate
    return np.asarray(amplitude * np.sin(2 * np.pi * frequency * t + 0.3))


def noise(seconds: float = 1.0, rate: float = RATE, seed: int = 0) -> Float64:
    return np.random.default_rng(seed).standard_normal(round(seconds * rate))


def impacts(
    frequency: float,
    *,
    strength: float,
    modulation: float = 0.0,
    seconds: float = 1.0,
    rate: float = RATE,
    resonance: float = 3000.0,
    seed: int = 0,
) -> Float64:
    """A resonance hit ``frequency`` times a second, with one percent of slip, in Gaussian noise.

    ``strength`` is the height of a hit in noise deviations; with a ``modulation`` in Hz hits are
    as strong as the load where they fall.
    """
    rng = np.random.default_rng(seed)
    n = round(seconds * rate)
    times = np.cumsum(1 / frequency * (1 + 0.01 * rng.standard_normal(int(frequency * seconds))))
    times = times[times < seconds]
    train = np.zeros(n)
    load = 0.55 + 0.45 * np.cos(2 * np.pi * modulation * times) if modulation else 1.0
    np.add.at(train, (times * rate).astype(int), strength * load)
    ring = np.arange(round(0.004 * rate)) / rate
    response = np.exp(-1200 * ring) * np.cos(2 * np.pi * resonance * ring)
    return np.asarray(np.convolve(train, response)[:n] + rng.standard_normal(n))


def looseness(speed: float, seed: int = 0) -> Float64:
    """Noise that swells once a turn, as of a loose machine: lines on all multiples of the speed."""
    rng = np.random.default_rng(seed)
    t = np.arange(round(RATE)) / RATE
    turn = (t * speed + 0.5) % 1 - 0.5
    return np.asarray(rng.standard_normal(len(t)) * (1 + 6 * np.exp(-((turn / 0.012) ** 2))))
