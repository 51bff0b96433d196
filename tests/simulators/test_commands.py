"""Simulated devices answer commands as the firmware contract says, in words of their own."""

from __future__ import annotations

import json

import pytest

from ingest.payloads import Decoders
from ingest.payloads.command_result import CommandResult, ResultState
from simulators.commands import answers


def told(name: str) -> list[CommandResult]:
    payload = json.dumps({"id": "cmd_1", "name": name, "args": {}, "expires": 1}).encode()
    decoders, results = Decoders(), []
    for topic, said in answers("d1", payload):
        (result,) = decoders.decode(topic, said)
        assert isinstance(result, CommandResult)
        assert (result.device, result.id) == ("d1", "cmd_1")
        results.append(result)
    return results


def test_what_a_device_can_do_it_does() -> None:
    assert [result.state for result in told("identify")] == [ResultState.RECEIVED, ResultState.OK]


def test_what_it_can_not_do_it_says() -> None:
    _, failed = told("make.coffee")
    assert failed.state is ResultState.FAILED
    assert "identify" in failed.text


@pytest.mark.parametrize("payload", [b"", b"{}", b"[1]", b"\xff", b'{"id": 1, "name": "ping"}'])
def test_what_is_no_command_is_not_answered(payload: bytes) -> None:
    assert not answers("d1", payload)
