"""Sealing, removing old readings and other chores, in a thread that gives way to the ingester."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence

import structlog

from ingest.stores.base import Cutoff, IngestStore
from purna.core.clock import DAY, Clock
from purna.core.errors import RetryLater

log = structlog.get_logger(__name__)

_LOOK_EVERY_S = 1.0
_PRUNE_EVERY_S = 3600.0
_NICENESS = 10


class Upkeep:
    """Looks after a store while :meth:`start` … :meth:`stop`.

    An error in it must not stay unseen: :meth:`check` raises it in the ingester's own thread.
    """

    def __init__(
        self,
        store: IngestStore,
        clock: Clock,
        monotonic: Callable[[], float],
        seal_rows: int,
        retention_days: float,
        chores: Sequence[Callable[[], object]] = (),
    ) -> None:
        self._store = store
        self._chores = chores
        self._clock = clock
        self._monotonic = monotonic
        self._seal_rows = seal_rows
        self._retention = int(retention_days * DAY)
        self._prune_at = monotonic()
        self._stopping = threading.Event()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="upkeep", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()

    def check(self) -> None:
        if self._failure is not None:
            raise self._failure

    def once(self) -> None:
        """Seal and prune if it is time, then do each chore; none may take long."""
        self._store.seal(self._seal_rows)
        if self._retention and self._monotonic() >= self._prune_at:
            self._prune_at = self._monotonic() + _PRUNE_EVERY_S
            self._store.prune(Cutoff(self._clock.now() - self._retention))
        for chore in self._chores:
            chore()

    def _run(self) -> None:
        _give_way()
        while not self._stopping.wait(_LOOK_EVERY_S):
            try:
                self.once()
            except RetryLater as error:
                log.warning("upkeep has to wait", why=str(error))
            except BaseException as error:
                self._failure = error
                return


def _give_way() -> None:
    """Lower this thread's priority; Linux keeps one for each thread."""
    if hasattr(os, "setpriority"):
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICENESS)
