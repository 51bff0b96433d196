"""Which part of a rolling bearing is damaged, from the rhythm of its impacts. Pure.

A spall is hit at a rate that follows from geometry and speed, and each hit makes the structure
ring. The ringing's envelope has lines at that rate and its multiples, whatever rings. The method
is that of R. B. Randall and J. Antoni, Rolling element bearing diagnostics – a tutorial, Mechanical
Systems and Signal Processing 25 (2011): whiten, take the envelope, look at the expected rates.

Steps. (1) Cut the record into segments of a second or 25 turns. (2) Whiten each spectrum. (3) The
envelope of the analytic signal between 5 and 98 % of half the sampling rate. (4) Its spectrum,
squares averaged over the segments. (5) For each fault look for the line within 2 % of the expected
rate (rolling elements slip by one or two percent), at its first or second multiple, whichever is
stronger; then compare multiples 1 to 4 with the median around them. A line on a multiple of the
shaft's speed belongs to the shaft and is not counted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from models.vibration.signals import Float64, centred, fast_length, hann, whitened
from purna.core.vibration import Bearing

HARMONICS = 4
SLIP = 0.02
SIDEBAND_WEIGHT = 0.3
MIN_TURNS = 10.0
_SEGMENT_S = 1.0
_SEGMENT_TURNS = 25.0
_LEAST_SAMPLES = 64.0
_WHITEN = 400  # the moving average spans half the sampling rate over this
_LOW, _HIGH = 0.05, 0.98  # of half the sampling rate
_AROUND = 0.15  # the floor is the median within this of a line, but not of fewer than
_LEAST_BINS = 8  # bins on either side
_SPEED_ERROR = 0.002  # of the shaft's speed as it is told


class Multiples(NamedTuple):
    """Fault frequencies as multiples of the shaft's speed.

    ``bpfo``, ``bpfi``: balls passing a point of the outer, the inner ring; ``bsf``: turns of a
    ball about itself, so that a spall on it hits a ring at twice that; ``ftf``: turns of the cage.
    """

    bpfo: float
    bpfi: float
    bsf: float
    ftf: float


def multiples_of(bearing: Bearing) -> Multiples:
    """From the maker's figures, or the geometry (Randall and Antoni 2011, eq. 1 to 4).

    With n balls of diameter d on a pitch circle of diameter D, contact angle φ and r = d/D cos φ:
    BPFO = n/2 (1 - r), BPFI = n/2 (1 + r), FTF = (1 - r)/2, BSF = D/2d (1 - r²).
    """
    if bearing.given is not None:
        return Multiples(*bearing.given)
    n, d, pitch = bearing.balls, bearing.ball_diameter, bearing.pitch_diameter
    r = d / pitch * float(np.cos(np.deg2rad(bearing.contact_angle)))
    return Multiples(n / 2 * (1 - r), n / 2 * (1 + r), pitch / (2 * d) * (1 - r * r), (1 - r) / 2)


@dataclass(frozen=True, slots=True)
class Envelope:
    """The spectrum of an envelope: ``amplitude`` at 0, ``step``, 2 ``step`` … Hz, without unit.

    Only the ratio of a line to what is around it means anything.
    """

    step: float
    amplitude: Float64
    speed: float

    def floor(self, frequency: float) -> float:
        """The median around a frequency."""
        reach = max(_AROUND * frequency / self.step, _LEAST_BINS)
        middle = frequency / self.step
        return float(
            np.median(self.amplitude[max(1, round(middle - reach)) : round(middle + reach) + 1])
        )

    def strongest(self, frequency: float, reach: float) -> int | None:
        """The bin of the highest amplitude within ``reach`` Hz that is not the shaft's."""
        first = max(1, int(np.floor((frequency - reach) / self.step + 1e-9)))
        last = min(len(self.amplitude) - 2, int(np.ceil((frequency + reach) / self.step - 1e-9)))
        bins = np.arange(first, last + 1)
        bins = bins[~self._of_shaft(np.float64(self.step) * bins)]
        return int(bins[np.argmax(self.amplitude[bins])]) if len(bins) else None

    def is_line(self, position: int) -> bool:
        """Whether a bin is no lower than its neighbours."""
        return position == position - 1 + int(
            np.argmax(self.amplitude[position - 1 : position + 2])
        )

    def _of_shaft(self, frequency: Float64) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        if not self.speed > 0:
            return np.zeros(len(frequency), np.bool_)
        turns = np.maximum(np.round(frequency / self.speed), 1.0)
        off = np.abs(frequency - turns * self.speed)
        return np.asarray(off <= self.step + _SPEED_ERROR * frequency, np.bool_)

    def refined(self, position: int) -> float:
        """Where between the bins a line lies, in Hz: interpolation under a Hann window."""
        left, top, right = self.amplitude[position - 1 : position + 2]
        side, sign = (right, 1) if right >= left else (left, -1)
        ratio = side / top if top > 0 else 0.5
        return float((position + sign * (2 * ratio - 1) / (ratio + 1)) * self.step)


