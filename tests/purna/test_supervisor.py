"""What dies is started again, what needs a person is not, and stopping stops everything."""

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import pytest

from purna.run import supervisor
from purna.run.supervisor import OPERATOR_EXIT, Program, Supervisor


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Programs are Python code instead of our commands; pauses are short."""
    popen = subprocess.Popen

    def start(argv: list[str], **options: object) -> "subprocess.Popen[bytes]":
        return popen([sys.executable, "-c", argv[-1]], **options)  # type: ignore[call-overload,no-any-return]

    monkeypatch.setattr(supervisor.subprocess, "Popen", start)
    monkeypatch.setattr(supervisor, "_LOOK_EVERY", 0.02)
    monkeypatch.setattr(supervisor, "_FIRST_PAUSE", 0.01)
    handlers = {sign: signal.getsignal(sign) for sign in (signal.SIGINT, signal.SIGTERM)}
    yield
    for sign, handler in handlers.items():
        signal.signal(sign, handler)


def run_until(what: Supervisor, condition: object, seconds: float = 20) -> int:
    def watch() -> None:
        until = time.monotonic() + seconds
        while not condition() and time.monotonic() < until:  # type: ignore[operator]
            time.sleep(0.02)
        what.stop()

    threading.Thread(target=watch).start()
    return what.run()


def test_what_dies_is_started_again() -> None:
    program = Program("dies", ["raise SystemExit(1)"])
    starts: list[int] = []

    def note() -> None:
        if program.process is not None and program.process.pid not in starts:
            starts.append(program.process.pid)

    assert run_until(Supervisor([program], note), lambda: len(starts) >= 2) == 0
    assert len(starts) >= 2


def test_what_needs_a_person_stops_the_platform_with_its_status() -> None:
    program = Program("asks", [f"raise SystemExit({OPERATOR_EXIT})"])
    assert Supervisor([program]).run() == OPERATOR_EXIT


def test_what_makes_no_progress_is_killed_and_started_again() -> None:
    program = Program(
        "hangs", ["import time; time.sleep(600)"], progress=lambda: False, patience=0.1
    )
    pids: list[int] = []

    def note() -> None:
        if program.process is not None and program.process.pid not in pids:
            pids.append(program.process.pid)

    run_until(Supervisor([program], note), lambda: len(pids) >= 2)
    assert len(pids) >= 2


def test_a_program_that_is_done_is_left_alone() -> None:
    program = Program("once", ["pass"], once=True)
    run_until(Supervisor([program]), lambda: program.started and program.process is None)
    assert program.process is None
    assert program.again_at == 0


def test_a_child_ends_when_its_supervisor_is_gone() -> None:
    child = subprocess.Popen(
        [
            sys.executable,
            "import time; from purna.run.supervisor import end_with_parent;"
            "end_with_parent(); print('up', flush=True); time.sleep(60)",
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert child.stdout is not None
    assert child.stdin is not None
    assert child.stdout.readline() == b"up\n"
    child.stdin.close()
    assert child.wait(10) == -signal.SIGTERM
    child.stdout.close()
