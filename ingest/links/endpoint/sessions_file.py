"""Sessions and retained messages on disk, so that they survive a restart: one SQLite file.

Each session is one row that is written as a whole: what it holds is small, and changes only when a
client subscribes, gets a command or a reject, or sends at QoS 2.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import apsw
import msgspec

from ingest.links.endpoint.session import Downlink, Session, Subscription
from ingest.links.endpoint.sessions import Retained, Sessions
from ingest.stores.sqlite_schema import explained, make_durable, transaction

_SCHEMA = """
CREATE TABLE IF NOT EXISTS session (
    account TEXT NOT NULL, client TEXT NOT NULL, body BLOB NOT NULL,
    PRIMARY KEY (account, client)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS retained (
    topic TEXT PRIMARY KEY, payload BLOB NOT NULL, qos INTEGER NOT NULL
) WITHOUT ROWID;
"""


class _Kept(msgspec.Struct, array_like=True):
    """What of a session is written down."""

    expiry: int
    left_at: float
    subscriptions: dict[str, tuple[int, int]]
    unsent: list[tuple[int, Downlink]]
    received: list[int]


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(_Kept).decode


@dataclass(slots=True)
class Changes:
    """What is to be written together."""

    sessions: list[tuple[str, str, bytes]] = field(default_factory=list)
    gone: list[tuple[str, str]] = field(default_factory=list)
    retained: dict[str, Retained | None] = field(default_factory=dict)

    def note(self, session: Session) -> None:
        """The session as it is now."""
        kept = _Kept(
            session.expiry,
            session.left_at,
            {name: (one.qos, one.identifier) for name, one in session.subscriptions.items()},
            list(session.unsent()),
            sorted(session.received_ids),
        )
        self.sessions.append((session.account, session.client, _encode(kept)))


class SessionsFile:
    """The file. One process uses it; each method from one thread at a time."""

    def __init__(self, path: Path) -> None:
        self._path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        with explained(path):
            self._connection = apsw.Connection(str(path))
            self._connection.set_busy_timeout(10_000)
            make_durable(self._connection)
            self._connection.execute(_SCHEMA)

    def load(self, sessions: Sessions, now: float) -> None:
        """Put everything back; sessions that were open when we ended count as left ``now``."""
        with explained(self._path):
            for account, client, body in self._rows("SELECT account, client, body FROM session"):
                kept = _decode(body)
                session = sessions.restore(account, client)
                session.expiry, session.left_at = kept.expiry, kept.left_at or now
                for name, (qos, identifier) in kept.subscriptions.items():
                    subscription = Subscription(qos, identifier)
                    session.subscriptions[name] = subscription
                    session.tree.add(name, session, subscription)
                session.restore(kept.unsent, kept.received)
            for topic, payload, qos in self._rows("SELECT topic, payload, qos FROM retained"):
                sessions.retained[topic] = Retained(payload, qos)

    def save(self, changes: Changes) -> None:
        """Durable when it returns."""
        connection = self._connection
        with explained(self._path), transaction(connection):
            connection.executemany(
                "DELETE FROM session WHERE account = ? AND client = ?", changes.gone
            )
            connection.executemany(
                "INSERT OR REPLACE INTO session VALUES (?, ?, ?)", changes.sessions
            )
            connection.executemany(
                "DELETE FROM retained WHERE topic = ?", _forgotten(changes.retained)
            )
            connection.executemany(
                "INSERT OR REPLACE INTO retained VALUES (?, ?, ?)",
                [(topic, *one) for topic, one in changes.retained.items() if one is not None],
            )

    def close(self) -> None:
        self._connection.close()

    def _rows(self, sql: str) -> list[tuple[Any, ...]]:
        return self._connection.execute(sql).fetchall()


def _forgotten(retained: Mapping[str, Retained | None]) -> Iterable[tuple[str]]:
    return [(topic,) for topic, one in retained.items() if one is None]
