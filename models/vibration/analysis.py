"""A waveform's analysis: its indicators, its zone, and what it says of each bearing. Pure.

A race is named by its rhythm alone. Balls hit now with this side and now with that and are rarely
heard (W. A. Smith and R. B. Randall, Rolling element bearing diagnostics using the Case Western
Reserve University data, Mechanical Systems and Signal Processing 64-65 (2015)): then the level
tells that something is wrong, and the answer is that the cause is not identified.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from models.vibration.faults import (
    HARMONICS,
    MIN_TURNS,
    SLIP,
    Envelope,
    FaultLine,
    Multiples,
    envelope_spectrum,
    fault_line,
    multiples_of,
)
from models.vibration.indicators import (
    overall,
    resolves,
    rms_inside,
    velocity_band,
    velocity_rms,
)
from models.vibration.signals import Float64
from purna.core.catalogue import Product
from purna.core.errors import BadInput
from purna.core.units import converter
from purna.core.vibration import (
    FAULTS,
    NAMED_FROM,
    Bearing,
    WaveformSource,
    Zone,
    band_kind,
    zone_of,
)
from purna.core.waveforms import Waveform

MIN_SAMPLES = 64
RAISED = 2.5
"""A level this many times the usual one is a significant change: 8 dB, as in ISO 13373-1."""
_CLIPPED_SAMPLES = 3


class Finding(StrEnum):
    """What a waveform says of a bearing."""

    OUTER_RACE = "outer_race"
    INNER_RACE = "inner_race"
    ROLLING_ELEMENT = "rolling_element"
    RAISED = "raised"  # the level is too high, the cause is not identified
    NONE = "none"
    UNKNOWN = "unknown"  # no answer; ``why`` says what is missing


class Why(StrEnum):
    """Why there is no answer."""

    NO_SPEED = "no_speed"
    TOO_SHORT = "too_short"
    RATE_TOO_LOW = "rate_too_low"
    CLIPPED = "clipped"
    FLAT = "flat"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is said of one bearing, with the evidence: a line for each fault that could be sought.

    ``why`` is given where the rhythm could not be looked for.
    """

    bearing: str
    finding: Finding
    why: Why | None
    multiples: Multiples
    lines: Mapping[str, FaultLine]


@dataclass(frozen=True, slots=True)
class Analysis:
    """All that one waveform says.

    ``values`` are the samples in the catalogue's unit, ``envelope`` what bearings are judged by.
    ``indicators`` are finite values by quantity id, in the catalogue's units; ``level_raised`` is
    whether the zone is C or D or a level is :data:`RAISED` times its baseline.
    """

    values: Float64
    envelope: Envelope | None
    indicators: Mapping[str, float]
    zone: Zone | None
    level_raised: bool
    clipped: bool
    verdicts: tuple[Verdict, ...]


_FOUND = {
    "bpfo": Finding.OUTER_RACE,
    "bpfi": Finding.INNER_RACE,
    "bsf": Finding.ROLLING_ELEMENT,
}


def named(scores: Mapping[str, float]) -> Finding | None:
    """The part that is damaged, by the scores of the faults; None when none is high enough.

    The score of a fault is the logarithm of its indicator, so past waveforms can be judged by
    their stored indicators.
    """
    fault = max(_FOUND.keys() & scores.keys(), key=lambda f: scores[f], default=None)
    return _FOUND[fault] if fault is not None and scores[fault] >= NAMED_FROM else None


def indicators_of(waveform: Waveform, product: Product) -> Mapping[str, float]:
    """Values of the product's indicators, by quantity id; raises as :func:`analyse` does."""
    return analyse(waveform, product).indicators


