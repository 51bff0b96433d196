"""Which decoder reads which topic. A new format is a module here and one line in the table."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from ingest import topics
from ingest.payloads import (
    cbor_v1,
    command_result,
    event,
    json_v1,
    limits,
    mapping,
    senml,
    status,
    waveform,
)
from ingest.payloads.command_result import CommandResult
from ingest.payloads.compression import unpack
from ingest.payloads.downlink import Downlink
from ingest.payloads.foreign import Find
from ingest.payloads.mapping import PayloadKind, TopicMapping
from ingest.payloads.numbering import find_numbering
from ingest.payloads.sparkplug import decode as sparkplug_b
from ingest.payloads.sparkplug.nodes import Nodes
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
    f"{topics.TELEMETRY}/senml-json": senml.decode_json,
    f"{topics.TELEMETRY}/senml-cbor": senml.decode_cbor,
}
"""Formats that a topic names after the kind; their decoders get the time of arrival, too."""

_TOLD = 10_000
_OF_THE_MOMENT = (Status, Downlink)
"""What only means something when it comes."""

NUMBERED = (topics.TELEMETRY, topics.WAVEFORM)


class Decoders:
    """Reads messages of every format that is taken. Used from one thread.

    Parameters
    ----------
    find
        Looks a device up. Of foreign formats only what a registered device's product measures is
        taken, since they tell of much else. Without it everything is.
    mappings
        How foreign devices speak; the first one that knows a topic reads it.
    sparkplug
        Whether Sparkplug B is taken, under its own topics.
    """

    def __init__(
        self,
        find: Find | None = None,
        mappings: Sequence[TopicMapping] = (),
        *,
        sparkplug: bool = False,
    ) -> None:
        self._find = find
        self._mappings = mappings
        self._names = next((m for m in mappings if m.payload is PayloadKind.SPARKPLUG), None)
        self._nodes = Nodes() if sparkplug or self._names else None
        self._told: set[tuple[str, str]] = set()

    def decode(
        self,
        topic: str,
        payload: bytes,
        content_type: str = "",
        now: int = 0,
        *,
        retained: bool = False,
        replayed: bool = False,
    ) -> Sequence[Decoded]:
        """What a message says; nothing, where a foreign format tells of nothing that is measured.

        ``content_type`` tells JSON from CBOR where it is given; else the first byte does.
        ``now`` is the time of its arrival (micros), for formats whose times are relative to it;
        ``retained``, whether a broker had kept it until now; ``replayed``, whether it is an old
        message once more, which then neither changes nor relies on what is remembered of others.

        Raises
        ------
        BadPayload
            When nothing of it can be taken; nothing else is ever raised, but by ``find``. Where
            the message tells its ``boot`` and ``seq``, the error's parameters have them.
        """
        if not topic.startswith(topics.PREFIX):
            return self._decode_foreign(topic, payload, now, retained, replayed)
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
            kind += f"/senml-{declared.split('+')[1]}"  # what is behind it names the compression
        if kind in SENML:
            return SENML[kind](device, body, now)
        waveform_of = kind.removeprefix(f"{topics.WAVEFORM}/")
        if waveform_of != kind:
            return (waveform.decode(device, waveform_of, body),)
        decoder = (CBOR if _is_cbor(body, declared) else JSON).get(kind)
        if decoder is None:
            raise bad("topic.unknown", field="topic")
        return (decoder(device, body),)

    def _decode_foreign(
        self, topic: str, payload: bytes, now: int, retained: bool, replayed: bool
    ) -> Sequence[Decoded]:
        if self._nodes is not None and topic.startswith(sparkplug_b.PREFIX):
            about = sparkplug_b.parse_topic(topic)
            nodes = Nodes() if replayed else self._nodes
            said = sparkplug_b.decode(nodes, about, payload, now, self._find, self._names)
            return [part for part in said if not (replayed and isinstance(part, _OF_THE_MOMENT))]
        found = self._match(topic)
        if found is None:
            raise bad("topic.unknown", field="topic")
        parts = mapping.decode(found, payload, now, self._find, retained=retained)
        return [
            part
            for part in parts
            if self._is_news(part) and not (replayed and isinstance(part, _OF_THE_MOMENT))
        ]

    def _match(self, topic: str) -> mapping.Match | None:
        return next(filter(None, (mapping.match(one, topic) for one in self._mappings)), None)

    def _is_news(self, part: Decoded) -> bool:
        """Whether it need be said: how a device's readings get their time is said once."""
        if not isinstance(part, DeviceEvent):
            return True
        told = (part.device, part.code)
        if told in self._told:
            return False
        if len(self._told) >= _TOLD:
            self._told.clear()
        self._told.add(told)
        return True

    def device_of(self, topic: str) -> str | None:
        """The device that a topic, or a filter, is about; None when it is about none of ours.

        Whoever publishes or listens there must be that device or its gateway. In Sparkplug that
        is always the edge node.
        """
        try:
            if topic.startswith(topics.PREFIX):
                return topics.parse(topic).device
            if topic.startswith(sparkplug_b.PREFIX):
                return None if self._nodes is None else sparkplug_b.speaker(topic, self._names)
        except BadPayload:
            return None
        found = self._match(topic)
        return found.device if found else None

    def subscriptions(self, share_group: str = "") -> list[str]:
        """What an ingester subscribes to; with a group, shared among those that name it."""
        foreign = sparkplug_b.subscriptions() if self._nodes is not None else []
        foreign += [topic for one in self._mappings for topic in one.subscriptions()]
        share = f"$share/{share_group}/" if share_group else ""
        return [*topics.subscriptions(share_group), *(share + topic for topic in foreign)]


def _is_cbor(body: bytes, declared: str) -> bool:
    if declared.startswith("application/cbor"):
        return True
    # A CBOR map begins with one of these; no text in UTF-8 does.
    return not declared.startswith("application/json") and 0xA0 <= (body[:1] or b"{")[0] <= 0xBF
