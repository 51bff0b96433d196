"""Lets a recorded history happen again, through the front door, with its event times.

Step by step: the platform's clock moves to just before the end of the step, the step's messages
are published, and only when they are stored the clock reaches the end. So nothing is ever "in the
future", and whatever the platform does at the end of a step sees all of it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Protocol

from purna.core.clock import SECOND
from purna.core.devices import Maintenance
from simulators.encode import Message


class Recorded(Protocol):
    """What can be replayed; see ``ingest.imports.History``. Times are micros."""

    @property
    def step(self) -> int:
        """Length of a grid step."""
        ...

    def messages(self, start: int, end: int) -> Iterator[tuple[int, str, bytes]]:
        """``(ts, topic, payload)`` with ``start <= ts < end`` in time order."""
        ...

    def maintenance_between(self, start: int, end: int) -> Sequence[Maintenance]:
        """What became known with ``start <= known_at < end``."""
        ...


class Sender(Protocol):
    """Where messages go; see :class:`simulators.publish.Publisher`."""

    def publish(self, message: Message, /) -> None: ...

    def wait_stored(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Replayed:
    """What a replay has done so far; ``ts`` is where the platform's clock stands."""

    ts: int
    steps: int = 0
    messages: int = 0
    maintenance: int = 0


def replay(
    history: Recorded,
    publisher: Sender,
    start: int,
    end: int,
    move_clock: Callable[[int], None],
    on_maintenance: Callable[[Sequence[Maintenance]], None] = lambda _records: None,
    progress: Callable[[Replayed], None] = lambda _so_far: None,
    speed: float | None = None,
) -> Replayed:
    """Publish ``history`` from ``start`` to ``end`` (micros).

    Parameters
    ----------
    move_clock
        Sets the platform's virtual clock; called twice a step.
    on_maintenance
        Gets what became known in a step, before its end is reached.
    progress
        Called after every step.
    speed
        Event seconds per real second; None goes as fast as the platform stores.

    Raises
    ------
    RetryLater
        When broker or platform fall silent; the clock then stands inside the failed step, and a
        replay from there repeats that step without harm.
    """
    step = history.step
    began = time.monotonic()
    done = Replayed(start // step * step)
    messages = _Lookahead(history.messages(start, end))
    while done.ts < end:
        until = min(done.ts + step, end)
        move_clock(until - 1)
        count = 0
        for ts, topic, payload in messages.before(until):
            publisher.publish(Message(topic, payload, ts))
            count += 1
        publisher.wait_stored()
        records = history.maintenance_between(max(done.ts, start), until)
        if records:
            on_maintenance(records)
        if speed is not None:
            time.sleep(max(0.0, (until - start) / SECOND / speed - (time.monotonic() - began)))
        move_clock(until)
        done = Replayed(
            until, done.steps + 1, done.messages + count, done.maintenance + len(records)
        )
        progress(done)
    return done


class _Lookahead:
    """Gives out a time-ordered iterator piece by piece."""

    def __init__(self, messages: Iterator[tuple[int, str, bytes]]) -> None:
        self._rest = messages

    def before(self, end: int) -> Iterator[tuple[int, str, bytes]]:
        for message in self._rest:
            if message[0] >= end:
                self._rest = chain([message], self._rest)
                return
            yield message
