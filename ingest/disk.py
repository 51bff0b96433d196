"""Stops taking in before the disk is full.

A disk that is full takes everything with it: logs, the service database, whoever else lives there.
So nothing is committed, and with that nothing acknowledged, while less than a reserve is free. Then
devices keep what they have, and it goes on by itself when there is room again.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from purna.core.errors import RetryLater

RESERVE = "disk.reserve"


class DiskGuard:
    """Watches the free room of a folder's disk.

    Parameters
    ----------
    folder
        Where readings are kept.
    reserve
        Bytes that have to stay free; 0 = do not watch.
    free
        Free bytes of a folder's disk.
    """

    def __init__(
        self,
        folder: Path,
        reserve: int,
        free: Callable[[Path], int] = lambda folder: shutil.disk_usage(folder).free,
    ) -> None:
        self._folder, self._reserve, self._free = folder, reserve, free

    def room(self) -> int:
        return self._free(self._folder)

    def check(self) -> None:
        """Raises :class:`~purna.core.errors.RetryLater` while there is not enough room."""
        free = self.room() if self._reserve else 0
        if free < self._reserve:
            raise RetryLater(
                RESERVE,
                f"Nothing is taken in: only {free / 1e6:.0f} MB are free at {self._folder}, and "
                f"{self._reserve / 1e6:.0f} MB stay free (ingest.disk_reserve_mb): make room.",
            )
