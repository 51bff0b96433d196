"""Which numbered messages have arrived: what the platform may acknowledge to a device. Pure.

The count of a boot begins with the first number that the platform sees of it. A number is
*settled* when its message is stored, or set aside with a reject; ``last`` is the highest number
up to which everything since the first is settled, and that is what ``ack`` tells the device.
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


class Progress(NamedTuple):
    """The state of one boot: ``first..last`` is settled, and so are the ranges ``ahead``."""

    device: str
    boot: str
    first: int
    last: int
    ahead: tuple[tuple[int, int], ...] = ()

    def plus(self, start: int, end: int) -> Progress:
        """With ``start..end`` settled as well. Numbers before the first one change nothing."""
        if end <= self.last:
            return self
        if start > self.last + 1 or self.ahead:
            ranges = _merged([*self.ahead, (start, end)])
            last = self.last
            if ranges[0][0] <= last + 1:
                last = ranges.pop(0)[1]
            return self._replace(last=last, ahead=tuple(ranges[:RANGES_PER_BOOT]))
        return Progress(self.device, self.boot, self.first, end)


class AckTracker:
    """The progress of all devices. ``known`` is what an earlier run had stored, oldest first."""

    def __init__(self, known: Iterable[Progress] = ()) -> None:
        self._devices: dict[str, dict[str, Progress]] = {}
        for progress in known:
            self._keep(progress)

    def get(self, device: str, boot: str) -> Progress | None:
        return self._devices.get(device, {}).get(boot)

    def settle(self, device: str, boot: str, first: int, last: int) -> Progress:
        """Note that the messages ``first..last`` of ``boot`` are settled; its new state."""
        known = self.get(device, boot)
        progress = known.plus(first, last) if known else Progress(device, boot, first, last)
        self._keep(progress)
        return progress

    def _keep(self, progress: Progress) -> None:
        boots = self._devices.setdefault(progress.device, {})
        boots[progress.boot] = progress
        if len(boots) > BOOTS_PER_DEVICE:
            del boots[next(iter(boots))]


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
