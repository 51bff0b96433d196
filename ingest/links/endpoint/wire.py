"""The parts that MQTT packets are made of: numbers, texts, properties. Pure.

Section numbers are those of the MQTT 5 standard (OASIS, 2019).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from ingest.links.endpoint.reasons import Reason

MAX_LENGTH = 268_435_455
"""The largest number that a length of four bytes can say (1.5.5)."""


class Malformed(Exception):
    """The other side does not keep to MQTT; ``reason`` is what a version 5 client is told."""

    def __init__(self, text: str, reason: Reason = Reason.MALFORMED_PACKET) -> None:
        super().__init__(text)
        self.reason = reason


def packet_limits(data: bytes, start: int) -> tuple[int, int] | None:
    """Where the body of the packet at ``start`` begins and how long it is (2.1.4).

    None while the length itself is incomplete. Raises Malformed when it goes on for more than
    four bytes.
    """
    length = shift = 0
    for at in range(start + 1, min(start + 5, len(data))):
        byte = data[at]
        length |= (byte & 127) << shift
        if byte < 128:
            return at + 1, length
        shift += 7
    if shift == 28:
        raise Malformed("a packet's length has more than four bytes")
    return None


class Reader:
    """Reads the body of one packet from the front; raises Malformed where it ends too early."""

    def __init__(self, data: bytes, at: int = 0) -> None:
        self._data = data
        self._at = at

    @property
    def left(self) -> int:
        return len(self._data) - self._at

    def take(self, size: int) -> bytes:
        if size > self.left:
            raise Malformed("a packet is shorter than its parts")
        self._at += size
        return self._data[self._at - size : self._at]

    def rest(self) -> bytes:
        return self.take(self.left)

    def byte(self) -> int:
        return self.take(1)[0]

    def two(self) -> int:
        return int.from_bytes(self.take(2), "big")

    def four(self) -> int:
        return int.from_bytes(self.take(4), "big")

    def length(self) -> int:
        """A number of one to four bytes (1.5.5)."""
        number = 0
        for shift in (0, 7, 14, 21):
            byte = self.byte()
            number |= (byte & 127) << shift
            if byte < 128:
                return number
        raise Malformed("a length has more than four bytes")

    def binary(self) -> bytes:
        return self.take(self.two())

    def text(self) -> str:
        """UTF-8 without U+0000 and surrogates (1.5.4)."""
        return text_of(self.binary())

    def pair(self) -> tuple[str, str]:
        return self.text(), self.text()

    def end(self) -> None:
        """Raises Malformed when something is left."""
        if self.left:
            raise Malformed("a packet is longer than its parts")


def text_of(raw: bytes) -> str:
    """A text of the wire; raises Malformed when it is none."""
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        raise Malformed("a text is not UTF-8") from error
    if "\0" in text:
        raise Malformed("a text holds U+0000")
    return text


def number(value: int, size: int) -> bytes:
    return value.to_bytes(size, "big")


def length(value: int) -> bytes:
    """A number in one to four bytes (1.5.5)."""
    out = bytearray()
    while True:
        value, digit = value >> 7, value & 127
        out.append(digit | (128 if value else 0))
        if not value:
            return bytes(out)


def binary(raw: bytes) -> bytes:
    return number(len(raw), 2) + raw


def text(value: str) -> bytes:
    return binary(value.encode())


def packet(first: int, body: bytes) -> bytes:
    return bytes([first]) + length(len(body)) + body


class Property(NamedTuple):
    """A property of MQTT 5 (2.2.2.2): how it is read, and in which packets it may stand."""

    name: str
    read: Callable[[Reader], Any]
    allowed: str


_PROPERTIES: Mapping[int, Property] = {
    # The packets: C connect, W will, P publish, A acknowledgements of publish, S subscribe,
    # U unsubscribe, D disconnect, H auth. Only what a client may send is here.
    0x01: Property("payload_format", Reader.byte, "WP"),
    0x02: Property("message_expiry", Reader.four, "WP"),
    0x03: Property("content_type", Reader.text, "WP"),
    0x08: Property("response_topic", Reader.text, "WP"),
    0x09: Property("correlation_data", Reader.binary, "WP"),
    0x0B: Property("subscription_identifier", Reader.length, "S"),
    0x11: Property("session_expiry", Reader.four, "CD"),
    0x15: Property("authentication_method", Reader.text, "CH"),
    0x16: Property("authentication_data", Reader.binary, "CH"),
    0x17: Property("request_problem", Reader.byte, "C"),
    0x18: Property("will_delay", Reader.four, "W"),
    0x19: Property("request_response", Reader.byte, "C"),
    0x1F: Property("reason_string", Reader.text, "ADH"),
    0x21: Property("receive_maximum", Reader.two, "C"),
    0x22: Property("topic_alias_maximum", Reader.two, "C"),
    0x23: Property("topic_alias", Reader.two, "P"),
    0x26: Property("user_property", Reader.pair, "CWPASUDH"),
    0x27: Property("maximum_packet_size", Reader.four, "C"),
}

_AT_MOST_ONE = {"payload_format", "request_problem", "request_response"}
_NEVER_ZERO = {"receive_maximum", "maximum_packet_size", "subscription_identifier"}


def read_properties(reader: Reader, packet_letter: str) -> dict[str, Any]:
    """The properties at the reader's place, by name; user properties are checked and left out.

    Raises
    ------
    Malformed
        For one that is unknown, stands twice, in the wrong packet, or has a forbidden value.
    """
    found: dict[str, Any] = {}
    inside = Reader(reader.take(reader.length()))
    while inside.left:
        known = _PROPERTIES.get(inside.length())
        if known is None or packet_letter not in known.allowed:
            raise Malformed("a property is unknown or in the wrong packet")
        value = known.read(inside)
        name = known.name
        if name == "user_property":
            continue
        if (
            name in found
            or (name in _AT_MOST_ONE and value > 1)
            or (name in _NEVER_ZERO and value == 0)
        ):
            raise Malformed(f"the property {name} is given wrongly", Reason.PROTOCOL_ERROR)
        found[name] = value
    return found


def properties(parts: Sequence[bytes]) -> bytes:
    """A block of properties; each part begins with its identifier."""
    block = b"".join(parts)
    return length(len(block)) + block
