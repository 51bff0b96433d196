"""What the ingester asks of a store beyond the :class:`~purna.core.ports.ReadingStore` port."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from ingest.acks import Progress
from purna.core.ports import Appended, ReadingStore
from purna.core.readings import DeviceEvent, ReadingBatch, SeriesKey


class Cutoff(NamedTuple):
    """Readings, and their roll-ups, that are older (micros) are not needed any more."""

    readings: int
    rollups: int = -(2**63)


NOTHING_OWN: Mapping[SeriesKey, Cutoff] = MappingProxyType({})

STORE_FULL = "store.full"
"""Code of the RetryLater that says that the disk is full."""


@dataclass(frozen=True, slots=True)
class Committed:
    """What became of a group: for each row of the batch and each event, whether it was new."""

    new_rows: NDArray[np.bool_]
    new_events: tuple[bool, ...]

    @property
    def appended(self) -> Appended:
        stored = int(self.new_rows.sum())
        return Appended(stored, len(self.new_rows) - stored)


class IngestStore(ReadingStore, Protocol):
    """A reading store as the ingester sees it. One process writes; see the backends."""

    def commit(
        self,
        batch: ReadingBatch,
        events: Sequence[DeviceEvent] = (),
        progress: Sequence[Progress] = (),
    ) -> Committed:
        """:meth:`append` with the acknowledgement state of the group, all durable together.

        Of several rows with one key in the batch the first counts as new; which one wins does
        not depend on that.
        """
        ...

    def progress(self) -> list[Progress]:
        """The acknowledgement state of all devices; of the boots of one, the older first."""
        ...

    def history(self, key: SeriesKey, start: int, end: int) -> Iterator[ReadingBatch]:
        """Everything known of the readings with ``start <= ts < end``, in time order.

        A bounded number at a time; what is stored meanwhile may be in it or not.
        """
        ...

    def seal(self, min_rows: int = 1) -> int:
        """Compress the log if it has at least ``min_rows`` readings; how many were sealed.

        May run in another thread than :meth:`commit`. Without meaning, and 0, where the backend
        compresses by itself.
        """
        ...

    def prune(self, default: Cutoff, own: Mapping[SeriesKey, Cutoff] = NOTHING_OWN) -> None:
        """Remove readings and roll-ups that are too old, and events as old as the readings.

        Nothing at or after the cutoff goes; of what is older the same day (UTC) may stay.

        Parameters
        ----------
        default
            For events, and for all series that have no cutoff of their `own`.
        """
        ...


def single_series(key: SeriesKey, rows: Sequence[tuple[int, str, int, float, int]]) -> ReadingBatch:
    """A batch from tuples of ts, boot, number, value and quality."""
    boots = {boot: number for number, boot in enumerate(dict.fromkeys(row[1] for row in rows))}
    return ReadingBatch(
        (key,),
        np.zeros(len(rows), np.int32),
        np.array([ts for ts, *_ in rows], np.int64),
        np.array([value for *_, value, _ in rows], np.float64),
        np.array([quality for *_, quality in rows], np.uint8),
        tuple(boots),
        np.array([boots[boot] for _, boot, *_ in rows], np.int32),
        np.array([seq for _, _, seq, *_ in rows], np.int64),
    )
