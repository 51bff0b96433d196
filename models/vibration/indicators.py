"""Condition indicators of waveforms: how strong, how spiky, in which band. Pure.

All take (…, n), many waveforms of one shape at once, and give (…); what can't be said is NaN.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from models.vibration.signals import Float64, centred, detrended, frequencies, power_spectrum

VELOCITY_BAND = (10.0, 1000.0)
SLOW_VELOCITY_BAND = (2.0, 1000.0)
SLOW_HZ = 10.0
_RESOLVED = 2.0
"""The lowest frequency must lie so many bins from zero, half the width of a Hann window's peak."""
_SAMPLED = 2.56
"""Samples per period at the highest frequency: room for the anti-aliasing filter of the sensor."""


class Overall(NamedTuple):
    """Indicators of the whole signal about its mean; the first three in the signal's unit.

    ``crest`` is peak over RMS, ``kurtosis`` 3 for Gaussian noise and 1.5 for a sine, ``skewness``
    0 for whatever is symmetric. R. B. Randall, Vibration-based Condition Monitoring, 2011, ch. 5.
    """

    rms: Float64
    peak: Float64
    peak_to_peak: Float64
    crest: Float64
    kurtosis: Float64
    skewness: Float64


def overall(x: Float64) -> Overall:
    around = centred(x)
    peak = np.abs(around).max(axis=-1)
    span = np.ptp(x, axis=-1)
    # Scaled to a peak of 1, so that fourth powers neither overflow nor vanish. What is left of a
    # constant after its mean is rounding.
    flat = span <= 1e-12 * np.abs(x).max(axis=-1)
    unit = around / np.where(flat, 1.0, peak)[..., None]
    squares = unit * unit
    square = squares.mean(axis=-1)
    shape = np.where(flat, np.nan, square)
    rms = np.where(flat, 0.0, np.sqrt(square) * peak)
    return Overall(
        rms,
        np.where(flat, 0.0, peak),
        np.where(flat, 0.0, span),
        np.asarray(1 / np.sqrt(shape)),
        np.asarray((squares * squares).mean(axis=-1) / shape**2),
        np.asarray((squares * unit).mean(axis=-1) / shape**1.5),
    )


def velocity_rms(acceleration: Float64, rate: float, band: tuple[float, float]) -> Float64:
    """RMS velocity in mm/s of an acceleration in m/s², inside a band in Hz.

    Integration is a division by 2πf (Brandt 2011, ch. 10): the trend is taken out first and a Hann
    window keeps what lies below the band from leaking into it, where the division would blow it
    up. NaN where the band can't be resolved: see :func:`resolves`.
    """
    n = acceleration.shape[-1]
    f = frequencies(n, rate)
    inside = (f >= band[0]) & (f <= band[1])
    power = power_spectrum(detrended(acceleration))[..., inside]
    if not resolves(n, rate, band):
        return np.full(power.shape[:-1], np.nan)
    return np.asarray(1000 * np.sqrt((power / (2 * np.pi * f[inside]) ** 2).sum(axis=-1)))


def rms_inside(x: Float64, rate: float, bands: Sequence[Sequence[float]]) -> Float64:
    """RMS of what lies at ``low <= f < high`` Hz, for each band: (…, n) → (…, bands).

    Bands side by side add up in squares. NaN where a band reaches above half the sampling rate or
    lies between two lines of the spectrum.
    """
    f = frequencies(x.shape[-1], rate)
    power = power_spectrum(centred(x))
    out = np.full((*x.shape[:-1], len(bands)), np.nan)
    for column, (low, high) in enumerate(bands):
        inside = (f >= low) & (f < high)
        if high <= rate / 2 and inside.any():
            out[..., column] = np.sqrt(power[..., inside].sum(axis=-1))
    return out


def velocity_band(speed: float) -> tuple[float, float]:
    """The band that ISO 20816-3 measures in, by the shaft's speed in Hz (0: not known).

    From 10 Hz; from 2 Hz for machines below 600 r/min.
    """
    return SLOW_VELOCITY_BAND if 0 < speed < SLOW_HZ else VELOCITY_BAND


def resolves(n: int, rate: float, band: tuple[float, float]) -> bool:
    """Whether ``n`` samples are long enough for a band's low end and dense enough for its high."""
    return rate >= _SAMPLED * band[1] and band[0] * n / rate >= _RESOLVED
