"""The topic grammar."""

from __future__ import annotations

import pytest

from ingest import topics
from purna.core.errors import BadInput, BadPayload


@pytest.mark.parametrize("kind", ["telemetry", "event", "status", "ack", "reject", "command"])
def test_what_is_built_is_parsed_back(kind: str) -> None:
    assert topics.parse(topics.build("d-1_Z", kind)) == ("d-1_Z", kind)


def test_a_format_may_follow_the_kind() -> None:
    assert topics.parse("purna/v1/d1/telemetry/senml-json") == ("d1", "telemetry/senml-json")


@pytest.mark.parametrize(
    "topic", ["", "purna", "purna/v1", "purna/v1/", "purna/v1/d1", "purna/v1/d1/", "x/v1/d1/event"]
)
def test_other_topics_are_unknown(topic: str) -> None:
    with pytest.raises(BadPayload) as caught:
        topics.parse(topic)
    assert caught.value.code == "topic.unknown"


@pytest.mark.parametrize("device", ["", "+", "#", "a b", "é", "a" * 65])
def test_an_id_that_is_none_is_named(device: str) -> None:
    with pytest.raises(BadPayload) as caught:
        topics.parse(f"purna/v1/{device}/event")
    assert caught.value.code == "topic.device"
    with pytest.raises(BadInput):
        topics.build(device, "event")


def test_subscriptions_can_be_shared() -> None:
    assert topics.subscriptions()[0] == "purna/v1/+/telemetry/#"
    assert topics.subscriptions("g")[0] == "$share/g/purna/v1/+/telemetry/#"
