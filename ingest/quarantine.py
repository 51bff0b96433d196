"""The quarantine in an SQLite file: the ingest process writes, others look.

Kept are the newest refused messages, up to a number and a size; what had to go is counted.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import apsw

from ingest.stores.sqlite_schema import explained, snapshot, transaction
from purna.core.readings import Rejected

_SCHEMA = """
CREATE TABLE IF NOT EXISTS rejected (
    id INTEGER PRIMARY KEY AUTOINCREMENT, received INTEGER NOT NULL, topic TEXT NOT NULL,
    payload BLOB NOT NULL, code TEXT NOT NULL, hint TEXT NOT NULL, device TEXT NOT NULL,
    field TEXT NOT NULL, size INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS total (entries INTEGER NOT NULL, bytes INTEGER NOT NULL,
    evicted INTEGER NOT NULL);
INSERT INTO total SELECT 0, 0, 0 WHERE NOT EXISTS (SELECT 1 FROM total);
"""


class SqliteQuarantine:
    """Refused messages in one SQLite file.

    Parameters
    ----------
    path
        The file; a reader finds nothing until it is there.
    limit, limit_bytes
        Keep at most this many messages, and this many bytes of topics and payloads.
    read_only
        For every process but the one that ingests.
    """

    def __init__(
        self,
        path: Path,
        *,
        limit: int = 10_000,
        limit_bytes: int = 64 * 1024 * 1024,
        read_only: bool = False,
    ) -> None:
        self._path = path
        self._limit = limit
        self._limit_bytes = limit_bytes
        self._read_only = read_only
        self._lock = threading.Lock()
        self._connection: apsw.Connection | None = None
        if not read_only:
            self._connection = _open_writer(path)

    def close(self) -> None:
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def add(self, rejected: Sequence[Rejected]) -> None:
        """Durable when it returns.

        Raises
        ------
        RetryLater
            When the file is busy.
        AskOperator
            When the disk is full or broken.
        """
        if not rejected:
            return
        with self._opened() as connection:
            if connection is None or self._read_only:
                raise RuntimeError("this quarantine was opened for reading only")
            with transaction(connection):
                connection.executemany(
                    "INSERT INTO rejected (received, topic, payload, code, hint, device, field,"
                    " size) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                    [
                        (
                            r.received,
                            r.topic,
                            r.payload,
                            r.code,
                            r.hint,
                            r.device,
                            r.field,
                            _size(r),
                        )
                        for r in rejected
                    ],
                )
                connection.execute(
                    "UPDATE total SET entries = entries + ?, bytes = bytes + ?",
                    (len(rejected), sum(map(_size, rejected))),
                )
                self._evict(connection)

    def _evict(self, connection: apsw.Connection) -> None:
        entries: Any
        size: Any
        [(entries, size)] = connection.execute("SELECT entries, bytes FROM total")
        last = gone = freed = 0
        for number, one in connection.execute("SELECT id, size FROM rejected ORDER BY id"):
            if entries - gone <= self._limit and size - freed <= self._limit_bytes:
                break
            last, gone, freed = number, gone + 1, freed + one
        if gone:
            connection.execute("DELETE FROM rejected WHERE id <= ?", (last,))
            connection.execute(
                "UPDATE total SET entries = entries - ?1, bytes = bytes - ?2,"
                " evicted = evicted + ?1",
                (gone, freed),
            )

    def entries(
        self, *, device: str = "", code: str = "", before: int | None = None, limit: int = 100
    ) -> list[tuple[int, Rejected]]:
        """Newest first, as ``(id, rejected)``; ``before`` is an id to page on from."""
        with self._opened() as connection:
            if connection is None:
                return []
            return [
                (number, Rejected(*columns))
                for number, *columns in connection.execute(
                    "SELECT id, received, topic, payload, code, hint, device, field FROM rejected"
                    " WHERE (?1 = '' OR device = ?1) AND (?2 = '' OR code = ?2)"
                    " AND (?3 IS NULL OR id < ?3) ORDER BY id DESC LIMIT ?4",
                    (device, code, before, limit),
                )
            ]

    def counts(self, *, device: str = "") -> Mapping[str, int]:
        """How many are kept, by code; of one device where given."""
        with self._opened() as connection:
            if connection is None:
                return {}
            found: list[Any] = connection.execute(
                "SELECT code, count(*) FROM rejected WHERE (?1 = '' OR device = ?1) GROUP BY code",
                (device,),
            ).fetchall()
            return dict(found)

    def evicted(self) -> int:
        """How many had to go since the file was made."""
        with self._opened() as connection:
            if connection is None:
                return 0
            return int(connection.execute("SELECT evicted FROM total").get)

    @contextmanager
    def _opened(self) -> Iterator[apsw.Connection | None]:
        with self._lock, explained(self._path):
            if self._connection is None and self._read_only:
                self._connection = _open_reader(self._path)
            yield self._connection


def _open_writer(path: Path) -> apsw.Connection:
    path.parent.mkdir(parents=True, exist_ok=True)
    with explained(path):
        connection = apsw.Connection(str(path))
        connection.set_busy_timeout(10_000)
        connection.pragma("journal_mode", "WAL")
        connection.pragma("synchronous", "FULL")
        with transaction(connection):
            connection.execute(_SCHEMA)
    return connection


def _open_reader(path: Path) -> apsw.Connection | None:
    if not path.exists():
        return None
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE)
    connection.set_busy_timeout(10_000)
    connection.pragma("query_only", True)
    with snapshot(connection):
        ready = connection.execute("SELECT count(*) FROM sqlite_master WHERE name = 'total'").get
    if not ready:
        connection.close()
        return None
    return connection


def _size(rejected: Rejected) -> int:
    return len(rejected.payload) + len(rejected.topic)
