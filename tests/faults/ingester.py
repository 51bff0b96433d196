"""The ingest process exactly as the product starts it, only faster, and with patches if wanted.

    python -m tests.faults.ingester

imports the product once and then forks a child for each start, so that a restart takes
milliseconds. It reads one JSON request a line and answers each with one line:

    {"start": [ARGUMENT...], "patches": [NAME...]}  ->  process id
    {"wait": PROCESS_ID}                            ->  exit status (negative: signal)
    {"poll": PROCESS_ID}                            ->  exit status, or null while it runs
"""

from __future__ import annotations

import json
import os
import signal
import sys
import traceback
from typing import Any

import structlog.dev  # noqa: F401 - with all that follows: imported once, for every child

import purna.run.bootstrap
import purna.run.cli
import purna.run.ingesting
import purna.run.logs
from tests.faults.bad_builds import BAD_BUILDS
from tests.faults.mishaps import MISHAPS

PATCHES = {**BAD_BUILDS, **MISHAPS}


def main() -> None:
    lifelines: dict[int, int] = {}  # a child ends when the other end of its input closes
    for line in sys.stdin:
        request = json.loads(line)
        answer: int | None
        if "start" in request:
            reads, writes = os.pipe()
            child = os.fork()
            if not child:
                for end in [*lifelines.values(), writes]:
                    os.close(end)
                os.setpgid(0, 0)  # with whatever it starts, to die together when power is cut
                os.dup2(reads, 0)
                os._exit(run(request["start"], request["patches"]))
            os.close(reads)
            lifelines[child] = writes
            answer = child
        else:
            [(verb, child)] = request.items()
            done, status = os.waitpid(child, os.WNOHANG if verb == "poll" else 0)
            answer = os.waitstatus_to_exitcode(status) if done else None
            if done:
                os.close(lifelines.pop(child))
        print(json.dumps(answer), flush=True)
    for child in lifelines:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


def run(arguments: list[str], patches: list[str]) -> int:
    try:
        os.dup2(2, 1)  # the answers' pipe is not for the child
        for name in patches:
            PATCHES[name]()
        purna.run.cli.app(arguments)
    except SystemExit as end:
        code: Any = end.code
        return code if isinstance(code, int) else int(bool(code))
    except BaseException:
        traceback.print_exc()
        return 1
    finally:
        sys.stderr.flush()
    return 0


if __name__ == "__main__":
    main()
