"""Which numbered messages have arrived: what the platform may acknowledge to a device. Pure.

The count of a boot begins with the first number that the platform sees of it. A number is
*settled* when its message is stored, or set aside with a reject; ``last`` is the highest number
up to which everything since the first is settled, and that is what ``ack`` tells the device.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

BOOTS_PER_DEVICE = 8
"""Older boots than these are forgotten: their device has long restarted."""

RANGES_PER_BOOT = 1000
"""With more gaps than this, numbers far ahead are forgotten; ``ack`` then stays behind."""


@dataclass(frozen=True, slots=True)
class Progress:
    """The state of one boot: ``first..last`` is settled, and so are the ranges ``ahead``."""

    device: str
    boot: str
    first: int
    last: int
    ahead: tuple[tuple[int, int], ...] = ()

    def settled(self, seq: int) -> bool:
        return seq <= self.last or any(start <= seq <= end for start, end in self.ahead)

    def plus(self, seq: int) -> Progress:
        """With ``seq`` settled as well. Numbers before the first one change nothing."""
        if seq == self.last + 1 and not self.ahead:
            return Progress(self.device, self.boot, self.first, seq)
        if self.settled(seq):
            return self
        ranges = _merged([*self.ahead, (seq, seq)])
        last = self.last
        if ranges[0][0] == last + 1:
            last = ranges.pop(0)[1]
        return Progress(self.device, self.boot, self.first, last, tuple(ranges[:RANGES_PER_BOOT]))


class AckTracker:
    """The progress of all devices. ``known`` is what an earlier run had stored, oldest first."""

    def __init__(self, known: Iterable[Progress] = ()) -> None:
        self._devices: dict[str, dict[str, Progress]] = {}
        for progress in known:
            self._keep(progress)

    def get(self, device: str, boot: str) -> Progress | None:
        return self._devices.get(device, {}).get(boot)

    def settle(self, device: str, boot: str, seq: int) -> Progress:
        """Note that message ``seq`` of ``boot`` is settled; the boot's new state."""
        known = self.get(device, boot)
        progress = known.plus(seq) if known else Progress(device, boot, seq, seq)
        self._keep(progress)
        return progress

    def _keep(self, progress: Progress) -> None:
        boots = self._devices.setdefault(progress.device, {})
        boots[progress.boot] = progress
        if len(boots) > BOOTS_PER_DEVICE:
            del boots[next(iter(boots))]


def _merged(ranges: list[tuple[int, int]]) -> list[tuple[int, int]]:
    out: list[tuple[int, int]] = []
    for start, end in sorted(ranges):
        if out and start <= out[-1][1] + 1:
            out[-1] = (out[-1][0], max(out[-1][1], end))
        else:
            out.append((start, end))
    return out
