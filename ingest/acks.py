"""Which numbered messages have arrived: what the platform may acknowledge to a device. Pure.

A number is *settled* when its message is stored, or set aside with a reject; ``last`` is the
highest number up to which everything since the first is settled, and that is what ``ack`` tells
the device.

Where a count begins: at 0 or 1, or right after the highest number of the boot before where a device
goes on counting. A boot that is first heard of in the middle is *not begun*: lower numbers may
still be on their way, and an ``ack`` would tell the device to forget them. After a while it begins
with the lowest number that came (:meth:`AckTracker.begin`), and what is missing before is told.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np

from purna.core.readings import Int32, Int64

BOOTS_PER_DEVICE = 8
"""Older boots than these are forgotten: their device has long restarted."""

RANGES_PER_BOOT = 1000
"""With more gaps than this, numbers far ahead are forgotten; ``ack`` then stays behind."""


NOT_BEGUN = -1


class Progress(NamedTuple):
    """The state of one boot: ``first..last`` is settled, and so are the ranges ``ahead``.

    ``first`` and ``last`` are :data:`NOT_BEGUN` while nobody knows where the count begins.
    """

    device: str
    boot: str
    first: int = NOT_BEGUN
    last: int = NOT_BEGUN
    ahead: tuple[tuple[int, int], ...] = ()

    @property
    def begun(self) -> bool:
        return self.last != NOT_BEGUN

    @property
    def highest(self) -> int:
        return self.ahead[-1][1] if self.ahead else self.last

    def plus(self, start: int, end: int) -> Progress:
        """With ``start..end`` settled as well. Numbers before the first one change nothing."""
        if end <= self.last:
            return self
        if self.begun and not self.ahead and start <= self.last + 1:
            return Progress(self.device, self.boot, self.first, end)
        ranges = tuple(_merged([*self.ahead, (start, end)])[:RANGES_PER_BOOT])
        more = self._replace(ahead=ranges)
        return more.begin() if ranges[0][0] <= max(self.last + 1, 1) else more

    def begin(self) -> Progress:
        """With its lowest range ahead joined to the count, or made the beginning of it."""
        (start, end), *ahead = self.ahead
        return self._replace(
            first=self.first if self.begun else start, last=end, ahead=tuple(ahead)
        )


class AckTracker:
    """The progress of all devices. ``known`` is what an earlier run had stored, oldest first.

    Times are monotonic seconds.
    """

    def __init__(self, known: Iterable[Progress] = (), now: float = 0.0) -> None:
        self._devices: dict[str, dict[str, Progress]] = {}
        self._heard: dict[tuple[str, str], float] = {}  # those not begun, since when
        self.forgotten: list[Progress] = []
        """Boots that are not remembered any more; whoever wants to know takes them out."""
        for progress in known:
            self._keep(progress, now)

    def all(self) -> Iterator[Progress]:
        for boots in self._devices.values():
            yield from boots.values()

    def get(self, device: str, boot: str) -> Progress | None:
        return self._devices.get(device, {}).get(boot)

    def settle(self, device: str, boot: str, first: int, last: int, now: float = 0.0) -> Progress:
        """Note that the messages ``first..last`` of ``boot`` are settled; its new state."""
        boots = self._devices.get(device)
        known = boots.get(boot) if boots else None
        if boots and known and first == known.last + 1 and first and not known.ahead:
            progress = boots[boot] = Progress(device, boot, known.first, last)  # as it should be
            return progress
        progress = (known or Progress(device, boot)).plus(first, last)
        if known is None and not progress.begun and first == self._expected(progress):
            progress = progress.begin()
        self._keep(progress, now)
        return progress

    def begin(self, before: float) -> list[tuple[Progress, int]]:
        """Begin the counts of boots that were first heard of before this time.

        Returns
        -------
        list of (progress, expected)
            ``expected`` is where the count would have begun: what is missing before ``first``
            begins there.
        """
        due = [key for key, since in self._heard.items() if since < before]
        begun = []
        for device, boot in due:
            progress = self._devices[device][boot]
            begun.append((progress.begin(), self._expected(progress)))
            self._keep(begun[-1][0], before)
        return begun

    def _expected(self, progress: Progress) -> int:
        """The first number of a boot: after the last boot's where it goes on from there, else 1."""
        before = [
            other.highest
            for other in self._devices.get(progress.device, {}).values()
            if other.boot != progress.boot
        ]
        start = progress.ahead[0][0]
        return before[-1] + 1 if before and start > before[-1] else 1

    def _keep(self, progress: Progress, now: float) -> None:
        device, boot = progress.device, progress.boot
        boots = self._devices.setdefault(device, {})
        boots[boot] = progress
        if not progress.begun:
            self._heard.setdefault((device, boot), now)
        elif self._heard:
            self._heard.pop((device, boot), None)
        if len(boots) > BOOTS_PER_DEVICE:
            oldest = boots.pop(next(iter(boots)))
            self._heard.pop((device, oldest.boot), None)
            self.forgotten.append(oldest)


def runs(streams: Int32, seqs: Int64) -> Iterator[tuple[int, int, int]]:
    """Numbers that came together: ``(stream, first, last)`` of every run without a hole."""
    if not len(streams):
        return
    order = np.lexsort((seqs, streams))
    streams, seqs = streams[order], seqs[order]
    apart = (streams[1:] != streams[:-1]) | (seqs[1:] - seqs[:-1] > 1)
    starts = np.flatnonzero(np.concatenate(([True], apart)))
    ends = np.append(starts[1:], len(seqs)) - 1
    yield from zip(
        streams[starts].tolist(), seqs[starts].tolist(), seqs[ends].tolist(), strict=True
    )


def _merged(ranges: list[tuple[int, int]]) -> list[tuple[int, int]]:
    out: list[tuple[int, int]] = []
    for start, end in sorted(ranges):
        if out and start <= out[-1][1] + 1:
            out[-1] = (out[-1][0], max(out[-1][1], end))
        else:
            out.append((start, end))
    return out
