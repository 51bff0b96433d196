"""The commands as a person starts them, end to end; what is wrong is said in one sentence."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from ingest.quarantine import SqliteQuarantine
from ingest.stores import open_store
from purna.core.clock import from_iso
from purna.core.readings import ReadingBatch, Rejected, SeriesKey, Telemetry
from purna.run.bootstrap import Platform
from purna.run.forwarding import last_forwarding
from purna.run.settings import load_settings
from tests.ingest.kit import wait_for
from tests.ingest.stores import influx_server

PAGE = Path(__file__).parents[2] / "docs" / "import.md"


def free_ports(count: int) -> list[int]:
    probes = [socket.socket() for _ in range(count)]
    for probe in probes:
        probe.bind(("127.0.0.1", 0))
    ports = [probe.getsockname()[1] for probe in probes]
    for probe in probes:
        probe.close()
    return ports


@pytest.fixture
def environment() -> dict[str, str]:
    """Free ports, and nothing of the caller's settings."""
    api, mqtt = free_ports(2)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PURNA_")}
    return {
        **kept,
        "COLUMNS": "160",
        "PURNA_API__PORT": str(api),
        "PURNA_ENDPOINT__PORT": str(mqtt),
    }


def purna(
    environment: dict[str, str], *arguments: object, seconds: float = 120
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "purna.run.cli", *map(str, arguments)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )


def refused(run: subprocess.CompletedProcess[str]) -> str:
    """The one sentence in which a command says what a person has to change."""
    assert run.returncode == 3, run.stdout + run.stderr
    assert "Traceback" not in run.stderr
    lines = [line for line in run.stderr.splitlines() if line.startswith("purna: ")]
    assert len(lines) == 1, run.stderr
    return lines[0]


