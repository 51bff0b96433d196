"""Starts the platform's processes, restarts what dies or hangs, and stops them in order.

Children run in sessions of their own, so that Ctrl-C reaches the supervisor alone; each watches
its standard input and ends itself when the supervisor is gone (see :func:`end_with_parent`).
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import structlog

log = structlog.get_logger(__name__)

OPERATOR_EXIT = 3
"""Exit status of a process that needs a person; it is not restarted."""

_LOOK_EVERY = 1.0
_FIRST_PAUSE = 0.5
_LONGEST_PAUSE = 30.0
_STEADY_AFTER = 60.0
_STOP_WITHIN = 20.0


@dataclass
class Program:
    """One child: ``python -m purna.run.cli`` with ``arguments``.

    ``progress`` says whether a running child still gets somewhere; after ``patience`` seconds
    without it is killed and started again. A child with ``once`` that ends well is done.
    """

    name: str
    arguments: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    progress: Callable[[], bool] | None = None
    patience: float = 60.0
    once: bool = False
    process: subprocess.Popen[bytes] | None = field(default=None, init=False)
    started: float = field(default=0.0, init=False)
    moved: float = field(default=0.0, init=False)
    pause: float = field(default=_FIRST_PAUSE, init=False)
    again_at: float = field(default=0.0, init=False)

    def start(self, now: float) -> None:
        self.process = subprocess.Popen(  # noqa: S603 - our own program
            [sys.executable, "-m", "purna.run.cli", *self.arguments],
            env={**os.environ, **self.environment},
            stdin=subprocess.PIPE,
            start_new_session=True,
        )
        self.started = self.moved = now
        log.debug("started", program=self.name, pid=self.process.pid)

    def stop(self, sign: signal.Signals = signal.SIGTERM) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(sign)

    def wait(self, seconds: float) -> None:
        if self.process is None:
            return
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            log.warning("does not stop, killed", program=self.name)
            self.process.kill()
            self.process.wait()
        self.forget()

    def forget(self) -> None:
        """Let go of a process that has ended."""
        if self.process is not None and self.process.stdin is not None:
            self.process.stdin.close()
        self.process, self.again_at = None, 0.0


class Supervisor:
    """Keeps programs running until :meth:`stop` or a signal.

    Parameters
    ----------
    programs
        In the order of starting; they are stopped in the reverse order, one after the other, so
        that what feeds is gone before what is fed.
    each_second
        Called about once a second while running.
    """

    def __init__(
        self, programs: Sequence[Program], each_second: Callable[[], None] = lambda: None
    ) -> None:
        self._programs = list(programs)
        self._each_second = each_second
        self._stopping = threading.Event()
        self._failed = 0

    def stop(self) -> None:
        self._stopping.set()

    def run(self) -> int:
        """Run until a signal or :meth:`stop`; returns the exit status as :meth:`keep` does."""
        for sign in (signal.SIGINT, signal.SIGTERM):
            signal.signal(sign, lambda *_: self.stop())
        return self.keep()

    def keep(self) -> int:
        """Run until :meth:`stop`; returns 0, or the status of a child that needs a person."""
        try:
            for program in self._programs:
                program.start(time.monotonic())
            while not self._stopping.wait(_LOOK_EVERY):
                for program in self._programs:
                    self._look_after(program, time.monotonic())
                self._each_second()
        finally:
            for program in reversed(self._programs):
                program.stop()
                program.wait(_STOP_WITHIN)
        return self._failed

    def _look_after(self, program: Program, now: float) -> None:
        process = program.process
        if process is None:
            if program.again_at and now >= program.again_at:
                program.start(now)
            return
        status = process.poll()
        if status is None:
            self._watch_progress(program, now)
            return
        program.forget()
        if status == 0 and program.once:
            return
        if status == OPERATOR_EXIT:
            self._failed = status
            self.stop()
            return
        if now - program.started > _STEADY_AFTER:
            program.pause = _FIRST_PAUSE
        log.warning("ended, starts again", program=program.name, status=status, in_s=program.pause)
        program.again_at = now + program.pause
        program.pause = min(program.pause * 2, _LONGEST_PAUSE)

    def _watch_progress(self, program: Program, now: float) -> None:
        if program.progress is None or program.progress():
            program.moved = now
        elif now - program.moved > program.patience:
            log.error("makes no progress, killed", program=program.name)
            program.stop(signal.SIGKILL)


def end_with_parent() -> None:
    """End this process by SIGTERM when its standard input closes: the supervisor is gone."""

    def watch() -> None:
        while os.read(0, 1024):  # not sys.stdin: its lock would be held at the interpreter's end
            pass
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, name="end-with-parent", daemon=True).start()
