"""What the endpoint counts, and what each number means."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric


@dataclass(slots=True)
class Tally:
    """Numbers that only grow, of all connections together."""

    accepted: int = 0
    refused: int = 0
    crowded: int = 0
    broken: int = 0
    denied: int = 0
    dropped: int = 0
    fed: int = 0


MEANINGS: Mapping[str, str] = {
    "connections": "Connections that are open now",
    "sessions": "Sessions now, of clients that are here and of those that may come back",
    "waiting": "Messages that wait for the store now",
    "paused": "Connections that are not read now because too much waits for the store",
    "accepted": "Clients that were let in",
    "refused": "Clients that were not let in",
    "crowded": "Connections that were closed because there were too many",
    "broken": "Connections that were closed because the client broke the rules of MQTT",
    "denied": "Messages and subscriptions outside the rights of their client",
    "dropped": "Messages to clients that were dropped: queue full, client too slow, or too large",
    "fed": "Stored messages that were sent to followers of the feed",
}
"""All numbers of the endpoint; the first four go up and down, the others only grow."""

NOW = ("connections", "sessions", "waiting", "paused")


def families(figures: Mapping[str, int]) -> Iterator[Metric]:
    """For ``prometheus_client``."""
    for name, value in figures.items():
        kind = GaugeMetricFamily if name in NOW else CounterMetricFamily
        yield kind(f"purna_endpoint_{name}", MEANINGS[name], value=value)
