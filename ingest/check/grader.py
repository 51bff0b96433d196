"""Puts the parts together: observations in, a grade for each rule out. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from ingest import topics
from ingest.check.clocks import Clocks
from ingest.check.contents import Contents
from ingest.check.findings import Findings
from ingest.check.numbers import Numbers
from ingest.check.observations import (
    Acknowledged,
    Closed,
    Observation,
    Opened,
    Published,
    Refused,
    Subscribed,
)
from ingest.check.rules import RULES, Grade, Needs, Verdict
from ingest.check.sessions import Sessions
from purna.core.catalogue import Product
from purna.core.clock import SECOND
from purna.core.errors import BadPayload

RATE_US = 60 * SECOND
BACKLOG_US = 60 * SECOND
"""Telemetry older than this comes from a buffer: how fast that empties is nobody's concern."""


class Reply(NamedTuple):
    """What the platform would tell the device: numbers that are settled, and what is refused."""

    settled: Sequence[tuple[str, int]]
    refused: Sequence[BadPayload]


NOTHING = Reply((), ())


class Grader:
    """Grades the traffic of one device.

    Parameters
    ----------
    device
        Its id; what is published or subscribed under another one is a finding.
    product
        What it measures. Without it, quantities, units and ranges are not graded.
    rate_limit
        Messages a second that are taken for a minute.
    """

    def __init__(
        self, device: str, product: Product | None = None, *, rate_limit: float = 1000.0
    ) -> None:
        self._findings = Findings()
        self._sessions = Sessions(device, self._findings)
        self._numbers = Numbers(self._findings)
        self._clocks = Clocks(self._findings)
        self._contents = Contents(product, self._findings)
        self._product = product
        self._rate_limit = rate_limit
        self._recent: deque[tuple[int, int]] = deque()  # arrival, and moments in it
        self._messages = 0
        self._first: Published | None = None
        self._last: Observation | None = None
        self._ended = False

    def see(self, seen: Observation) -> Reply:
        """Take an observation in; what the platform would say to it."""
        self._last = seen
        if isinstance(seen, Opened):
            self._sessions.opened(seen)
        elif isinstance(seen, Subscribed):
            self._sessions.subscribes(seen)
        elif isinstance(seen, Closed):
            self._sessions.closed(seen)
        elif isinstance(seen, Acknowledged | Refused):
            self._numbers.told(seen)
        else:
            return self._message(seen)
        return NOTHING

    def grades(self) -> list[Grade]:
        """A grade for each rule, in the order of the table."""
        if not self._ended and self._last is not None:
            self._ended = True
            self._sessions.end(numbered=self._numbers.first, telemetry=self._first)
            self._numbers.end(self._last)
            self._clocks.end()
        seen = self._seen()
        return [self._grade(code, seen[rule.needs]) for code, rule in RULES.items()]

    def _message(self, seen: Published) -> Reply:
        self._messages += 1
        if not self._sessions.published(seen):
            return NOTHING
        content = self._contents.read(seen)
        if content.useless:
            self._numbers.refused(seen)
        times = [ts for part in content.telemetry for ts, _ in part.rows]
        newest = max(times) if times else None
        for boot, seq in content.numbers:
            self._numbers.numbered(seen, boot, seq, newest, self._sessions.count)
        if newest is not None:
            self._first = self._first or seen
            if not content.numbers and not _is_senml(seen):  # which has no place for them
                self._findings.note("seq.missing", seen)
            self._telemetry(seen, newest, len(set(times)))
        return Reply(content.numbers, content.refused)

    def _telemetry(self, seen: Published, newest: int, moments: int) -> None:
        self._clocks.telemetry(seen, newest)
        if newest < seen.at - BACKLOG_US:
            return
        self._recent.append((seen.at, moments))
        while self._recent[0][0] <= seen.at - RATE_US:
            self._recent.popleft()
        rate = len(self._recent) * SECOND / RATE_US
        if rate > self._rate_limit:
            self._findings.note("rate.limit", seen, rate=rate, limit=self._rate_limit)
        elif rate > 1.0 and all(count == 1 for _, count in self._recent):
            self._findings.note("batch.small", seen, rate=rate)

    def _seen(self) -> Mapping[Needs, bool]:
        sessions = self._sessions
        return {
            Needs.CONNECTION: sessions.direct,
            Needs.MESSAGE: self._messages > 0,
            Needs.TELEMETRY: self._first is not None,
            Needs.NUMBERED: self._numbers.first is not None,
            Needs.DELIVERY: sessions.direct and self._first is not None,
            Needs.STATUS: sessions.direct and sessions.statuses > 0,
            Needs.LIVE: bool(self._clocks.stretches),
            Needs.PRODUCT: self._first is not None and self._product is not None,
        }

    def _grade(self, code: str, seen: bool) -> Grade:
        found = self._findings.of(code)
        if found is None:
            return Grade(code, Verdict.PASS if seen else Verdict.UNSEEN)
        return Grade(
            code,
            found.verdict,
            self._findings.count(code),
            found.at,
            found.topic,
            found.field,
            found.excerpt,
            found.params,
        )


def _is_senml(seen: Published) -> bool:
    _, kind = topics.parse_leniently(seen.topic)
    return "senml" in kind or seen.content_type.startswith("application/senml")
