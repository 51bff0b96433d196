"""Sends everything that is stored here on to another store, in order and at its own pace.

Devices are acknowledged by the embedded store alone. The other store may be away for hours, slow,
or answer anything: what it does not have stays in the spool, and nothing waits for it.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec
import numpy as np
import structlog

from ingest.stores.spool import Cursor, Spool
from purna.core.clock import HOUR
from purna.core.errors import GiveUp, RetryLater
from purna.core.ports import ReadingStore
from purna.core.readings import DeviceEvent, ReadingBatch

log = structlog.get_logger(__name__)


class CursorFile:
    """Remembers durably how far a forwarder has come.

    An older cursor than the true one does no harm: what is sent again changes nothing.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> Cursor:
        """The start where there is no such file yet."""
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=Cursor)
        except FileNotFoundError:
            return Cursor()

    def write(self, cursor: Cursor) -> None:
        draft = self._path.with_suffix(".new")
        with draft.open("wb") as file:
            file.write(msgspec.json.encode(cursor))
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self._path)


class Forwarder:
    """Forwards from one spool to one store.

    Parameters
    ----------
    spool
        What is to be sent on.
    target
        Where it goes; appending the same again must change nothing there.
    cursor
        How far it has come, kept over restarts.
    """

    def __init__(self, spool: Spool, target: ReadingStore, cursor: CursorFile) -> None:
        self._spool = spool
        self._target = target
        self._file = cursor
        self.cursor = cursor.read()
        self.sent = 0
        """Readings sent on."""
        self.refused = 0
        """Readings and events that the target will never take; they stay in the local store."""

    def step(self) -> bool:
        """Send the next parcel on; whether there was one.

        Raises
        ------
        RetryLater
            When the target can't take it now, or did not keep what it said it had.
        AskOperator
            When the target lets us in no more.
        """
        parcel = self._spool.after(self.cursor)
        if parcel is None:
            return False
        self._send(parcel.batch, parcel.events)
        self._file.write(parcel.cursor)
        self.cursor = parcel.cursor
        self.sent += len(parcel.batch)
        return True

    def waiting(self) -> int:
        """How many readings are still to be sent on."""
        return self._spool.waiting(self.cursor)

    def _send(self, batch: ReadingBatch, events: list[DeviceEvent]) -> None:
        try:
            self._target.append(batch, events)
        except GiveUp as error:
            # One bad row must not hold up the rest: it is looked for by halves.
            if len(batch) + len(events) <= 1:
                self.refused += 1
                log.error("the store will never take this", why=error.detail)
                return
            for some, told in _halves(batch, events):
                self._send(some, told)
            return
        if self._lacking(batch):
            raise RetryLater("forward.lacking", "the store lacks readings that it said it had kept")

    def _lacking(self, batch: ReadingBatch) -> bool:
        """Whether the target, asked for what it was just given, does not have all of it."""
        for part in _stretches(batch):
            here = np.unique(part.index).tolist()
            start, end = int(part.ts.min()), int(part.ts.max()) + 1
            kept = self._target.read([part.series[number] for number in here], start, end)
            for number in here:
                there = kept[part.series[number]].ts
                if not np.isin(part.ts[part.index == number], there).all():
                    return True
        return False


def _stretches(batch: ReadingBatch) -> Iterator[ReadingBatch]:
    """The rows in parts that lie close together in time: late rows are far from the others."""
    order = np.argsort(batch.ts, kind="stable")
    borders = np.flatnonzero(np.diff(batch.ts[order]) > HOUR) + 1
    for rows in np.split(order, borders):
        if len(rows):
            yield batch.rows(rows)


def _halves(
    batch: ReadingBatch, events: list[DeviceEvent]
) -> Iterable[tuple[ReadingBatch, list[DeviceEvent]]]:
    if len(batch) and events:
        yield batch, []
        yield batch.rows(slice(0, 0)), events
        return
    middle = max(len(batch), len(events)) // 2
    for half in (slice(0, middle), slice(middle, None)):
        yield batch.rows(half), events[half]
