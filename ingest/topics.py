"""The topic grammar of the firmware contract: parse, build, subscribe. Pure.

Everything of device ``<d>`` stands under ``purna/v1/<d>/``. Upwards: ``telemetry`` and
``telemetry/<format>``, ``waveform/<quantity>``, ``event``, ``status``, ``command/result``.
Downwards: ``ack``, ``reject``, ``command``.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from ingest.rejects import bad
from purna.core.devices import DEVICE_ID, checked_device_id
from purna.core.errors import BadPayload

PREFIX = "purna/v1/"
TELEMETRY, WAVEFORM, EVENT, STATUS = "telemetry", "waveform", "event", "status"
ACK, REJECT, COMMAND = "ack", "reject", "command"
COMMAND_RESULT = "command/result"


class Topic(NamedTuple):
    """A parsed topic: ``kind`` is what follows the device id, slashes included."""

    device: str
    kind: str


@lru_cache(maxsize=65_536)
def parse(topic: str) -> Topic:
    """Device and kind of a topic.

    Raises
    ------
    BadPayload
        ``topic.unknown`` when it is not ours, ``topic.device`` when the id is none.
    """
    device, slash, kind = topic.removeprefix(PREFIX).partition("/")
    if not topic.startswith(PREFIX) or not slash or not kind:
        raise bad("topic.unknown", field="topic")
    if not DEVICE_ID.fullmatch(device):
        raise bad("topic.device", field="topic")
    return Topic(device, kind)


def parse_leniently(topic: str) -> Topic:
    """:func:`parse`, with two empty texts for a topic that is none of ours."""
    try:
        return parse(topic)
    except BadPayload:
        return Topic("", "")


@lru_cache(maxsize=65_536)
def build(device: str, kind: str) -> str:
    """The topic of ``kind`` (``telemetry``, ``ack`` …) of a device."""
    return f"{PREFIX}{checked_device_id(device)}/{kind}"


def subscriptions(share_group: str = "") -> list[str]:
    """What an ingester subscribes to; with a group, shared among the ingesters that name it."""
    share = f"$share/{share_group}/" if share_group else ""
    # "/#" also covers the level above it, and with it formats that a device names in its topic.
    return [
        f"{share}{PREFIX}+/{TELEMETRY}/#",
        f"{share}{PREFIX}+/{WAVEFORM}/+",
        f"{share}{PREFIX}+/{EVENT}",
        f"{share}{PREFIX}+/{STATUS}",
        f"{share}{PREFIX}+/{COMMAND_RESULT}",
    ]
