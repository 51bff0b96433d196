"""The guide's examples work, and its table of roles is the one that is enforced."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from api.auth import Users
from api.roles import RIGHTS, Right
from api.v1.claims.schemas import Claim
from api.v1.common import Problem
from api.v1.session.schemas import Role
from tests.api.plant import Plant

GUIDE = (Path(__file__).parents[2] / "docs" / "api.md").read_text("utf-8")


@pytest.mark.skipif(not shutil.which("curl"), reason="no curl here")
def test_every_example_runs_as_it_stands(address: str, plant: Plant, users: Users) -> None:
    plant.furnish()
    _, key = users.add_key("guide", [Role.ADMIN], "ada")
    blocks = re.findall(r"```sh\n(.*?)```", GUIDE, re.DOTALL)
    assert len(blocks) >= 7
    script = "set -euo pipefail\n" + "\n".join(blocks)
    done = subprocess.run(
        ["bash", "-c", script],
        env={"PATH": os.environ["PATH"], "PURNA": address, "KEY": key},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    for device in ("pump-77", "pump-78", "pump-79", "pump-80"):
        assert plant.registry.find(device)
    assert plant.registry.behind("pump-78") == {"pump-79"}
    assert plant.commands.count("pump-77") == 1
    assert '"state":"accepted"' in done.stdout or '"state":"scheduled"' in done.stdout


def test_the_problem_shown_is_one() -> None:
    (block,) = re.findall(r"```json\n(.*?)```", GUIDE, re.DOTALL)
    assert Problem.model_validate(json.loads(block)).errors


ROWS = {
    "see devices": Right.DEVICES_READ,
    "see orders": Right.ORDERS_READ_OWN,
    "complete orders": Right.ORDERS_COMPLETE_OWN,
    "accept, reject": Right.ORDERS_ACT,
    "see alerts": Right.ALERTS_READ,
    "see models": Right.MODELS_READ,
    "see the quarantine": Right.QUARANTINE_READ,
    "take messages in again": Right.QUARANTINE_REPLAY,
    "register devices": Right.DEVICES_ADD,
    "give and take": Right.DEVICES_ADMIT,
    "send commands": Right.DEVICES_COMMAND,
    "manage users": Right.USERS_MANAGE,
}
COLUMNS = [
    Role.DISPATCHER,
    Role.TECHNICIAN,
    Role.RELIABILITY_ENGINEER,
    Role.FIRMWARE,
    Role.ADMIN,
]


@pytest.mark.parametrize(("start", "right"), ROWS.items())
def test_the_table_of_roles_is_true(start: str, right: Right) -> None:
    (row,) = (line for line in GUIDE.splitlines() if line.startswith(f"| {start}"))
    cells = [cell.strip() for cell in row.strip("|").split("|")][1:]
    told = {role for role, cell in zip(COLUMNS, cells, strict=True) if cell}
    assert told == {role for role in Role if right in RIGHTS[role]}


def test_the_claim_shown_to_firmware_authors_is_one() -> None:
    page = (Path(__file__).parents[2] / "docs" / "devices.md").read_text("utf-8")
    (block,) = re.findall(r"```http\nPOST /api/v1/claims\n.*?\n\n(.*?)```", page, re.DOTALL)
    assert Claim.model_validate(json.loads(block)).device == "pump-0044"
