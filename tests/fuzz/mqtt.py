"""Any bytes from a client: taken apart within its rights, or the connection ends with a code."""

from __future__ import annotations

from ingest.links.base import Received
from ingest.links.endpoint.access import Identity, Kind
from ingest.links.endpoint.connection import (
    Connection,
    Ended,
    Limits,
    Phase,
    Published,
    Subscribed,
)
from ingest.links.endpoint.figures import Tally
from ingest.links.endpoint.packets import Connect, Promises
from ingest.links.endpoint.reasons import Reason
from ingest.links.endpoint.session import Downlink, Session
from ingest.links.endpoint.sessions import Retained, Sessions
from tests.ingest.links.endpoint import wire

LIMITS = Limits(packet_bytes=4096, receive_maximum=50, topic_aliases=4, inflight=5)
PROMISES = Promises(50, 4096, 4)
DEVICE = Identity("d1", Kind.DEVICE, frozenset({"d1"}))
TELEMETRY, STATUS = "purna/v1/d1/telemetry", "purna/v1/d1/status"
FROM_SERVER = {
    wire.CONNACK, wire.PUBLISH, wire.PUBACK, wire.PUBREC, wire.PUBREL, wire.PUBCOMP, wire.SUBACK,
    wire.UNSUBACK, wire.PINGRESP, wire.DISCONNECT,
}  # fmt: skip
V5, OPEN, STORE = 1, 2, 4
WORDS = (
    *(b"\x00\x04MQTT\x04", b"\x00\x04MQTT\x05", b"\x00\x06MQIsdp\x03"),
    *(wire.text(TELEMETRY), wire.text("purna/v1/d1/#"), wire.text("purna/v1/+/ack")),
    *(b"\x23\x00\x01", b"\x11\xff\xff\xff\xff", b"\x03\x00\x10application/cbor", b"\x0b\x01"),
    *(b"\x62\x02\x00\x01", b"\x40\x02\x00\x01", b"\xc0\x00", b"\xe0\x00", b"\xff\xff\xff\x7f"),
)


class Client:
    """One connection and all it says; checks what must hold after every piece."""

    def __init__(self, flags: int) -> None:
        self.storing = bool(flags & STORE)
        self.sessions = Sessions(queue_limit=20)
        self.sessions.retained[STATUS] = Retained(b"{}", 1)
        self.connection = Connection(LIMITS, Tally())
        self.messages: list[Received] = []
        self.end: Ended | None = None
        self.said: list[wire.Packet] = []
        self._unsplit = b""
        if flags & OPEN:
            self.hears(wire.connect("c", "d1", "pw", v5=bool(flags & V5), clean=False))

    def hears(self, data: bytes) -> None:
        if self.end is not None:
            assert self.connection.receive(data) == []
            assert self.connection.outgoing() == b""
            return
        events = self.connection.receive(data)
        while events:
            event, events = events[0], events[1:]
            assert self.end is None, "something happens after the end"
            if isinstance(event, Connect):
                opened = self.sessions.open(DEVICE, event, 0.0)
                events += self.connection.accept(
                    DEVICE, opened.session, present=opened.present, promises=PROMISES
                )
            elif isinstance(event, Published):
                self._take(event.messages)
            elif isinstance(event, Subscribed):
                assert self.connection.session is not None
                self.sessions.subscribed(self.connection.session, event)
                self.sessions.publish(Downlink("purna/v1/d1/ack", b"1"))
            elif isinstance(event, Ended):
                self.end = event
        self._listen()
        assert self.connection.partial <= max(LIMITS.packet_bytes, LIMITS.connect_bytes) + 5
        assert (self.connection.phase is Phase.CLOSED) == (self.end is not None)

    def _take(self, messages: list[Received]) -> None:
        for message in messages:
            assert message.topic.startswith("purna/v1/d1/"), "a topic outside its rights"
            assert "+" not in message.topic
            assert "#" not in message.topic
            assert type(message.payload) is bytes
            assert message.source == "d1"
            assert message.token is None or message.token[1] != b"\0\0"
            if message.token is not None and self.storing:
                owner, packet = message.token
                owner.stored([packet])
                if isinstance(owner, Session):
                    owner.recorded(owner.take_due())
        self.messages += messages

    def _listen(self) -> None:
        """What we say is MQTT, whatever was said to us."""
        self._unsplit += self.connection.outgoing()
        while (found := wire.split(self._unsplit)) is not None:
            packet, self._unsplit = found
            assert packet.kind in FROM_SERVER
            self.said.append(packet)
        assert self._unsplit == b""


def run_mqtt(data: bytes) -> None:
    """The first byte says which version, whether CONNECT was before, and whether messages are
    stored at once; the second how the rest is cut. Whatever way, the same must come of it."""
    if len(data) < 2:
        return
    flags, size, stream = data[0], data[1] or 256, data[2:]
    whole, cut = Client(flags), Client(flags)
    whole.hears(stream)
    for at in range(0, len(stream), size):
        cut.hears(stream[at : at + size])
    if not flags & STORE:  # what is stored when decides how flow control ends
        assert [m.payload for m in cut.messages] == [m.payload for m in whole.messages]
        assert (cut.end and cut.end.reason) == (whole.end and whole.end.reason)
    for client in (whole, cut):
        if client.end is not None and client.end.reason is not Reason.SUCCESS and flags & OPEN:
            last = client.said[-1]
            assert (last.kind == wire.DISCONNECT) == bool(flags & V5)
            assert not flags & V5 or last.body[0] == client.end.reason


def mqtt_seeds() -> list[bytes]:
    out = []
    for v5 in (False, True):
        telemetry = wire.publish(TELEMETRY, b'{"ts":1}', 1, 1, v5=v5)
        stream = [
            telemetry * 3,
            wire.publish(TELEMETRY, b"x", 2, 2, v5=v5),
            wire.answer(wire.PUBREL, 2),
            wire.publish(STATUS, b"{}", 0, v5=v5, retain=True),
            wire.subscribe("purna/v1/d1/#", ("purna/v1/d1/status", 0x12 if v5 else 2), v5=v5),
            wire.answer(wire.PUBACK, 1),
            wire.unsubscribe("purna/v1/d1/#", packet_id=3, v5=v5),
            wire.ping(),
            wire.disconnect(),
        ]
        if v5:
            props = [(1, 1), (2, 9), (3, "a"), (8, "b"), (9, b"c"), (35, 1), (38, ("k", "v"))]
            stream[4:4] = [
                wire.publish(TELEMETRY, b"1", 1, 5, v5=True, props=props),
                wire.publish("", b"2", 1, 6, v5=True, props=[(35, 1)]),
                wire.answer(wire.PUBACK, 1, 0x80),
            ]
            stream[-1] = wire.disconnect(4, [(17, 0), (31, "why")])
        for cut in (0, 1, 7):
            for flags in (v5 | OPEN, v5 | OPEN | STORE):
                out.append(bytes([flags, cut]) + b"".join(stream))
            will = ("purna/v1/d1/status", b"{}", 1, True)
            props = [(17, 60), (33, 3), (39, 100), (38, ("k", "v"))]
            head = wire.connect(
                "c", "d1", "pw", v5=v5, clean=False, will=will, props=props,
                will_props=[(24, 5), (3, "a")],
            )  # fmt: skip
            out.append(bytes([v5, cut]) + head + b"".join(stream[:3]))
    return out
