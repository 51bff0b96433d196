"""The broker process: the broker of our own, started again when it dies or its accounts change."""

from __future__ import annotations

import signal
import threading

import structlog

from purna.core.errors import AskOperator
from purna.run.bootstrap import Platform

log = structlog.get_logger(__name__)

_LOOK_EVERY = 1.0


def run_broker(platform: Platform) -> None:
    """Run until a signal ends the process.

    This broker reads its accounts only at its start: a device that gets a password makes it start
    again, which the others notice as a lost connection of a second.

    Raises
    ------
    AskOperator
        When a port is taken, or the settings want no broker of our own.
    """
    stop = threading.Event()
    for sign in (signal.SIGINT, signal.SIGTERM):
        signal.signal(sign, lambda *_: stop.set())
    while not stop.is_set():
        broker, accounts = platform.broker(), platform.accounts.all()
        if broker is None:
            raise AskOperator("broker.none", "broker.embedded is false: there is none to run.")
        broker.start()
        try:
            while broker.running and not stop.wait(_LOOK_EVERY):
                if platform.accounts.all() != accounts:
                    log.info("accounts changed, the broker starts again")
                    break
        finally:
            broker.stop()