@pytest.fixture
def running(tmp_path: Path, environment: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    """`purna up` on an empty folder, answering."""
    process = subprocess.Popen(
        [sys.executable, "-m", "purna.run.cli", "up", "--data", str(tmp_path / "data")],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    url = f"http://127.0.0.1:{environment['PURNA_API__PORT']}/healthz"
    until = time.monotonic() + 90
    while time.monotonic() < until:
        try:
            if httpx.get(url).status_code == 200:
                break
        except httpx.TransportError:
            time.sleep(0.2)
    yield process
    if process.poll() is None:
        process.kill()
    process.communicate()


def test_a_second_platform_on_the_folder_is_refused_and_ctrl_c_stops_the_first_cleanly(
    running: subprocess.Popen[str], tmp_path: Path, environment: dict[str, str]
) -> None:
    sentence = refused(purna(environment, "up", "--data", tmp_path / "data"))
    assert f"Another Purna (process {running.pid}) already runs" in sentence
    sentence = refused(purna(environment, "up", "--data", tmp_path / "other"))
    assert "can't be used" in sentence
    assert "PURNA_API__PORT" in sentence
    running.send_signal(signal.SIGINT)
    output, _ = running.communicate(timeout=60)
    assert running.returncode == 0, output
    assert "Traceback" not in output
    assert re.search(r"First user +http://127\.0\.0\.1:\d+/setup\?token=", output)


def test_a_busy_port_is_named_with_its_setting(tmp_path: Path, environment: dict[str, str]) -> None:
    setting = "PURNA_ENDPOINT__PORT"
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        sentence = refused(
            purna({**environment, setting: str(port)}, "up", "--data", tmp_path / "data")
        )
    assert str(port) in sentence
    assert setting in sentence


def test_a_folder_that_cannot_be_written_is_named(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    (tmp_path / "file").write_text("in the way")
    sentence = refused(purna(environment, "up", "--data", tmp_path / "file" / "data"))
    assert "file/data can't be written" in sentence


def test_a_wrong_setting_is_named_whether_in_the_environment_or_the_file(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    sentence = refused(purna({**environment, "PURNA_API__PORT": "x"}, "config", "--data", tmp_path))
    assert "api.port" in sentence
    (tmp_path / "purna.toml").write_text("[ingest]\ngroup_sise = 3\n")
    sentence = refused(purna(environment, "config", "--data", tmp_path))
    assert "ingest.group_sise" in sentence


def test_a_wrong_catalogue_names_file_and_field(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    (tmp_path / "catalogue").mkdir()
    (tmp_path / "catalogue" / "pump.toml").write_text('id = "pump"\nname = "Pump"\ncolour = 1\n')
    run = purna(environment, "train", "--data", tmp_path)
    assert run.returncode == 1
    assert run.stderr.strip() == "purna: pump.toml.colour: unknown key"


def test_a_history_is_imported_and_the_rest_of_it_replayed_through_the_line(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    source, data = tmp_path / "source", tmp_path / "data"
    source.mkdir()
    for name, text in re.findall(
        r"^`([\w.]+)`:\n\n```\w+\n(.*?)^```", PAGE.read_text(), re.M | re.S
    ):
        (source / name).write_text(text)
    mapping = source / "mapping.toml"
    cut = "2026-03-01T05:15:00Z"
    run = purna(environment, "import", mapping, source, "--data", data, "--until", cut)
    assert run.returncode == 0, run.stderr
    assert "3 readings" in run.stdout.replace("\n", " ") or "4 readings" in run.stdout
    assert "'broken' is no number" in run.stdout
    run = purna(environment, "replay", mapping, source, "--data", data)
    assert run.returncode == 0, run.stdout + run.stderr
    assert '"failures": 1' in run.stdout
    platform = Platform(load_settings(data))
    store = open_store(f"sqlite:///{data / 'readings.sqlite'}", read_only=True)
    points = store.read(store.series(), 0, 2**62)
    assert sum(len(series) for series in points.values()) == 7
    assert [event.code for event in store.events(["fan-007"], 0, 2**62)] == ["E17"]
    assert len(platform.maintenance.records()) == 2
    assert platform.clock.now() > from_iso("2026-03-03T00:00:00Z")
    store.close()
    platform.db.close()


def test_the_quarantine_is_listed_and_asked_for_again(
    environment: dict[str, str], tmp_path: Path
) -> None:
    quarantine = SqliteQuarantine(tmp_path / "quarantine.sqlite")
    for device in ("p1", "p2"):
        quarantine.add([Rejected(0, "t", b"{}", "device.unknown", "Register it.", device)])
    listed = purna(environment, "quarantine", "list", "--data", tmp_path, "--device", "p2")
    assert "p2 " in listed.stdout
    assert "p1 " not in listed.stdout
    assert listed.stdout.endswith("1 device.unknown\n")
    asked = purna(environment, "quarantine", "replay", "--data", tmp_path, "--code", "device")
    assert asked.stdout.startswith("2 messages will be taken in again")
    assert len(quarantine.asked(10)) == 2
    quarantine.close()


def test_what_is_stored_reaches_another_store_and_the_doctor_says_what_holds_it_up(
    environment: dict[str, str], tmp_path: Path
) -> None:
    with influx_server.running() as (server, url):
        environment["PURNA_INGEST__STORE_URL"] = url
        platform = Platform(load_settings(tmp_path, ingest={"store_url": url}))
        store = platform.open_for_writing()
        reading = Telemetry("p1", [(1_700_000_000_000_000, {"temp": 1.5})], "b1", 1)
        store.append(ReadingBatch.of([reading]))
        forwarder = subprocess.Popen(
            [sys.executable, "-m", "purna.run.cli", "forward", "--data", str(tmp_path)],
            env=environment,
            stderr=subprocess.DEVNULL,
        )
        wait_for(lambda: platform.store.series() == [SeriesKey("p1", "temp")], 60)
        checked = purna(environment, "doctor", "--data", tmp_path)
        assert "forwarding: readings sent" in checked.stdout
        server.fail_with = [503] * 1000
        store.append(ReadingBatch.of([replace(reading, boot="b2")]))

        def troubled() -> bool:
            state = last_forwarding(platform.folder.forwarding)
            return state is not None and "503" in state.trouble

        wait_for(troubled)
        checked = purna(environment, "doctor", "--data", tmp_path)
        assert "forwarding: 1 readings wait: InfluxDB answers 503" in checked.stdout
        forwarder.send_signal(signal.SIGTERM)
        assert forwarder.wait(20) == 0
        store.close()
