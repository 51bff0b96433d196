"""What a forwarder still has to send on: the embedded store's log, sealed or not, in order.

The store's own file is the spool. Entries of the log that are sealed before they were forwarded
stay in a table of their own, compressed as a whole, until the forwarder has taken them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import apsw
import numpy as np
import zstandard

from ingest.stores.rows import Rows, from_bytes, joined
from ingest.stores.sqlite_schema import explained, open_reader, snapshot
from purna.core.readings import DeviceEvent, ReadingBatch, SeriesKey


class Cursor(NamedTuple):
    """How far a forwarder has come: the last entry of the log, the last event."""

    entry: int = 0
    event: int = 0


class Parcel(NamedTuple):
    """What comes after a cursor, and the cursor behind it."""

    batch: ReadingBatch
    events: list[DeviceEvent]
    cursor: Cursor


class Spool:
    """Reads one store file for a forwarder.

    Parameters
    ----------
    path
        The store's file; there is nothing to forward until it is there.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection: apsw.Connection | None = None
        self._names: list[SeriesKey] = [SeriesKey("", "")]  # numbers begin at 1
        self._boots: list[str] = [""]

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def after(self, cursor: Cursor, rows: int = 20_000, events: int = 1_000) -> Parcel | None:
        """The oldest entries and events after ``cursor``; None when nothing waits.

        Entries come whole: the first one may have more than ``rows`` rows.
        """
        connection = self._open()
        if connection is None:
            return None
        with explained(self._path), snapshot(connection):
            parts: list[Rows] = []
            entry, size = cursor.entry, 0
            for number, count, body, packed in connection.execute(
                "SELECT id, count, body, 1 FROM spool WHERE id > ?1"
                " UNION ALL SELECT id, count, body, 0 FROM log WHERE id > ?1 ORDER BY id",
                (cursor.entry,),
            ):
                size += count
                if parts and size > rows:
                    break
                parts.append(from_bytes(unpack(body) if packed else body))
                entry = number
            told: list[Any] = connection.execute(
                "SELECT id, device, ts, kind, code, text FROM event WHERE id > ?"
                " ORDER BY id LIMIT ?",
                (cursor.event, events),
            ).fetchall()
            self._learn_names(connection)
        if not parts and not told:
            return None
        return Parcel(
            self._batch(joined(parts)),
            [DeviceEvent(*columns) for _, *columns in told],
            Cursor(entry, told[-1][0] if told else cursor.event),
        )

    def waiting(self, cursor: Cursor) -> int:
        """How many readings come after ``cursor``."""
        connection = self._open()
        if connection is None:
            return 0
        with explained(self._path), snapshot(connection):
            return int(
                connection.execute(
                    "SELECT (SELECT coalesce(sum(count), 0) FROM spool WHERE id > ?1)"
                    " + (SELECT coalesce(sum(count), 0) FROM log WHERE id > ?1)",
                    (cursor.entry,),
                ).get
            )

    def _open(self) -> apsw.Connection | None:
        if self._connection is None:
            self._connection = open_reader(self._path)
        return self._connection

    def _learn_names(self, connection: apsw.Connection) -> None:
        for device, quantity in connection.execute(
            "SELECT device, quantity FROM series WHERE id >= ? ORDER BY id", (len(self._names),)
        ):
            self._names.append(SeriesKey(device, quantity))
        for (name,) in connection.execute(
            "SELECT name FROM boot WHERE id >= ? ORDER BY id", (len(self._boots),)
        ):
            self._boots.append(name)

    def _batch(self, rows: Rows) -> ReadingBatch:
        sids, index = np.unique(rows.sid, return_inverse=True)
        boots, origin = np.unique(rows.boot, return_inverse=True)
        return ReadingBatch(
            series=tuple(self._names[sid] for sid in sids.tolist()),
            index=index.astype(np.int32),
            ts=rows.ts,
            value=rows.value,
            quality=rows.quality,
            boots=tuple(self._boots[boot] for boot in boots.tolist()),
            origin=origin.astype(np.int32),
            seq=rows.seq,
        )


def pack(body: bytes) -> bytes:
    """An entry of the log, compressed."""
    return zstandard.ZstdCompressor(level=3).compress(body)


def unpack(blob: bytes) -> bytes:
    return zstandard.ZstdDecompressor().decompress(blob)
