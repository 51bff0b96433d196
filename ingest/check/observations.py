"""What can be seen of a device, as values, and as the lines of a recording. Pure.

All ``at`` are micros of the observer's clock. A recording has one JSON object a line, with ``see``
for its kind and the payload in base64::

    {"see":"published","at":1732212345678000,"topic":"purna/v1/d1/telemetry","payload":"e30="}
"""

from __future__ import annotations

import msgspec

from purna.core.errors import BadInput


class Opened(msgspec.Struct, frozen=True, tag_field="see", tag="opened", omit_defaults=True):
    """A connection. ``version`` is 4 for MQTT 3.1.1 and 5; ``keep_alive`` in seconds."""

    at: int
    client: str = ""
    version: int = 4
    clean: bool = True
    keep_alive: int = 60
    username: str = ""
    will_topic: str = ""
    will_payload: bytes = b""
    will_retain: bool = False


class Subscribed(msgspec.Struct, frozen=True, tag_field="see", tag="subscribed"):
    """A wish to hear of topics, granted or not."""

    at: int
    filter: str
    qos: int = 1


class Published(msgspec.Struct, frozen=True, tag_field="see", tag="published", omit_defaults=True):
    """A message of the device. Behind a broker ``qos`` and ``retain`` are as it passes them on."""

    at: int
    topic: str
    payload: bytes
    qos: int = 1
    retain: bool = False
    again: bool = False
    content_type: str = ""


class Acknowledged(msgspec.Struct, frozen=True, tag_field="see", tag="acknowledged"):
    """The device was told that a boot's messages are stored up to this number."""

    at: int
    boot: str
    seq: int


class Refused(msgspec.Struct, frozen=True, tag_field="see", tag="refused"):
    """The device was told that a message, or a part of it, was not taken."""

    at: int
    code: str
    boot: str = ""
    seq: int = -1


class Closed(msgspec.Struct, frozen=True, tag_field="see", tag="closed", omit_defaults=True):
    """The end of a connection; ``fault`` where its bytes were no MQTT."""

    at: int
    goodbye: bool = False
    fault: str = ""


Observation = Opened | Subscribed | Published | Acknowledged | Refused | Closed

_decoder: msgspec.json.Decoder[Observation] = msgspec.json.Decoder(Observation)
_encoder = msgspec.json.Encoder()


def to_line(observation: Observation) -> bytes:
    """A line of a recording, with its end."""
    return _encoder.encode(observation) + b"\n"


def from_line(line: bytes, number: int) -> Observation:
    """What a line tells; raises BadInput (``check.recording``) with its ``number``."""
    try:
        return _decoder.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadInput(
            "check.recording",
            f"line {number} of the recording is not understood: {error}",
            line=number,
            reason=str(error),
        ) from None
