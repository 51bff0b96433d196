"""The platform's clock as a small file, so that all processes agree on a virtual time.

Without the file, time is the computer's own. With it,
``now = virtual + (real_now - real) x speed``:
a demonstration runs faster than real time, and a replay (``speed`` 0) moves the time by hand to
where its events are. Everything in the platform asks this clock, so an SLA or "too far in the
future" means the same in every process.
"""

from __future__ import annotations

import time
from pathlib import Path

import msgspec

from purna.core.clock import SystemClock


class ClockState(msgspec.Struct, frozen=True):
    """``virtual`` micros were shown when the computer's clock said ``real`` micros."""

    virtual: int
    real: int
    speed: float


class FileClock:
    """Reads the virtual time from ``path``; falls back to real time while there is no such file.

    The file is looked at no more than 20 times a second.
    """

    _RECHECK_NS = 50_000_000

    def __init__(self, path: Path) -> None:
        self._path = path
        self._system = SystemClock()
        self._state: ClockState | None = None
        self._checked = -self._RECHECK_NS

    def now(self) -> int:
        state, real = self._current(), self._system.now()
        if state is None:
            return real
        return state.virtual + round((real - state.real) * state.speed)

    @property
    def speed(self) -> float:
        """Platform seconds per real second."""
        state = self._current()
        return 1.0 if state is None else state.speed

    def set(self, virtual: int, speed: float = 0.0) -> None:
        """Show ``virtual`` from now on, running on at ``speed``, in all processes."""
        state = ClockState(virtual, self._system.now(), speed)
        draft = self._path.with_suffix(".new")
        draft.write_bytes(msgspec.json.encode(state))
        draft.replace(self._path)
        self._state, self._checked = state, time.monotonic_ns()

    def hold(self) -> None:
        """Note the time reached, so that a start after a stop or a crash goes on from here."""
        if self._path.exists():
            self.set(self.now(), self.speed)

    def resume(self, speed: float) -> None:
        """Go on from the time that was last noted, whatever time has passed since."""
        state = self._read()
        if state is not None:
            self.set(state.virtual, speed)

    def _current(self) -> ClockState | None:
        tick = time.monotonic_ns()
        if tick - self._checked >= self._RECHECK_NS:
            self._state, self._checked = self._read(), tick
        return self._state

    def _read(self) -> ClockState | None:
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=ClockState)
        except FileNotFoundError:
            return None
