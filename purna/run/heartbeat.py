"""The sign of life of the ingest process: its counters in a small file, renewed as it moves."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec

from ingest.counters import Counters, Figures
from purna.core.errors import RetryLater

_BEAT_EVERY = 1.0


class Beat(Figures, frozen=True, kw_only=True):
    """``at`` is real time in seconds; ``connected`` whether messages can reach it.

    ``endpoint`` has the figures of the MQTT endpoint, where that is ours.
    """

    at: float
    connected: bool
    endpoint: Mapping[str, int] = {}


class Heartbeat:
    """Notes the counters in a small file once a second, as long as the ingester moves."""

    def __init__(
        self,
        path: Path,
        counters: Counters,
        connected: Callable[[], bool],
        endpoint: Callable[[], Mapping[str, int]] = dict,
    ) -> None:
        self._path, self._counters, self._connected = path, counters, connected
        self._endpoint = endpoint
        self._next = 0.0

    def beat(self) -> None:
        if time.monotonic() < self._next:
            return
        self._next = time.monotonic() + _BEAT_EVERY
        figures = msgspec.structs.asdict(self._counters.figures())
        beat = Beat(
            at=time.time(), connected=self._connected(), endpoint=self._endpoint(), **figures
        )
        draft = self._path.with_suffix(".new")
        draft.write_bytes(msgspec.json.encode(beat))
        draft.replace(self._path)


def last_beat(path: Path) -> Beat | None:
    """The newest sign of life; None when there has never been one."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Beat)
    except FileNotFoundError:
        return None


def silence(path: Path) -> float:
    """Seconds since the newest sign of life; infinity when there has never been one."""
    beat = last_beat(path)
    return float("inf") if beat is None else time.time() - beat.at


def wait_until_listening(path: Path, timeout: float = 60.0) -> None:
    """Wait until messages can reach the ingester: before that nobody gets them.

    Raises
    ------
    RetryLater
        When that takes longer than ``timeout`` seconds.
    """
    asked = time.time()
    while time.time() - asked < timeout:
        beat = last_beat(path)
        if beat is not None and beat.at > asked and beat.connected:
            return
        time.sleep(0.1)
    raise RetryLater("ingest.silent", f"The ingest process does not listen after {timeout:.0f} s.")
