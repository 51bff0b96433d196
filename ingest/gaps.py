"""Holes in the numbering of messages: which are old enough to be named, and what became of them.

Pure: time is an argument. ``now`` are monotonic seconds, which only decide when a hole is old
enough; ``wall`` is the platform's time in micros, which is written down.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import NamedTuple

from ingest.acks import Progress
from purna.core.readings import Gap

GAPS_PER_BOOT = 20
"""With more holes than this, the last one stands for all the rest."""


class Hole(NamedTuple):
    """Numbers ``first..last`` of which ``missing`` have not come."""

    first: int
    last: int
    missing: int

    def meets(self, first: int, last: int) -> bool:
        return self.first <= last and first <= self.last


class GapWatch:
    """Names holes that last ``after_s`` seconds. ``known`` are the open gaps of an earlier run."""

    def __init__(self, after_s: float, known: Iterable[Gap] = ()) -> None:
        self._after_s = after_s
        self._named: dict[tuple[str, str], list[Gap]] = {}
        self._fresh: dict[tuple[str, str], list[tuple[Hole, float]]] = {}  # and since when
        for gap in known:
            self._named.setdefault((gap.device, gap.boot), []).append(gap)

    @property
    def open(self) -> int:
        """How many gaps are named and not closed."""
        return sum(map(len, self._named.values()))

    def look(self, progress: Iterable[Progress], now: float, wall: int) -> list[Gap]:
        """Note the new state of some boots; the named gaps that changed."""
        changed: list[Gap] = []
        for one in progress:
            key = one.device, one.boot
            if one.ahead or key in self._named or key in self._fresh:
                holes = holes_of(one)
                changed += self._update_named(key, holes, wall)
                self._update_fresh(key, holes, now)
        return changed

    def name(self, now: float, wall: int) -> list[Gap]:
        """The holes that have become old enough, now named."""
        named: list[Gap] = []
        for key, fresh in list(self._fresh.items()):
            old = [hole for hole, since in fresh if now - since >= self._after_s]
            if old:
                gaps = [Gap(*key, *hole, opened=wall) for hole in old]
                self._named.setdefault(key, []).extend(gaps)
                self._keep_fresh(key, [(hole, at) for hole, at in fresh if hole not in old])
                named += gaps
        return named

    def forget(self, boots: Iterable[Progress], wall: int) -> list[Gap]:
        """Nothing is expected of these boots any more: their gaps, closed as they are."""
        closed: list[Gap] = []
        for one in boots:
            self._fresh.pop((one.device, one.boot), None)
            gaps = self._named.pop((one.device, one.boot), [])
            closed += [replace(gap, closed=wall) for gap in gaps]
        return closed

    def _update_named(self, key: tuple[str, str], holes: list[Hole], wall: int) -> list[Gap]:
        changed, still_open = [], []
        for gap in self._named.get(key, ()):
            missing = sum(
                min(hole.missing, min(hole.last, gap.last) - max(hole.first, gap.first) + 1)
                for hole in holes
                if hole.meets(gap.first, gap.last)
            )
            if missing != gap.missing:
                gap = replace(gap, missing=missing, closed=None if missing else wall)
                changed.append(gap)
            if gap.closed is None:
                still_open.append(gap)
        self._named.pop(key, None)
        if still_open:
            self._named[key] = still_open
        return changed

    def _update_fresh(self, key: tuple[str, str], holes: list[Hole], now: float) -> None:
        before, named = self._fresh.get(key, ()), self._named.get(key, ())
        fresh = [
            (hole, min([at for old, at in before if hole.meets(old.first, old.last)], default=now))
            for hole in holes
            if not any(hole.meets(gap.first, gap.last) for gap in named)
        ]
        self._keep_fresh(key, fresh)

    def _keep_fresh(self, key: tuple[str, str], fresh: list[tuple[Hole, float]]) -> None:
        self._fresh.pop(key, None)
        if fresh:
            self._fresh[key] = fresh


def before_the_first(progress: Progress, expected: int, wall: int) -> Gap | None:
    """What is missing before a count that began later than expected: known at once, and final."""
    missing = progress.first - expected
    if missing <= 0:
        return None
    last = progress.first - 1
    return Gap(progress.device, progress.boot, expected, last, missing, wall, closed=wall)


def holes_of(progress: Progress) -> list[Hole]:
    """The holes in front of a boot's count, the lowest first."""
    if not progress.begun:
        return []
    holes, end = [], progress.last
    for start, next_end in progress.ahead:
        holes.append(Hole(end + 1, start - 1, start - end - 1))
        end = next_end
    if len(holes) <= GAPS_PER_BOOT:
        return holes
    rest = holes[GAPS_PER_BOOT - 1 :]
    both = Hole(rest[0].first, rest[-1].last, sum(hole.missing for hole in rest))
    return [*holes[: GAPS_PER_BOOT - 1], both]
