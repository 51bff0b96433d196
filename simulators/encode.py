"""Encodes messages as the firmware contract v1 says; written apart from ``ingest`` on purpose.

A difference between the two shows in the round-trip test.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import cbor2
import msgspec
import numpy as np
from numpy.typing import NDArray

TOPIC_ROOT = "purna/v1"
_encode = msgspec.json.Encoder().encode


class Message(NamedTuple):
    """Bytes for a topic; ``ts`` is the event time (micros) of the newest thing in it."""

    topic: str
    payload: bytes
    ts: int

    @property
    def device(self) -> str:
        return self.topic.split("/")[2]


def millis(ts: int) -> int | float:
    """Micros as the contract's milliseconds; a fraction only where there is one."""
    whole, rest = divmod(ts, 1000)
    return whole if rest == 0 else ts / 1000


def telemetry(
    device: str,
    boot: str,
    seq: int,
    rows: Sequence[tuple[int, Mapping[str, float]]],
    quality: Mapping[str, int] | None = None,
) -> Message:
    """One row in the single form, several in the batch form. ``rows`` are (micros, values)."""
    body: dict[str, object] = {"boot": boot, "seq": seq}
    if len(rows) == 1:
        body["ts"], body["m"] = millis(rows[0][0]), rows[0][1]
    else:
        body["r"] = [(millis(ts), values) for ts, values in rows]
    if quality:
        body["q"] = quality
    newest = max(ts for ts, _ in rows)
    return Message(f"{TOPIC_ROOT}/{device}/telemetry", _encode(body), newest)


def event(device: str, ts: int, code: str, text: str = "") -> Message:
    """A code that the device raised."""
    body = {"ts": millis(ts), "code": code, "text": text}
    return Message(f"{TOPIC_ROOT}/{device}/event", _encode(body), ts)


def waveform(
    device: str,
    quantity: str,
    ts: int,
    rate: float,
    unit: str,
    samples: NDArray[np.int16],
    scale: float,
    speed: float,
) -> Message:
    """A block of samples in CBOR, little-endian; unnumbered, so PUBACK is what says "stored"."""
    body = {
        "ts": millis(ts),
        "rate": rate,
        "unit": unit,
        "dtype": "i2",
        "scale": scale,
        "speed": speed,
        "samples": samples.astype("<i2").tobytes(),
    }
    return Message(f"{TOPIC_ROOT}/{device}/waveform/{quantity}", cbor2.dumps(body), ts)


def status(device: str, ts: int, boot: str, firmware: str, hardware: str = "") -> Message:
    """The device is online; retained by the broker. The contract's status tells no time."""
    body = {"online": True, "boot": boot, "fw": firmware, "hw": hardware}
    return Message(f"{TOPIC_ROOT}/{device}/status", _encode(body), ts)
