"""A PostgreSQL server of the tests' own, as a user without rights, gone when they end.

``postgres_url`` is a fresh empty database for one test. Tests that use it are marked
``postgres`` and skip where the server's programs are missing.
"""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

_SETTINGS = {
    "fsync": "off",  # nobody cuts the power within a test
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "listen_addresses": "127.0.0.1",
    "max_connections": "50",
}


class Server:
    """A running server."""

    def __init__(self, folder: Path, programs: Path) -> None:
        self._data = folder / "data"
        self._programs = programs
        self._numbers = count(1)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self._run("initdb", "-U", "purna", "-A", "trust", "-E", "UTF8", "--no-sync")
        options = [f"-c {name}={value}" for name, value in _SETTINGS.items()]
        options += [f"-c unix_socket_directories={folder}", f"-p {self.port}"]
        self._run("pg_ctl", "-w", "-l", str(folder / "log"), "-o", " ".join(options), "start")

    def stop(self) -> None:
        self._run("pg_ctl", "-w", "-m", "immediate", "stop")

    def fresh_database(self) -> str:
        """The URL of a new empty database."""
        name = f"test_{next(self._numbers)}"
        engine = create_engine(self._url("postgres"), isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {name}"))
        engine.dispose()
        return self._url(name)

    def _url(self, database: str) -> str:
        return f"postgresql+psycopg://purna@127.0.0.1:{self.port}/{database}"

    def _run(self, program: str, *arguments: str) -> None:
        command = [str(self._programs / program), "-D", str(self._data), *arguments]
        subprocess.run(
            [*_as_nobody(), *command],
            check=True,
            stdout=subprocess.DEVNULL,
            cwd="/",
            env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"},
        )


def _as_nobody() -> list[str]:
    """PostgreSQL refuses to run as root, so root steps down for it."""
    if os.geteuid() != 0:
        return []
    user = pwd.getpwnam("nobody")
    return ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Server]:
    programs = max(Path("/usr/lib/postgresql").glob("*/bin/initdb")).parent
    # Not under pytest's own folder: that one may be entered by its owner only.
    folder = Path(tempfile.mkdtemp(prefix="purna-pg-"))
    if os.geteuid() == 0:
        shutil.chown(folder, "nobody")
    server = Server(folder, programs)
    yield server
    server.stop()
    shutil.rmtree(folder)


@pytest.fixture
def postgres_url(postgres_server: Server) -> str:
    """The URL of a fresh empty database."""
    return postgres_server.fresh_database()
