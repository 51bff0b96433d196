"""The ports: what the packages ask of one another. Every backend of a port passes one suite.

The suites stand in ``tests/contracts/``, one per port, and run over every backend.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, Protocol

from purna.core.assessments import Assessment
from purna.core.devices import Customer, Device, Maintenance, Site
from purna.core.readings import (
    DeviceEvent,
    Gap,
    Points,
    ReadingBatch,
    Rejected,
    SeriesKey,
)
from purna.core.rollups import Rollups
from purna.core.waveforms import Waveform, WaveformInfo, WaveformKey


class Appended(NamedTuple):
    """What became of a batch: new rows, and rows that were there already."""

    stored: int
    duplicates: int


class Latest(NamedTuple):
    """The newest reading of a series by event time."""

    ts: int
    value: float


class Touched(NamedTuple):
    """Hours of devices that got readings: ``(device, micros at which the hour ends)``.

    As with windows, an hour that ends at *e* holds the readings with ``e - 1 h < ts <= e``.
    """

    cursor: int
    hours: frozenset[tuple[str, int]]


class ReadingStore(Protocol):
    """Keeps readings and device events.

    Durable: when ``append`` returns, the batch survives a power cut. Idempotent and commutative:
    appending the same or an overlapping batch again, in any order, ends in the same content
    (see :mod:`purna.core.readings` for which duplicate wins). Readers in other processes see a
    batch at the latest one second after ``append`` returned.

    Raises :class:`~purna.core.errors.RetryLater` when the store can't take or give data now;
    nothing of the batch counts as stored then.
    """

    def append(self, batch: ReadingBatch, events: Sequence[DeviceEvent] = ()) -> Appended: ...

    def read(self, keys: Sequence[SeriesKey], start: int, end: int) -> dict[SeriesKey, Points]:
        """Points with ``start <= ts < end`` of each key; an unknown series has none."""
        ...

    def rollups(
        self, keys: Sequence[SeriesKey], start: int, end: int, step: int
    ) -> dict[SeriesKey, Rollups]:
        """Roll-ups of each key in the buckets that begin at ``start <= ts < end``.

        They equal those of what :meth:`read` gives. A backend may keep them longer than readings:
        where readings were pruned it answers what they were like then, and readings that come
        later for that stretch change nothing any more.

        Parameters
        ----------
        step
            One of :data:`purna.core.rollups.STEPS`, in micros.
        """
        ...

    def latest(self, devices: Sequence[str]) -> dict[SeriesKey, Latest]:
        """The newest point of every series of these devices."""
        ...

    def series(self) -> list[SeriesKey]:
        """All series, sorted."""
        ...

    def events(
        self, devices: Sequence[str], start: int, end: int, kind: str = "event"
    ) -> list[DeviceEvent]:
        """Events with ``start <= ts < end``, sorted by (ts, device, code)."""
        ...

    def span(self) -> tuple[int, int] | None:
        """First and last ``ts`` of all readings, or None when empty."""
        ...

    def touched(self, since: int) -> Touched:
        """Which hours of which devices got readings after the cursor ``since`` (0: ever).

        The answer's ``cursor`` is what to ask with next time. Readings that were there already
        count too. What was stored very long ago may be left out, and much at once in its oldest
        hours.
        """
        ...

    def close(self) -> None: ...


class WaveformStore(Protocol):
    """Keeps waveforms, with a retention of their own.

    Durable and idempotent like readings: of two waveforms with one key
    :func:`purna.core.waveforms.wins` says which stays, in whatever order they come. Samples come
    back bit by bit as they were given.

    Raises :class:`~purna.core.errors.RetryLater` when the store can't take or give data now.
    """

    def add(self, waveforms: Sequence[Waveform]) -> list[bool]:
        """Durable when it returns; for each waveform whether its key was new.

        One that replaces another is pending again.
        """
        ...

    def find(
        self, device: str, quantity: str, start: int, end: int, limit: int = 1000
    ) -> list[WaveformInfo]:
        """With ``start <= ts < end``, newest first; ``quantity`` may be empty for all."""
        ...

    def get(self, key: WaveformKey) -> Waveform:
        """Raises :class:`~purna.core.errors.NotFound`."""
        ...

    def pending(self, limit: int) -> list[Waveform]:
        """Waveforms not yet turned into indicators, oldest first."""
        ...

    def done(self, waveforms: Sequence[Waveform], error: str = "") -> None:
        """Note that these are no longer pending; with an ``error`` that they have FAILED.

        One that has been replaced meanwhile stays pending.
        """
        ...

    def prune(self, before: int, limit_bytes: int = 0) -> int:
        """Remove what is older than ``before`` (micros), then the oldest above ``limit_bytes``
        of samples as they are kept (0 = no limit); how many went.

        The newest waveform of each (device, quantity) always stays. Removes a bounded number
        each time, so that it never takes long: call again until it returns 0.
        """
        ...

    def close(self) -> None: ...


class RejectedFilter(NamedTuple):
    """Which refused messages are meant; what is empty or None does not matter.

    ``code`` is a reject code or the beginning of one up to a dot (``ts`` means ``ts.future`` and
    the like); ``text`` is looked for in topic, field, hint and payload, in any case; times are of
    arrival, ``start <= received < end`` (micros).
    """

    device: str = ""
    code: str = ""
    text: str = ""
    start: int | None = None
    end: int | None = None


class GapLog(Protocol):
    """Remembers gaps in the numbering of messages, bounded: closed ones go first."""

    def note(self, gaps: Sequence[Gap]) -> None:
        """Add gaps, or renew those with the same (device, boot, first). Durable when it returns.

        Raises :class:`~purna.core.errors.RetryLater` when that is not possible now.
        """
        ...

    def gaps(
        self, device: str | None = None, *, open_only: bool = False, limit: int = 1000
    ) -> list[Gap]:
        """The gaps opened last, newest first; of one device where given."""
        ...


class Quarantine(Protocol):
    """Keeps what could not be taken in, bounded: the oldest goes first, and is counted.

    After a fix (a device was registered, the catalogue corrected) entries can be *asked for
    again*: whoever ingests takes them through the line once more, and what can be taken now
    leaves the quarantine.
    """

    def add(self, rejected: Sequence[Rejected]) -> None:
        """Durable when it returns."""
        ...

    def entries(
        self,
        which: RejectedFilter = RejectedFilter(),  # noqa: B008 - it can't change
        *,
        before: int | None = None,
        limit: int = 100,
    ) -> list[tuple[int, Rejected]]:
        """Newest first, as ``(id, rejected)``; ``before`` is an id to page on from."""
        ...

    def counts(self, which: RejectedFilter = RejectedFilter()) -> Mapping[str, int]:  # noqa: B008
        """How many are kept, by code."""
        ...

    def ask_again(self, which: RejectedFilter, ids: Sequence[int] | None = None) -> int:
        """Have these entries taken in again, with ``ids`` only those; how many that are.

        Entries of which only a part was kept are left out.
        """
        ...

    def asked(self, limit: int) -> list[tuple[int, Rejected]]:
        """Entries to be taken in again, oldest first."""
        ...

    def settle(self, taken: Sequence[int], still: Mapping[int, Rejected]) -> None:
        """Remove what was ``taken``; keep what is ``still`` refused, with today's reason."""
        ...


