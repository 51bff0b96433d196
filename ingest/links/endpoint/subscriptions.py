"""Who has subscribed to what: topic filters, and a tree of them. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Generic, TypeVar

Owner = TypeVar("Owner")
Value = TypeVar("Value")


def valid_filter(name: str) -> bool:
    """Whether ``#`` and ``+`` stand only where MQTT allows them (4.7.1)."""
    levels = name.split("/")
    return (
        bool(name)
        and all(level == "+" or "+" not in level for level in levels)
        and all("#" not in level for level in levels[:-1])
        and (levels[-1] == "#" or "#" not in levels[-1])
    )


def valid_topic(name: str) -> bool:
    """Whether a message can be published to it: not empty, without wildcards (4.7.1)."""
    return bool(name) and "#" not in name and "+" not in name


@dataclass(slots=True)
class _Node(Generic[Owner, Value]):
    below: dict[str, _Node[Owner, Value]] = field(default_factory=dict)
    here: dict[Owner, Value] = field(default_factory=dict)


class SubscriptionTree(Generic[Owner, Value]):
    """Filters by level, so that looking a topic up does not depend on how many there are."""

    def __init__(self) -> None:
        self._root: _Node[Owner, Value] = _Node()

    @property
    def used(self) -> bool:
        """Whether there is any filter."""
        return bool(self._root.below)

    def add(self, name: str, owner: Owner, value: Value) -> None:
        node = self._root
        for level in name.split("/"):
            node = node.below.setdefault(level, _Node())
        node.here[owner] = value

    def remove(self, name: str, owner: Owner) -> None:
        """Branches on which nothing is left go as well."""
        path = [self._root]
        levels = name.split("/")
        for level in levels:
            below = path[-1].below.get(level)
            if below is None:
                return
            path.append(below)
        path[-1].here.pop(owner, None)
        for level, parent, node in zip(reversed(levels), path[-2::-1], path[:0:-1], strict=True):
            if node.here or node.below:
                break
            del parent.below[level]

    def find(self, topic: str) -> Iterator[tuple[Owner, Value]]:
        """All whose filter matches ``topic``; an owner comes once for each of its filters.

        A filter that begins with a wildcard does not match a topic that begins with ``$`` (4.7.2).
        """
        nodes = [self._root]
        for depth, level in enumerate(topic.split("/")):
            wild = depth > 0 or not level.startswith("$")
            following = []
            for node in nodes:
                if wild and "#" in node.below:
                    yield from node.below["#"].here.items()
                for name in (level, "+") if wild else (level,):
                    if name in node.below:
                        following.append(node.below[name])
            nodes = following
        for node in nodes:
            yield from node.here.items()
            if "#" in node.below:  # "a/#" matches "a" too
                yield from node.below["#"].here.items()


def matches(name: str, topic: str) -> bool:
    """Whether the filter ``name`` matches ``topic``."""
    tree: SubscriptionTree[str, None] = SubscriptionTree()
    tree.add(name, name, None)
    return any(True for _ in tree.find(topic))
