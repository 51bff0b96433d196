"""Sealing: the log of the embedded store becomes compressed chunks, in the background.

What was sealed stays in the log until all of it stands in chunks, so a sealing that ends half way
loses nothing and can be done again: rows that are in both merge like any others.
How chunks come about is in :mod:`ingest.stores.sealing`; here they are put in place.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path

from ingest.stores import spool, sqlite_chunks
from ingest.stores.base import Cutoff
from ingest.stores.sealing import End, Step, one_round
from ingest.stores.sealing_process import SealingProcess
from ingest.stores.sqlite_prune import Pruner
from ingest.stores.sqlite_schema import explained, open_writer
from ingest.stores.write_right import WriteRight
from purna.core.readings import SeriesKey

LOG_ENTRIES = 4096
"""A log with this many commits is sealed even when they are small, so that readers start fast."""

SEALINGS_REMEMBERED = 1000
"""Of as many sealings it is kept which hours they touched."""


class Sealer:
    """Seals one store file.

    Parameters
    ----------
    path
        The store's file; only the process that may write to it makes a sealer.
    right
        To write to it.
    aside
        Compress in a process of its own, so that this one has its time for those who commit.
    forwarded
        Up to which entry of the log a forwarder has come; None where there is no forwarder.
    """

    def __init__(
        self,
        path: Path,
        right: WriteRight,
        *,
        aside: bool = False,
        forwarded: Callable[[], int] | None = None,
    ) -> None:
        self._path = path
        self._forwarded = forwarded
        self._right = right
        self._seal_lock = threading.Lock()
        self._connection = open_writer(path)
        self._pruner = Pruner(path, self._connection, right)
        self._process = SealingProcess(path) if aside else None
        self._find: Callable[[int], Iterator[Step | End]] = (
            self._process.one_round if self._process else partial(one_round, self._connection)
        )

    def close(self) -> None:
        with self._seal_lock:
            if self._process is not None:
                self._process.close()
            self._connection.close()

    def prune(self, default: Cutoff, own: Mapping[SeriesKey, Cutoff]) -> None:
        self.seal(1)
        with self._seal_lock:
            self._pruner.prune(default, own)
            self._pruner.give_back()

    def seal(self, min_rows: int) -> int:
        with self._seal_lock, explained(self._path):
            size, count, last = self._connection.execute(
                "SELECT coalesce(sum(count), 0), count(*), max(id) FROM log"
            ).get
            if size < min_rows and count < LOG_ENTRIES:
                return 0
            sealed = 0
            while some := self._round(last):
                sealed += some
            self._pruner.give_back()
            return sealed

    def _round(self, last: int) -> int:
        """Seal the oldest entries up to ``last``; how many rows, 0 when there are none left."""
        connection = self._connection
        for step in self._find(last):
            if isinstance(step, Step):
                with self._right.transaction(connection):
                    sqlite_chunks.put(connection, step.change)
                    connection.executemany(
                        "INSERT OR REPLACE INTO latest VALUES (?, ?, ?, ?, ?, ?)", step.latest
                    )
                continue
            self._finish(step)
            return step.rows
        return 0

    def _finish(self, end: End) -> None:
        """The entries up to here stand in chunks: they leave the log."""
        connection = self._connection
        taken = end.entry if self._forwarded is None else self._forwarded()
        waiting = [
            (entry, count, spool.pack(body))
            for entry, count, body in connection.execute(
                "SELECT id, count, body FROM log WHERE id > ? AND id <= ?", (taken, end.entry)
            )
        ]
        with self._right.transaction(connection):
            connection.executemany("INSERT INTO spool VALUES (?, ?, ?)", waiting)
            connection.execute("DELETE FROM spool WHERE id <= ?", (taken,))
            connection.execute("INSERT INTO touch VALUES (?, ?)", (end.entry, end.touched))
            connection.execute(
                "DELETE FROM touch WHERE entry <= "
                "(SELECT entry FROM touch ORDER BY entry DESC LIMIT 1 OFFSET ?)",
                (SEALINGS_REMEMBERED,),
            )
            connection.execute("DELETE FROM log WHERE id <= ?", (end.entry,))
            connection.execute("UPDATE state SET generation = generation + 1")
