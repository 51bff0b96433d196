"""What must hold of whatever a decoder says; AssertionError where it does not."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np

from ingest.payloads import Decoded, limits
from ingest.payloads.command_result import CommandResult
from ingest.payloads.downlink import Downlink
from ingest.payloads.status import Status
from ingest.rejects import hints
from purna.core.errors import BadPayload
from purna.core.readings import DeviceEvent, Telemetry
from purna.core.units import UNITS
from purna.core.waveforms import Waveform

_HINTS = frozenset(hints())
_PARTS = 4096


def check(parts: Iterable[Decoded]) -> None:
    """Everything is finite, of the right type, and within the limits."""
    parts = list(parts)
    assert len(parts) <= _PARTS
    for part in parts:
        match part:
            case Telemetry():
                check_telemetry(part)
            case Waveform():
                check_waveform(part)
            case BadPayload():
                check_refusal(part)
            case DeviceEvent():
                check_time(part.ts)
                assert len(part.code) <= limits.NAME_CHARS
                assert len(part.text) <= limits.TEXT_CHARS
                (part.code + part.text).encode()
            case CommandResult() | Status():
                assert len(part.device) <= limits.NAME_CHARS
            case Downlink():
                assert len(part.payload) <= 100
            case _:
                raise AssertionError(f"{type(part).__name__} is nothing that a decoder says")


def check_refusal(error: BadPayload) -> None:
    assert error.code in _HINTS
    error.detail.encode("utf-8", "surrogatepass")
    if "boot" in error.params:
        check_numbering(error.params["boot"], error.params["seq"])


def check_telemetry(message: Telemetry) -> None:
    count = 0
    names: set[str] = set()
    for ts, values in message.rows:
        check_time(ts)
        count += len(values)
        names.update(values)
        for name, value in values.items():
            assert type(name) is str
            assert type(value) in (int, float)
            assert math.isfinite(value)
    assert 0 < count <= limits.VALUES
    assert len(names) <= limits.QUANTITIES
    assert all(type(unit) is str for unit in message.units.values())
    assert all(flag in (0, 1, 2) for flag in message.quality.values())
    if message.boot:
        check_numbering(message.boot, message.seq)


def check_waveform(waveform: Waveform) -> None:
    check_time(waveform.ts)
    assert limits.RATE_MIN <= waveform.rate <= limits.RATE_MAX
    assert 0 <= waveform.speed <= limits.RATE_MAX
    assert waveform.unit in UNITS
    assert waveform.samples.dtype in (np.dtype("<i2"), np.dtype("<f4"))
    assert waveform.samples.ndim == 1
    assert len(waveform.samples) >= limits.SAMPLES_MIN
    assert np.isfinite(waveform.values).all()


def check_numbering(boot: object, seq: object) -> None:
    assert type(boot) is str
    assert 0 < len(boot) <= limits.NAME_CHARS
    boot.encode()
    assert type(seq) is int
    assert 0 <= seq <= limits.SEQ_MAX


def check_time(ts: int) -> None:
    assert type(ts) is int
    assert limits.FIRST_MS * 1000 <= ts <= limits.END_MS * 1000
