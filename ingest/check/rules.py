"""What a device is graded by: stable codes, how much each matters, what must be seen to judge it.

The texts stand in the message catalogue: ``check.<code>`` says what is wrong and what to change.
A message that the platform would refuse is graded by the refusal's own code, with its hint
(``reject.<code>``): those are rules, too, and all of them fail. ``docs/device-check.md`` lists
both.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field as field_
from enum import StrEnum

from ingest.rejects import hints


class Severity(StrEnum):
    """FAIL: it is not the contract, or something gets lost. WARN: it will hurt. HINT: it costs."""

    FAIL = "fail"
    WARN = "warn"
    HINT = "hint"


class Verdict(StrEnum):
    """What became of a rule; UNSEEN where nothing was there to judge it by."""

    PASS = "pass"  # noqa: S105
    HINT = "hint"
    WARN = "warn"
    FAIL = "fail"
    UNSEEN = "unseen"


class Needs(StrEnum):
    """What has to be seen before a rule can be said to hold."""

    CONNECTION = "connection"
    MESSAGE = "message"
    TELEMETRY = "telemetry"
    NUMBERED = "numbered"
    DELIVERY = "delivery"  # telemetry on a connection that was seen
    STATUS = "status"
    LIVE = "live"  # readings that were sent as they were measured, for a while
    PRODUCT = "product"  # telemetry, of a device whose product is known


@dataclass(frozen=True, slots=True)
class Rule:
    """One line of the table."""

    severity: Severity
    needs: Needs


_F, _W, _H = Severity.FAIL, Severity.WARN, Severity.HINT

OWN: Mapping[str, Rule] = {
    # Time
    "clock.off": Rule(_F, Needs.LIVE),
    "clock.drift": Rule(_W, Needs.LIVE),
    "clock.jump": Rule(_F, Needs.LIVE),
    # Values
    "value.range": Rule(_W, Needs.PRODUCT),
    "value.stuck": Rule(_W, Needs.PRODUCT),
    "json.bom": Rule(_F, Needs.MESSAGE),
    # Numbers
    "seq.missing": Rule(_W, Needs.TELEMETRY),
    "seq.gap": Rule(_F, Needs.NUMBERED),
    "seq.reset": Rule(_F, Needs.NUMBERED),
    "seq.conflict": Rule(_F, Needs.NUMBERED),
    "boot.reused": Rule(_F, Needs.NUMBERED),
    "ack.ignored": Rule(_F, Needs.NUMBERED),
    "reject.ignored": Rule(_F, Needs.MESSAGE),
    # MQTT
    "qos.zero": Rule(_F, Needs.DELIVERY),
    "qos.two": Rule(_W, Needs.DELIVERY),
    "retain.telemetry": Rule(_F, Needs.DELIVERY),
    "retain.status": Rule(_F, Needs.STATUS),
    "status.missing": Rule(_W, Needs.DELIVERY),
    "will.missing": Rule(_F, Needs.CONNECTION),
    "will.wrong": Rule(_F, Needs.CONNECTION),
    "keepalive.off": Rule(_F, Needs.CONNECTION),
    "keepalive.length": Rule(_W, Needs.CONNECTION),
    "session.clean": Rule(_W, Needs.CONNECTION),
    "client.random": Rule(_W, Needs.CONNECTION),
    "connect.loop": Rule(_F, Needs.CONNECTION),
    "mqtt.malformed": Rule(_F, Needs.CONNECTION),
    "subscribe.wildcard": Rule(_F, Needs.CONNECTION),
    "subscribe.other": Rule(_F, Needs.CONNECTION),
    "subscribe.none": Rule(_W, Needs.DELIVERY),
    "topic.other": Rule(_F, Needs.MESSAGE),
    "topic.platform": Rule(_F, Needs.MESSAGE),
    # Load
    "rate.limit": Rule(_F, Needs.TELEMETRY),
    "batch.small": Rule(_H, Needs.TELEMETRY),
}

_OF_PRODUCT = ("quantity.unknown", "unit.unknown", "unit.mismatch")
_NOT_THE_DEVICES = ("device.unknown", "product.unknown", "internal.error")
"""Refusals for which the firmware can do nothing."""

RULES: Mapping[str, Rule] = {
    **OWN,
    **{
        code: Rule(_F, Needs.PRODUCT if code in _OF_PRODUCT else Needs.MESSAGE)
        for code in hints()
        if code not in _NOT_THE_DEVICES
    },
}


@dataclass(frozen=True, slots=True)
class Grade:
    """The verdict on one rule, with its first example and how often it was found.

    ``params`` fill in the text of the rule; ``excerpt`` is the beginning of the message.
    """

    code: str
    verdict: Verdict
    count: int = 0
    at: int = 0
    topic: str = ""
    field: str = ""
    excerpt: str = ""
    params: Mapping[str, object] = field_(default_factory=dict)

    @property
    def text_code(self) -> str:
        """The code of its text in the message catalogue."""
        return f"check.{self.code}" if self.code in OWN else f"reject.{self.code}"
