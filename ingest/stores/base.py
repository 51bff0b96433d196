"""What the ingester asks of a store beyond the :class:`~purna.core.ports.ReadingStore` port."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ingest.acks import Progress
from purna.core.ports import Appended, ReadingStore
from purna.core.readings import DeviceEvent, ReadingBatch


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

    def seal(self, min_rows: int = 1) -> int:
        """Compress the log if it has at least ``min_rows`` readings; how many were sealed.

        May run in another thread than :meth:`commit`. Without meaning, and 0, where the backend
        compresses by itself.
        """
        ...

    def prune(self, before: int) -> None:
        """Remove readings and events older than ``before`` (micros).

        Nothing at or after ``before`` goes; a little of what is older may stay for a while.
        """
        ...
