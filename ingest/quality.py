"""What is taken of a decoded message, and what the platform thinks of it. Pure.

Nothing good is lost: of a message with one bad quantity or one wrong time the rest is stored,
and for what is refused there is a :class:`~purna.core.errors.BadPayload` each.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

from ingest.payloads.limits import REFUSALS
from ingest.rejects import bad
from purna.core.catalogue import Product
from purna.core.clock import SECOND
from purna.core.errors import BadInput, BadPayload
from purna.core.readings import DeviceEvent, Quality, Telemetry
from purna.core.units import converter
from purna.core.waveforms import Waveform


@dataclass(frozen=True, slots=True)
class TimeWindow:
    """Times that are believed: ``oldest <= ts <= newest`` (micros)."""

    now: int
    oldest: int
    newest: int

    @classmethod
    def around(cls, now: int, future: int, retention: int) -> TimeWindow:
        """``future`` micros ahead, ``retention`` micros back (0 = without limit)."""
        return cls(now, now - retention if retention else -(2**63), now + future)

    def check(self, ts: int) -> BadPayload | None:
        if ts > self.newest:
            return bad("ts.future", field="ts", seconds=(ts - self.now) / SECOND)
        if ts < self.oldest:
            return bad("ts.old", field="ts")
        return None


class Range(NamedTuple):
    """The plausible range of a quantity and its unit."""

    low: float
    high: float
    unit: str


_SAME_UNIT = (1.0, 0.0)
"""Factor and offset."""

Ranges = Mapping[str, Range]
"""By quantity id; made once for a product."""


def ranges_of(product: Product) -> Ranges:
    return {q.id: Range(q.low, q.high, q.unit) for q in product.quantities}


class Checked(NamedTuple):
    """What to store (nothing, one message, or its good and its suspect part) and what not."""

    accepted: tuple[Telemetry, ...]
    rejects: tuple[BadPayload, ...]


def check(message: Telemetry, ranges: Ranges, times: TimeWindow) -> Checked:
    """Check quantities, units, plausible ranges and times of a message of a known device."""
    if _all_plain(message, ranges, times):
        return Checked((message,), ())
    return _check_closely(message, ranges, times)


def check_waveform(
    waveform: Waveform, units: Mapping[str, str], times: TimeWindow
) -> BadPayload | None:
    """Why a waveform can't be taken; ``units`` are those of the product's waveforms, by id.

    Nothing is converted: the samples stay as they were sent, in the unit that they came with.
    """
    unit = units.get(waveform.quantity)
    if unit is None:
        return bad("quantity.unknown", field=waveform.quantity[:64])
    try:
        converter(waveform.unit, unit, waveform.quantity)
    except BadInput as error:
        return bad(error.code, field=waveform.quantity, unit=waveform.unit[:64], expected=unit)
    return times.check(waveform.ts)


def check_event(event: DeviceEvent, times: TimeWindow) -> BadPayload | None:
    return times.check(event.ts)


def _all_plain(message: Telemetry, ranges: Ranges, times: TimeWindow) -> bool:
    """Whether everything can be stored as it is; the answer for nearly every message."""
    if message.units or message.quality:
        return False
    for ts, values in message.rows:
        if not times.oldest <= ts <= times.newest:
            return False
        for quantity, value in values.items():
            known = ranges.get(quantity)
            if known is None or not known[0] <= value <= known[1]:
                return False
    return True


def _check_closely(message: Telemetry, ranges: Ranges, times: TimeWindow) -> Checked:
    rejects: dict[tuple[str, str], BadPayload] = {}  # one for each reason and field
    scales: dict[str, tuple[float, float] | None] = {}
    kept: dict[int, list[tuple[int, Mapping[str, float]]]] = {}
    for ts, values in message.rows:
        wrong = times.check(ts)
        if wrong:
            _note(rejects, wrong)
            continue
        by_quality: dict[int, dict[str, float]] = {}
        for quantity, value in values.items():
            if quantity not in scales:
                try:
                    scales[quantity] = _scale(quantity, message.units, ranges)
                except BadPayload as error:
                    _note(rejects, error)
                    scales[quantity] = None
            scale = scales[quantity]
            if scale is None:
                continue
            if scale != _SAME_UNIT:  # adding 0 would lose the sign of -0.0
                value = scale[0] * value + scale[1]
            if not math.isfinite(value):
                wrong = bad("value.not_finite", field=quantity)
                _note(rejects, wrong)
                continue
            low, high, _ = ranges[quantity]
            plausible = Quality.GOOD if low <= value <= high else Quality.SUSPECT
            flag = max(message.quality.get(quantity, 0), plausible)
            by_quality.setdefault(flag, {})[quantity] = value
        for flag, part in by_quality.items():
            kept.setdefault(flag, []).append((ts, part))
    accepted = tuple(
        replace(
            message,
            rows=rows,
            units={},
            quality={q: flag for _, part in rows for q in part} if flag else {},
        )
        for flag, rows in sorted(kept.items())
    )
    return Checked(accepted, tuple(rejects.values()))


def _note(rejects: dict[tuple[str, str], BadPayload], why: BadPayload) -> None:
    if len(rejects) < REFUSALS:
        rejects.setdefault((why.code, why.field), why)


def _scale(quantity: str, units: Mapping[str, str], ranges: Ranges) -> tuple[float, float]:
    """Factor and offset to the catalogue's unit."""
    known = ranges.get(quantity)
    if known is None:
        raise bad("quantity.unknown", field=quantity[:64])
    unit = units.get(quantity, known.unit)
    if unit == known.unit:
        return _SAME_UNIT
    try:
        return converter(unit, known.unit, quantity)
    except BadInput as error:
        raise bad(error.code, field=quantity, unit=unit[:64], expected=known.unit) from None
