"""The right to write a store's file: one thread of one process at a time.

Among processes a lock on a file beside the store decides, held until its process ends. Should it be
lost without that (somebody removed the file, a network file system forgot it), the next holder has
raised a number inside the store, and the one before finds that at its next transaction.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import apsw

from ingest.stores.sqlite_schema import transaction
from purna.core.errors import AskOperator, StartAgain
from purna.db.lock import claim

LOCKED = "store.locked"
_LOOK_EVERY_S = 0.2


class WriteRight:
    """Held from the start on, until :meth:`close`.

    Parameters
    ----------
    path
        The store's file.

    Raises
    ------
    AskOperator
        When another process holds the right.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.lock = threading.Lock()
        """For what must not run beside a transaction."""
        self._file = claim(_lock_of(path), lambda owner: _refusal(path, owner))
        self._number = 0

    def take_over(self, connection: apsw.Connection) -> None:
        """Make whoever held the right before unable to write."""
        with self.lock, transaction(connection):
            connection.execute("CREATE TABLE IF NOT EXISTS writer (number INTEGER NOT NULL)")
            number = _number(connection)
            self._number = number + 1
            connection.execute(
                "UPDATE writer SET number = ?1" if number else "INSERT INTO writer VALUES (?1)",
                (self._number,),
            )

    @contextmanager
    def transaction(self, connection: apsw.Connection) -> Iterator[None]:
        """A write transaction of the holder.

        Raises
        ------
        StartAgain
            When another process has taken over.
        """
        with self.lock, transaction(connection):
            if _number(connection) != self._number:
                raise StartAgain(
                    "store.lost",
                    f"Another process has taken over {self._path}; nothing more is written here.",
                )
            yield

    def close(self) -> None:
        self._file.close()


def wait_for_right(path: Path, each_look: Callable[[], None], stop: threading.Event) -> None:
    """Wait until nobody holds the right, or ``stop`` is set; another may still be faster."""
    while not stop.is_set():
        try:
            claim(_lock_of(path), lambda owner: _refusal(path, owner)).close()
        except AskOperator:
            each_look()
            time.sleep(_LOOK_EVERY_S)
        else:
            return


def _number(connection: apsw.Connection) -> int:
    return int(connection.execute("SELECT coalesce(max(number), 0) FROM writer").get)


def _lock_of(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return path.with_name(path.name + ".lock")


def _refusal(path: Path, owner: str) -> AskOperator:
    return AskOperator(
        LOCKED,
        f"Another process ({owner}) writes to {path} already: stop it first, give this one another "
        "file (ingest.store_url), or let it wait (ingest.standby).",
    )
