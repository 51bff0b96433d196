"""A block of raw samples, as one CBOR map that ends in the samples as a byte string. Pure.

    {"ts": 1732212345678, "rate": 25600, "unit": "g", "dtype": "i2", "scale": 0.000488,
     "samples": h'…'}

A device writes the short header, the five bytes that announce the byte string, and then the
samples as they lie in its memory (little-endian), without a copy of them.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ingest.payloads.json_v1 import read_numbering
from ingest.payloads.limits import (
    NAME_CHARS,
    RATE_MAX,
    RATE_MIN,
    SAMPLES_MIN,
    UNPACKED_BYTES,
)
from ingest.payloads.strict_cbor import parse_map
from ingest.payloads.strict_json import allow, number_of, text_of, time_of
from ingest.rejects import bad
from purna.core.errors import BadPayload
from purna.core.units import UNITS
from purna.core.waveforms import Samples, Waveform

_LARGEST = float(np.finfo(np.float32).max)

DTYPES: dict[str, np.dtype[Any]] = {"i2": np.dtype("<i2"), "f4": np.dtype("<f4")}


def decode(device: str, quantity: str, payload: bytes) -> Waveform:
    """The waveform in a message of ``device``.

    Raises
    ------
    BadPayload
        With the code of the firmware contract and the field; where the message tells its
        ``boot`` and ``seq``, the error's parameters have them too.
    """
    if not 0 < len(quantity) <= NAME_CHARS or "/" in quantity:
        raise bad("topic.unknown", field="topic")
    data = parse_map(payload, UNPACKED_BYTES)
    boot, seq = read_numbering(data)
    try:
        allow(
            data,
            *("ts", "rate", "unit", "dtype", "scale", "samples", "speed", "boot", "seq"),
        )
        for name in ("ts", "rate", "unit", "dtype", "samples"):
            if name not in data:
                raise bad("field.missing", field=name)
        rate = number_of(data["rate"], "rate")
        if not RATE_MIN <= rate <= RATE_MAX:
            raise bad("waveform.rate", field="rate", minimum=RATE_MIN, limit=RATE_MAX)
        speed = number_of(data.get("speed", 0.0), "speed")
        if not 0.0 <= speed <= RATE_MAX:
            raise bad("waveform.rate", field="speed", minimum=0, limit=RATE_MAX)
        unit = text_of(data, "unit", NAME_CHARS)
        if unit not in UNITS:
            raise bad("unit.unknown", field=quantity, unit=unit)
        ts, scale = time_of(data["ts"], "ts"), number_of(data.get("scale", 1.0), "scale")
        samples = _samples(data, scale)
    except BadPayload as error:
        if boot:
            error.params.update(boot=boot, seq=seq)
        raise
    return Waveform(device, quantity, ts, rate, unit, samples, scale, speed, boot, seq)


def _samples(data: dict[str, Any], scale: float) -> Samples:
    """As they were sent; times ``scale`` they are in the unit of the message."""
    dtype = DTYPES.get(text_of(data, "dtype", NAME_CHARS))
    if dtype is None:
        raise bad("waveform.dtype", field="dtype")
    raw = data["samples"]
    if not isinstance(raw, bytes):
        raise bad("field.type", field="samples", expected="a byte string")
    if len(raw) % dtype.itemsize or len(raw) < SAMPLES_MIN * dtype.itemsize:
        raise bad("waveform.length", field="samples", size=dtype.itemsize, minimum=SAMPLES_MIN)
    samples: Samples = np.frombuffer(raw, dtype)
    largest = max(abs(float(samples.min())), abs(float(samples.max())))  # NaN where there is one
    if not abs(scale) * largest <= _LARGEST:
        raise bad("value.not_finite", field="samples")
    return samples
