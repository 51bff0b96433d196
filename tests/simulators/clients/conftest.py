from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest

from tests.simulators.clients.kit import CLIENTS, Client, Platform

Start = Callable[..., Client]
COMPILE = ["-std=c99", "-O2", "-Wall", "-Wextra", "-Werror", "-pedantic"]


def compile_client(program: Path, source: Path = CLIENTS / "c" / "device.c") -> Path:
    """The C client, without a warning; skips where there is no compiler."""
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        pytest.skip("there is no C compiler")
    subprocess.run([compiler, *COMPILE, "-o", program, source], check=True)
    return program


@pytest.fixture(scope="session")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return compile_client(tmp_path_factory.mktemp("c") / "device")


@pytest.fixture(params=["python", "c", "micropython-on-cpython", "micropython"])
def command(request: pytest.FixtureRequest) -> list[str]:
    """How to start each client, and the MicroPython one with both interpreters."""
    if request.param == "c":
        return [str(request.getfixturevalue("compiled"))]
    if request.param == "python":
        return [sys.executable, str(CLIENTS / "python" / "device.py")]
    interpreter: str | None = sys.executable
    if request.param == "micropython":
        interpreter = shutil.which("micropython")
        if interpreter is None:
            pytest.skip("there is no MicroPython")
    return [str(interpreter), str(CLIENTS / "micropython" / "device.py")]


@pytest.fixture(scope="module")
def one_platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    one = Platform(tmp_path_factory.mktemp("platform"))
    yield one
    one.close()


@pytest.fixture
def platform(one_platform: Platform) -> Platform:
    """The same one for all tests, running at the start of each."""
    one_platform.start()
    return one_platform


@pytest.fixture(scope="module")
def names() -> Iterator[str]:
    return (f"d{number}" for number in count())


@pytest.fixture
def start(
    command: list[str], platform: Platform, tmp_path: Path, names: Iterator[str]
) -> Iterator[Start]:
    """Starts the client: the same device with the same state each time."""
    device, clients = next(names), list[Client]()
    password = platform.register(device)

    def again(resend_s: int = 20, port: int = platform.port) -> Client:
        clients.append(Client(command, port, device, password, tmp_path / "state", resend_s))
        return clients[-1]

    yield again
    for client in clients:
        client.kill()
