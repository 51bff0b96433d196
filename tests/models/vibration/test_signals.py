"""Spectra are scaled as promised."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.vibration.signals import (
    amplitude_spectrum,
    detrended,
    fast_length,
    frequencies,
    hann,
    moving_average,
    power_spectrum,
    whitened,
)
from tests.models.vibration.sounds import RATE, noise, sine


def test_a_sine_shows_with_its_amplitude_at_its_frequency() -> None:
    x = sine(3.0, 250.0)
    spectrum = amplitude_spectrum(x)
    assert frequencies(len(x), RATE)[np.argmax(spectrum)] == 250.0
    assert spectrum.max() == pytest.approx(3.0, rel=1e-9)


@given(n=st.integers(8, 400), seed=st.integers(0, 99))
def test_the_power_of_all_bins_is_the_mean_square_under_the_window(n: int, seed: int) -> None:
    x = np.random.default_rng(seed).standard_normal(n)
    window = hann(n)
    expected = float(np.sum((x * window) ** 2) / np.sum(window**2))
    assert power_spectrum(x).sum() == pytest.approx(expected, rel=1e-9)


def test_many_signals_at_once_are_as_one_by_one() -> None:
    many = np.stack([noise(0.1, seed=seed) for seed in range(3)])
    for function in (amplitude_spectrum, power_spectrum, detrended):
        assert np.allclose(function(many), [function(x) for x in many], rtol=0, atol=1e-12)


def test_a_line_is_taken_out_whole() -> None:
    t = np.arange(1000.0)
    assert np.abs(detrended(5.0 - 3.0 * t)).max() < 1e-9
    bump = sine(1.0, 500.0)
    assert np.abs(detrended(bump + 0.01 * np.arange(len(bump))) - detrended(bump)).max() < 1e-9


def test_a_whitened_spectrum_is_equally_strong_everywhere() -> None:
    coloured = np.convolve(noise(), np.ones(20) / 20, mode="same") + sine(50.0, 1000.0)
    white = np.abs(whitened(np.fft.rfft(coloured), 101))
    parts = [part.mean() for part in np.array_split(white, 10)]
    assert max(parts) / min(parts) < 1.3


def test_nothing_stays_nothing_when_whitened() -> None:
    assert not whitened(np.zeros((2, 50), np.complex128), 5).any()


def test_a_moving_average_takes_the_neighbours_that_there_are() -> None:
    assert moving_average(np.array([1.0, 2.0, 6.0, 4.0]), 3).tolist() == [1.5, 3.0, 4.0, 5.0]


@given(st.integers(1, 200_000))
def test_a_fast_length_has_small_factors_and_is_not_much_shorter(n: int) -> None:
    length = fast_length(n)
    assert n * 0.8 <= length <= n
    for factor in (2, 3, 5):
        while length % factor == 0:
            length //= factor
    assert length == 1
