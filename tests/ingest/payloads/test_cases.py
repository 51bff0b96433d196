"""Every folder in ``tests/data/payloads`` is a test: topic, payload, and what comes of it."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from ingest.payloads import Decoded, Decoders, json_v1
from ingest.payloads.command_result import CommandResult
from ingest.payloads.downlink import Downlink
from ingest.payloads.status import Status
from ingest.rejects import hints
from purna.core.errors import BadPayload
from purna.core.readings import DeviceEvent, Telemetry
from purna.core.waveforms import Waveform
from tests.ingest.payloads.kit import shipped_mappings

KINDS = {
    Telemetry: "telemetry",
    DeviceEvent: "event",
    Status: "status",
    CommandResult: "command_result",
    Waveform: "waveform",
    Downlink: "downlink",
}
NOW = 1732212345678000
CASES = sorted((Path(__file__).parents[2] / "data" / "payloads").iterdir())


def outcome(topic: str, payload: bytes, content_type: str = "") -> dict[str, Any]:
    try:
        parts = [
            shown(part)
            for part in Decoders(mappings=shipped_mappings()).decode(
                topic, payload, content_type, NOW
            )
        ]
    except BadPayload as error:
        return shown(error)
    return parts[0] if len(parts) == 1 else {"parts": parts}


def shown(decoded: Decoded) -> dict[str, Any]:
    if isinstance(decoded, BadPayload):
        hinted = decoded.code in hints() and "{" not in decoded.detail  # all parameters given
        return {"error" if hinted else "no hint": {"code": decoded.code, "field": decoded.field}}
    values = asdict(decoded)
    if isinstance(decoded, Waveform):
        values["samples"] = decoded.samples.tolist()
    return {KINDS[type(decoded)]: json.loads(json.dumps(values))}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_payload_is_read_as_expected(case: Path) -> None:
    topic = (case / "topic").read_text().removesuffix("\n")
    expected = json.loads((case / "expected.json").read_text())
    content_type = case / "content_type"
    declared = content_type.read_text().strip() if content_type.exists() else ""
    assert outcome(topic, (case / "payload").read_bytes(), declared) == expected


def test_a_refusal_tells_the_number_of_the_message_where_it_can_be_read() -> None:
    with pytest.raises(BadPayload) as caught:
        json_v1.decode("d1", b'{"boot":"b7","seq":3,"ts":1732212345678,"m":{"t":"x"}}')
    assert (caught.value.params["boot"], caught.value.params["seq"]) == ("b7", 3)


def test_a_message_that_is_too_large_is_refused_unread() -> None:
    payload = b'{"ts":1732212345678,"m":{"t":1}}'.ljust(256 * 1024 + 1)
    assert outcome("purna/v1/d1/telemetry", payload)["error"]["code"] == "size.limit"
    assert "telemetry" in outcome("purna/v1/d1/telemetry", payload[:-1])
