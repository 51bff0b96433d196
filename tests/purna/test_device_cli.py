"""`purna device …` as an operator types it."""

from __future__ import annotations

import csv
import json
import re
import ssl
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from ingest.payloads.command_result import CommandResult, ResultState
from purna.run.bootstrap import Platform
from purna.run.cli import app
from purna.run.settings import load_settings

PUMP = """
id = "pump"
name = "Pump"

[[quantity]]
id = "temp"
name = "Temperature"
unit = "degC"
low = -40.0
high = 200.0
"""


class Desk:
    """An installation with one product and one site."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "data" / "catalogue").mkdir(parents=True)
        (folder / "data" / "catalogue" / "pump.toml").write_text(PUMP)
        self.platform = Platform(load_settings(folder / "data"))

    def run(self, *arguments: object) -> Result:
        line = [*map(str, arguments), "--data", str(self.folder / "data")]
        return CliRunner().invoke(app, line, env={"COLUMNS": "200"})

    def done(self, *arguments: object) -> str:
        result = self.run(*arguments)
        assert result.exit_code == 0, result.output
        return result.output

    def refused(self, *arguments: object) -> str:
        result = self.run(*arguments)
        assert result.exit_code in (1, 3), result.output
        return result.output


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    opened = Desk(tmp_path)
    opened.done("site", "add", "north", "--name", "North plant", "--customer", "acme")
    yield opened
    opened.platform.db.close()


def add(desk: Desk, device: str = "p1") -> str:
    shown = desk.done("device", "add", device, "--product", "pump", "--site", "north")
    password = re.search(r"^password +([0-9a-f]{32})$", shown, re.MULTILINE)
    assert password
    assert f"-u {device} -P {password[1]}" in shown
    return password[1]


def test_a_device_is_added_renewed_listed_and_revoked(desk: Desk) -> None:
    first = add(desk)
    assert desk.platform.credentials.verify("p1", first)
    shown = desk.done("device", "password", "p1")
    assert first not in shown
    assert not desk.platform.credentials.verify("p1", first)
    assert re.search(r"p1 +pump +North plant +password +never", desk.done("device", "list"))
    assert "can't connect any more" in desk.done("device", "revoke", "p1")
    assert re.search(r"p1 +pump +North plant +revoked +never", desk.done("device", "list"))


def test_what_is_wrong_is_said_in_one_sentence(desk: Desk) -> None:
    add(desk)
    for arguments, sentence in (
        (("device", "add", "p1", "--product", "pump", "--site", "north"), "registered already"),
        (("device", "add", "p2", "--product", "crane", "--site", "north"), "catalogue has: pump"),
        (("device", "add", "p2", "--product", "pump", "--site", "south"), "there are: north"),
        (("device", "password", "p2"), "no device 'p2'"),
        (("device", "revoke", "p2"), "no device 'p2'"),
        (("device", "certificate", "p2"), "no device 'p2'"),
        (("device", "command", "p1", "x", "--args", "[1]"), "no JSON object"),
        (("device", "command", "p1", "x y"), "1 to 64 of"),
        (("site", "add", "north", "--name", "x", "--customer", "acme"), "already"),
    ):
        output = desk.refused(*arguments)
        assert output.startswith("purna: "), output
        assert sentence in output
        assert output.count("\n") == 1


def test_a_file_of_devices_is_registered_whole_or_not_at_all(desk: Desk) -> None:
    file = desk.folder / "devices.csv"
    file.write_text("device,product,site\np1,pump,north\np2,crane,north\n")
    output = desk.refused("device", "import", file)
    assert "line 3, product: no product 'crane'" in output
    assert desk.platform.registry.all() == []
    secrets = desk.folder / "devices.secrets.csv"
    assert not secrets.exists()

    output = desk.done("device", "import", file, "--skip-bad")
    assert "line 3" in output
    assert "1 devices registered" in output
    assert secrets.stat().st_mode & 0o777 == 0o600
    (row,) = csv.DictReader(secrets.read_text().splitlines())
    assert desk.platform.credentials.verify(row["device"], row["password"])

    file.write_text("device,product,site\np3,pump,north\n")
    assert "can't be made" in desk.refused("device", "import", file)
    assert desk.platform.registry.find("p3") is None


def test_a_file_that_is_no_text_is_named(desk: Desk) -> None:
    file = desk.folder / "devices.csv"
    assert "can't be read" in desk.refused("device", "import", file)
    file.write_bytes(b"device,product,site\np1,pump,n\xf6rd\n")
    assert "not in UTF-8" in desk.refused("device", "import", file)


def test_claim_keys_are_printed_for_labels(desk: Desk) -> None:
    output = desk.done("device", "claim-key", "--product", "pump", "--site", "north", "--count", 3)
    keys = output.split()
    assert len(keys) == len(set(keys)) == 3
    password = desk.platform.enrolment.claim(keys[1], "p7")
    assert desk.platform.credentials.verify("p7", password)


def test_a_certificate_of_our_own_authority_is_registered_and_trusted(desk: Desk) -> None:
    add(desk)
    shown = desk.done("device", "certificate", "p1", "--out", desk.folder)
    assert (desk.folder / "p1.key").stat().st_mode & 0o777 == 0o600
    authority = desk.folder / "data" / "authority"
    assert authority.stat().st_mode & 0o077 == 0
    assert (authority / "ca.key").stat().st_mode & 0o777 == 0o600
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_cert_chain(desk.folder / "p1.pem", desk.folder / "p1.key")
    context.load_verify_locations(authority / "ca.pem")
    fingerprint = re.search(r"^fingerprint +([0-9a-f]{64})$", shown, re.MULTILINE)
    assert fingerprint
    assert desk.platform.credentials.device_of_certificate(fingerprint[1], "p1") == "p1"
    assert re.search(r"password, certificate +never", desk.done("device", "list"))
    assert "can't be made" in desk.refused("device", "certificate", "p1", "--out", desk.folder)

    add(desk, "p2")
    output = desk.refused("device", "certificate", "p2", "--register", desk.folder / "p1.pem")
    assert "registered already" in output
    output = desk.refused("device", "certificate", "p2", "--register", desk.folder / "p1.key")
    assert "no certificate" in output
    desk.done("device", "revoke", "p1", "--certificate", fingerprint[1])
    assert desk.platform.credentials.device_of_certificate(fingerprint[1], "p1") is None


def test_a_command_is_followed_to_its_end(desk: Desk) -> None:
    add(desk)
    commands = desk.platform.commands

    def device() -> None:
        until = time.monotonic() + 20
        while not (due := commands.move_due()) and time.monotonic() < until:
            time.sleep(0.02)
        assert due[0].arguments == {"hz": 10}
        commands.take_result(CommandResult("p1", due[0].id, ResultState.OK, "at 10 Hz now"))

    thread = threading.Thread(target=device)
    thread.start()
    shown = desk.done("device", "command", "p1", "sample.faster", "--args", json.dumps({"hz": 10}))
    thread.join()
    assert re.search(r"cmd_\w+ queued\n(cmd_\w+ sent\n)?cmd_\w+ successful: at 10 Hz now", shown)


def test_a_command_that_is_not_done_is_an_error(desk: Desk) -> None:
    add(desk)
    assert desk.done("device", "command", "p1", "blink", "--no-wait").endswith("queued\n")
    desk.platform.commands.move_due()

    def device() -> None:
        until = time.monotonic() + 20
        while not (due := desk.platform.commands.move_due()) and time.monotonic() < until:
            time.sleep(0.02)
        answer = CommandResult("p1", due[0].id, ResultState.FAILED, "no lamp")
        desk.platform.commands.take_result(answer)

    thread = threading.Thread(target=device)
    thread.start()
    output = desk.refused("device", "command", "p1", "blink")
    thread.join()
    assert "failed: no lamp" in output
    assert "p1 did not do it: failed" in output
