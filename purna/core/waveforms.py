"""Waveforms: raw vibration blocks, kept apart from readings, turned into condition indicators."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.int16] | NDArray[np.float32]


class WaveformKey(NamedTuple):
    """What names a waveform; the same key sent twice is the same waveform."""

    device: str
    quantity: str
    ts: int


class WaveformState(StrEnum):
    """Whether a waveform's indicators have been computed."""

    PENDING = "pending"
    DONE = "done"
    FAILED = "failed"  # not tried again: the same samples would fail again


@dataclass(frozen=True, slots=True)
class Waveform:
    """One block of equally spaced samples of one quantity.

    ``ts`` is when the first sample was taken (micros UTC), ``rate`` the sampling rate in Hz.
    ``samples`` has shape (n,) as the device sent it; times ``scale`` it is in ``unit``, so int16
    stays int16 and another unit is another scale. ``speed`` is the shaft's speed in Hz where the
    device knows it, else 0. ``boot`` and ``seq`` number the message as in telemetry.
    """

    device: str
    quantity: str
    ts: int
    rate: float
    unit: str
    samples: Samples = field(repr=False)
    scale: float = 1.0
    speed: float = 0.0
    boot: str = ""
    seq: int = -1

    @property
    def key(self) -> WaveformKey:
        return WaveformKey(self.device, self.quantity, self.ts)

    @property
    def values(self) -> NDArray[np.float64]:
        """The samples in ``unit``, shape (n,)."""
        return self.samples.astype(np.float64) * self.scale


class WaveformInfo(NamedTuple):
    """What is kept beside the ``length`` samples; ``error`` says why a waveform is FAILED."""

    key: WaveformKey
    rate: float
    unit: str
    length: int
    speed: float
    state: WaveformState
    error: str


def wins(one: Waveform, other: Waveform) -> bool:
    """Whether ``one`` is to be kept of two waveforms with one key, whichever came first.

    As with readings the higher (boot, seq) does; of two with the same number, any fixed order
    of what they contain will do.
    """
    return _order(one) > _order(other)


def _order(waveform: Waveform) -> tuple[str, int, str, float, float, float, str, bytes]:
    return (
        waveform.boot,
        waveform.seq,
        waveform.unit,
        waveform.rate,
        waveform.speed,
        waveform.scale,
        waveform.samples.dtype.str,
        waveform.samples.tobytes(),
    )