class DeviceRegistry(Protocol):
    """Which devices there are, and where."""

    def get(self, device_id: str) -> Device:
        """Raises :class:`~purna.core.errors.NotFound`."""
        ...

    def find(self, device_id: str) -> Device | None: ...

    def all(self, product: str = "") -> list[Device]:
        """Sorted by id."""
        ...

    def sites(self) -> list[Site]: ...

    def add(
        self,
        devices: Iterable[Device],
        sites: Iterable[Site] = (),
        customers: Iterable[Customer] = (),
    ) -> None:
        """Adds or replaces; one transaction."""
        ...


class MaintenanceLog(Protocol):
    """What was replaced when: the labels that models learn from."""

    def add(self, records: Iterable[Maintenance]) -> int:
        """Adds what is not there yet, by (device, component, ts); returns how many were new."""
        ...

    def records(
        self, devices: Sequence[str] | None = None, known_before: int | None = None
    ) -> list[Maintenance]:
        """Sorted by (ts, device, component); ``known_before`` hides what was learnt later."""
        ...


class AssessmentLog(Protocol):
    """Keeps assessments by (device, window_end); a re-scored window replaces the older one."""

    def put(self, assessments: Sequence[Assessment]) -> None: ...

    def latest(self, devices: Sequence[str] | None = None) -> dict[str, Assessment]: ...

    def between(self, device: str, start: int, end: int) -> list[Assessment]:
        """With ``start <= window_end < end``, in time order."""
        ...

    def pending(self, after: int, limit: int) -> list[tuple[int, Assessment]]:
        """``(position, assessment)`` put after position ``after``, in the order they were put."""
        ...
