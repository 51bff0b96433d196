"""A second ingest process waits while the first one writes, and takes over when it is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from purna.run.bootstrap import Platform
from purna.run.doctor import examine
from purna.run.heartbeat import last_beat, silence
from purna.run.migrate import upgrade
from purna.run.settings import load_settings
from tests.ingest.kit import free_port, wait_for


def test_a_second_ingester_stands_by_and_takes_over(tmp_path: Path) -> None:
    platform = Platform(load_settings(tmp_path))
    platform.folder.create()
    upgrade(platform.db)
    platform.db.close()
    environment = {
        **os.environ,
        "PURNA_ENDPOINT__PORT": str(free_port()),
        "PURNA_INGEST__STANDBY": "true",
    }
    command = [sys.executable, "-m", "purna.run.cli", "ingest", "--data", str(tmp_path)]
    processes: list[subprocess.Popen[bytes]] = []
    try:
        processes.append(subprocess.Popen(command, env=environment))
        folder = platform.folder
        wait_for(lambda: (beat := last_beat(folder.heartbeat)) and beat.connected, 60)
        processes.append(subprocess.Popen(command, env=environment))
        wait_for(lambda: silence(folder.standby) < 5, 60)
        [ingest] = [one for one in examine(platform.settings) if one.name == "ingest"]
        assert "another process stands by" in ingest.text
        processes[0].send_signal(signal.SIGKILL)
        processes[0].wait()
        killed = time.time()
        wait_for(
            lambda: (beat := last_beat(folder.heartbeat)) and beat.at > killed and beat.connected,
            60,
        )
        processes[1].send_signal(signal.SIGTERM)
        assert processes[1].wait(30) == 0
    finally:
        for process in processes:
            process.kill()
            process.wait()
