"""Which decoder reads which topic. A new format is a module here and one line in the table."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from ingest import topics
from ingest.payloads import command_result, event, json_v1, status
from ingest.payloads.command_result import CommandResult
from ingest.payloads.downlink import Downlink
from ingest.payloads.status import Status
from ingest.rejects import bad
from purna.core.errors import BadPayload
from purna.core.readings import DeviceEvent, Telemetry
from purna.core.waveforms import Waveform

Decoded = Telemetry | DeviceEvent | Status | Waveform | CommandResult | Downlink | BadPayload
"""What a message can say. A ``BadPayload`` refuses a part of it: the rest is good."""

DECODERS: Mapping[str, Callable[[str, bytes], Decoded]] = {
    topics.TELEMETRY: json_v1.decode,
    topics.EVENT: event.decode,
    topics.STATUS: status.decode,
    topics.COMMAND_RESULT: command_result.decode,
}
"""By the kind of topic; a decoder gets the device's id and the payload, and is pure."""


class Decoders:
    """Reads messages of every format that is taken. Used from one thread."""

    def decode(
        self, topic: str, payload: bytes, content_type: str = "", now: int = 0
    ) -> Sequence[Decoded]:
        """What a message says.

        ``now`` is the time of its arrival (micros), for formats whose times are relative to it.

        Raises
        ------
        BadPayload
            When nothing of it can be taken; nothing else is ever raised.
        """
        device, kind = topics.parse(topic)
        decoder = DECODERS.get(kind)
        if decoder is None:
            raise bad("topic.unknown", field="topic")
        return (decoder(device, payload),)

    def device_of(self, topic: str) -> str | None:
        """The device in whose name a message on ``topic`` speaks, or None when it is none of ours.

        Whoever publishes there must be that device or its gateway.
        """
        try:
            return topics.parse(topic).device
        except BadPayload:
            return None

    def subscriptions(self, share_group: str = "") -> list[str]:
        """What an ingester subscribes to; with a group, shared among those that name it."""
        return topics.subscriptions(share_group)
