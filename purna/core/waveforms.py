"""Waveforms: raw vibration blocks, kept apart from readings, turned into condition indicators."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Float32 = NDArray[np.float32]


class WaveformKey(NamedTuple):
    """What names a waveform; the same key sent twice is the same waveform."""

    device: str
    quantity: str
    ts: int


@dataclass(frozen=True, slots=True)
class Waveform:
    """One block of equally spaced samples of one quantity.

    ``ts`` is when the first sample was taken (micros UTC), ``rate`` the sampling rate in Hz,
    ``samples`` shape (n,) in ``unit``. ``speed`` is the shaft's speed in Hz where the device
    knows it, else 0. ``boot`` and ``seq`` number the message as in telemetry.
    """

    device: str
    quantity: str
    ts: int
    rate: float
    unit: str
    samples: Float32 = field(repr=False)
    speed: float = 0.0
    boot: str = ""
    seq: int = -1

    @property
    def key(self) -> WaveformKey:
        return WaveformKey(self.device, self.quantity, self.ts)
