"""Which decoder reads which topic. A new format is a module here and one line in the table."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from ingest import topics
from ingest.payloads import cbor_v1, command_result, event, json_v1, limits, senml, status, waveform
from ingest.payloads.command_result import CommandResult
from ingest.payloads.compression import unpack
from ingest.payloads.downlink import Downlink
from ingest.payloads.numbering import find_numbering
from ingest.payloads.status import Status
from ingest.payloads.strict_cbor import parse_map
from ingest.rejects import bad
from purna.core.errors import BadPayload
from purna.core.readings import DeviceEvent, Telemetry
from purna.core.waveforms import Waveform

Decoded = Telemetry | DeviceEvent | Status | Waveform | CommandResult | Downlink | BadPayload
"""What a message can say. A ``BadPayload`` refuses a part of it: the rest is good."""

Decoder = Callable[[str, bytes], Decoded]

JSON: Mapping[str, Decoder] = {
    topics.TELEMETRY: json_v1.decode,
    topics.EVENT: event.decode,
    topics.STATUS: status.decode,
    topics.COMMAND_RESULT: command_result.decode,
}
"""By the kind of topic; a decoder gets the device's id and the payload, and is pure."""

CBOR: Mapping[str, Decoder] = {
    topics.TELEMETRY: cbor_v1.decode,
    topics.EVENT: partial(event.decode, parse=parse_map),
    topics.STATUS: partial(status.decode, parse=parse_map),
    topics.COMMAND_RESULT: partial(command_result.decode, parse=parse_map),
}

SENML: Mapping[str, Callable[[str, bytes, int], Sequence[Decoded]]] = {
    f"{topics.TELEMETRY}/senml+json": senml.decode_json,
    f"{topics.TELEMETRY}/senml+cbor": senml.decode_cbor,
}
"""Formats that a topic names after the kind; their decoders get the time of arrival, too."""

NUMBERED = (topics.TELEMETRY, topics.WAVEFORM)


class Decoders:
    """Reads messages of every format that is taken. Used from one thread."""

    def decode(
        self, topic: str, payload: bytes, content_type: str = "", now: int = 0
    ) -> Sequence[Decoded]:
        """What a message says.

        ``content_type`` tells JSON from CBOR where it is given; else the first byte does.
        ``now`` is the time of its arrival (micros), for formats whose times are relative to it.

        Raises
        ------
        BadPayload
            When nothing of it can be taken; nothing else is ever raised. Where the message tells
            its ``boot`` and ``seq``, the error's parameters have them.
        """
        device, kind = topics.parse(topic)
        if len(payload) > limits.MESSAGE_BYTES:
            raise bad("size.limit", size=len(payload), limit=limits.MESSAGE_BYTES)
        body = unpack(payload, content_type)
        try:
            return self._decode(device, kind, body, content_type, now)
        except BadPayload as error:
            if kind.partition("/")[0] in NUMBERED and "boot" not in error.params:
                numbering = find_numbering(body)
                if numbering:
                    error.params.update(boot=numbering[0], seq=numbering[1])
            raise

    def _decode(
        self, device: str, kind: str, body: bytes, content_type: str, now: int
    ) -> Sequence[Decoded]:
        declared = content_type.partition(";")[0].strip().lower()
        if kind == topics.TELEMETRY and declared.startswith("application/senml+"):
            kind += f"/senml+{declared.split('+')[1]}"  # what is behind it names the compression
        if kind in SENML:
            return SENML[kind](device, body, now)
        waveform_of = kind.removeprefix(f"{topics.WAVEFORM}/")
        if waveform_of != kind:
            return (waveform.decode(device, waveform_of, body),)
        decoder = (CBOR if _is_cbor(body, declared) else JSON).get(kind)
        if decoder is None:
            raise bad("topic.unknown", field="topic")
        return (decoder(device, body),)

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


def _is_cbor(body: bytes, declared: str) -> bool:
    if declared.startswith("application/cbor"):
        return True
    # A CBOR map begins with one of these; no text in UTF-8 does.
    return not declared.startswith("application/json") and 0xA0 <= (body[:1] or b"{")[0] <= 0xBF
