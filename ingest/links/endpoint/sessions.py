"""All sessions: who is here, who was, who gets what, and whose will is to be read. Pure.

Times are seconds since 1970, given by the caller.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from ingest.links.endpoint.access import Identity, Kind
from ingest.links.endpoint.connection import Connection, Subscribed
from ingest.links.endpoint.packets import FOREVER, Connect, Will
from ingest.links.endpoint.session import Downlink, Session, Subscription
from ingest.links.endpoint.subscriptions import SubscriptionTree, matches

_DEVICES_OF_FLEET = 100
"""Who speaks for a fleet hears the answers to all of it."""


class Retained(NamedTuple):
    """A message kept for whoever subscribes later."""

    payload: bytes
    qos: int


class Opened(NamedTuple):
    """``displaced`` is the connection that had this session; it is to be closed."""

    session: Session
    present: bool
    displaced: Connection | None


class LastWords(NamedTuple):
    """A will whose time has come, and whose it is."""

    will: Will
    account: str


class Sessions:
    """Sessions by account and client id: the same client id of another account is another one.

    Parameters
    ----------
    queue_limit
        Messages that wait for one client; more are dropped and counted.
    per_account
        Sessions that one device may leave behind; the one left longest ago goes first.
    """

    def __init__(self, queue_limit: int = 1000, per_account: int = 8) -> None:
        self._queue_limit = queue_limit
        self._per_account = per_account
        self._all: dict[str, dict[str, Session]] = {}
        self._tree: SubscriptionTree[Session, Subscription] = SubscriptionTree()
        self._feed: SubscriptionTree[Session, Subscription] = SubscriptionTree()
        self._feeding: dict[str, list[Session]] = {}
        self._due: list[LastWords] = []
        self._later: list[tuple[float, int, Session]] = []
        self._count = 0
        self._dropped = 0
        self.changed: set[Session] = set()
        """Sessions whose durable part has changed since the owner last emptied this."""
        self.gone: set[tuple[str, str]] = set()
        """Keys of lasting sessions that have ended since the owner last emptied this."""
        self.retained: dict[str, Retained] = {}

    def __iter__(self) -> Iterator[Session]:
        return (one for clients in list(self._all.values()) for one in list(clients.values()))

    @property
    def count(self) -> int:
        return sum(len(clients) for clients in list(self._all.values()))

    @property
    def dropped(self) -> int:
        """Messages that were dropped because a queue was full."""
        return self._dropped + sum(session.dropped for session in self)

    # --- coming and going ----------------------------------------------------------------

    def open(self, identity: Identity, connect: Connect, now: float) -> Opened:
        """The session for a client that was let in."""
        session = self._all.get(identity.name, {}).get(connect.client)
        displaced = session.connection if session is not None else None
        if session is not None and displaced is not None:
            self.leave(session, now, will=True)
            session = self._all.get(identity.name, {}).get(connect.client)
        if session is not None and (connect.clean or session.expires() <= now):
            self._end(session)
            session = None
        present = session is not None
        if session is None:
            self._make_room(identity)
            session = self._new(identity.name, connect.client, identity.kind)
            self._all.setdefault(identity.name, {})[connect.client] = session
        session.expiry = 0 if identity.kind is Kind.FEED else connect.session_expiry
        session.will, session.parting = connect.will, 0
        if session.lasting or present:
            self.changed.add(session)
        return Opened(session, present, displaced)

    def leave(self, session: Session, now: float, *, will: bool) -> None:
        """The session's connection has ended."""
        session.connection = None
        session.left_at = now
        if will and session.will is not None:
            delay = (
                session.will.delay
                if session.expiry == FOREVER
                else min(session.will.delay, session.expiry)
            )
            if delay:
                self._count += 1
                session.parting = self._count
                heapq.heappush(self._later, (now + delay, self._count, session))
            else:
                self._due.append(LastWords(session.will, session.account))
        if not session.parting:
            session.will = None
        if session.lasting:
            self.changed.add(session)
        else:
            self._end(session)

    def wills(self, now: float) -> list[LastWords]:
        """Wills to be published now. Who came back in time has taken his back (3.1.3.2.2)."""
        while self._later and self._later[0][0] <= now:
            _, number, session = heapq.heappop(self._later)
            if session.parting == number:
                self._speak(session)
        due, self._due = self._due, []
        return due

    def expire(self, now: float) -> None:
        """Forget the sessions that nobody came back to in time."""
        over = [one for one in self if one.connection is None and one.expires() <= now]
        for session in over:
            self._end(session)

    def of_account(self, account: str) -> list[Session]:
        return list(self._all.get(account, {}).values())

    def forget_account(self, account: str) -> list[Connection]:
        """End all sessions of an account; their connections, which are to be closed."""
        open_ones = []
        for session in self.of_account(account):
            if session.connection is not None:
                open_ones.append(session.connection)
            self._end(session)
        return open_ones

    def restore(self, account: str, client: str) -> Session:
        """An empty session that an earlier run had; to be filled by the caller."""
        session = self._new(account, client, Kind.DEVICE)
        session.saved = True
        self._all.setdefault(account, {})[client] = session
        return session

    def _new(self, account: str, client: str, kind: Kind) -> Session:
        tree = self._feed if kind is Kind.FEED else self._tree
        limit = self._queue_limit * (_DEVICES_OF_FLEET if kind is Kind.FLEET else 1)
        return Session(account, client, tree, self.changed, limit)

    def _make_room(self, identity: Identity) -> None:
        if identity.kind is Kind.DEVICE:
            left = [one for one in self.of_account(identity.name) if one.connection is None]
            left.sort(key=lambda one: one.left_at)
            for session in left[: max(0, len(left) + 1 - self._per_account)]:
                self._end(session)

    def _end(self, session: Session) -> None:
        self._dropped += session.dropped
        session.end()
        self._feeding.clear()
        self.changed.discard(session)
        if session.saved:
            self.gone.add(session.key)
        clients = self._all.get(session.account, {})
        if clients.get(session.client) is session:
            del clients[session.client]
        if not clients:
            self._all.pop(session.account, None)
        if session.parting:  # a will is not put off beyond its session (3.1.3.2.2)
            self._speak(session)

    def _speak(self, session: Session) -> None:
        if session.will is not None:
            self._due.append(LastWords(session.will, session.account))
        session.will, session.parting = None, 0

    # --- messages ------------------------------------------------------------------------

    def publish(self, message: Downlink) -> list[Session]:
        """Give a message to everybody who subscribed to it; who that was."""
        found: dict[Session, list[Subscription]] = {}
        for session, subscription in self._tree.find(message.topic):
            found.setdefault(session, []).append(subscription)
        taken = []
        for session, subscriptions in found.items():
            qos = min(message.qos, max(one.qos for one in subscriptions))
            identifiers = tuple(one.identifier for one in subscriptions if one.identifier)
            if session.push(message._replace(qos=qos, identifiers=identifiers)):
                taken.append(session)
        return taken

    def feed(self, topic: str) -> list[Session]:
        """The sessions that follow what is stored under ``topic``."""
        found = self._feeding.get(topic)
        if found is None:
            if len(self._feeding) >= 10_000:
                self._feeding.clear()
            found = self._feeding[topic] = list({s: None for s, _ in self._feed.find(topic)})
        return found

    @property
    def fed(self) -> bool:
        """Whether anybody follows the feed."""
        return self._feed.used

    def subscribed(self, session: Session, event: Subscribed) -> None:
        """Send what is retained for new subscriptions."""
        self._feeding.clear()
        for wish, new in event.wishes:
            if wish.handling == 2 or (wish.handling == 1 and not new):
                continue
            subscription = session.subscriptions.get(wish.filter)
            if subscription is None:
                continue
            for topic, kept in self._retained_for(wish.filter):
                session.push(
                    Downlink(
                        topic,
                        kept.payload,
                        min(kept.qos, subscription.qos),
                        retain=True,
                        identifiers=(subscription.identifier,) if subscription.identifier else (),
                    )
                )

    def _retained_for(self, name: str) -> Iterable[tuple[str, Retained]]:
        if "+" not in name and "#" not in name:
            return [(name, self.retained[name])] if name in self.retained else []
        return [(topic, kept) for topic, kept in self.retained.items() if matches(name, topic)]
