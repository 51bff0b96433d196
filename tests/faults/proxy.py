"""A network that cuts, stalls and half-closes, wherever in the stream it happens to be.

It stands between devices and the platform, or between the ingester and its broker. There it also
gives packet ids anew, the smallest free one first, as a broker may: Mosquitto counts up and comes
back to an id after 65,535 messages, which hides what happens to an acknowledgement that comes
late. A message that is sent again keeps its id, as the protocol asks.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable

from tests.faults.packets import packets_of

Chunks = Callable[[asyncio.StreamReader], AsyncIterator[bytes]]


class Proxy:
    """Listens on :attr:`port` and forwards to ``target``, each connection until its fate.

    Parameters
    ----------
    target
        Port to forward to.
    chance
        Draws each connection's fate while :attr:`cutting` is set.
    longest
        Seconds after which a connection is cut at the latest.
    new_ids
        Give the messages from ``target`` new packet ids.
    """

    def __init__(
        self, target: int, chance: random.Random, *, longest: float, new_ids: bool = False
    ) -> None:
        self.port = 0
        self.cutting = True
        self.cuts = 0
        self._target = target
        self._chance = chance
        self._longest = longest
        self._ids = _Ids() if new_ids else None
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    def cut(self) -> None:
        """Cut all connections now."""
        for task in self._open:
            task.cancel()
            self.cuts += 1

    async def close(self) -> None:
        if self._server is not None:
            self._server.close()
        self.cut()
        await asyncio.gather(*self._open, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._open.add(task)
        far: asyncio.StreamWriter | None = None
        try:
            far_reader, far = await asyncio.open_connection("127.0.0.1", self._target)
            await self._forward(reader, writer, far_reader, far)
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            for end in (writer, far):
                if end is not None:
                    end.transport.abort()  # a cut: what is still buffered is gone
            self._open.discard(task)

    async def _forward(
        self,
        near_reader: asyncio.StreamReader,
        near: asyncio.StreamWriter,
        far_reader: asyncio.StreamReader,
        far: asyncio.StreamWriter,
    ) -> None:
        fate = _Fate(self._chance, self._longest) if self.cutting else None
        if fate and self._ids:
            fate.delay = 0.0  # it would be paid for every packet
        up, down = (self._ids.up, self._ids.down) if self._ids else (_as_read, _as_read)
        directions = [
            asyncio.create_task(_pump(up(near_reader), far, fate, upwards=True)),
            asyncio.create_task(_pump(down(far_reader), near, fate, upwards=False)),
        ]
        try:
            done, _ = await asyncio.wait(
                directions,
                timeout=fate.seconds if fate else None,
                return_when=asyncio.FIRST_COMPLETED,
            )
            if fate and fate.half_closes and done:
                await asyncio.sleep(fate.half_closes)
            self.cuts += bool(fate)
        finally:
            for task in directions:
                task.cancel()
            await asyncio.gather(*directions, return_exceptions=True)


class _Fate:
    """How one connection will end, and what it suffers before."""

    def __init__(self, chance: random.Random, longest: float) -> None:
        self.seconds = chance.uniform(0.02, longest)
        self.bytes_left = int(10 ** chance.uniform(2.5, 6)) if chance.random() < 0.5 else 2**62
        self.counts_upwards = chance.random() < 0.5
        self.half_closes = chance.uniform(0.05, 0.3) if chance.random() < 0.3 else 0.0
        self.delay = chance.uniform(0.0, 0.03) if chance.random() < 0.3 else 0.0
        self.stalls = chance.random() < 0.2  # instead of being cut at once, nothing moves

    def share(self, data: bytes, *, upwards: bool) -> bytes:
        """What of this piece still goes through."""
        if upwards != self.counts_upwards:
            return data
        part = data[: self.bytes_left]
        self.bytes_left -= len(part)
        return part


async def _pump(
    chunks: AsyncIterator[bytes], writer: asyncio.StreamWriter, fate: _Fate | None, *, upwards: bool
) -> None:
    async for data in chunks:
        part = fate.share(data, upwards=upwards) if fate else data
        if fate and fate.delay:
            await asyncio.sleep(fate.delay)
        writer.write(part)
        await writer.drain()
        if len(part) < len(data):
            assert fate is not None
            if fate.stalls:
                await asyncio.sleep(fate.seconds)
            break
    if fate and fate.half_closes:
        writer.write_eof()


async def _as_read(reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
    while data := await reader.read(65536):
        yield data


class _Ids:
    """New packet ids for what comes down, the old ones for the acknowledgements that go up."""

    def __init__(self) -> None:
        self._ours: dict[int, int] = {}  # the target's id -> the one given out
        self._theirs: dict[int, int] = {}

    async def down(self, reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
        async for packet in packets_of(reader):
            if packet.kind == "publish" and packet.id:
                if packet.id not in self._ours:
                    free = next(n for n in range(1, 65536) if n not in self._theirs)
                    self._ours[packet.id], self._theirs[free] = free, packet.id
                yield packet.with_id(self._ours[packet.id])
            else:
                yield packet.raw

    async def up(self, reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
        async for packet in packets_of(reader):
            if packet.kind == "puback":
                theirs = self._theirs.pop(packet.id, None)
                if theirs is not None:
                    del self._ours[theirs]
                    yield packet.with_id(theirs)
            else:
                yield packet.raw
