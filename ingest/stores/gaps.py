"""Gaps in a table of the readings' file: the ingest process writes, others look."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import apsw

from ingest.stores.sqlite_schema import explained, make_durable, transaction
from purna.core.readings import Gap

GAPS_KEPT = 10_000
"""Of closed gaps, the newest of this many gaps in all are kept; open ones all stay."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS gap (
    id INTEGER PRIMARY KEY, device TEXT NOT NULL, boot TEXT NOT NULL, first INTEGER NOT NULL,
    last INTEGER NOT NULL, missing INTEGER NOT NULL, opened INTEGER NOT NULL, closed INTEGER,
    UNIQUE (device, boot, first)
);
"""
_COLUMNS = "device, boot, first, last, missing, opened, closed"


class SqliteGapLog:
    """The gaps in one SQLite file.

    Parameters
    ----------
    path
        The file, which may hold other tables; a reader finds nothing until it is there.
    read_only
        For every process but the one that ingests.
    """

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        self._path = path
        self._read_only = read_only
        self._lock = threading.Lock()
        self._connection: apsw.Connection | None = None

    def close(self) -> None:
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def note(self, gaps: Sequence[Gap]) -> None:
        """Durable when it returns.

        Raises
        ------
        RetryLater
            When the file is busy or the disk is full.
        AskOperator
            When the disk is broken.
        """
        if not gaps:
            return
        with self._opened() as connection:
            if connection is None or self._read_only:
                raise RuntimeError("these gaps were opened for reading only")
            with transaction(connection):
                connection.executemany(
                    f"INSERT INTO gap ({_COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)"  # noqa: S608
                    " ON CONFLICT (device, boot, first)"
                    " DO UPDATE SET last = ?4, missing = ?5, opened = ?6, closed = ?7",
                    [
                        (g.device, g.boot, g.first, g.last, g.missing, g.opened, g.closed)
                        for g in gaps
                    ],
                )
                connection.execute(
                    "DELETE FROM gap WHERE closed IS NOT NULL"
                    " AND id <= (SELECT max(id) FROM gap) - ?",
                    (GAPS_KEPT,),
                )

    def gaps(
        self, device: str | None = None, *, open_only: bool = False, limit: int = 1000
    ) -> list[Gap]:
        """The gaps opened last, newest first; of one device where given."""
        with self._opened() as connection:
            if connection is None:
                return []
            return [
                Gap(*row)
                for row in connection.execute(
                    f"SELECT {_COLUMNS} FROM gap WHERE (?1 IS NULL OR device = ?1)"  # noqa: S608
                    " AND (NOT ?2 OR closed IS NULL) ORDER BY opened DESC, id DESC LIMIT ?3",
                    (device, open_only, limit),
                )
            ]

    @contextmanager
    def _opened(self) -> Iterator[apsw.Connection | None]:
        with self._lock, explained(self._path):
            if self._connection is None:
                self._connection = self._open()
            yield self._connection

    def _open(self) -> apsw.Connection | None:
        if self._read_only and not self._path.exists():
            return None
        connection = apsw.Connection(str(self._path))
        connection.set_busy_timeout(10_000)
        if not self._read_only:
            make_durable(connection)
            connection.execute(_SCHEMA)
            return connection
        connection.pragma("query_only", True)
        if connection.execute("SELECT count(*) FROM sqlite_master WHERE name = 'gap'").get:
            return connection
        connection.close()
        return None
