"""Sends a command from the command line and shows what becomes of it."""

from __future__ import annotations

import time

import msgspec
from rich.console import Console

from ingest.commands import OPEN
from purna.core.errors import BadInput, GiveUp
from purna.run.bootstrap import Platform
from purna.run.enrolment import OPERATOR

_LOOK_EVERY_S = 0.2


def send_command(
    platform: Platform,
    device: str,
    name: str,
    arguments: str,
    *,
    ttl_s: float,
    timeout_s: float,
    retries: int,
    wait: bool,
    console: Console,
) -> None:
    """Create a command and, with ``wait``, print each state it gets into until the last.

    Raises
    ------
    BadInput
        When the arguments are no JSON object, or the command can't be one.
    NotFound
        When there is no such device.
    GiveUp
        When it did not succeed.
    """
    try:
        decoded = msgspec.json.decode(arguments, type=dict[str, object])
    except msgspec.DecodeError as error:
        raise BadInput(
            "command.arguments", f"--args is no JSON object ({error})", field="arguments"
        ) from error
    command = platform.commands.create(
        device,
        name,
        decoded,
        ttl_s=ttl_s,
        timeout_s=timeout_s,
        retries=retries,
        created_by=OPERATOR,
    )
    console.print(f"{command.id} {command.state.value}", highlight=False)
    while wait and command.state in OPEN:
        time.sleep(_LOOK_EVERY_S)
        before, command = command.state, platform.commands.get(command.id)
        if command.state is not before:
            text = f": {command.text}" if command.text else ""
            console.print(f"{command.id} {command.state.value}{text}", highlight=False)
    if wait and command.state.value != "successful":
        raise GiveUp("command.failed", f"{device} did not do it: {command.state.value}.")
