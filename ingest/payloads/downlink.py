"""What a decoder wants to be told to a sender, such as the request to introduce itself again."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Downlink:
    """A message for ``device``; whoever sends it limits how often."""

    device: str
    topic: str
    payload: bytes
