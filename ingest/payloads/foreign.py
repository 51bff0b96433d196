"""What decoders of foreign formats have to know of a device, and what they may name. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Protocol


class Registered(Protocol):
    """A registered device: whose messages speak for it, and what its product measures."""

    @property
    def gateway(self) -> str: ...

    @property
    def ranges(self) -> Collection[str] | None: ...


Find = Callable[[str], Registered | None]


def as_quantity(name: str) -> str:
    """A foreign name as the name of a quantity."""
    return name.replace("/", "_").replace(" ", "_")
