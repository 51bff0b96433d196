"""`purna up`: the supervised processes of a platform."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence

from ingest.links.endpoint.listening import listening_socket
from purna.core.errors import AskOperator
from purna.run.bootstrap import Platform
from purna.run.doctor import foreign_owners
from purna.run.forwarding import last_forwarding
from purna.run.heartbeat import silence
from purna.run.people import setup_link_if_needed
from purna.run.supervisor import Program, Supervisor

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
    BadInput
        A product of the catalogue is wrong.
    """
    if taken := foreign_owners():
        raise AskOperator(
            "packages.foreign",
            f"Other installed packages own names of Purna's ({taken}): "
            "give Purna an environment of its own.",
        )
    platform.folder.lock()
    products = ", ".join(platform.catalogue)  # what is wrong in it is said here, once
    for host, port, setting in ports(platform):
        listening_socket(host, port, setting).close()
    introduce(platform, announce)
    announce(f"Products          {products or 'none yet'}")
    announce("Stop with Ctrl-C; the next start goes on where this one stopped.")
    try:
        return Supervisor([*line(platform), *extra], platform.clock.hold).run()
    finally:
        platform.clock.hold()


def line(platform: Platform, environment: Mapping[str, str] | None = None) -> list[Program]:
    """The processes of a running platform, in the order of starting."""
    forwarder = Program(
        "forward",
        command(platform, "forward"),
        environment=environment or {},
        progress=lambda: _noted(platform) < _HANGS_AFTER,
    )
    return [
        Program(
            "ingest",
            command(platform, "ingest"),
            environment=environment or {},
            progress=lambda: silence(platform.folder.heartbeat) < _HANGS_AFTER,
        ),
        Program("service", command(platform, "serve"), environment=environment or {}),
        *([forwarder] if platform.forwards else []),
    ]


def _noted(platform: Platform) -> float:
    """Seconds since the forwarder last noted its state."""
    state = last_forwarding(platform.folder.forwarding)
    return time.time() - state.at if state else 0.0


def ports(platform: Platform) -> Iterator[tuple[str, int, str]]:
    """``(host, port, variable)`` of all that the platform will listen on."""
    api, endpoint = platform.settings.api, platform.settings.endpoint
    yield api.host, api.port, "PURNA_API__PORT"
    if endpoint.enabled:
        yield endpoint.host, endpoint.port, "PURNA_ENDPOINT__PORT"
        if endpoint.tls_certificate is not None:
            yield endpoint.host, endpoint.tls_port, "PURNA_ENDPOINT__TLS_PORT"


def command(platform: Platform, name: str, *options: str) -> list[str]:
    """Arguments that start ``name`` as a supervised process on this platform's folder."""
    return [name, "--data", str(platform.folder.path), "--supervised", *options]


def introduce(platform: Platform, announce: Callable[[str], None]) -> None:
    """Say where everything is, and how the first user is made."""
    api = platform.settings.api
    announce(f"Console and API   http://{api.host}:{api.port}")
    if link := setup_link_if_needed(platform):
        announce(f"First user        {link}")
    host, port = platform.mqtt_address
    announce(f"MQTT              {host}:{port}")
    announce(f"Data              {platform.folder.path.resolve()}")
