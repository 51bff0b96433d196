"""When devices were last heard of, and whether they are there now."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from threading import Lock
from typing import Annotated, NamedTuple

from fastapi import Depends, Request

from api.v1.devices.fleet import Line
from purna.core.catalogue import Product
from purna.core.clock import DAY, MINUTE, Clock
from purna.core.ports import Latest, ReadingStore
from purna.core.readings import DeviceEvent, SeriesKey

_STATUS_WITHIN = 30 * DAY  # an older status message says nothing about today


class Contact(NamedTuple):
    """Time (micros) of a device's newest reading, and its newest status message."""

    last_seen: int | None = None
    status: DeviceEvent | None = None


def contacts_of(
    store: ReadingStore, devices: Sequence[str], newest: Mapping[SeriesKey, Latest], now: int
) -> dict[str, Contact]:
    """The contact of each device, by its ``newest`` readings and one look at status messages."""
    seen: dict[str, int] = {}
    for key, latest in newest.items():
        seen[key.device] = max(latest.ts, seen.get(key.device, latest.ts))
    events = store.events(devices, now - _STATUS_WITHIN, now + DAY, kind="status")
    status = {event.device: event for event in events}  # sorted by time: the newest stays
    return {device: Contact(seen.get(device), status.get(device)) for device in devices}


def is_online(contact: Contact, product: Product, now: int) -> bool:
    """Heard of within the last two windows, and not signed off since its last reading."""
    last_seen, status = contact
    heard = max(last_seen or 0, status.ts if status else 0)
    if heard == 0 or now - heard > 2 * product.step_minutes * MINUTE:
        return False
    return status is None or status.code != "offline" or (last_seen or 0) > status.ts


class OnlineCount:
    """How many devices are online, counted anew after ten seconds at the earliest."""

    KEPT_SECONDS = 10.0

    def __init__(
        self, store: ReadingStore, clock: Clock, seconds: Callable[[], float] = time.monotonic
    ) -> None:
        self._store = store
        self._clock = clock
        self._seconds = seconds
        self._counted_at: float | None = None
        self._count = 0
        self._lock = Lock()

    def of(self, fleet: Sequence[Line]) -> int:
        with self._lock:
            if self._counted_at is None or self._seconds() - self._counted_at > self.KEPT_SECONDS:
                ids, now = [line.device.id for line in fleet], self._clock.now()
                contacts = contacts_of(self._store, ids, self._store.latest(ids), now)
                self._count = sum(
                    is_online(contacts[line.device.id], line.product, now) for line in fleet
                )
                self._counted_at = self._seconds()
            return self._count


def online_count_of(request: Request) -> OnlineCount:
    """The one of the application that serves this request."""
    count: OnlineCount = request.app.state.online_count
    return count


OnlineCountParam = Annotated[OnlineCount, Depends(online_count_of)]
