"""The port to whatever brings messages in and takes answers out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol


class Token(NamedTuple):
    """What acknowledges one message: packet ids are used again after a reconnect, so they only
    mean something together with the connection they came on."""

    generation: int
    packet: int


class Received(NamedTuple):
    """A message as it came. ``token`` is None where nothing is to be acknowledged (QoS 0)."""

    topic: str
    payload: bytes
    token: Token | None
    retained: bool = False


class Link(Protocol):
    """Brings messages in and publishes downwards. Used from one thread.

    Nothing happens before :meth:`start`. A link that loses its connection comes back by itself;
    what was not acknowledged is delivered again.
    """

    def start(self) -> None: ...

    def receive(self, limit: int, timeout: float) -> list[Received]:
        """Up to ``limit`` messages; waits up to ``timeout`` seconds for the first one.

        With ``limit`` 0 it only keeps the connection alive for that long.
        """
        ...

    def acknowledge(self, messages: Sequence[Received]) -> None:
        """Tell the sender that these are safe. Those of an earlier connection are left out."""
        ...

    def publish(self, topic: str, payload: bytes) -> bool:
        """Send at QoS 1, not retained; False when there is no connection to send it on."""
        ...

    @property
    def connected(self) -> bool: ...

    def stop(self) -> None:
        """Say goodbye to the broker; acknowledgements already given are sent first."""
        ...
