"""A little MQTT server for one device, without its socket: takes everything, and notes it. Pure.

What a broker would refuse is let through here, to be named instead. The device is told what the
platform would tell it, on ``ack`` and ``reject``.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import msgspec

from ingest import topics
from ingest.acks import AckTracker
from ingest.check.grader import Reply
from ingest.check.observations import (
    Acknowledged,
    Closed,
    Observation,
    Opened,
    Published,
    Refused,
    Subscribed,
)
from ingest.check.sessions import STATE
from ingest.links.endpoint import packets
from ingest.links.endpoint.packets import Connect, Promises, Unsupported
from ingest.links.endpoint.reasons import Reason
from ingest.links.endpoint.subscriptions import matches
from ingest.links.endpoint.wire import Malformed, Reader, packet_limits, read_properties, text_of

PACKET_BYTES = 4 * 1024 * 1024
_PROMISES = Promises(100, PACKET_BYTES, 16)


class Host:
    """What lasts from one connection of the device to the next.

    ``see`` takes each observation, and says what the platform would reply.
    """

    def __init__(self, device: str, see: Callable[[Observation], Reply]) -> None:
        self.device = device
        self.see = see
        self.acks = AckTracker()
        self.filters: set[str] = set()
        self.client = ""


class Witness:
    """One connection: feed it what was read, send what :meth:`outgoing` gives."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._data = b""
        self._out: list[bytes] = []
        self._connect: Connect | None = None
        self._aliases: dict[int, str] = {}
        self._packet = 0
        self.closed = False

    def outgoing(self) -> bytes:
        out, self._out = b"".join(self._out), []
        return out

    def receive(self, data: bytes, now: int) -> None:
        """Take in what was read at ``now`` (micros)."""
        self._data += data
        try:
            if self._connect is None and self._data[:1] != b"\x10":
                raise Malformed("the first packet is no CONNECT")
            while not self.closed and (limits := packet_limits(self._data, 0)) is not None:
                body, size = limits
                if size > PACKET_BYTES:
                    raise Malformed(f"a packet has {size} bytes")
                if body + size > len(self._data):
                    return
                first, content = self._data[0], self._data[body : body + size]
                self._data = self._data[body + size :]
                self._handle(first, content, now)
        except Unsupported as error:
            self._out.append(error.answer)
            self._close(now, fault=str(error))
        except Malformed as error:
            self._close(now, fault=str(error))

    def lost(self, now: int) -> None:
        """The device has hung up."""
        self._close(now)

    def _close(self, now: int, *, goodbye: bool = False, fault: str = "") -> None:
        if not self.closed:
            self.closed = True
            self._host.see(Closed(now, goodbye, fault))

    def _handle(self, first: int, body: bytes, now: int) -> None:
        kind = first >> 4
        if self._connect is None:
            self._open(packets.parse_connect(first, body), now)
            return
        v5 = self._connect.v5
        if kind == packets.PUBLISH:
            self._take(first, Reader(body), now, v5=v5)
        elif kind == packets.PUBREL:
            told = packets.parse_answer(first, body, v5=v5)
            self._out.append(packets.answer(packets.PUBCOMP, told.packet, v5=v5))
        elif kind == packets.SUBSCRIBE:
            asked = packets.parse_subscribe(first, body, v5=v5)
            self._out.append(
                packets.suback(asked.packet, [min(w.qos, 1) for w in asked.wishes], v5=v5)
            )
            for wish in asked.wishes:
                self._host.see(Subscribed(now, wish.filter, wish.qos))
                self._host.filters.add(wish.filter)
            self._tell(STATE, {"online": True, "ts": now // 1000}, retain=True)
        elif kind == packets.UNSUBSCRIBE:
            gone = packets.parse_unsubscribe(first, body, v5=v5)
            self._host.filters -= set(gone.filters)
            self._out.append(packets.unsuback(gone.packet, [0] * len(gone.filters), v5=v5))
        elif kind == packets.PINGREQ:
            self._out.append(packets.PINGRESP_PACKET)
        elif kind == packets.DISCONNECT:
            self._close(now, goodbye=True)
        elif kind not in (packets.PUBACK, packets.PUBREC, packets.PUBCOMP):
            raise Malformed(f"a packet of type {kind}, which a client does not send")

    def _open(self, connect: Connect, now: int) -> None:
        self._connect = connect
        clean = connect.clean or connect.session_expiry == 0
        will = connect.will
        self._host.see(
            Opened(
                now,
                connect.client,
                5 if connect.v5 else 4,
                clean,
                connect.keep_alive,
                connect.username or "",
                will.topic if will else "",
                will.payload if will else b"",
                bool(will and will.retain),
            )
        )
        present = not connect.clean and connect.client == self._host.client
        if not present:
            self._host.filters.clear()
        self._host.client = "" if clean else connect.client
        promises = _PROMISES if connect.client else _PROMISES._replace(assigned_client="guest")
        self._out.append(
            packets.connack(Reason.SUCCESS, v5=connect.v5, present=present, promises=promises)
        )

    def _take(self, first: int, reader: Reader, now: int, *, v5: bool) -> None:
        qos = first >> 1 & 3
        if qos == 3:
            raise Malformed("QoS 3")
        topic = text_of(reader.binary())
        packet = reader.two() if qos else 0
        given = read_properties(reader, "P") if v5 else {}
        alias = given.get("topic_alias", 0)
        if alias:
            topic = self._aliases[alias] = topic or self._aliases.get(alias, "")
        content_type = given.get("content_type", "")
        retain, again = bool(first & 1), bool(first & 8)
        seen = Published(now, topic, reader.rest(), qos, retain, again, content_type)
        reply = self._host.see(seen)
        if qos:
            kind = packets.PUBACK if qos == 1 else packets.PUBREC
            self._out.append(packets.answer(kind, packet, v5=v5))
        self._reply(reply, now)

    def _reply(self, reply: Reply, now: int) -> None:
        device = self._host.device
        for why in reply.refused[:1]:
            told = {"code": why.code, "field": why.field, "hint": why.detail}
            number = {name: why.params[name] for name in ("boot", "seq") if name in why.params}
            if self._tell(topics.build(device, topics.REJECT), told | number):
                self._host.see(Refused(now, why.code))
        for boot, seq in reply.settled:
            progress = self._host.acks.settle(device, boot, seq, seq)
            if not progress.begun:  # what came before we were there is not waited for
                [(progress, _)] = self._host.acks.begin(math.inf)
            last = progress.last
            if self._tell(topics.build(device, topics.ACK), {"boot": boot, "seq": last}):
                self._host.see(Acknowledged(now, boot, last))

    def _tell(self, topic: str, what: dict[str, object], *, retain: bool = False) -> bool:
        """Send something to the device; whether it listens there."""
        if self._connect is None or not any(matches(one, topic) for one in self._host.filters):
            return False
        self._packet = self._packet % 60_000 + 1
        payload = msgspec.json.encode(what)
        v5 = self._connect.v5
        self._out.append(packets.publish(topic, payload, 1, self._packet, v5=v5, retain=retain))
        return True
