"""Which decoder reads which topic. A new format is a module here and one line in the table."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ingest import topics
from ingest.payloads import event, json_v1, status
from ingest.payloads.status import Status
from ingest.rejects import bad
from purna.core.readings import DeviceEvent, Telemetry

Decoded = Telemetry | DeviceEvent | Status

DECODERS: Mapping[str, Callable[[str, bytes], Decoded]] = {
    topics.TELEMETRY: json_v1.decode,
    topics.EVENT: event.decode,
    topics.STATUS: status.decode,
}
"""By the kind of topic; a decoder gets the device's id and the payload, and is pure."""


def decode(topic: str, payload: bytes) -> Decoded:
    """What a message says; raises :class:`~purna.core.errors.BadPayload` and nothing else."""
    device, kind = topics.parse(topic)
    decoder = DECODERS.get(kind)
    if decoder is None:
        raise bad("topic.unknown", field="topic")
    return decoder(device, payload)
