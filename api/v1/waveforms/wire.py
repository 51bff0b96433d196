"""From waveforms and their analysis to what goes over the wire. Pure."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from api.v1.common import Ref
from api.v1.refs import component_ref
from api.v1.waveforms.schemas import (
    IndicatorValue,
    Line,
    Spectrum,
    Trace,
    Verdict,
    WaveformDetail,
)
from models.vibration import Analysis, named
from models.vibration import Verdict as SaidOfBearing
from models.vibration.faults import HARMONICS, Envelope
from models.vibration.signals import amplitude_spectrum, frequencies
from purna.core.catalogue import Product
from purna.core.clock import to_datetime
from purna.core.quantities import Indicator
from purna.core.readings import Float64
from purna.core.vibration import boundaries, zone_of
from purna.core.waveforms import WaveformInfo, WaveformKey

ENVELOPE_HZ = 1000.0
"""How far an envelope's spectrum is shown when no bearing tells how far it is of interest."""


def waveform_id(key: WaveformKey) -> str:
    return f"{key.quantity}@{key.ts}"


def key_of(device: str, text: str) -> WaveformKey | None:
    """The key of an id in an address; None when it is none."""
    quantity, _, ts = text.rpartition("@")
    if not quantity or not ts.isascii() or not ts.isdigit() or len(ts) > 18:
        return None
    return WaveformKey(device, quantity, int(ts))


def summary(
    info: WaveformInfo, values: Mapping[str, float], product: Product, language: str
) -> dict[str, object]:
    """Fields of a summary; ``values`` are the indicators at its time, as far as they are known."""
    source = product.waveform(info.key.quantity)
    velocity = values.get(f"{info.key.quantity}.rms_velocity")
    zone = None
    if velocity is not None and product.machine is not None:
        zone = zone_of(velocity, product.machine).value
    return {
        "id": waveform_id(info.key),
        "source": Ref(
            id=info.key.quantity,
            name=source.name.text(language) if source else info.key.quantity,
        ),
        "ts": to_datetime(info.key.ts),
        "seconds": info.length / info.rate,
        "rate_hz": info.rate,
        "speed_hz": info.speed or None,
        "state": info.state.value,
        "error": info.error,
        "rms_velocity": velocity,
        "zone": zone,
        "fault": _fault(values, product, info.key.quantity),
    }


def _fault(values: Mapping[str, float], product: Product, source: str) -> str | None:
    scores: dict[str, float] = {}
    for indicator in product.quantities:
        if isinstance(indicator, Indicator) and indicator.waveform == source and indicator.bearing:
            value = values.get(indicator.id, 0.0)
            if value > 0:
                score = float(np.log(value))
                scores[indicator.kind] = max(score, scores.get(indicator.kind, score))
    found = named(scores)
    return found.value if found else None


def detail(
    info: WaveformInfo, analysis: Analysis, product: Product, points: int, language: str
) -> WaveformDetail:
    quantities = [
        quantity
        for quantity in product.quantities
        if isinstance(quantity, Indicator) and quantity.id in analysis.indicators
    ]
    n = len(analysis.values)
    source = product.waveform(info.key.quantity)
    machine = product.machine
    return WaveformDetail.model_validate(
        {
            **summary(info, analysis.indicators, product, language),
            "unit": source.unit if source else info.unit,
            "clipped": analysis.clipped,
            "level_raised": analysis.level_raised,
            "zone_limits": list(boundaries(machine)) if machine and analysis.zone else None,
            "signal": _trace(analysis.values, info.rate, points),
            "spectrum": _spectrum(
                frequencies(n, info.rate),
                amplitude_spectrum(analysis.values - analysis.values.mean()),
                points,
            ),
            "envelope": analysis.envelope and _envelope(analysis.envelope, analysis, points),
            "indicators": [
                IndicatorValue(
                    quantity=quantity.id,
                    name=quantity.name.text(language),
                    unit=quantity.unit,
                    value=analysis.indicators[quantity.id],
                    alarm=quantity.alarm,
                )
                for quantity in quantities
            ],
            "verdicts": [_verdict(verdict, product, language) for verdict in analysis.verdicts],
        }
    )


def _verdict(verdict: SaidOfBearing, product: Product, language: str) -> Verdict:
    bearing = next(b for b in product.bearings if b.id == verdict.bearing)
    return Verdict.model_validate(
        {
            "bearing": Ref(id=bearing.id, name=bearing.name.text(language)),
            "component": component_ref(product, bearing.component, language),
            "finding": verdict.finding.value,
            "why": verdict.why and verdict.why.value,
            "lines": [
                Line.model_validate(
                    {
                        "fault": fault,
                        "expected_hz": line.expected,
                        "found_hz": line.found,
                        "harmonics": list(line.harmonics),
                        "sidebands": line.sidebands or None,
                        "score": line.score,
                    }
                )
                for fault, line in verdict.lines.items()
            ],
        }
    )


def _trace(values: Float64, rate: float, points: int) -> Trace:
    first = _buckets(len(values), points)
    return Trace(
        ts=(first / rate * 1000).tolist(),
        low=np.minimum.reduceat(values, first).tolist(),
        high=np.maximum.reduceat(values, first).tolist(),
    )


def _envelope(envelope: Envelope, analysis: Analysis, points: int) -> Spectrum:
    """Up to where the multiples of the fastest fault end; a steady part at 0 Hz says nothing."""
    highest = ENVELOPE_HZ
    rates = [max(v.multiples) * envelope.speed for v in analysis.verdicts]
    if rates and max(rates) > 0:
        highest = (HARMONICS + 0.5) * max(rates)
    amplitude = envelope.amplitude[: max(int(highest / envelope.step) + 1, 8)]
    floor = float(np.median(amplitude[1:])) or 1.0
    hz = np.arange(len(amplitude), dtype=np.float64) * envelope.step
    return _spectrum(hz[1:], amplitude[1:] / floor, points)


def _spectrum(hz: Float64, value: Float64, points: int) -> Spectrum:
    """Each bucket shows its highest line, at the frequency where that is."""
    first = _buckets(len(value), points)
    ends = np.append(first[1:], len(value))
    peaks = [
        start + int(np.argmax(value[start:end]))
        for start, end in zip(first.tolist(), ends.tolist(), strict=True)
    ]
    return Spectrum(hz=hz[peaks].tolist(), value=value[peaks].tolist())


def _buckets(length: int, points: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Where at most ``points`` buckets of (nearly) equal width begin."""
    count = min(length, points)
    return np.asarray(np.arange(count) * length // count, np.int64)