def analyse(
    waveform: Waveform, product: Product, baseline: Mapping[str, float] | None = None
) -> Analysis:
    """Analyse a waveform of a device of ``product``.

    Parameters
    ----------
    baseline
        The usual values of indicators of this device, by quantity id, where they are known.

    Raises
    ------
    BadInput
        ``waveform.source`` when the product has no such waveform, ``unit.mismatch`` when it
        measures something else, ``waveform.samples`` when there are too few of them or some are
        no finite numbers.
    """
    source = product.waveform(waveform.quantity)
    if source is None:
        raise BadInput(
            "waveform.source",
            f"product {product.id} has no waveform {waveform.quantity!r}",
            field="quantity",
        )
    factor, _ = converter(waveform.unit, source.unit, source.id)
    x = waveform.values * factor
    if len(x) < MIN_SAMPLES or not np.isfinite(x).all() or not waveform.rate > 0:
        raise BadInput(
            "waveform.samples",
            f"at least {MIN_SAMPLES} finite samples and a sampling rate are needed",
            field="samples",
        )
    indicators = _levels(x, waveform, source)
    velocity = indicators.get(f"{source.id}.rms_velocity")
    zone = None
    if velocity is not None and product.machine is not None:
        zone = zone_of(velocity, product.machine)
    raised = zone in (Zone.C, Zone.D) or _above(indicators, baseline or {}, source)
    clipped = int((np.abs(x) >= 0.999 * source.full_scale).sum()) >= _CLIPPED_SAMPLES
    bearings = [b for b in product.bearings if b.waveform == source.id]
    envelope = envelope_spectrum(x, waveform.rate, waveform.speed) if bearings else None
    verdicts = tuple(_verdicts(x, waveform, envelope, bearings, raised, clipped))
    for verdict in verdicts:
        for fault, line in verdict.lines.items():
            indicators[f"{source.id}.{verdict.bearing}.{fault}"] = line.ratio
    return Analysis(
        x,
        envelope,
        {quantity: value for quantity, value in indicators.items() if np.isfinite(value)},
        zone,
        raised,
        clipped,
        verdicts,
    )


def levels_of(source: WaveformSource) -> list[str]:
    """The ids of the indicators that have a usual level."""
    kinds = ["rms", "rms_velocity", *(band_kind(low, high) for low, high in source.bands)]
    return [f"{source.id}.{kind}" for kind in kinds]


def _levels(x: Float64, waveform: Waveform, source: WaveformSource) -> dict[str, float]:
    found = {kind: float(value) for kind, value in overall(x)._asdict().items()}
    band = velocity_band(waveform.speed)
    if resolves(len(x), waveform.rate, band):
        if source.kind == "acceleration":
            metres, _ = converter(source.unit, "m/s2")
            found["rms_velocity"] = float(velocity_rms(x * metres, waveform.rate, band))
        elif source.kind == "speed":
            millimetres, _ = converter(source.unit, "mm/s")
            found["rms_velocity"] = float(rms_inside(x * millimetres, waveform.rate, [band])[0])
    inside = rms_inside(x, waveform.rate, source.bands).tolist()
    for (low, high), rms in zip(source.bands, inside, strict=True):
        found[band_kind(low, high)] = rms
    return {f"{source.id}.{kind}": value for kind, value in found.items()}


def _above(
    indicators: Mapping[str, float], baseline: Mapping[str, float], source: WaveformSource
) -> bool:
    return any(
        indicators.get(name, 0.0) >= RAISED * baseline[name] > 0
        for name in levels_of(source)
        if name in baseline
    )


def _verdicts(
    x: Float64,
    waveform: Waveform,
    envelope: Envelope | None,
    bearings: list[Bearing],
    raised: bool,
    clipped: bool,
) -> list[Verdict]:
    missing = _missing(x, waveform, envelope, clipped)
    found = []
    for bearing in bearings:
        multiples = multiples_of(bearing)
        why, lines = missing, dict[str, FaultLine]()
        if envelope is not None and why is None:
            highest = HARMONICS * (1 + SLIP) * max(multiples) * waveform.speed + waveform.speed
            if highest >= waveform.rate / 2:
                why = Why.RATE_TOO_LOW
            else:
                lines = _lines(envelope, multiples)
        finding = named({fault: line.score for fault, line in lines.items()})
        if finding is None:
            finding = Finding.NONE if why is None else Finding.UNKNOWN
            finding = Finding.RAISED if raised else finding
        found.append(Verdict(bearing.id, finding, why, multiples, lines))
    return found


def _missing(
    x: Float64, waveform: Waveform, envelope: Envelope | None, clipped: bool
) -> Why | None:
    if not waveform.speed > 0:
        return Why.NO_SPEED
    if len(x) / waveform.rate * waveform.speed < MIN_TURNS:
        return Why.TOO_SHORT
    if envelope is None:
        return Why.FLAT
    return Why.CLIPPED if clipped else None


def _lines(envelope: Envelope, multiples: Multiples) -> dict[str, FaultLine]:
    """A spall on the inner ring passes the load zone once a turn, one on a ball once a turn of
    the cage: that is how far away their sidebands are. A ball hits twice per turn about itself.
    """
    speed = envelope.speed
    sought = {
        "bpfo": (multiples.bpfo, 0.0),
        "bpfi": (multiples.bpfi, speed),
        "bsf": (2 * multiples.bsf, multiples.ftf * speed),
        "ftf": (multiples.ftf, 0.0),
    }
    lines = {
        fault: fault_line(envelope, multiple * speed, sideband)
        for fault, (multiple, sideband) in sought.items()
    }
    return {fault: line for fault in FAULTS if (line := lines[fault]) is not None}
