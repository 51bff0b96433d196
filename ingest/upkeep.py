"""Sealing, removing old readings and other chores, in a thread that gives way to the ingester."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence

import structlog

from ingest.stores.base import IngestStore
from purna.core.errors import RetryLater

log = structlog.get_logger(__name__)

_LOOK_EVERY_S = 1.0
_PRUNE_EVERY_S = 3600.0
_NICENESS = 10


class Upkeep:
    """Looks after a store while :meth:`start` … :meth:`stop`.

    An error in it must not stay unseen: :meth:`check` raises it in the ingester's own thread.

    Parameters
    ----------
    seal_rows
        The log is sealed when it has so many readings.
    prune
        Removes what is too old; done once an hour.
    chores
        Done about once a second.
    """

    def __init__(
        self,
        store: IngestStore,
        monotonic: Callable[[], float],
        seal_rows: int,
        prune: Callable[[], None] = lambda: None,
        chores: Sequence[Callable[[], object]] = (),
    ) -> None:
        self._store = store
        self._chores = chores
        self._monotonic = monotonic
        self._seal_rows = seal_rows
        self._prune = prune
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
        if self._monotonic() >= self._prune_at:
            self._prune_at = self._monotonic() + _PRUNE_EVERY_S
            self._prune()
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
