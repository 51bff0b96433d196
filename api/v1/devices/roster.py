"""All devices, kept for some seconds: to read ten thousand from the database takes most of one."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from threading import Lock
from typing import Annotated

from fastapi import Depends, Request

from purna.core.devices import Device
from purna.core.ports import DeviceRegistry


class Roster:
    """The devices of the registry, at most ten seconds old.

    Parameters
    ----------
    seconds
        Seconds that only grow.
    """

    KEPT_SECONDS = 10.0

    def __init__(
        self, registry: DeviceRegistry, seconds: Callable[[], float] = time.monotonic
    ) -> None:
        self._registry = registry
        self._seconds = seconds
        self._devices: Sequence[Device] = ()
        self._read_at: float | None = None
        self._lock = Lock()

    def all(self) -> Sequence[Device]:
        """Sorted by id."""
        with self._lock:
            if self._read_at is None or self._seconds() - self._read_at > self.KEPT_SECONDS:
                self._devices = self._registry.all()
                self._read_at = self._seconds()
            return self._devices

    def forget(self) -> None:
        """Read anew at the next question: a device was registered here."""
        with self._lock:
            self._read_at = None


def roster_of(request: Request) -> Roster:
    """The one of the application that serves this request."""
    roster: Roster = request.app.state.roster
    return roster


RosterParam = Annotated[Roster, Depends(roster_of)]
