"""What outlives a connection: subscriptions, what waits for the client, ids of QoS 2. Pure.

Downwards everything goes at QoS 1 or 0. Upwards a message at QoS 2 passes these states, by its
packet id: *storing* (handed on, not yet on disk), *received* (on disk; PUBREC was or will be
sent), and forgotten at PUBREL. While it is in one of them, the same id is the same message.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from ingest.links.endpoint.packets import FOREVER, Will, Wish
from ingest.links.endpoint.subscriptions import SubscriptionTree

if TYPE_CHECKING:
    from ingest.links.endpoint.connection import Connection


class Subscription(NamedTuple):
    """``identifier`` 0 = none."""

    qos: int
    identifier: int = 0


class Downlink(NamedTuple):
    """A message for a client. ``key`` is what its publisher is told it by when it has arrived.

    With ``newest_only`` it replaces a waiting one of the same topic.
    """

    topic: str
    payload: bytes
    qos: int = 1
    key: str = ""
    retain: bool = False
    newest_only: bool = False
    identifiers: tuple[int, ...] = ()


Tree = SubscriptionTree["Session", Subscription]


@dataclass(eq=False, slots=True)
class Session:
    """One client's state at the server.

    ``expiry`` is how many seconds it outlives its connection, ``left_at`` when that ended (seconds
    since 1970). ``changed`` is shared by all: sessions whose durable part has changed.
    """

    account: str
    client: str
    tree: Tree
    changed: set[Session]
    queue_limit: int = 1000
    expiry: int = 0
    left_at: float = 0.0
    connection: Connection | None = None
    will: Will | None = None
    parting: int = 0
    """Names the will that waits for its delay; 0 = none does."""
    subscriptions: dict[str, Subscription] = field(default_factory=dict)
    dropped: int = 0
    saved: bool = False
    """Whether it stands in the file."""
    storing_ids: set[int] = field(default_factory=set)
    received_ids: set[int] = field(default_factory=set)
    due: list[int] = field(default_factory=list)
    _waiting: dict[str | int, Downlink] = field(default_factory=dict)
    _flying: dict[int, Downlink] = field(default_factory=dict)
    _again: deque[int] = field(default_factory=deque)
    _count: int = 0
    _last_id: int = 0

    @property
    def key(self) -> tuple[str, str]:
        return self.account, self.client

    @property
    def lasting(self) -> bool:
        return self.expiry > 0

    def expires(self) -> float:
        """When it ends if nobody comes (seconds since 1970)."""
        return float("inf") if self.expiry == FOREVER else self.left_at + self.expiry

    # --- subscriptions -------------------------------------------------------------------

    def subscribe(self, wish: Wish, qos: int, identifier: int = 0) -> bool:
        """Whether the subscription is a new one."""
        new = wish.filter not in self.subscriptions
        subscription = Subscription(qos, identifier)
        self.subscriptions[wish.filter] = subscription
        self.tree.add(wish.filter, self, subscription)
        self.changed.add(self)
        return new

    def unsubscribe(self, name: str) -> bool:
        """Whether there was such a subscription."""
        if self.subscriptions.pop(name, None) is None:
            return False
        self.tree.remove(name, self)
        self.changed.add(self)
        return True

    def end(self) -> None:
        """Take it out of the tree; it is of no use after this."""
        for name in self.subscriptions:
            self.tree.remove(name, self)
        self.subscriptions.clear()

    # --- downwards -----------------------------------------------------------------------

    def push(self, message: Downlink) -> bool:
        """Have it sent, now or when the client is back; False when it is dropped."""
        if message.qos == 0 and self.connection is None:
            return False
        key: str | int = message.topic
        if not message.newest_only:
            self._count += 1
            key = self._count
        if key not in self._waiting and len(self._waiting) >= self.queue_limit:
            self.dropped += 1
            return False
        self._waiting[key] = message
        if not message.newest_only and message.qos:
            self.changed.add(self)
        if self.connection is not None:
            self.connection.pump()
        return True

    def next(self) -> tuple[int, Downlink, bool] | None:
        """What to send next: packet id (0 at QoS 0), message, whether it was sent before."""
        while self._again:
            packet = self._again.popleft()
            if packet in self._flying:
                return packet, self._flying[packet], True
        if not self._waiting:
            return None
        message = self._waiting.pop(next(iter(self._waiting)))
        if not message.qos:
            return 0, message, False
        packet = self._free_id()
        self._flying[packet] = message
        return packet, message, False

    def acknowledged(self, packet: int) -> Downlink | None:
        """The client has this one; None when nothing of that id is under way."""
        message = self._flying.pop(packet, None)
        if message is not None and not message.newest_only:
            self.changed.add(self)
        return message

    def resume(self) -> None:
        """A new connection: what was not acknowledged on the old one is sent again first."""
        self._again = deque(self._flying)

    def unsent(self) -> Sequence[tuple[int, Downlink]]:
        """What is not acknowledged yet, with the packet id where it was sent, else 0."""
        return [*self._flying.items(), *((0, one) for one in self._waiting.values() if one.qos)]

    def restore(self, unsent: Iterable[tuple[int, Downlink]], received: Iterable[int]) -> None:
        """Put back what an earlier run had written down."""
        for packet, message in unsent:
            if packet:
                self._flying[packet] = message
            else:
                self._count += 1
                self._waiting[message.topic if message.newest_only else self._count] = message
        self.received_ids.update(received)

    def _free_id(self) -> int:
        packet = self._last_id
        while True:
            packet = packet % 65_535 + 1
            if packet not in self._flying:
                self._last_id = packet
                return packet

    # --- upwards, QoS 2 ------------------------------------------------------------------

    def stored(self, packets: Iterable[bytes]) -> None:
        """These messages at QoS 2 are on disk. PUBREC follows when their ids are, too."""
        numbers = [int.from_bytes(packet, "big") for packet in packets]
        self.storing_ids.difference_update(numbers)
        self.received_ids.update(numbers)
        self.due += numbers
        if self.lasting:
            self.changed.add(self)
        else:
            self.recorded(self.take_due())

    def take_due(self) -> list[int]:
        """Ids that wait for being written down; they are the caller's now."""
        due, self.due = self.due, []
        return due

    def recorded(self, packets: Iterable[int]) -> None:
        """These ids survive us from now on."""
        if self.connection is not None:
            self.connection.received(packets)

    def release(self, packet: int) -> bool:
        """PUBREL came; whether the id was known."""
        if packet not in self.received_ids:
            return False
        self.received_ids.remove(packet)
        if self.lasting:
            self.changed.add(self)
        return True
