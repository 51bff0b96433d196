"""The sign of life of the ingest process: its counters in a small file, renewed as it moves."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from pathlib import Path

from ingest.counters import NAMES, Counters

_BEAT_EVERY = 1.0


class Heartbeat:
    """Notes the counters in a small file once a second, as long as the ingester moves."""

    def __init__(self, path: Path, counters: Counters) -> None:
        self._path, self._counters, self._next = path, counters, 0.0

    def beat(self) -> None:
        if time.monotonic() < self._next:
            return
        self._next = time.monotonic() + _BEAT_EVERY
        draft = self._path.with_suffix(".new")
        draft.write_text(json.dumps({"at": time.time(), **self._counters.as_dict()}))
        draft.replace(self._path)


def last_beat(path: Path) -> tuple[float, Mapping[str, int]]:
    """Seconds since the last heartbeat, and the counters then; infinity when there was none."""
    try:
        beat = json.loads(path.read_bytes())
    except (FileNotFoundError, ValueError):
        return float("inf"), {}
    return time.time() - float(beat["at"]), {name: int(beat.get(name, 0)) for name in NAMES}
