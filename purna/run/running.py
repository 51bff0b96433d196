"""`purna up`: the broker of our own and the supervised processes."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

import structlog

from purna.core.errors import AskOperator
from purna.run.bootstrap import Platform
from purna.run.doctor import foreign_owners
from purna.run.serving import bound_socket
from purna.run.supervisor import Program, Supervisor

log = structlog.get_logger(__name__)

_HANGS_AFTER = 60.0


def run_platform(
    platform: Platform,
    extra: Sequence[Program] = (),
    announce: Callable[[str], None] = print,
) -> int:
    """Run until stopped; returns the exit status.

    ``extra`` programs are started last and stopped first.

    Raises
    ------
    AskOperator
        Another Purna runs on this folder, a port is taken, or another package owns our names.
    """
    if taken := foreign_owners():
        raise AskOperator(
            "packages.foreign",
            f"Other installed packages own names of Purna's ({taken}): "
            "give Purna an environment of its own.",
        )
    platform.folder.lock()
    api = platform.settings.api
    bound_socket(api.host, api.port, "PURNA_API__PORT").close()
    with ExitStack() as stack:
        broker = platform.broker()
        if broker is not None:
            stack.enter_context(broker)
        introduce(platform, announce)
        return Supervisor([*line(platform), *extra], platform.clock.hold).run()


def line(platform: Platform) -> list[Program]:
    """The processes of a running platform, in the order of starting."""
    return [
        Program(
            "ingest",
            [*command(platform, "ingest")],
            progress=lambda: _age(platform.folder.heartbeat) < _HANGS_AFTER,
        ),
        Program("service", [*command(platform, "serve")]),
    ]


def command(platform: Platform, name: str, *options: str) -> list[str]:
    """Arguments that start ``name`` as a supervised process on this platform's folder."""
    return [name, "--data", str(platform.folder.path), "--supervised", *options]


def introduce(platform: Platform, announce: Callable[[str], None]) -> None:
    """Say where everything is, and how the first user is made."""
    api = platform.settings.api
    announce(f"Console and API   http://{api.host}:{api.port}")
    if link := platform.setup_link_if_needed():
        announce(f"First user        {link}")
    host, port = platform.mqtt_address
    announce(f"MQTT              {host}:{port}")
    announce(f"Data              {platform.folder.path.resolve()}")
    announce("Stop with Ctrl-C; the next start goes on where this one stopped.")


def _age(heartbeat: Path) -> float:
    """Seconds since the ingest process last noted progress."""
    try:
        return time.time() - float(json.loads(heartbeat.read_bytes())["at"])
    except (FileNotFoundError, ValueError):
        return float("inf")
