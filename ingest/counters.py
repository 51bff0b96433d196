"""What became of the messages, in numbers.

At every moment ``received = stored + duplicates + quarantined``, in messages: a message is
*stored* when anything in it was new, else *quarantined* when anything in it was refused, else a
*duplicate*. A message counts when its fate is on disk, not when it arrives. One that leaves the
quarantine later counts as *replayed* besides.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from prometheus_client.core import CounterMetricFamily
from prometheus_client.registry import Collector

NAMES: Mapping[str, str] = {
    "received": "Messages whose fate is settled",
    "stored": "Messages with something new in them",
    "duplicates": "Messages that brought nothing new",
    "quarantined": "Messages of which nothing could be taken",
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
    "failures": "Messages on which the platform itself failed",
}
"""All counters with their meaning."""


class Counters(Collector):
    """Whole numbers that only grow; also a collector for ``prometheus_client``.

    One thread adds, any may look: an addition replaces all numbers in one step, so that nobody
    sees half of it.
    """

    def __init__(self) -> None:
        self._values = dict.fromkeys(NAMES, 0)

    def add(self, **more: int) -> None:
        values = self._values.copy()
        for name, count in more.items():
            values[name] += count
        self._values = values

    def as_dict(self) -> dict[str, int]:
        return self._values.copy()

    def collect(self) -> Iterator[CounterMetricFamily]:
        for name, count in self.as_dict().items():
            yield CounterMetricFamily(f"purna_ingest_{name}", NAMES[name], value=count)
