"""What is remembered of edge nodes between their messages: births, aliases, sequence. Pure.

A node introduces itself with a birth; its data then names metrics by alias only. Nothing here
outlasts a restart: a node that is not known is asked to introduce itself again. The memory is
bounded: the node heard longest ago is forgotten first, and asked again.
"""

from __future__ import annotations

import zlib
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field

from ingest.payloads.limits import NAME_CHARS
from ingest.rejects import bad

METRICS = 10_000
"""Metrics that a message, and a node in all, may name."""
METRICS_REMEMBERED = 200_000
"""In all nodes together."""
NODES_REMEMBERED = 10_000


@dataclass(frozen=True, slots=True)
class Metric:
    """What a birth said of a metric; ``device`` is empty for one of the node itself."""

    device: str
    name: str
    datatype: int
    unit: str = ""


@dataclass(slots=True)
class Node:
    """An edge node since its birth. ``sure`` is false once something may have been missed."""

    bdseq: int
    born: int
    seq: int
    alive: bool = True
    sure: bool = True
    devices: set[str] = field(default_factory=set)
    metrics: dict[tuple[str, str], Metric] = field(default_factory=dict)
    aliases: dict[int, Metric] = field(default_factory=dict)
    seen: dict[int, int] = field(default_factory=dict)

    def has_seen(self, seq: int, payload: bytes) -> bool:
        """Whether this very message was among the last 256: delivered again, it changes nothing."""
        return self.seen.get(seq) == zlib.crc32(payload)

    def note(self, seq: int, payload: bytes) -> None:
        self.seen[seq] = zlib.crc32(payload)
        self.seq = seq

    def learn(self, device: str, metrics: Sequence[tuple[Metric, int | None]]) -> None:
        """Take over a birth, each metric with its alias; of a device, instead of its last one.

        Raises
        ------
        BadPayload
            ``sparkplug.alias_taken`` for an alias that stands for two metrics of the node,
            ``sparkplug.metrics`` for too many of them. Nothing has changed then.
        """
        others = {key: one for key, one in self.metrics.items() if key[0] != device}
        aliases = {alias: one for alias, one in self.aliases.items() if one.device != device}
        for metric, alias in metrics:
            others[device, metric.name] = metric
            if alias is not None:
                if alias in aliases:
                    raise bad("sparkplug.alias_taken", field=metric.name[:NAME_CHARS])
                aliases[alias] = metric
        if len(others) > METRICS:
            raise bad("sparkplug.metrics", limit=METRICS)
        self.metrics, self.aliases = others, aliases
        if device:
            self.devices.add(device)

    def dies(self, device: str) -> None:
        """What it says by alias before its next birth is not believed."""
        self.devices.discard(device)


class Nodes:
    """The nodes by group and name, the one heard longest ago first."""

    def __init__(self) -> None:
        self._nodes: OrderedDict[tuple[str, str], Node] = OrderedDict()
        self._metrics = 0

    def get(self, group: str, name: str) -> Node | None:
        node = self._nodes.get((group, name))
        if node is not None:
            self._nodes.move_to_end((group, name))
        return node

    def put(self, group: str, name: str, node: Node) -> None:
        """A node after its birth, instead of what was known of it."""
        old = self._nodes.pop((group, name), None)
        self._metrics -= len(old.metrics) if old else 0
        self._nodes[group, name] = node
        self._add(len(node.metrics))

    def learn(self, node: Node, device: str, metrics: Sequence[tuple[Metric, int | None]]) -> None:
        """The birth of a device of ``node``; raises as :meth:`Node.learn` does."""
        before = len(node.metrics)
        node.learn(device, metrics)
        self._add(len(node.metrics) - before)

    def _add(self, metrics: int) -> None:
        self._metrics += metrics
        while len(self._nodes) > NODES_REMEMBERED or (
            self._metrics > METRICS_REMEMBERED and len(self._nodes) > 1
        ):
            _, node = self._nodes.popitem(last=False)
            self._metrics -= len(node.metrics)
