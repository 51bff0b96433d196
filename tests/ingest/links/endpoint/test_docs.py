"""The endpoint's page says what the code does."""

from __future__ import annotations

import re
from pathlib import Path

from ingest.links.endpoint.connection import Limits
from ingest.links.endpoint.figures import MEANINGS
from ingest.links.endpoint.reasons import Reason
from ingest.links.endpoint.settings import EndpointSettings

PAGE = (Path(__file__).parents[4] / "docs" / "endpoint.md").read_text("utf-8")


def test_every_figure_is_explained() -> None:
    figures = PAGE.partition("## Figures")[2]
    assert dict(re.findall(r"^\| `([a-z]+)` \| (.*) \|$", figures, re.MULTILINE)) == MEANINGS


def test_the_limits_have_the_defaults_of_the_settings() -> None:
    told = re.findall(r"^\| `endpoint\.(\w+)` \| ([\d.]+) \|", PAGE, re.MULTILINE)
    assert len(told) >= 9
    for name, value in told:
        assert str(getattr(EndpointSettings(), name)) == value, name
    limits = Limits()
    assert f"at most {limits.connect_bytes // 1024} KiB" in PAGE
    assert f"{limits.subscriptions} subscriptions, and {limits.inflight} messages" in PAGE
    assert f"upwards {limits.topic_aliases}, downwards none" in PAGE


def test_every_setting_that_is_named_exists() -> None:
    for name in re.findall(r"`endpoint\.(\w+)", PAGE):
        assert name in EndpointSettings.model_fields, name


def test_the_reason_codes_are_those_that_can_be_sent() -> None:
    told = {int(code, 16) for code in re.findall(r"^\| 0x(\w\w) \|", PAGE, re.MULTILINE)}
    never = {Reason.UNSPECIFIED, Reason.CLIENT_IDENTIFIER_NOT_VALID}  # 3.1.1 only
    assert told == {int(one) for one in Reason if one >= Reason.UNSPECIFIED} - never
