"""Wire shapes of waveforms and of what they say."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import Field

from api.v1.common import Ref, Wire

ZoneName = Literal["A", "B", "C", "D"]
FaultName = Literal["bpfo", "bpfi", "bsf", "ftf"]
FindingName = Literal["outer_race", "inner_race", "rolling_element", "raised", "none", "unknown"]
WhyName = Literal["no_speed", "too_short", "rate_too_low", "clipped", "flat"]


class WaveformSummary(Wire):
    """A waveform in the list; zone and fault are those of its stored indicators."""

    id: str = Field(examples=["vib@1772344800000000"])
    source: Ref
    ts: datetime = Field(description="When the first sample was taken")
    seconds: float
    rate_hz: float
    speed_hz: float | None = Field(description="Of the shaft; null when the device did not tell")
    state: Literal["pending", "done", "failed"] = Field(
        description="Whether its indicators have been computed"
    )
    error: str = Field(description="Why they could not be")
    rms_velocity: float | None = Field(description="mm/s, in the band of ISO 20816-3")
    zone: ZoneName | None = Field(description="Of ISO 20816-3, when the product has a class in it")
    fault: FindingName | None = Field(description="The bearing's part that it names")


class IndicatorValue(Wire):
    """What a waveform was turned into."""

    quantity: str
    name: str
    unit: str
    value: float
    alarm: float | None


class Trace(Wire):
    """Samples over time, reduced to their lowest and highest by bucket."""

    ts: list[float] = Field(description="Milliseconds since the first sample")
    low: list[float]
    high: list[float]


class Spectrum(Wire):
    """Strengths by frequency, reduced to the highest by bucket."""

    hz: list[float]
    value: list[float]


class Line(Wire):
    """What the envelope says of one fault of a bearing."""

    fault: FaultName
    expected_hz: float
    found_hz: float
    harmonics: list[float | None] = Field(
        description="Multiples 1, 2 … over what is around them; null where the shaft has a line"
    )
    sidebands: float | None = Field(description="Likewise, their mean; null where none belong")
    score: float = Field(description="From 1.2 on the fault is named")


class Verdict(Wire):
    """What a waveform says of one bearing, with the evidence."""

    bearing: Ref
    component: Ref
    finding: FindingName
    why: WhyName | None = Field(description="What is missing, when the rhythm can't be looked for")
    lines: list[Line]


class WaveformDetail(WaveformSummary):
    """A waveform with all that it says, computed now."""

    unit: str
    clipped: bool
    level_raised: bool
    zone_limits: list[float] | None = Field(description="Where zones B, C and D begin, mm/s")
    signal: Trace
    spectrum: Spectrum = Field(description="Peak amplitudes in the unit of the samples")
    envelope: Spectrum | None = Field(description="Of the whitened signal, 1 is its median")
    indicators: list[IndicatorValue]
    verdicts: list[Verdict]
