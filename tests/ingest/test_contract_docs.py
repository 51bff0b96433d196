"""The firmware contract's page says what the code does."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from ingest import payloads, topics
from ingest.payloads import Decoders, limits
from ingest.rejects import hints
from ingest.settings import IngestSettings
from purna.core.errors import BadPayload

PAGE = (Path(__file__).parents[2] / "docs" / "firmware-contract.md").read_text("utf-8")
EXAMPLES = re.findall(r"```json (\S+)\n(.*?)\n```", PAGE, re.DOTALL)


def test_every_reject_code_is_documented_with_its_hint() -> None:
    documented = dict(
        re.findall(r"^\| `([a-z_0-9.]+\.[a-z_0-9]+)` \| (.*) \|$", PAGE, re.MULTILINE)
    )
    assert documented == {
        code: hint.replace("<device>", "`<device>`") for code, hint in hints().items()
    }


@pytest.mark.parametrize(("kind", "text"), EXAMPLES)
def test_every_example_is_what_it_says(kind: str, text: str) -> None:
    if kind in (topics.ACK, topics.REJECT):
        assert {"boot", "seq"} <= set(json.loads(text))
    else:
        Decoders().decode(topics.build("d1", kind), text.encode())


def test_there_are_examples_of_every_kind_and_no_unmarked_ones() -> None:
    kinds = {kind for kind, _ in EXAMPLES}
    assert kinds == {*payloads.JSON, topics.ACK, topics.REJECT}
    assert PAGE.count("```json") == len(EXAMPLES)


def test_the_reject_example_is_what_a_device_would_get() -> None:
    [text] = [text for kind, text in EXAMPLES if kind == topics.REJECT]
    example = json.loads(text)
    wrong = b'{"boot":"b1","seq":2,"ts":1732212345678,"m":{"bearing_temp":"hot"}}'
    with pytest.raises(BadPayload) as caught:
        Decoders().decode("purna/v1/d1/telemetry", wrong)
    error = caught.value
    assert example == {
        "code": error.code,
        "field": error.field,
        "hint": error.detail,
        "boot": error.params["boot"],
        "seq": error.params["seq"],
    }


def test_the_limits_are_the_codes() -> None:
    for number in (limits.MESSAGE_BYTES, limits.VALUES, limits.QUANTITIES):
        assert f"| {number:,} |" in PAGE
    assert f"| {limits.DEPTH} levels |" in PAGE
    assert IngestSettings().future_limit_s == 5 * 60
    assert f"1 to {limits.NAME_CHARS} characters" in PAGE
    assert f"up to {limits.TEXT_CHARS}." in PAGE


def test_every_topic_is_documented() -> None:
    for kind in (*payloads.JSON, topics.ACK, topics.REJECT, topics.COMMAND):
        assert f"| `{kind}` |" in PAGE
