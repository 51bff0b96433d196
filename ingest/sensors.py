"""Whether a sensor can be believed: jumps, standstill, gaps and wrong clocks, seen over time. Pure.

Other than :mod:`ingest.quality`, which judges a reading by itself, this compares it with those
before. What it finds becomes an event of kind ``quality`` when it begins and another when it is
over, never a mark on the reading: what is stored must not depend on the order in which it came.
Only quantities and products whose catalogue entry asks for it are looked at.

A reading that is older than the newest one of its series says nothing about the sensor now, and
is passed over.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from purna.core.catalogue import Product
from purna.core.clock import SECOND
from purna.core.readings import DeviceEvent, Float64, Int32, Int64, SeriesKey

KIND = "quality"
STUCK_READINGS = 5
"""So many equal readings at least, however long they took."""
QUIET = 3600 * SECOND
"""The same finding of the same series begins at most once in this (event) time."""
CLOCK_SAMPLES = 16
CLOCK_SAMPLE_EVERY = 10 * SECOND
_STEADY = 5.0
"""Seconds, or a quarter of the difference: a clock is always off by the same, a backlog is not."""

Bool = NDArray[np.bool_]


class SensorLimits(NamedTuple):
    """Limits of a quantity's behaviour over time; NaN where there is none.

    ``rate`` in the quantity's unit per second, the others in micros.
    """

    rate: float
    stuck: float
    gap: float

    @property
    def any(self) -> bool:
        return not all(np.isnan(self))


def limits_of(product: Product) -> dict[str, SensorLimits]:
    """By quantity; only those that have any."""
    nan = float("nan")
    found = {
        quantity.id: SensorLimits(
            quantity.max_rate or nan,
            (quantity.stuck_after_s or nan) * SECOND,
            (quantity.gap_after_s or nan) * SECOND,
        )
        for quantity in product.quantities
    }
    return {quantity: limits for quantity, limits in found.items() if limits.any}


class _Slots:
    """State by slot: a small number for each series, or device, that is looked at."""

    def __init__(self, fields: dict[str, Any]) -> None:
        self._fields = fields
        self.size = 0
        self._of = np.empty(0, np.int32)  # slot by number, -1 where none
        self.state = {name: np.empty(0, np.asarray(empty).dtype) for name, empty in fields.items()}

    def of(self, numbers: Int32, known: int, wanted: Callable[[int], bool]) -> Int32:
        """Slots of numbers below ``known``; ``wanted`` is asked once for each new number."""
        if known > len(self._of):
            new = [wanted(number) for number in range(len(self._of), known)]
            slots = np.where(new, self.size + np.cumsum(new) - 1, -1).astype(np.int32)
            self._of = np.concatenate([self._of, slots])
            self.size += sum(new)
            self._grow()
        found: Int32 = self._of[numbers]
        return found

    def _grow(self) -> None:
        for name, empty in self._fields.items():
            old = self.state[name]
            if len(old) < self.size:
                room = max(self.size, 2 * len(old), 64)
                grown = np.full(room, empty, old.dtype)
                grown[: len(old)] = old
                self.state[name] = grown


class SensorWatch:
    """Looks at the readings of groups, series numbered as in :class:`~ingest.columns.Columns`.

    Parameters
    ----------
    limits
        The limits of a series, or None; asked once for each.
    """

    def __init__(self, limits: Callable[[SeriesKey], SensorLimits | None]) -> None:
        self._limits = limits
        nan = np.nan
        self._slots = _Slots(
            {
                "ts": np.int64(-(2**63)),
                "value": nan,
                "since": np.int64(0),  # since when it has been the same
                "count": np.int32(0),
                "rate": nan,
                "stuck": nan,
                "gap": nan,
                "jumping": False,
                "standing": False,
                "jumped": np.int64(-(2**62)),
                "stood": np.int64(-(2**62)),
            }
        )

    def look(
        self, series: Sequence[SeriesKey], number: Int32, ts: Int64, value: Float64
    ) -> list[DeviceEvent]:
        """What began or ended with these readings.

        Parameters
        ----------
        series
            All series by number; only grows between calls.
        number, ts, value
            By reading: its series, its time (micros), its value. In any order.
        """
        new_limits: list[SensorLimits] = []

        def wanted(one: int) -> bool:
            limits = self._limits(series[one])
            if limits is not None:
                new_limits.append(limits)
            return limits is not None

        before = self._slots.size
        slot = self._slots.of(number, len(series), wanted)
        state = self._slots.state
        for position, limits in enumerate(new_limits, before):
            for name in ("rate", "stuck", "gap"):
                state[name][position] = getattr(limits, name)
        seen = np.flatnonzero((slot >= 0) & (ts > state["ts"][slot])) if len(state["ts"]) else ()
        if not len(seen):
            return []
        order = seen[np.lexsort((ts[seen], slot[seen]))]
        return self._compare(series, number[order], slot[order], ts[order], value[order])

    def _compare(
        self, series: Sequence[SeriesKey], number: Int32, slot: Int32, ts: Int64, value: Float64
    ) -> list[DeviceEvent]:
        """Readings in order of series and time, all newer than what is known."""
        state = self._slots.state
        first = np.ones(len(slot), np.bool_)
        first[1:] = slot[1:] != slot[:-1]
        last = np.append(first[1:], True)
        past_ts = np.where(first, state["ts"][slot], np.roll(ts, 1))
        past = np.where(first, state["value"][slot], np.roll(value, 1))
        known = ~np.isnan(past)
        step = np.where(known, ts - past_ts, 0)
        gap = known & (step > state["gap"][slot])
        # A jump within less than a second counts as one within a second.
        jump = known & (np.abs(value - past) / np.maximum(step / SECOND, 1.0) > state["rate"][slot])
        # The run of equal values that each reading belongs to: where it began, how long it is.
        same = known & (value == past)
        index = np.arange(len(slot))
        start = np.maximum.accumulate(np.where(first | ~same, index, 0))
        carried = same[start]  # goes on from what is known
        since = np.where(carried, state["since"][slot], ts[start])
        count = index - start + 1 + np.where(carried, state["count"][slot], 0)
        stuck = same & (count >= STUCK_READINGS) & (ts - since >= state["stuck"][slot])
        events: list[DeviceEvent] = []
        for at in np.flatnonzero(gap):
            seconds = step[at] / SECOND
            events.append(_event(series[number[at]], ts[at], "gap", f"{seconds:.0f} s"))
        odd = jump | state["jumping"][slot] | stuck | state["standing"][slot]
        for at in np.flatnonzero(np.isin(slot, slot[odd])):
            key, where, when = series[number[at]], slot[at], int(ts[at])
            text = f"{past[at]:g} -> {value[at]:g} in {step[at] / SECOND:g} s"
            events += self._turn(key, where, when, "jump", bool(jump[at]), text)
            text = f"{value[at]:g} for {(when - since[at]) / SECOND:.0f} s"
            events += self._turn(key, where, when, "stuck", bool(stuck[at]), text)
        where = slot[last]
        state["ts"][where], state["value"][where] = ts[last], value[last]
        state["since"][where], state["count"][where] = since[last], count[last]
        return events

    def _turn(
        self, key: SeriesKey, slot: int, ts: int, code: str, now: bool, text: str
    ) -> list[DeviceEvent]:
        on, begun = {"jump": ("jumping", "jumped"), "stuck": ("standing", "stood")}[code]
        state = self._slots.state
        if now and not state[on][slot] and ts - state[begun][slot] >= QUIET:
            state[on][slot], state[begun][slot] = True, ts
            return [_event(key, ts, code, text)]
        if not now and state[on][slot]:
            state[on][slot] = False
            return [_event(key, ts, f"{code}.over", "")]
        return []


class ClockWatch:
    """Compares the clocks of devices with the times at which their messages arrive.

    A sample is how far a device's newest reading in a group lies behind its arrival. The median of
    the last samples is what its clock differs by, if they differ little from each other: a device
    that sends a backlog, or sends rarely, is not taken for one with a wrong clock.

    Parameters
    ----------
    limit
        Seconds that a device's clock may differ, or 0 where nobody asks; asked once for each.
    """

    def __init__(self, limit: Callable[[str], float]) -> None:
        self._limit = limit
        self._slots = _Slots(
            {"sampled": np.int64(-(2**62)), "count": np.int32(0), "limit": np.nan, "off": False}
        )
        self._samples = np.empty((0, CLOCK_SAMPLES), np.float32)

    def look(self, devices: Sequence[str], number: Int32, ts: Int64, now: int) -> list[DeviceEvent]:
        """What began or ended; ``number`` is the position in ``devices`` of each reading's.

        Raises nothing, and looks at each device at most every ten seconds of arrival time.
        """
        new_limits: list[float] = []

        def wanted(one: int) -> bool:
            limit = self._limit(devices[one])
            if limit > 0:
                new_limits.append(limit)
            return limit > 0

        before = self._slots.size
        slot = self._slots.of(number, len(devices), wanted)
        state = self._slots.state
        state["limit"][before : before + len(new_limits)] = new_limits
        if len(self._samples) < len(state["limit"]):
            grown = np.zeros((len(state["limit"]), CLOCK_SAMPLES), np.float32)
            grown[: len(self._samples)] = self._samples
            self._samples = grown
        due = np.flatnonzero(slot >= 0)
        due = due[now - state["sampled"][slot[due]] >= CLOCK_SAMPLE_EVERY]
        if not len(due):
            return []
        order = due[np.lexsort((ts[due], slot[due]))]
        newest = order[np.append(slot[order][1:] != slot[order][:-1], True)]
        where = slot[newest]
        place = state["count"][where] % CLOCK_SAMPLES
        self._samples[where, place] = (now - ts[newest]) / SECOND
        state["sampled"][where] = now
        state["count"][where] += 1
        full = state["count"][where] >= CLOCK_SAMPLES
        newest, where = newest[full], where[full]
        low, middle, high = np.percentile(self._samples[where], (25, 50, 75), axis=1)
        steady = high - low <= np.maximum(_STEADY, np.abs(middle) / 4)
        limit, off = state["limit"][where], state["off"][where]
        begins = ~off & steady & (np.abs(middle) > limit)
        ends = off & (np.abs(middle) < limit / 2)
        state["off"][where] = (off | begins) & ~ends
        events = []
        for at in np.flatnonzero(begins | ends):
            code = ("clock.behind" if middle[at] > 0 else "clock.ahead") if begins[at] else ""
            device = devices[number[newest[at]]]
            text = f"{abs(middle[at]):.0f} s"
            events.append(DeviceEvent(device, now, KIND, code or "clock.over", text))
        return events


def _event(key: SeriesKey, ts: Any, code: str, text: str) -> DeviceEvent:
    return DeviceEvent(key.device, int(ts), KIND, f"{code}:{key.quantity}", text)
