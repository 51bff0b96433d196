"""The largest inputs that are taken cost no more than their size: time and memory are bounded."""

from __future__ import annotations

import json
import time
import tracemalloc

import cbor2
import pytest

from ingest.payloads import Decoders, limits, senml
from purna.core.errors import BadPayload
from tests.fuzz.checks import check
from tests.ingest.payloads import kit

SIZE = limits.MESSAGE_BYTES
NOW = 1732212345678000
UNITS = list(senml.UNITS)


def filled(piece: bytes, start: bytes = b"", end: bytes = b"") -> bytes:
    room = SIZE - len(start) - len(end)
    return start + piece * (room // len(piece)) + end


def senml_pack(records: int) -> list[dict[str, object]]:
    return [
        {"n": f"q{number % 256}", "u": UNITS[number % len(UNITS)], "t": -number, "v": number}
        for number in range(records)
    ]


HOSTILE = {
    "brackets": ("telemetry", filled(b"[")),
    "open strings": ("telemetry", filled(b'"\\')),
    "one key": ("telemetry", filled(b'"a":1,', b'{"m":{', b'"b":1}}')),
    "many keys": (
        "telemetry",
        json.dumps({"m": {f"q{number}": 1 for number in range(20_000)}}).encode(),
    ),
    "a long number": ("telemetry", filled(b"9", b'{"ts":', b"}")),
    "a batch of nothing": ("telemetry", filled(b"[1732212345678,{}],", b'{"r":[', b"[]]}")),
    "half a message": ("telemetry", filled(b'"boot":"b","seq":1,', b"{")),
    "CBOR arrays": ("telemetry", filled(b"\x80", b"\xa1\x61m\x9a\x00\x03\xff\xf0")),
    "CBOR keys": ("telemetry", cbor2.dumps({"m": {f"q{n}": 1 for n in range(20_000)}})),
    "CBOR nothing but numbers": ("telemetry", filled(b"\x00", b"\xba\x00\x02\x00\x00")),
    "SenML in every unit": ("telemetry/senml-json", json.dumps(senml_pack(1000)).encode()),
    "SenML of texts": (
        "telemetry/senml-json",
        json.dumps([{"n": f"q{number}", "vs": "x" * 200} for number in range(1000)]).encode(),
    ),
    "SenML with many labels": (
        "telemetry/senml-cbor",
        filled(
            b"\xb7" + b"".join(b"\x62a" + bytes([65 + n]) + b"\x00" for n in range(23)),
            b"\x99\x03\xe8",
        ),
    ),
    "samples": (
        "waveform/vib",
        cbor2.dumps(
            {
                "ts": 1732212345678,
                "rate": 1e4,
                "unit": "g",
                "dtype": "f4",
                "samples": bytes(SIZE - 100),
            }
        ),
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_large_message_is_answered_in_time_and_in_little_memory(name: str) -> None:
    kind, payload = HOSTILE[name]
    assert len(payload) <= SIZE
    answered(Decoders(), f"purna/v1/d1/{kind}", payload)


@pytest.mark.parametrize(
    "payload",
    [
        filled(b"\x12\x00"),  # a hundred thousand empty metrics
        kit.payload(*(kit.metric(alias=number) for number in range(9_999)), seq=0),
        kit.payload(
            kit.bdseq(0),
            *(kit.metric(f"m{n}", n, 1732212345678, 10, kit.double(1.0)) for n in range(7_000)),
            seq=0,
        ),
        filled(b"\x0a\x00", b"\x12\xfc\xff\x0f\x4a\xf8\xff\x0f"),  # a property set of empty names
    ],
    ids=["empty metrics", "unknown aliases", "a large birth", "properties"],
)
def test_a_large_sparkplug_message_likewise(payload: bytes) -> None:
    decoders = Decoders(lambda device: kit.Registered("", {"m1"}), sparkplug=True)
    for kind in ("NBIRTH", "NDATA"):
        parts = answered(decoders, f"spBv1.0/g/{kind}/edge", payload)
        assert sum(isinstance(part, BadPayload) for part in parts) <= limits.REFUSALS


def answered(decoders: Decoders, topic: str, payload: bytes) -> list[object]:
    """Within two seconds of work, whatever else the machine does, and 64 MiB."""
    before = time.process_time()
    try:
        parts = list(decoders.decode(topic, payload, now=NOW))
        check(parts)
    except BadPayload as error:
        parts = [error]
    assert time.process_time() - before < 2.0
    tracemalloc.start()
    try:
        decoders.decode(topic, payload, now=NOW)
    except BadPayload:
        pass
    finally:
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert peak < 64 * 2**20
    return parts
