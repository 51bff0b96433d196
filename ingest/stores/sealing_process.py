"""Finding out how to seal in a process of its own, at low priority.

Compressing a log takes a while of pure computing; in the ingest process it would take turns with
what devices wait for. The other process only reads the store's file; what it finds out comes back
through a pipe, message by message, and the ingest process alone writes.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import msgspec

from ingest.stores.sealing import End, Step, one_round
from ingest.stores.sqlite_schema import open_reader
from purna.core.errors import RetryLater

_NICENESS = 10
_LENGTH_BYTES = 4
_encode = msgspec.msgpack.Encoder().encode
_steps = msgspec.msgpack.Decoder(tuple[Step | None, End | None])


class SealingProcess:
    """The other process; started at the first use, and again when it has died."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._process: subprocess.Popen[bytes] | None = None
        self._answering = False

    def one_round(self, last: int) -> Iterator[Step | End]:
        """As :func:`ingest.stores.sealing.one_round`.

        Raises
        ------
        RetryLater
            When the other process ended before its time.
        """
        if self._answering:  # nobody heard the last answer to its end
            self.close()
        process = self._process = self._process or self._start()
        self._answering = True
        try:
            _write(process.stdin, _encode(last))
            while True:
                step, end = _steps.decode(_read(process.stdout))
                if step is None:
                    break
                yield step
        except (EOFError, BrokenPipeError) as error:
            process.communicate()
            self._process, self._answering = None, False
            raise RetryLater(
                "store.sealing",
                f"The process that compresses readings ended with status {process.returncode}.",
            ) from error
        self._answering = False
        if end is not None:
            yield end

    def _start(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(  # noqa: S603
            [sys.executable, "-m", "ingest.stores.sealing_process", str(self._path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    def close(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
        self._process, self._answering = None, False


def _write(stream: IO[bytes] | None, message: bytes) -> None:
    if stream is None:
        raise EOFError
    stream.write(len(message).to_bytes(_LENGTH_BYTES, "little") + message)
    stream.flush()


def _read(stream: IO[bytes] | None) -> bytes:
    if stream is None:
        raise EOFError
    length = stream.read(_LENGTH_BYTES)
    message = stream.read(int.from_bytes(length, "little"))
    if len(length) < _LENGTH_BYTES or not message:
        raise EOFError
    return message


def main() -> None:
    """Answer requests until the ingest process closes its end."""
    os.nice(_NICENESS)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal's Ctrl-C is for the ingest process
    connection = open_reader(Path(sys.argv[1]))
    if connection is None:
        raise SystemExit("There is no store yet: only its writer starts this process.")
    while True:
        try:
            last = msgspec.msgpack.decode(_read(sys.stdin.buffer), type=int)
            end = None
            for found in one_round(connection, last):
                if isinstance(found, End):
                    end = found
                else:
                    _write(sys.stdout.buffer, _encode((found, None)))
            _write(sys.stdout.buffer, _encode((None, end)))
        except (EOFError, BrokenPipeError):
            return


if __name__ == "__main__":
    main()
