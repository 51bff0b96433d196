"""Opens the service database: SQLite by default, PostgreSQL by URL."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.orm import Session, sessionmaker


class Database:
    """One service database. Connects on first use.

    Parameters
    ----------
    url
        ``sqlite:///path/file.db`` or ``postgresql+psycopg://user:password@host/name``.
    """

    def __init__(self, url: str) -> None:
        self.engine = _open_engine(url)
        self._read = sessionmaker(self.engine, expire_on_commit=False)
        self._write = sessionmaker(
            self.engine.execution_options(purna_write=True), expire_on_commit=False
        )

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A session for looking only; what is changed in it is rolled back."""
        with self._read() as session:
            yield session

    @contextmanager
    def write(self) -> Iterator[Session]:
        """One transaction: committed when the block ends, rolled back when it raises."""
        with self._write.begin() as session:
            yield session

    def close(self) -> None:
        self.engine.dispose()


def _open_engine(url: str) -> Engine:
    engine = create_engine(url, pool_pre_ping=True)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _sqlite_pragmas)
        event.listen(engine, "begin", _sqlite_begin)
    return engine


def _sqlite_pragmas(connection: Any, _record: Any) -> None:
    # The driver's own transaction handling would delay BEGIN to the first write.
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.execute("PRAGMA busy_timeout = 10000")
    cursor.close()


def _sqlite_begin(connection: Connection) -> None:
    # A reader that turns writer fails at once with "database is locked" when somebody else wrote
    # in between; who means to write takes the lock at the start and waits for it instead.
    write = connection.get_execution_options().get("purna_write", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")
