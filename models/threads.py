"""How many threads the numerical libraries may use."""

from __future__ import annotations

from typing import Any

from threadpoolctl import threadpool_limits


def one_thread() -> Any:
    """A context in which the numerical libraries use one thread.

    Sums in one order give one result; and OpenMP's threads wait for each other by spinning, which
    on cores shared with ingest costs far more than a second thread brings.
    """
    return threadpool_limits(1)
