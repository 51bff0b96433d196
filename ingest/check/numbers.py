"""How a device numbers its messages, and whether it heeds ``ack`` and ``reject``. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import blake2b
from itertools import pairwise

from ingest.check.findings import Findings
from ingest.check.observations import Acknowledged, Observation, Published, Refused
from purna.core.clock import SECOND

GAP_US = 30 * SECOND
HEED_US = 2 * SECOND
"""A device that has just been told something may have sent the message before it heard."""
TIMES = 3
"""So often something told is not heeded before it is called that."""

REMEMBERED = 100_000


@dataclass(slots=True)
class _Boot:
    """The messages of one boot: their content by number, and the youngest time among them."""

    seen: dict[int, bytes] = field(default_factory=dict)
    arrived: dict[int, int] = field(default_factory=dict)
    highest: int = -1
    newest: int = -(2**63)
    connection: int = 0
    acked: int = -1
    acked_at: int = 0
    ignored: int = 0


class Numbers:
    """Watches ``boot`` and ``seq`` of one device."""

    def __init__(self, findings: Findings) -> None:
        self._findings = findings
        self._boots: dict[str, _Boot] = {}
        self._latest = ""
        self._refused: dict[bytes, list[int]] = {}
        self._told_refused_at: int | None = None
        self.first: Published | None = None

    def numbered(
        self, seen: Published, boot: str, seq: int, newest: int | None, connection: int
    ) -> None:
        """A message with its number.

        ``newest`` is the youngest time in it (micros), or None where it tells none that is
        believed; ``connection`` counts the connections.
        """
        self.first = self.first or seen
        digest = _digest(seen.payload)
        known = self._boots.setdefault(boot, _Boot(connection=connection))
        if known.seen.get(seq) == digest:
            if digest not in self._refused:  # that is told by a rule of its own
                self._check_heeded(seen, boot, known, seq)
            return
        latest = self._boots.get(self._latest)
        if newest is None:
            newest = max(known.newest, latest.newest if latest else known.newest)
        if latest is not None and boot != self._latest and known.seen and newest > latest.newest:
            # A boot that was over goes on: what an older boot has left would be older, too.
            self._findings.note("boot.reused", seen, boot=boot)
            self._begin_anew(known)
        elif seq < known.highest and newest > known.newest:
            code = "boot.reused" if connection != known.connection else "seq.reset"
            self._findings.note(code, seen, boot=boot, seq=seq, highest=known.highest)
            self._begin_anew(known)
        elif seq in known.seen:
            self._findings.note("seq.conflict", seen, boot=boot, seq=seq)
        if latest is None or newest >= latest.newest:
            self._latest = boot
        known.seen[seq], known.arrived[seq] = digest, seen.at
        known.connection = connection
        known.highest, known.newest = max(known.highest, seq), max(known.newest, newest)
        if len(known.seen) > REMEMBERED:
            oldest = min(known.seen)
            del known.seen[oldest], known.arrived[oldest]

    def refused(self, seen: Published) -> None:
        """A message of which nothing could be taken."""
        times = self._refused.setdefault(_digest(seen.payload), [])
        times.append(seen.at)
        told = self._told_refused_at
        if len(times) == TIMES and told is not None and seen.at - told >= HEED_US:
            self._findings.note("reject.ignored", seen, count=TIMES)
        if len(self._refused) > REMEMBERED:
            self._refused.clear()

    def told(self, seen: Acknowledged | Refused) -> None:
        """What the platform has told the device."""
        if isinstance(seen, Refused):
            if self._told_refused_at is None:
                self._told_refused_at = seen.at
        elif seen.boot in self._boots and seen.seq > self._boots[seen.boot].acked:
            known = self._boots[seen.boot]
            known.acked, known.acked_at = seen.seq, seen.at

    def end(self, last: Observation) -> None:
        """Name the holes that stayed open."""
        for boot, known in self._boots.items():
            numbers = sorted(known.seen)
            for before, after in pairwise(numbers):
                if after > before + 1 and last.at - known.arrived[after] >= GAP_US:
                    first, end = before + 1, after - 1
                    self._findings.note("seq.gap", last, "seq", boot=boot, first=first, last=end)

    def _check_heeded(self, seen: Published, boot: str, known: _Boot, seq: int) -> None:
        """A message came again. After a restart, a device may not know what was acknowledged."""
        if boot == self._latest and seq <= known.acked and seen.at - known.acked_at >= HEED_US:
            known.ignored += 1
            if known.ignored == TIMES:
                self._findings.note("ack.ignored", seen, boot=boot, seq=seq, acked=known.acked)

    @staticmethod
    def _begin_anew(known: _Boot) -> None:
        known.seen.clear()
        known.arrived.clear()
        known.highest, known.acked = -1, -1


def _digest(payload: bytes) -> bytes:
    return blake2b(payload, digest_size=8).digest()
