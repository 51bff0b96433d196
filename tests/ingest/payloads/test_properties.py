"""Whatever comes in, a decoder answers with a value or a refusal."""

from __future__ import annotations

import gzip
import json
import math
from collections.abc import Callable

import cbor2
import numpy as np
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from ingest.payloads import Decoders, senml
from ingest.payloads.compression import unpack
from ingest.payloads.numbering import find_numbering
from ingest.rejects import hints
from purna.core.errors import BadPayload
from purna.core.readings import DeviceEvent, Telemetry
from purna.core.waveforms import Waveform

KINDS = st.sampled_from(["telemetry", "event", "status", "command/result"])

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=12,
)
near_times = st.one_of(
    st.integers(10**11, 4 * 10**12 - 1),
    st.floats(1e11, 4e12),
    st.sampled_from([0, 1732212345, 1732212345678, 10**18, -5, "x", None, True]),
)
near_values = st.dictionaries(
    st.sampled_from(["a", "b", 'q"', "ü", "\\"]),
    st.one_of(st.floats(allow_nan=False, allow_infinity=False), st.integers(), json_values),
    max_size=3,
)
near_messages = st.fixed_dictionaries(
    {},
    optional={
        "boot": st.sampled_from(["b7", "", "\\u0041", 'b"', 7, "x" * 65]),
        "seq": st.sampled_from([0, 1, -1, 2**53, 2**53 + 1, 1.0, True, "1"]),
        "ts": near_times,
        "m": near_values,
        "r": st.lists(st.tuples(near_times, near_values), max_size=3),
        "u": st.dictionaries(st.sampled_from(["a", "b"]), st.sampled_from(["K", 1])),
        "q": st.dictionaries(st.sampled_from(["a", "b"]), st.sampled_from([0, 1, 2, 3, True])),
        "x": st.none(),
    },
)


def zstd(body: bytes) -> bytes:
    return zstandard.compress(body)


def read(kind: str, payload: bytes) -> object:
    try:
        [decoded] = Decoders().decode(f"purna/v1/d1/{kind}", payload)
        return decoded
    except BadPayload as error:
        return error.code if error.code in hints() else f"no hint for {error.code}"


def read_all(kind: str, payload: bytes) -> list[object]:
    """Parts, refusals as their codes."""
    try:
        parts = Decoders().decode(f"purna/v1/d1/{kind}", payload, now=1732212345678000)
    except BadPayload as error:
        parts = [error]
    refused = [part.code for part in parts if isinstance(part, BadPayload)]
    assert set(refused) <= set(hints())
    return [part for part in parts if not isinstance(part, BadPayload)] + refused


@given(KINDS, st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(kind: str, payload: bytes) -> None:
    assert not str(read(kind, payload)).startswith("no hint")


@given(KINDS, st.sampled_from([b"\xa1", b"\xa4", b"\x1f\x8b", b"\x28\xb5\x2f\xfd"]), st.binary())
def test_what_begins_like_a_format_is_read_or_refused(kind: str, start: bytes, rest: bytes) -> None:
    assert not str(read(kind, start + rest)).startswith("no hint")


@given(KINDS | st.just("waveform/vib"), json_values)
def test_any_cbor_is_read_or_refused(kind: str, value: object) -> None:
    assert not str(read(kind, cbor2.dumps(value))).startswith("no hint")


@given(near_messages)
def test_cbor_says_the_same_as_json(message: dict[str, object]) -> None:
    in_json = read("telemetry", json.dumps(message).encode())
    in_cbor = read("telemetry", cbor2.dumps(message))
    if isinstance(in_json, Telemetry) and in_cbor != "cbor.syntax":  # a number above 64 bits
        assert in_cbor == in_json
    else:
        assert not isinstance(in_cbor, Telemetry)


@given(near_messages, st.integers(0, 400))
def test_the_number_of_a_broken_message_is_none_or_right(
    message: dict[str, object], cut: int
) -> None:
    found = find_numbering(cbor2.dumps(message)[:cut])
    assert found is None or found == (message.get("boot"), message.get("seq"))


@given(st.binary(max_size=3000), st.integers(1, 40), st.sampled_from([gzip.compress, zstd]))
def test_what_is_packed_is_unpacked_whole_or_not_at_all(
    body: bytes, cut: int, pack: Callable[[bytes], bytes]
) -> None:
    packed = pack(body)
    assert unpack(packed) == body
    for wrong in (packed[: max(4, len(packed) - cut)], packed + b"x" * cut):
        with pytest.raises(BadPayload, match=r"not valid (gzip|zstd)"):
            unpack(wrong)


@given(
    st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False), min_size=16, max_size=99),
    st.floats(0.1, 1e6),
)
def test_samples_come_back_as_they_were(samples: list[float], rate: float) -> None:
    block = np.array(samples, "<f4")
    header = {"ts": 1732212345678, "rate": rate, "unit": "g", "dtype": "f4"}
    decoded = read("waveform/vib", cbor2.dumps(header | {"samples": block.tobytes()}))
    assert isinstance(decoded, Waveform)
    assert (decoded.rate, decoded.samples.tolist()) == (rate, samples)


