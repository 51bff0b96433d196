"""Equally spaced samples and their spectra. Pure; the last axis is time or frequency.

Sums are sums and no matrix products: for vectors as short as these, the threads that BLAS starts
cost more than they save, and take cores from whoever ingests beside us.

Sources: A. Brandt, Noise and Vibration Analysis, 2011, ch. 9 and 10 (windows, scaling of spectra);
F. J. Harris, On the use of windows for harmonic analysis, Proc. IEEE 66, 1978 (Hann window).
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Float64 = NDArray[np.float64]
Complex128 = NDArray[np.complex128]


def centred(x: Float64) -> Float64:
    return np.asarray(x - x.mean(axis=-1, keepdims=True))


def detrended(x: Float64) -> Float64:
    """Without its mean and its least-squares line."""
    t = np.arange(x.shape[-1]) - (x.shape[-1] - 1) / 2
    slope = (x * t).sum(axis=-1, keepdims=True) / max(float((t * t).sum()), 1.0)
    return np.asarray(centred(x) - slope * t)


@lru_cache(maxsize=8)
def hann(n: int) -> Float64:
    """The periodic Hann window, sin²(πk/n)."""
    window = np.asarray(np.sin(np.pi * np.arange(n) / n) ** 2)
    window.setflags(write=False)
    return window


def frequencies(n: int, rate: float) -> Float64:
    """Of the bins of a spectrum of ``n`` samples, in Hz: (n // 2 + 1,)."""
    return np.arange(n // 2 + 1, dtype=np.float64) * (rate / n)


def power_spectrum(x: Float64) -> Float64:
    """Mean square by frequency, one-sided: (…, n) → (…, n // 2 + 1).

    Under a Hann window and scaled by its power, so that by Parseval's theorem the bins add up to
    the windowed mean square, which is that of the signal where it is stationary.
    """
    n = x.shape[-1]
    window = hann(n)
    power = np.abs(np.fft.rfft(x * window)) ** 2 / (n * float((window * window).sum()))
    return np.asarray(power * _sides(n))


def amplitude_spectrum(x: Float64) -> Float64:
    """Peak amplitudes by frequency: a sine in the middle of a bin shows with its amplitude."""
    n = x.shape[-1]
    window = hann(n)
    return np.asarray(np.abs(np.fft.rfft(x * window)) / window.sum() * _sides(n))


def whitened(spectrum: Complex128, width: int) -> Complex128:
    """A spectrum divided by the moving average of its amplitude over ``width`` bins.

    What is left has the same strength at all frequencies: resonances and tones no longer hide
    the weak impulses between them.
    """
    amplitude = np.abs(spectrum)
    floor = np.maximum(moving_average(amplitude, width), amplitude.max(-1, keepdims=True) * 1e-9)
    return np.asarray(np.divide(spectrum, floor, out=np.zeros_like(spectrum), where=floor > 0))


def moving_average(x: Float64, width: int) -> Float64:
    """The mean of ``width`` (odd) neighbours; at the ends of those that there are."""
    n = x.shape[-1]
    half = width // 2
    sums = np.concatenate([np.zeros((*x.shape[:-1], 1)), np.cumsum(x, axis=-1)], axis=-1)
    first = np.maximum(np.arange(n) - half, 0)
    last = np.minimum(np.arange(n) + half + 1, n)
    return np.asarray((sums[..., last] - sums[..., first]) / (last - first))


def fast_length(n: int) -> int:
    """The longest length up to ``n`` (at least 1) whose Fourier transform is fast: 2^a 3^b 5^c."""
    best = 1
    fives = 1
    while fives <= n:
        threes = fives
        while threes <= n:
            best = max(best, threes << (n // threes).bit_length() - 1)
            threes *= 3
        fives *= 5
    return best


def _sides(n: int) -> Float64:
    """2 where a bin stands for a positive and a negative frequency, else 1."""
    sides = np.full(n // 2 + 1, 2.0)
    sides[0] = 1.0
    if n % 2 == 0:
        sides[-1] = 1.0
    return sides
