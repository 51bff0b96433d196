"""What a catalogue says about vibration: where waveforms come from, bearings, the machine's class.

Each waveform becomes readings of the quantities that :func:`indicators_of` lists, so that charts,
limits and models treat them like anything measured. How they are computed stands in
``models/vibration/``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from purna.core.quantities import Indicator, Name
from purna.core.texts import LANGUAGES, render
from purna.core.units import unit_of


@dataclass(frozen=True, slots=True)
class WaveformSource:
    """A sensor that sends waveforms.

    ``full_scale`` is the largest amplitude it can show, in ``unit``; a waveform that touches it is
    clipped, and no bearing is judged by it. ``bands`` are stretches ``[from, to)`` of frequency in
    Hz, each of which gets an RMS of its own.
    """

    id: str
    name: Name
    unit: str
    full_scale: float
    bands: Sequence[Sequence[float]] = ()

    @property
    def kind(self) -> str:
        """What it measures: ``acceleration``, ``speed`` (of vibration), …"""
        return unit_of(self.unit).kind


@dataclass(frozen=True, slots=True)
class Bearing:
    """A rolling bearing that a waveform source listens to; its outer ring stands still.

    Either the geometry (``balls`` rolling elements, diameters in one unit of length, contact angle
    in degrees) or the maker's fault frequencies as multiples of the shaft's speed.
    """

    id: str
    name: Name
    component: str
    waveform: str
    balls: int = 0
    ball_diameter: float = 0.0
    pitch_diameter: float = 0.0
    contact_angle: float = 0.0
    bpfo: float | None = None
    bpfi: float | None = None
    bsf: float | None = None
    ftf: float | None = None

    @property
    def given(self) -> tuple[float, float, float, float] | None:
        """The maker's BPFO, BPFI, BSF and FTF, or None when the geometry is given."""
        if self.bpfo is None or self.bpfi is None or self.bsf is None or self.ftf is None:
            return None
        return self.bpfo, self.bpfi, self.bsf, self.ftf


class Foundation(StrEnum):
    """How a machine stands: flexible when its first natural frequency is below its speed's."""

    RIGID = "rigid"
    FLEXIBLE = "flexible"


@dataclass(frozen=True, slots=True)
class Machine:
    """The class of a machine in ISO 20816-3.

    ``group`` 1: above 300 kW, or a motor with a shaft height from 315 mm; 2: 15 kW to 300 kW, or
    160 mm to 315 mm.
    """

    group: int
    foundation: Foundation


class Zone(StrEnum):
    """Evaluation zones of ISO 20816-1.

    A: as newly commissioned; B: fit for unrestricted long-term operation; C: only for a limited
    time, until it can be put right; D: severe enough to damage the machine.
    """

    A = "A"
    B = "B"
    C = "C"
    D = "D"


class Boundaries(NamedTuple):
    """Lowest RMS velocities (mm/s) of zones B, C and D."""

    b: float
    c: float
    d: float


ZONES: Mapping[tuple[int, Foundation], Boundaries] = {
    (1, Foundation.RIGID): Boundaries(2.3, 4.5, 7.1),
    (1, Foundation.FLEXIBLE): Boundaries(3.5, 7.1, 11.0),
    (2, Foundation.RIGID): Boundaries(1.4, 2.8, 4.5),
    (2, Foundation.FLEXIBLE): Boundaries(2.3, 4.5, 7.1),
}
"""ISO 20816-3:2022, annex A, tables A.1 and A.2 (the figures of ISO 10816-3:2009)."""


def boundaries(machine: Machine) -> Boundaries:
    return ZONES[machine.group, machine.foundation]


def zone_of(velocity: float, machine: Machine) -> Zone:
    """The zone of an RMS velocity (mm/s); one on a boundary belongs to the worse zone."""
    limits = boundaries(machine)
    return list(Zone)[sum(velocity >= limit for limit in limits)]


NAMED_FROM = 1.2
"""Score from which a bearing's fault is named; see ``models/vibration/faults.py``."""
NAMED_FROM_RATIO = 3.3
"""The same as a ratio over the floor, e^1.2, rounded down so that no named fault is below it."""

FAULTS = ("bpfo", "bpfi", "bsf", "ftf")


def indicators_of(
    source: WaveformSource, bearings: Sequence[Bearing], machine: Machine | None
) -> list[Indicator]:
    """The quantities that waveforms of ``source`` are turned into."""
    full = source.full_scale

    def one(kind: str, unit: str, low: float, high: float, alarm: float | None = None) -> Indicator:
        name = _name(source.name, kind)
        return Indicator(
            f"{source.id}.{kind}", name, unit, low, high, alarm, False, source.id, kind
        )

    found = [
        one("rms", source.unit, 0.0, full),
        one("peak", source.unit, 0.0, 2 * full),
        one("peak_to_peak", source.unit, 0.0, 2 * full),
        one("crest", "1", 0.0, 1000.0),
        one("kurtosis", "1", 0.0, 1e6),
        one("skewness", "1", -1000.0, 1000.0),
    ]
    if source.kind in ("acceleration", "speed"):
        alarm = boundaries(machine).c if machine else None
        found.append(one("rms_velocity", "mm/s", 0.0, 1000.0, alarm))
    for low, high in source.bands:
        kind = band_kind(low, high)
        name = _name(source.name, "band", low=f"{low:g}", high=f"{high:g}")
        found.append(
            Indicator(
                f"{source.id}.{kind}", name, source.unit, 0.0, full, None, False, source.id, kind
            )
        )
    for bearing in bearings:
        if bearing.waveform == source.id:
            found += [
                Indicator(
                    f"{source.id}.{bearing.id}.{fault}",
                    _name(bearing.name, fault),
                    "1",
                    0.0,
                    1e6,
                    None if fault == "ftf" else NAMED_FROM_RATIO,
                    False,
                    source.id,
                    fault,
                    bearing.id,
                )
                for fault in FAULTS
            ]
    return found


def band_kind(low: float, high: float) -> str:
    return f"band_{low:g}_{high:g}"


def _name(of: Name, kind: str, **params: str) -> Name:
    return Name(
        {
            language: render(f"indicator.{kind}", language, of=of.text(language), **params)
            for language in LANGUAGES
        }
    )
