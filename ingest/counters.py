"""What became of the messages, in numbers.

At every moment ``received = stored + duplicates + quarantined + shed``, in messages: a message is
*shed* when its device sends more than it may, *stored* when anything in it was new, else
*quarantined* when anything in it was refused, else a *duplicate*. A message counts when its fate is
on disk, not when it arrives. One that leaves the quarantine later counts as *replayed* besides.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate

import msgspec
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

NAMES: Mapping[str, str] = {
    "received": "Messages whose fate is settled",
    "stored": "Messages with something new in them",
    "duplicates": "Messages that brought nothing new",
    "quarantined": "Messages of which nothing could be taken",
    "shed": "Messages not taken because their device sent too many",
    "replayed": "Messages that left the quarantine because they could be taken in after all",
    "partial": "Stored messages of which a part was refused",
    "readings_stored": "Readings that were new",
    "readings_duplicate": "Readings that were there already",
    "events_stored": "Device events and changes of status that were new",
    "commits": "Groups that were committed",
    "retries": "Tries that failed because store or database could not be used",
    "acks_sent": "Acknowledgements sent to devices",
    "rejects_sent": "Rejects sent to devices",
    "rejects_muted": "Rejects not sent because the device got one just before",
    "clock_jumps": "Times that the computer's clock was set by more than half a minute",
    "failures": "Messages on which the platform itself failed",
}
"""All counters with their meaning."""


GAUGES: Mapping[str, str] = {
    "gaps_open": "Gaps in the numbering of messages that are named and not closed",
    "waiting": "Messages that have come and are not yet taken in",
    "disk_guard": "1 while nothing is taken because the disk is nearly full",
    "disk_free_bytes": "Free bytes where readings are kept",
    "last_commit_age_seconds": "Seconds since a group was last committed",
}
"""All present states with their meaning."""

HISTOGRAMS: Mapping[str, tuple[str, tuple[float, ...]]] = {
    "commit_seconds": (
        "Time that a group takes to become durable",
        (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 5.0),
    ),
    "group_messages": (
        "Messages that are committed together",
        (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000),
    ),
}
"""All distributions with their meaning and the upper ends of their classes."""


class Figures(msgspec.Struct, frozen=True):
    """All figures at one moment; a histogram is ``(counts by class and above all, sum)``."""

    counters: Mapping[str, int]
    gauges: Mapping[str, float] = {}
    histograms: Mapping[str, tuple[Sequence[int], float]] = {}

    def families(self) -> Iterator[Metric]:
        """For ``prometheus_client``."""
        for name, count in self.counters.items():
            yield CounterMetricFamily(f"purna_ingest_{name}", NAMES[name], value=count)
        for name, value in self.gauges.items():
            yield GaugeMetricFamily(f"purna_ingest_{name}", GAUGES[name], value=value)
        for name, (counts, total) in self.histograms.items():
            meaning, ends = HISTOGRAMS[name]
            classes = zip([*map(str, ends), "+Inf"], accumulate(counts), strict=True)
            yield HistogramMetricFamily(
                f"purna_ingest_{name}", meaning, buckets=list(classes), sum_value=total
            )


class Counters(Collector):
    """What there is to count; also a collector for ``prometheus_client``.

    One thread adds, any may look: an addition replaces all numbers in one step, so that nobody
    sees half of it.
    """

    def __init__(self) -> None:
        self._values = dict.fromkeys(NAMES, 0)
        self._gauges: dict[str, float] = {}
        self._classes = {name: [0] * (len(ends) + 1) for name, (_, ends) in HISTOGRAMS.items()}
        self._sums = dict.fromkeys(HISTOGRAMS, 0.0)

    def add(self, **more: int) -> None:
        values = self._values.copy()
        for name, count in more.items():
            values[name] += count
        self._values = values

    def show(self, **gauges: float) -> None:
        """Set present states; the names are those of :data:`GAUGES`."""
        self._gauges = self._gauges | gauges

    def observe(self, **values: float) -> None:
        """Add to distributions; the names are those of :data:`HISTOGRAMS`."""
        for name, value in values.items():
            self._classes[name][bisect_left(HISTOGRAMS[name][1], value)] += 1
            self._sums[name] += value

    def as_dict(self) -> dict[str, int]:
        return self._values.copy()

    def figures(self) -> Figures:
        return Figures(
            self.as_dict(),
            self._gauges,
            {name: (tuple(counts), self._sums[name]) for name, counts in self._classes.items()},
        )

    def collect(self) -> Iterator[Metric]:
        yield from self.figures().families()
