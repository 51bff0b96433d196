"""The contract for programs is current, well formed, and says what the decoders do."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given

from ingest import payloads
from ingest.commands import Command, message_of
from ingest.contract import DIALECT, SCHEMAS, asyncapi, files
from ingest.payloads import Decoders, topics
from ingest.rejects import hints
from ingest.state import state_message
from purna.core.errors import BadPayload
from purna.core.readings import Telemetry
from tests.ingest.payloads.test_properties import near_messages

ROOT = Path(__file__).parents[2]
CASES = ROOT / "tests" / "data" / "payloads"
NOW = 1732212345678000
VALIDATORS = {
    name: jsonschema_rs.Draft202012Validator({"$schema": DIALECT, **schema})
    for name, schema in SCHEMAS.items()
}
SCHEMA_OF = {
    "telemetry": "telemetry",
    "telemetry/senml-json": "senml",
    "event": "event",
    "status": "status",
    "command/result": "command_result",
}
NO_SCHEMA_SAYS = {
    "json.syntax",
    "json.duplicate_key",
    "json.depth",
    "json.encoding",
    "value.not_finite",
    "values.empty",
    "values.limit",
    "quantities.limit",
    "senml.value",
    "senml.name",
    "senml.no_number",
    "ts.range",
    "ts.microseconds",
}
"""Reasons beyond a schema: syntax, sums over a message, rules between the records of a pack."""


def json_cases() -> Iterator[tuple[str, str, bytes]]:
    for case in sorted(CASES.iterdir()):
        kind = (case / "topic").read_text().strip().removeprefix("purna/v1/").partition("/")[2]
        payload = (case / "payload").read_bytes()
        if kind in SCHEMA_OF and payload[:1] in b"{[" and not (case / "content_type").exists():
            yield case.name, kind, payload


def parts_of(kind: str, payload: bytes) -> list[Any]:
    try:
        return list(Decoders().decode(f"purna/v1/d1/{kind}", payload, now=NOW))
    except BadPayload as error:
        return [error]


def test_the_files_are_current() -> None:
    folder = ROOT / "docs" / "contract"
    there = {
        str(path.relative_to(folder)): path.read_text("utf-8") for path in folder.rglob("*.json")
    }
    assert there == files(), "run: purna contract"


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_schema_is_one(name: str) -> None:
    jsonschema_rs.meta.validate({"$schema": DIALECT, **SCHEMAS[name]})


@pytest.mark.parametrize(("name", "kind", "payload"), list(json_cases()))
def test_schemas_take_what_decoders_take_and_refuse_what_they_refuse(
    name: str, kind: str, payload: bytes
) -> None:
    refused = [one.code for one in parts_of(kind, payload) if isinstance(one, BadPayload)]
    try:
        valid = VALIDATORS[SCHEMA_OF[kind]].is_valid(json.loads(payload))
    except (ValueError, RecursionError):  # no JSON, or none that can be written
        assert refused
        return
    if refused:
        assert not valid or set(refused) & NO_SCHEMA_SAYS
    else:
        assert valid


@given(near_messages)
def test_telemetry_is_valid_exactly_if_it_is_read(message: dict[str, Any]) -> None:
    [decoded] = parts_of("telemetry", json.dumps(message).encode("utf-8", "surrogatepass"))
    try:
        valid = VALIDATORS["telemetry"].is_valid(json.loads(json.dumps(message)))
    except ValueError:  # numbers and texts that JSON has no form for
        return
    if isinstance(decoded, Telemetry):
        assert valid
    else:
        assert not valid or decoded.code in NO_SCHEMA_SAYS


def test_what_the_platform_says_is_valid() -> None:
    command = Command(
        id="c1",
        device="d1",
        name="send_waveform",
        arguments={"quantity": "vib"},
        created_by="ann",
        created_at=NOW,
        expires_at=NOW,
        timeout_s=30.0,
        retries=2,
    )
    said = {
        "ack": {"boot": "b7", "seq": 1},
        "reject": {"code": "ts.future", "field": "ts", "hint": "…", "boot": "b7", "seq": 1},
        "command": json.loads(message_of(command)[1]),
        "state": json.loads(state_message(True, NOW)),
    }
    for name, message in said.items():
        VALIDATORS[name].validate(message)
        assert not VALIDATORS[name].is_valid({**message, "x": 1})


def references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        node = list(node.values())
    if isinstance(node, list):
        for one in node:
            yield from references(one)


def test_every_reference_in_the_document_leads_somewhere() -> None:
    document = asyncapi()
    found = list(references(document))
    assert len(found) > 20
    for reference in found:
        node = document
        for key in reference.removeprefix("#/").split("/"):
            node = node[key]


def test_every_topic_of_the_contract_is_a_channel_with_its_operation() -> None:
    document = asyncapi()
    kinds = {
        channel["address"].removeprefix("purna/v1/{device}/")
        for name, channel in document["channels"].items()
        if name != "state"
    }
    up = {*payloads.JSON, *payloads.SENML, f"{topics.WAVEFORM}/{{quantity}}"}
    assert kinds == up | {topics.ACK, topics.REJECT, topics.COMMAND}
    channels = [one["channel"]["$ref"] for one in document["operations"].values()]
    assert sorted(channels) == sorted(f"#/channels/{name}" for name in document["channels"])
    for channel in document["channels"].values():
        assert not set(channel["address"]) & set("+#")  # no client may publish to such a topic
        named = set(re.findall(r"\{(\w+)\}", channel["address"]))
        assert named == set(channel.get("parameters", {}))


def test_every_code_of_a_reject_is_listed() -> None:
    assert SCHEMAS["reject"]["properties"]["code"]["enum"] == list(hints())
