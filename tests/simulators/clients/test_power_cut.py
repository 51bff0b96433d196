"""A power cut takes nothing that a client has called kept, whatever the disk loses or tears.

The MicroPython client is not here: what a flush means is up to the file system of its board.
"""

from __future__ import annotations

import contextlib
import random
import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults.disk import Disk
from tests.ingest.kit import wait_for
from tests.simulators.clients.conftest import compile_client
from tests.simulators.clients.kit import CLIENTS, Client, Platform
from tests.simulators.clients.test_clients import BEGIN

pytestmark = pytest.mark.compiler

CUTS = 8


def test_what_the_python_client_kept_is_sent_after_power_cuts(
    platform: Platform, tmp_path: Path
) -> None:
    command = [sys.executable, str(CLIENTS / "python" / "device.py")]
    assert lost(command, "cut-python", platform, tmp_path) == 0


def test_what_the_c_client_kept_is_sent_after_power_cuts(
    compiled: Path, platform: Platform, tmp_path: Path
) -> None:
    assert lost([str(compiled)], "cut-c", platform, tmp_path) == 0


def test_a_client_that_does_not_sync_is_caught(platform: Platform, tmp_path: Path) -> None:
    code = (CLIENTS / "c" / "device.c").read_text()
    wrong = tmp_path / "wrong.c"
    wrong.write_text(code.replace("fdatasync(file) == 0", "1"))
    assert wrong.read_text() != code
    program = compile_client(tmp_path / "device", wrong)
    assert lost([str(program)], "cut-wrong", platform, tmp_path) > 0


def lost(command: list[str], device: str, platform: Platform, tmp_path: Path) -> int:
    """How many messages that were kept never came to the platform."""
    password = platform.register(device)
    platform.kill()  # nothing is freed meanwhile
    (tmp_path / "data").mkdir()
    (tmp_path / "beside").mkdir()
    disk = Disk(tmp_path / "data", tmp_path / "beside")
    chance = random.Random(5)
    state = tmp_path / "data" / "state"
    sure: list[int] = []
    for cut in range(CUTS):
        client = Client(
            command, platform.port, device, password, state, environment=disk.environment
        )
        given = range(100 * cut, 100 * cut + 100)
        if cut:  # in the middle of something; the first time, the buffer is only made
            disk.turn(die_at=disk.look("operations") + chance.randrange(20, 150))
        client.measure(*given, begin=BEGIN + given[0] * 1_000_000)
        wait_for(lambda client=client: client.ended or len(client.said("kept")) == 100, 30)  # type: ignore[misc]
        client.kill()
        disk.turn(die_at=0)
        sure += given[: len(client.said("kept"))]
        disk.cut(chance)
    assert 100 < len(sure) < 100 * CUTS
    platform.start()
    last = Client(command, platform.port, device, password, state)
    with contextlib.suppress(subprocess.TimeoutExpired):  # a hole that it made stops ack for ever
        last.finish(10)
    last.kill()
    stored = platform.stored(device)
    assert len(stored) == len(set(stored))
    return len(set(sure) - set(stored))