def envelope_spectrum(x: Float64, rate: float, speed: float) -> Envelope | None:
    """Of one record (n,), n at least 64, of a shaft that turns at ``speed`` Hz (0: not known).

    None when nothing moves.
    """
    turns = _SEGMENT_TURNS / speed if speed > 0 else 0.0
    wanted = max(rate * max(_SEGMENT_S, turns), _LEAST_SAMPLES)
    length = fast_length(int(min(len(x), wanted)))
    starts = range(0, len(x) - length + 1, max(1, length // 2))
    segments = centred(np.stack([x[start : start + length] for start in starts]))
    peak = float(np.abs(segments).max())
    if peak < np.finfo(np.float64).tiny / np.finfo(np.float64).eps:
        return None
    spectrum = np.fft.rfft(segments / peak)
    bins = spectrum.shape[-1]
    spectrum = whitened(spectrum, max(3, bins // _WHITEN) | 1)
    analytic = np.zeros((len(segments), length), np.complex128)
    band = slice(int(_LOW * bins), int(_HIGH * bins))
    analytic[:, band] = spectrum[:, band]
    envelope = centred(np.abs(np.fft.ifft(analytic)))
    power = np.abs(np.fft.rfft(envelope * hann(length))) ** 2
    amplitude = np.sqrt(power.mean(axis=0))
    return Envelope(rate / length, amplitude, speed) if amplitude[1:].max() > 0 else None


@dataclass(frozen=True, slots=True)
class FaultLine:
    """What the envelope says of one fault.

    ``expected`` and ``found`` are its rate in Hz by geometry and as measured; ``harmonics`` the
    ratio of each multiple to the floor (None where the shaft has a line of its own), ``sidebands``
    their mean ratio (0 where none are looked for). ``score`` is the mean logarithm of the
    harmonics' ratios, to which sidebands add.
    """

    expected: float
    found: float
    harmonics: tuple[float | None, ...]
    sidebands: float
    score: float

    @property
    def ratio(self) -> float:
        """The score as a ratio over the floor."""
        return float(np.exp(self.score))


def fault_line(envelope: Envelope, expected: float, sideband: float = 0.0) -> FaultLine | None:
    """Look for a fault at ``expected`` Hz, with sidebands at distances of ``sideband`` Hz.

    None when it can't be told from the shaft's own lines.
    """
    found = _found(envelope, expected)
    if found is None:
        return None
    harmonics = [_ratio(envelope, h * found) for h in range(1, HARMONICS + 1)]
    heard = [ratio for ratio in harmonics if ratio is not None]
    if len(heard) < HARMONICS // 2:
        return None
    score = float(np.mean(np.log(heard)))
    beside = [
        ratio
        for h in (1, 2)
        for sign in (-1, 1)
        if sideband and (ratio := _ratio(envelope, h * found + sign * sideband)) is not None
    ]
    around = float(np.mean(np.log(beside))) if beside else 0.0
    return FaultLine(
        expected,
        found,
        tuple(harmonics),
        float(np.exp(around)) if beside else 0.0,
        score + SIDEBAND_WEIGHT * around,
    )


def _found(envelope: Envelope, expected: float) -> float | None:
    """The rate by the strongest line; the expected one where there is none but a slope."""
    candidates = [(0.0, expected)]
    for h in (1, 2):
        position = envelope.strongest(h * expected, h * SLIP * expected)
        if position is None:
            return None
        if envelope.is_line(position):
            candidates.append((float(envelope.amplitude[position]), envelope.refined(position) / h))
    return max(candidates)[1]


def _ratio(envelope: Envelope, frequency: float) -> float | None:
    position = envelope.strongest(frequency, envelope.step)
    floor = envelope.floor(frequency)
    if position is None or floor <= 0:
        return None
    return max(float(envelope.amplitude[position]) / floor, 1e-3)
