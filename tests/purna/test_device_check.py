"""`purna device check` as a person starts it: with a recording, and with a port of its own."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from ingest.check import RULES, Published
from ingest.check.observations import to_line
from ingest.check.rules import OWN
from purna.core.texts import catalogue
from purna.run.cli import app
from tests.ingest.kit import Machine, free_port

PAGE = (Path(__file__).parents[2] / "docs" / "device-check.md").read_text("utf-8")
NOW = time.time_ns() // 1000
TOPIC = "purna/v1/d1/telemetry"


def check(folder: Path, *arguments: object, status: int) -> str:
    told = CliRunner().invoke(
        app, ["device", "check", "d1", *map(str, arguments), "--data", str(folder / "data")]
    )
    assert told.exit_code == status, told.output
    return told.stdout


def telemetry(seq: int, *, seconds: bool = False) -> bytes:
    ms = NOW // 1000 + seq
    body = {"boot": "b1", "seq": seq, "ts": ms // 1000 if seconds else ms, "m": {"temp": seq}}
    return json.dumps(body).encode()


def recording(path: Path, *, seconds: bool) -> Path:
    seen = [Published(NOW + n, TOPIC, telemetry(n, seconds=seconds)) for n in range(1, 20)]
    path.write_bytes(b"".join(map(to_line, seen)))
    return path


def broken(told: dict[str, Any]) -> Sequence[str]:
    return [rule["code"] for rule in told["rules"] if rule["verdict"] in ("fail", "warn")]


def test_a_recording_is_graded(tmp_path: Path) -> None:
    good = recording(tmp_path / "good", seconds=False)
    told = json.loads(check(tmp_path, "--recording", good, "--json", status=0))
    assert (told["verdict"], told["messages"], broken(told)) == ("pass", 19, [])
    bad = recording(tmp_path / "bad", seconds=True)
    said = check(tmp_path, "--recording", bad, status=1)
    assert "fail ts.seconds  19×" in said
    assert "send milliseconds since 1970-01-01 UTC" in said
    assert '"seq": 1' in said
    assert "kirim milidetik" in check(tmp_path, "--recording", bad, "--language", "id", status=1)


def test_nothing_seen_is_no_pass(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    said = check(tmp_path, "--recording", tmp_path / "empty", status=1)
    assert "Nothing was seen of the device" in said


def test_a_recording_that_is_none_is_said_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "none").write_text("{}\n")
    run = CliRunner().invoke(
        app,
        ["device", "check", "d1", "--recording", str(tmp_path / "none"), "--data", str(tmp_path)],
    )
    assert run.exit_code == 1
    assert "line 1 of the recording is not understood" in run.stderr


def test_a_device_is_pointed_at_its_port_and_the_recording_says_the_same(tmp_path: Path) -> None:
    port, kept = free_port(), tmp_path / "kept"
    command = [sys.executable, "-m", "purna.run.cli", "device", "check", "d1", "--json"]
    command += ["--port", str(port), "--record", str(kept), "--data", str(tmp_path / "data")]
    process = subprocess.Popen(
        command,
        env={k: v for k, v in os.environ.items() if not k.startswith("PURNA_")},
        stdout=subprocess.PIPE,
        text=True,
    )
    machine = connected(port)
    machine.listen("purna/v1/d1/ack")
    for seq in range(1, 6):
        machine.send(TOPIC, telemetry(seq), qos=0 if seq == 3 else 1)
    machine.close()
    process.send_signal(signal.SIGINT)  # ends it earlier, with the report
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 1
    told = json.loads(out)
    assert {"qos.zero", "will.missing", "status.missing"} <= set(broken(told))
    assert machine.heard[-1][1] == {"boot": "b1", "seq": 5}
    again = json.loads(check(tmp_path, "--recording", kept, "--json", status=1))
    assert again["rules"] == told["rules"]


def connected(port: int) -> Machine:
    until = time.monotonic() + 60
    while True:
        try:
            return Machine(port)
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.1)


def test_every_rule_is_documented_with_its_severity_and_text() -> None:
    rows = re.findall(r"^\| `([a-z_0-9.]+)` \| (\w+) \| (.*) \|$", PAGE, re.MULTILINE)
    assert {code: (severity, text) for code, severity, text in rows} == {
        code: (rule.severity.value, catalogue("en")[f"check.{code}"]) for code, rule in OWN.items()
    }


@pytest.mark.parametrize("code", sorted(set(RULES) - set(OWN)))
def test_refusals_are_graded_by_their_own_code(code: str) -> None:
    assert f"reject.{code}" in catalogue("en")
