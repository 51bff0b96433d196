"""Indicators of signals for which the books give the answer."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.vibration.indicators import (
    SLOW_VELOCITY_BAND,
    VELOCITY_BAND,
    overall,
    rms_inside,
    velocity_band,
    velocity_rms,
)
from tests.models.vibration.sounds import RATE, noise, sine


def test_a_sine_has_the_shape_of_a_sine() -> None:
    found = overall(sine(2.0, 50.0))
    assert found.rms == pytest.approx(2 / np.sqrt(2), rel=1e-9)
    assert found.peak == pytest.approx(2.0, rel=1e-3)
    assert found.peak_to_peak == pytest.approx(4.0, rel=1e-3)
    assert found.crest == pytest.approx(np.sqrt(2), rel=1e-3)
    assert found.kurtosis == pytest.approx(1.5, rel=1e-9)
    assert found.skewness == pytest.approx(0.0, abs=1e-9)


def test_noise_is_gaussian_and_spikes_are_not() -> None:
    quiet = noise(5.0)
    assert overall(quiet).kurtosis == pytest.approx(3.0, abs=0.1)
    quiet[::1000] += 12
    assert overall(quiet).kurtosis > 10
    assert overall(quiet).crest > 10
    assert overall(quiet).skewness > 0.3


@pytest.mark.parametrize("frequency", [20.0, 50.0, 159.155, 500.0, 950.0])
@pytest.mark.parametrize("seconds", [1.0, 1.37, 4.0])
def test_a_sine_of_acceleration_is_a_sine_of_velocity(frequency: float, seconds: float) -> None:
    """With v = a / 2πf. A Hann window widens the line, for 20 Hz in 1 s by 0.13 % of its RMS."""
    velocity = velocity_rms(sine(10.0, frequency, seconds), RATE, VELOCITY_BAND)
    assert velocity == pytest.approx(1000 * 10 / (2 * np.pi * frequency) / np.sqrt(2), rel=2e-3)


def test_ten_metres_per_square_second_at_159_hz_are_ten_millimetres_per_second() -> None:
    """The rule of thumb of every vibration handbook: at 159.155 Hz, 2πf is 1000."""
    velocity = velocity_rms(sine(10.0, 159.155), RATE, VELOCITY_BAND)
    assert velocity == pytest.approx(10 / np.sqrt(2), rel=1e-3)


def test_what_is_outside_the_band_does_not_count() -> None:
    inside = sine(1.0, 100.0)
    alone = velocity_rms(inside, RATE, VELOCITY_BAND)
    for outside in (sine(1.0, 3.0), sine(50.0, 2500.0), 40 * np.arange(len(inside)) / RATE):
        both = velocity_rms(inside + outside, RATE, VELOCITY_BAND)
        assert both == pytest.approx(float(alone), rel=0.01)


def test_a_slow_machine_is_measured_from_two_hertz() -> None:
    assert velocity_band(0.0) == velocity_band(10.0) == VELOCITY_BAND
    assert velocity_band(5.0) == SLOW_VELOCITY_BAND
    slow = sine(0.1, 5.0, seconds=4.0)
    expected = 1000 * 0.1 / (2 * np.pi * 5) / np.sqrt(2)
    assert velocity_rms(slow, RATE, SLOW_VELOCITY_BAND) == pytest.approx(expected, rel=5e-3)


@pytest.mark.parametrize(("seconds", "rate"), [(0.1, RATE), (1.0, 2000.0)])
def test_a_record_too_short_or_too_slow_gives_no_velocity(seconds: float, rate: float) -> None:
    assert np.isnan(velocity_rms(noise(seconds, rate), rate, VELOCITY_BAND))


def test_bands_side_by_side_add_up_to_the_whole() -> None:
    x = noise(2.0)
    edges = [0.0, 100.0, 1000.0, 3000.0, RATE / 2]
    parts = rms_inside(x, RATE, list(pairwise(edges)))
    assert np.sqrt(np.sum(np.square(parts))) == pytest.approx(overall(x).rms, rel=0.02)
    alone = rms_inside(sine(2.0, 500.0), RATE, [(400.0, 600.0), (5000.0, 7000.0)])
    assert alone[0] == pytest.approx(np.sqrt(2), rel=1e-6)
    assert np.isnan(alone[1])
    many = rms_inside(np.stack([x, 2 * x]), RATE, [(0.0, 100.0)])
    assert many.shape == (2, 1)
    assert many[1] == pytest.approx(2 * many[0])


@pytest.mark.parametrize("value", [0.0, 3.7, -1e9, 1e300])
def test_a_constant_has_no_vibration_and_no_shape(value: float) -> None:
    found = overall(np.full(100, value))
    assert (found.rms, found.peak, found.peak_to_peak) == (0.0, 0.0, 0.0)
    assert np.isnan([found.crest, found.kurtosis, found.skewness]).all()


signals = st.integers(0, 999).map(
    lambda seed: np.random.default_rng(seed).standard_t(4, 600) * (1 + seed % 7)
)


@settings(deadline=None)
@given(x=signals, factor=st.floats(1e-6, 1e6), offset=st.floats(-100, 100))
def test_scale_sign_and_offset_change_what_they_should(
    x: np.ndarray[tuple[int], np.dtype[np.float64]], factor: float, offset: float
) -> None:
    one, other = overall(x), overall(-factor * (x + offset))
    assert other.rms == pytest.approx(factor * one.rms, rel=1e-6)
    assert other.peak == pytest.approx(factor * one.peak, rel=1e-6)
    assert other.peak_to_peak == pytest.approx(factor * one.peak_to_peak, rel=1e-6)
    assert other.crest == pytest.approx(one.crest, rel=1e-6)
    assert other.kurtosis == pytest.approx(one.kurtosis, rel=1e-6)
    assert other.skewness == pytest.approx(-one.skewness, rel=1e-6, abs=1e-6)
    velocity = velocity_rms(x, 2600.0, VELOCITY_BAND)
    assert velocity_rms(-factor * (x + offset), 2600.0, VELOCITY_BAND) == pytest.approx(
        factor * velocity, rel=1e-5
    )


def test_many_signals_at_once_are_as_one_by_one() -> None:
    many = np.stack([noise(seed=seed) for seed in range(3)] + [np.zeros(round(RATE))])
    assert np.allclose(
        np.array(overall(many)), np.transpose([overall(x) for x in many]), equal_nan=True
    )
    assert np.allclose(
        velocity_rms(many, RATE, VELOCITY_BAND),
        [velocity_rms(x, RATE, VELOCITY_BAND) for x in many],
    )
