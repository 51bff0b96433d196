"""Devices under load: numbered messages over real sockets, and a record of what was acknowledged.

A device sends message after message, each with one reading whose value is the message's number, at
most :data:`WINDOW` of them unanswered. A message stays in its buffer until it is safe, and whatever
is in the buffer is sent again after a reconnect, under new packet ids and in another order, so
that an acknowledgement that belongs to an older connection hits another message.

The record lives in the harness, which nobody kills.
"""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

import cbor2

from tests.faults.packets import Packet, connect, packets_of, puback, publish, subscribe

Promise = Literal["puback", "ack"]
"""What frees a message: our endpoint's PUBACK, or the platform's ``ack`` behind a broker."""

POISON_EVERY = 50
WAVEFORM_EVERY = 50
RATE = 500.0
"""New messages a second and device, as long as the window allows."""
WINDOW = 200
_PAUSE_S = 0.02
_TICK_S = 0.005
_RESEND_AFTER_S = 2.0


@dataclass
class Record:
    """What one device sent and heard. Numbers of messages."""

    device: str
    sent: int = 0  # 0..sent-1 have been sent at least once
    accepted: set[int] = field(default_factory=set)  # by PUBACK
    promised: int = -1  # the highest ``ack``: all up to it
    acks: int = 0
    reconnects: int = 0

    def acknowledged(self, promise: Promise) -> set[int]:
        return self.accepted if promise == "puback" else set(range(self.promised + 1))


def is_poison(number: int) -> bool:
    """Such a message names a quantity that its product has not: it belongs in the quarantine."""
    return number % POISON_EVERY == POISON_EVERY - 1


def is_waveform(number: int) -> bool:
    """Such a message is a block of samples; they go into another file than readings."""
    return number % WAVEFORM_EVERY == WAVEFORM_EVERY // 2


class Sender:
    """One device. ``start`` (micros) is the time of its reading number 0; one each millisecond."""

    def __init__(
        self,
        device: str,
        port: int,
        start: int,
        chance: random.Random,
        *,
        frees: Promise,
        again_at_once: int,
        password: str = "",
    ) -> None:
        self.record = Record(device)
        self.port = port
        self.paused = False
        self._start = start
        self._chance = chance
        self._frees = frees
        self._again_at_once = again_at_once
        self._password = password
        self._buffer: dict[int, None] = {}  # numbers that are not safe yet
        self._unanswered: dict[int, int] = {}  # packet id -> number
        self._again: list[int] = []  # of the buffer, what is still to be sent again
        self._freed_at = time.monotonic()
        self._writer: asyncio.StreamWriter | None = None

    @property
    def done(self) -> bool:
        """Nothing is left that is not safe."""
        return not self._buffer

    async def run(self) -> None:
        """Send until cancelled."""
        while True:
            try:
                await self._session()
            except (OSError, asyncio.IncompleteReadError):
                self.record.reconnects += 1
            finally:
                if self._writer is not None:
                    self._writer.close()
            await asyncio.sleep(_PAUSE_S)

    async def _session(self) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        self._writer = writer
        device = self.record.device
        writer.write(connect(device, device if self._password else "", self._password))
        writer.write(subscribe(1, [f"purna/v1/{device}/ack"]))
        incoming = packets_of(reader)
        await anext(incoming)  # CONNACK
        await anext(incoming)  # SUBACK
        self._unanswered.clear()
        self._again = list(self._buffer)
        self._chance.shuffle(self._again)
        if self.record.promised < 0:
            self._again.sort()  # the count of a boot begins with the first number that is seen
        sending = asyncio.create_task(self._send_due())
        try:
            async for packet in incoming:
                self._take(packet)
        finally:
            sending.cancel()

    def _take(self, packet: Packet) -> None:
        if packet.kind == "puback":
            number = self._unanswered.pop(packet.id, None)
            if number is None:
                return
            self.record.accepted.add(number)
            if self._frees == "puback":
                self._free([number])
        elif packet.kind == "publish":
            if packet.id and self._writer is not None:
                self._writer.write(puback(packet.id))
            self.record.acks += 1
            seq = int(json.loads(packet.payload)["seq"])
            if seq > self.record.promised:
                if self._frees == "ack":
                    self._free(range(self.record.promised + 1, seq + 1))
                self.record.promised = seq

    def _free(self, numbers: Sequence[int]) -> None:
        self._freed_at = time.monotonic()
        for number in numbers:
            self._buffer.pop(number, None)

    async def _send_due(self) -> None:
        due, before = 0.0, time.monotonic()
        while True:
            await asyncio.sleep(_TICK_S)
            now = time.monotonic()
            if self._frees == "ack" and self._buffer and now - self._freed_at > _RESEND_AFTER_S:
                self._freed_at, self._again = now, sorted(self._buffer)
            again = self._again[: self._again_at_once]
            del self._again[: self._again_at_once]
            self._send([number for number in again if number in self._buffer])
            due = min(due + (now - before) * RATE, WINDOW)
            before = now
            room = WINDOW - len(self._buffer)
            count = 0 if self.paused or self._again else max(0, min(int(due), room))
            due -= count
            new = range(self.record.sent, self.record.sent + count)
            self.record.sent += count
            self._buffer.update(dict.fromkeys(new))
            self._send(new)
            if self._writer is not None:
                await self._writer.drain()

    def _send(self, numbers: Sequence[int]) -> None:
        if self._writer is None:
            return
        free = self._free_ids()
        out = []
        for number in numbers:
            packet = next(free)
            self._unanswered[packet] = number
            out.append(publish(self._topic(number), self._payload(number), packet))
        self._writer.write(b"".join(out))

    def _free_ids(self) -> Iterator[int]:
        """The smallest ids that are free: they are used again as soon as the protocol allows."""
        return (packet for packet in range(1, 65536) if packet not in self._unanswered)

    def _topic(self, number: int) -> str:
        kind = "waveform/vib" if is_waveform(number) else "telemetry"
        return f"purna/v1/{self.record.device}/{kind}"

    def _payload(self, number: int) -> bytes:
        ts = (self._start + number * 1000) / 1000
        if is_waveform(number):
            return cbor2.dumps(
                {
                    "boot": "b1",
                    "seq": number,
                    "ts": ts,
                    "rate": 1000,
                    "unit": "m/s2",
                    "dtype": "i2",
                    "samples": number.to_bytes(4, "little") * 64,
                }
            )
        quantity = "unheard_of" if is_poison(number) else "q0"
        return b'{"boot":"b1","seq":%d,"ts":%.3f,"m":{"%s":%d}}' % (
            number,
            ts,
            quantity.encode(),
            number,
        )
