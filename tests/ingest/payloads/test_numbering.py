"""The number of a message that can't be read: found where it is plain, never guessed."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.payloads.numbering import find_numbering
from ingest.payloads.strict_json import parse_object
from purna.core.errors import BadPayload
from tests.ingest.payloads.test_properties import near_messages


@pytest.mark.parametrize(
    "payload",
    [
        b'{"boot":"b7","seq":3,"m":{"t":NaN}}',
        b'{"m":{"t":1e999}, "seq" : 3 , "boot" :\n"b7" }',
        b'\xef\xbb\xbf{"boot":"b7","seq":3}',
        b'{"boot":"b7","seq":3}{}',
        b'{"boot":"b7","seq":3,"m":{"t":1',
        b'{"boot":"b7","seq":3,"x":"an end that never com',
        b'{"boot":"\\u00627","seq":3}',
        b'{"boot":"b7","seq":3,"m":{"boot":"b8","seq":4}}',
        b'{"x":"\\"boot\\":\\"b8\\",","boot":"b7","seq":3}',
        b'{"x":"boot","boot":"b7","seq":3,}',
    ],
)
def test_a_number_that_is_plain_is_found(payload: bytes) -> None:
    assert find_numbering(payload) == ("b7", 3)


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b'"boot":"b7","seq":3,',
        b'{"boot":"b7"}',
        b'{"seq":3}',
        b'{"boot":"b7","seq":3,"seq":3}',
        b'{"boot":"b7","seq":3}{"boot":"b7","seq":4}',
        b'{"boot":"b7","seq":3',  # more digits may have been meant
        b'{"boot":"b7","seq":-3}',
        b'{"boot":"b7","seq":3.5}',
        b'{"boot":"b7","seq":03}',
        b'{"boot":"b7","seq":"3"}',
        b'{"boot":"b7","seq":9007199254740993}',
        b'{"boot":"b7","seq":' + b"9" * 5000 + b"}",
        b'{"boot":"","seq":3}',
        b'{"boot":"' + b"b" * 65 + b'","seq":3}',
        b'{"boot":"\\ud800","seq":3}',
        b'{"boot":"\xff","seq":3}',
        b'{"boot":7,"seq":3}',
        b'{"m":{"boot":"b7","seq":3}}',
        b'[{"boot":"b7","seq":3}]',
        b'{"x":"' + b"x" * 1024 * 1024 + b'","boot":"b7","seq":3}',
    ],
)
def test_a_number_in_doubt_is_not_taken(payload: bytes) -> None:
    assert find_numbering(payload) is None


@given(st.binary(max_size=200) | st.text('{}[]":,\\ boteqs019', max_size=200).map(str.encode))
def test_any_bytes_have_a_usable_number_or_none(payload: bytes) -> None:
    found = find_numbering(payload)
    if found:
        boot, seq = found
        assert 0 < len(boot.encode()) <= 4 * 64
        assert 0 <= seq <= 2**53


@given(near_messages, st.booleans())
def test_what_is_found_is_what_a_strict_reader_finds(
    message: dict[str, object], plain: bool
) -> None:
    payload = json.dumps(message, ensure_ascii=plain).encode("utf-8", "surrogatepass")
    found = find_numbering(payload)
    try:
        data = parse_object(payload)
    except BadPayload:
        data = message
    if found:
        assert found == (data["boot"], data["seq"])


@pytest.mark.parametrize("piece", [b'"\\', b'\\"', b'"', b'{"boot":', b"[", b'"boot" : "', b" "])
def test_hostile_payloads_are_searched_in_one_pass(piece: bytes) -> None:
    assert find_numbering(b'{"' + piece * (2**20 // len(piece))) is None
