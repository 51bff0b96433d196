"""Messages on their way from the endpoint's thread to the ingester's, in whole bursts."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable

from ingest.links.base import Received

_GROUP_BYTES = 16 * 1024 * 1024
"""No group is made larger than about this, whatever number of messages was asked for."""


class Inbox:
    """One thread puts, one takes. Nothing is locked per message.

    Parameters
    ----------
    messages, octets
        It is :attr:`full` with more than these, until half of it has been taken.
    room
        Called in the taking thread when that is so.
    """

    def __init__(self, messages: int, octets: int, room: Callable[[], None]) -> None:
        self._bounds = messages, octets
        self._room = room
        self._bursts: deque[tuple[list[Received], int]] = deque()
        self._wake = threading.Event()
        # Each of these is written by one thread only; what waits is their difference.
        self._put = self._put_octets = 0
        self._taken = self._taken_octets = 0
        self._was_full = False

    @property
    def full(self) -> bool:
        messages, octets = self._bounds
        if self.waiting > messages or self._put_octets - self._taken_octets > octets:
            self._was_full = True
        return self._was_full

    @property
    def waiting(self) -> int:
        """Messages that were put and not yet taken."""
        return self._put - self._taken

    def put(self, messages: list[Received], octets: int) -> None:
        self._put += len(messages)
        self._put_octets += octets
        self._bursts.append((messages, octets))

    def wake(self) -> None:
        """Have the taking thread look: after some puts, not after each of them."""
        if not self._wake.is_set():
            self._wake.set()

    def take(self, limit: int, timeout: float) -> list[Received]:
        """Up to ``limit`` messages; waits up to ``timeout`` seconds for the first one."""
        bursts = self._bursts
        if not bursts:
            self._wake.clear()
            if not bursts:
                self._wake.wait(timeout)
        out: list[Received] = []
        octets = 0
        while bursts and len(out) < limit and octets < _GROUP_BYTES:
            messages, size = bursts.popleft()
            room = limit - len(out)
            if len(messages) > room:
                rest = size * (len(messages) - room) // len(messages)
                bursts.appendleft((messages[room:], rest))
                messages, size = messages[:room], size - rest
            octets += size
            if out:
                out += messages
            else:
                out = messages
        self._taken += len(out)
        self._taken_octets += octets
        if self._was_full and self._half_empty():
            self._was_full = False
            self._room()
        return out

    def _half_empty(self) -> bool:
        messages, octets = self._bounds
        return (
            self.waiting <= messages // 2 and self._put_octets - self._taken_octets <= octets // 2
        )