records = st.lists(
    st.fixed_dictionaries(
        {},
        optional={
            "bn": st.sampled_from(["d1/", "urn:dev:mac:00:", "", 1]),
            "bt": st.sampled_from([1.7e9, 0, -1e300, 1e300, "x"]),
            "bu": st.sampled_from(["Cel", "zorkmid"]),
            "bver": st.sampled_from([5, 11]),
            "n": st.sampled_from(["temp", "d1", "a/b", " ", 7]),
            "u": st.sampled_from(["K", "m/s2"]),
            "v": st.floats() | st.integers() | st.text(max_size=2),
            "vs": st.text(max_size=3),
            "vb": st.booleans() | st.integers(),
            "s": st.floats(),
            "t": st.floats(),
            "x_": st.none(),
        },
    )
    | json_values,
    max_size=6,
)
LABELS = {name: label for label, name in senml._LABELS.items()}


@given(records)
def test_any_senml_is_read_or_refused_alike_in_json_and_cbor(pack: list[object]) -> None:
    in_json = read_all("telemetry/senml-json", json.dumps(pack).encode())
    labelled = [
        {LABELS.get(name, name): value for name, value in record.items()}
        if isinstance(record, dict)
        else record
        for record in pack
    ]
    in_cbor = read_all("telemetry/senml-cbor", cbor2.dumps(labelled))
    for parts in (in_json, in_cbor):
        for part in parts:
            if isinstance(part, Telemetry):
                assert all(math.isfinite(v) for _, values in part.rows for v in values.values())
                assert sum(len(values) for _, values in part.rows) <= 1000
    taken = [part for part in in_json if isinstance(part, Telemetry)]
    if taken and "cbor.syntax" not in in_cbor:
        assert taken == [part for part in in_cbor if isinstance(part, Telemetry)]


@given(KINDS, json_values)
def test_any_json_is_read_or_refused(kind: str, value: object) -> None:
    assert not str(read(kind, json.dumps(value).encode())).startswith("no hint")


@given(st.text(max_size=60))
def test_any_topic_is_read_or_refused(topic: str) -> None:
    try:
        Decoders().decode(topic, b"{}")
    except BadPayload:
        return
    raise AssertionError("an empty object is no message")


@given(near_messages, st.booleans(), st.integers(0, 400), st.binary(max_size=2))
def test_nearly_right_messages_are_read_or_refused(
    message: dict[str, object], plain: bool, at: int, noise: bytes
) -> None:
    payload = json.dumps(message, ensure_ascii=plain).encode("utf-8", "surrogatepass")
    broken = payload[:at] + noise + payload[at:]
    for candidate in (payload, broken, payload + payload[1:]):
        result = read("telemetry", candidate)
        assert not str(result).startswith("no hint")
        if isinstance(result, Telemetry):
            assert all(math.isfinite(v) for _, values in result.rows for v in values.values())
            assert all(isinstance(ts, int) and 10**14 <= ts < 10**16 for ts, _ in result.rows)


@given(
    st.integers(10**11, 4 * 10**12 - 1),
    st.dictionaries(
        st.text(st.characters(codec="utf-8"), min_size=1, max_size=8),
        st.floats(allow_nan=False, allow_infinity=False),
        min_size=1,
        max_size=5,
    ),
)
def test_what_a_device_meant_is_what_is_read(ts: int, values: dict[str, float]) -> None:
    payload = json.dumps({"boot": "b7", "seq": 1, "ts": ts, "m": values}).encode()
    assert read("telemetry", payload) == Telemetry("d1", [(ts * 1000, values)], "b7", 1)


@given(st.integers(10**11, 4 * 10**12 - 1), st.text(min_size=1, max_size=64), st.text(max_size=99))
def test_what_an_event_says_is_what_is_read(ts: int, code: str, text: str) -> None:
    payload = json.dumps({"ts": ts, "code": code, "text": text}).encode()
    result = read("event", payload)
    try:
        (code + text).encode()
    except UnicodeEncodeError:
        assert result == "json.encoding"
    else:
        assert result == DeviceEvent("d1", ts * 1000, "event", code, text)
