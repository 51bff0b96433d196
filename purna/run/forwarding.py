"""The forwarder's process: what the ingest process has stored goes on to InfluxDB."""

from __future__ import annotations

import signal
import threading
import time
from pathlib import Path

import msgspec
import structlog

from ingest.forwarding import CursorFile, Forwarder
from ingest.stores import open_store
from ingest.stores.spool import Spool
from purna.core.errors import AskOperator, RetryLater
from purna.run.bootstrap import Platform

log = structlog.get_logger(__name__)

_IDLE_S = 0.5
_FIRST_PAUSE_S = 0.5
_LONGEST_PAUSE_S = 30.0
_BEAT_EVERY_S = 1.0


class Forwarding(msgspec.Struct, frozen=True):
    """State of the forwarder; ``at`` is real time in seconds, ``trouble`` what holds it up."""

    at: float
    sent: int
    refused: int
    waiting: int
    trouble: str


def run_forwarder(platform: Platform) -> None:
    """Forward until a signal ends the process.

    Whatever the other store answers, this goes on trying: what waits is safe in the spool.

    Raises
    ------
    AskOperator
        When the settings name no store to forward to.
    """
    if not platform.forwards:
        raise AskOperator(
            "forward.nowhere", "ingest.store_url names no InfluxDB: there is nothing to forward to."
        )
    stop = threading.Event()
    for sign in (signal.SIGINT, signal.SIGTERM):
        signal.signal(sign, lambda *_: stop.set())
    forwarder = Forwarder(
        Spool(platform.readings_file),
        open_store(platform.store_url),
        CursorFile(platform.folder.forwarded),
    )
    state = _StateFile(platform.folder.forwarding, forwarder)
    pause = _FIRST_PAUSE_S
    while not stop.is_set():
        try:
            state.note()
            wait = 0.0 if forwarder.step() else _IDLE_S
            pause, state.trouble = _FIRST_PAUSE_S, ""
        except (RetryLater, AskOperator) as error:
            state.trouble = error.detail
            log.warning("forwarding has to wait", why=error.detail, again_in_s=pause)
            wait, pause = pause, min(pause * 2, _LONGEST_PAUSE_S)
        stop.wait(wait)


def last_forwarding(path: Path) -> Forwarding | None:
    """The newest state; None when there has never been one."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Forwarding)
    except FileNotFoundError:
        return None


class _StateFile:
    def __init__(self, path: Path, forwarder: Forwarder) -> None:
        self._path, self._forwarder = path, forwarder
        self._next = 0.0
        self.trouble = ""

    def note(self) -> None:
        """Write the state down, about once a second."""
        if time.monotonic() < self._next:
            return
        self._next = time.monotonic() + _BEAT_EVERY_S
        of = self._forwarder
        state = Forwarding(time.time(), of.sent, of.refused, of.waiting(), self.trouble)
        draft = self._path.with_suffix(".new")
        draft.write_bytes(msgspec.json.encode(state))
        draft.replace(self._path)
