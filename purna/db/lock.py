"""A lock on a file that makes its holder the only one, until its process ends."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable
from pathlib import Path
from typing import IO

from purna.core.errors import AskOperator


def claim(path: Path, refusal: Callable[[str], AskOperator]) -> IO[str]:
    """Hold the lock by keeping the returned file open; it contains our process id.

    Raises
    ------
    AskOperator
        What ``refusal`` makes of the id of the process that holds it.
    """
    file = path.open("a+")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.seek(0)
        owner = file.read().strip() or "unknown"
        file.close()
        raise refusal(owner) from None
    file.seek(0)
    file.truncate()
    file.write(str(os.getpid()))
    file.flush()
    return file
