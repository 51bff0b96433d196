"""The port to whatever brings messages in and takes answers out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol


class Received(NamedTuple):
    """A message as it came.

    ``token`` is what acknowledges it, and means something to its link only; None where nothing is
    to be acknowledged (QoS 0). ``retained`` means that a broker had kept it until now. ``source``
    is who sent it where the link knows that: the id of an authenticated device or the name of an
    account. ``first_seen`` is when a message came that is taken in again (micros), else 0.
    """

    topic: str
    payload: bytes
    token: Any = None
    retained: bool = False
    content_type: str = ""
    source: str = ""
    first_seen: int = 0


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

    def acknowledge(
        self, messages: Sequence[Received], refused: Mapping[int, str] | None = None
    ) -> None:
        """Tell the sender that these are safe. Those of an earlier connection are left out.

        ``refused`` says, by position in ``messages``, why a message was set aside as a whole: a
        sender that speaks MQTT 5 to us directly gets it as reason string.
        """
        ...

    def publish(self, topic: str, payload: bytes, key: str = "") -> bool:
        """Send at QoS 1, not retained; False when there is no connection to send it on.

        ``key`` names it in :meth:`delivered`.
        """
        ...

    def delivered(self) -> list[str]:
        """Keys of published messages whose addressee has acknowledged them since the last call.

        Always empty behind a broker: its acknowledgement says nothing about the device.
        """
        ...

    def expel(self, device: str) -> None:
        """Close the session of a device whose credentials were revoked, where that is ours."""
        ...

    @property
    def connected(self) -> bool: ...

    @property
    def waiting(self) -> int:
        """Messages that have come and were not yet received from here."""
        ...

    def stop(self) -> None:
        """Say goodbye to the broker; acknowledgements already given are sent first."""
        ...
