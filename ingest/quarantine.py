"""The quarantine in an SQLite file: the ingest process adds and settles, others look and ask.

Kept are the newest refused messages, up to a number and a size; what had to go is counted.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import apsw

from ingest.stores.sqlite_schema import explained, make_durable, snapshot, transaction
from purna.core.ports import RejectedFilter
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
_ADDED = """
ALTER TABLE rejected ADD COLUMN content_type TEXT NOT NULL DEFAULT '';
ALTER TABLE rejected ADD COLUMN whole INTEGER NOT NULL DEFAULT 1;
ALTER TABLE rejected ADD COLUMN asked INTEGER NOT NULL DEFAULT 0;
CREATE INDEX asked_again ON rejected (id) WHERE asked;
"""
_VERSION = 1

_COLUMNS = "received, topic, payload, code, hint, device, field, content_type, whole"
_MEANT = """
    (:device = '' OR device = :device)
    AND (:code = '' OR code = :code OR substr(code, 1, length(:code) + 1) = :code || '.')
    AND (:start IS NULL OR received >= :start) AND (:end IS NULL OR received < :end)
    AND (:text = '' OR instr(lower(topic || ' ' || field || ' ' || hint), lower(:text))
         OR instr(lower(CAST(payload AS TEXT)), lower(:text)))
"""
_ANY = RejectedFilter()


class SqliteQuarantine:
    """Refused messages in one SQLite file.

    Parameters
    ----------
    path
        The file; a reader finds nothing until it is there.
    limit, limit_bytes
        Keep at most this many messages, and this many bytes of topics and payloads.
    read_only
        For every process but the one that ingests: it looks, and may ask for messages again.
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
        with self._writing() as connection:
            connection.executemany(
                f"INSERT INTO rejected ({_COLUMNS}, size)"  # noqa: S608 - our own names
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                [(*_values(one), _size(one)) for one in rejected],
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
        self, which: RejectedFilter = _ANY, *, before: int | None = None, limit: int = 100
    ) -> list[tuple[int, Rejected]]:
        """Newest first, as ``(id, rejected)``; ``before`` is an id to page on from."""
        with self._opened() as connection:
            if connection is None:
                return []
            return _found(
                connection.execute(
                    f"SELECT id, {_COLUMNS} FROM rejected WHERE {_MEANT}"  # noqa: S608
                    " AND (:before IS NULL OR id < :before) ORDER BY id DESC LIMIT :limit",
                    {**which._asdict(), "before": before, "limit": limit},
                )
            )

    def counts(self, which: RejectedFilter = _ANY) -> Mapping[str, int]:
        """How many are kept, by code."""
        with self._opened() as connection:
            if connection is None:
                return {}
            found: list[Any] = connection.execute(
                f"SELECT code, count(*) FROM rejected WHERE {_MEANT} GROUP BY code",  # noqa: S608
                which._asdict(),
            ).fetchall()
            return dict(found)

    def evicted(self) -> int:
        """How many had to go since the file was made."""
        with self._opened() as connection:
            if connection is None:
                return 0
            return int(connection.execute("SELECT evicted FROM total").get)

    def ask_again(self, which: RejectedFilter, ids: Sequence[int] | None = None) -> int:
        """Have these entries taken in again, with ``ids`` only those; how many that are."""
        with self._opened() as connection:
            if connection is None:
                return 0
            with _allowed_to_write(connection, self._read_only), transaction(connection):
                chosen = ids if ids is None else set(ids)
                found = [
                    (number,)
                    for (number,) in connection.execute(
                        f"SELECT id FROM rejected WHERE {_MEANT} AND whole",  # noqa: S608
                        which._asdict(),
                    ).fetchall()
                    if chosen is None or number in chosen
                ]
                connection.executemany("UPDATE rejected SET asked = 1 WHERE id = ?", found)
            return len(found)

    def asked(self, limit: int) -> list[tuple[int, Rejected]]:
        """Entries to be taken in again, oldest first."""
        with self._opened() as connection:
            if connection is None:
                return []
            return _found(
                connection.execute(
                    f"SELECT id, {_COLUMNS} FROM rejected WHERE asked"  # noqa: S608
                    " ORDER BY id LIMIT ?",
                    (limit,),
                )
            )

    def settle(self, taken: Sequence[int], still: Mapping[int, Rejected]) -> None:
        """Remove what was ``taken``; keep what is ``still`` refused, with today's reason."""
        with self._writing() as connection:
            for number in taken:
                connection.execute(
                    "UPDATE total SET entries = entries - 1, bytes = bytes -"
                    " (SELECT size FROM rejected WHERE id = ?1)"
                    " WHERE EXISTS (SELECT 1 FROM rejected WHERE id = ?1)",
                    (number,),
                )
                connection.execute("DELETE FROM rejected WHERE id = ?", (number,))
            connection.executemany(
                "UPDATE rejected SET asked = 0, code = ?, hint = ?, device = ?, field = ?"
                " WHERE id = ?",
                [(r.code, r.hint, r.device, r.field, number) for number, r in still.items()],
            )

    @contextmanager
    def _writing(self) -> Iterator[apsw.Connection]:
        with self._opened() as connection:
            if connection is None or self._read_only:
                raise RuntimeError("this quarantine was opened for reading only")
            with transaction(connection):
                yield connection

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
        make_durable(connection)
        with transaction(connection):
            connection.execute(_SCHEMA)
            if connection.pragma("user_version") < _VERSION:
                connection.execute(_ADDED)
                connection.pragma("user_version", _VERSION)
    return connection


def _open_reader(path: Path) -> apsw.Connection | None:
    if not path.exists():
        return None
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE)
    connection.set_busy_timeout(10_000)
    connection.pragma("query_only", True)
    with snapshot(connection):
        ready = connection.pragma("user_version") >= _VERSION
    if not ready:
        connection.close()
        return None
    return connection


@contextmanager
def _allowed_to_write(connection: apsw.Connection, read_only: bool) -> Iterator[None]:
    """Asking is the one thing that a reader may write."""
    if read_only:
        connection.pragma("query_only", False)
    try:
        yield
    finally:
        if read_only:
            connection.pragma("query_only", True)


def _values(one: Rejected) -> tuple[Any, ...]:
    return (
        one.received,
        one.topic,
        one.payload,
        one.code,
        one.hint,
        one.device,
        one.field,
        one.content_type,
        one.whole,
    )


def _found(rows: Any) -> list[tuple[int, Rejected]]:
    found = []
    for number, *columns in rows:
        columns[-1] = bool(columns[-1])
        found.append((number, Rejected(*columns)))
    return found


def _size(rejected: Rejected) -> int:
    return len(rejected.payload) + len(rejected.topic)
