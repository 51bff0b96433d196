"""Which windows are to be scored now, and which again: pure."""

from __future__ import annotations

from collections.abc import Iterable

from purna.core.clock import HOUR


def due_windows(*, step: int, now: int, last: int | None, backfill: int) -> list[int]:
    """Grid points (micros) after ``last`` up to ``now``, oldest first.

    Grid points are the multiples of ``step`` since the epoch. Without a ``last`` the first is
    ``backfill`` before ``now``.
    """
    newest = now // step * step
    first = (now - backfill) // step * step if last is None else (last // step + 1) * step
    return list(range(first, newest + 1, step))


def late_windows(
    touched: Iterable[tuple[str, int]], *, step: int, since: int, last: int
) -> dict[str, list[int]]:
    """Ends of the windows after ``since`` up to ``last`` with readings in the touched hours.

    An hour that is not over at ``last`` is left out: in it, readings come as they should.

    Parameters
    ----------
    touched
        Devices with ends of hours (:class:`~purna.core.ports.Touched`).

    Returns
    -------
    By device, oldest first; devices without such a window are not in it.
    """
    found: dict[str, set[int]] = {}
    for device, hour in touched:
        if hour <= last:
            first = ((hour - HOUR) // step + 1) * step
            ends = range(first, -(-hour // step) * step + 1, step)
            found.setdefault(device, set()).update(e for e in ends if since < e <= last)
    return {device: sorted(ends) for device, ends in found.items() if ends}
