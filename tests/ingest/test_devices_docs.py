"""The page about devices says what the code does."""

from __future__ import annotations

import json
import re
from pathlib import Path

from ingest.command_log import KEPT, OPEN_PER_DEVICE
from ingest.commands import COMMAND, Command, message_of
from ingest.device_csv import ATTRIBUTE, COLUMNS, read_devices
from ingest.device_requests import RESERVED
from ingest.enrolment import CLAIM_AGAIN
from ingest.passwords import ITERATIONS, make_password
from purna.core.catalogue import parse_product
from purna.core.clock import DAY, MINUTE
from purna.core.devices import Customer, Site
from tests.alerts.test_docs import drawn

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "devices.md").read_text("utf-8")


def test_the_page_draws_the_life_of_a_command_as_it_is() -> None:
    assert f"```mermaid\n{drawn(COMMAND)}\n```" in PAGE


def test_the_command_shown_is_one() -> None:
    (shown,) = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
    told = json.loads(shown)
    command = Command(
        told["id"], "pump-0042", told["name"], told["args"], "", 0, told["expires"] * 1000, 30.0, 2
    )
    assert json.loads(message_of(command)[1]) == told


def test_the_file_shown_can_be_read() -> None:
    (text,) = re.findall(r"```csv\n(.*?)```", PAGE, re.DOTALL)
    quantity = {"id": "q", "name": "Q", "unit": "1", "low": 0.0, "high": 1.0}
    product = parse_product({"id": "cp-200", "name": "P", "quantity": [quantity]})
    sites = {"north": Site("north", Customer("acme", "Acme"), "North")}
    found = read_devices(text, {"cp-200": product}, sites, set(), 0)
    assert not found.faults
    assert [device.id for device in found.devices] == ["gw-01", "pump-0043"]
    table = PAGE[PAGE.index("| column |") : PAGE.index("UTF-8, separated")]
    named = {name for row in table.splitlines() for name in re.findall(r"`([^`]+)`", row[:40])}
    assert named == {*COLUMNS, f"{ATTRIBUTE}<name>"}


def test_the_numbers_on_the_page_are_those_of_the_code() -> None:
    assert f"{OPEN_PER_DEVICE} commands may wait" in PAGE
    assert f"{KEPT // DAY} days" in PAGE
    assert f"within {CLAIM_AGAIN // MINUTE} minutes" in PAGE
    assert f"{len(make_password())} hexadecimal digits" in PAGE
    assert all(f"`{name}`" in PAGE for name in RESERVED)
    decision = (DOCS / "decisions" / "0014-devices-and-commands.md").read_text("utf-8")
    assert f"$7${ITERATIONS}$" in decision
