"""Which windows are to be scored now: pure."""

from __future__ import annotations


def due_windows(*, step: int, now: int, last: int | None, backfill: int) -> list[int]:
    """Grid points (micros) after ``last`` up to ``now``, oldest first.

    Grid points are the multiples of ``step`` since the epoch. Without a ``last`` the first is
    ``backfill`` before ``now``.
    """
    newest = now // step * step
    first = (now - backfill) // step * step if last is None else (last // step + 1) * step
    return list(range(first, newest + 1, step))
