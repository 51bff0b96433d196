"""The fault suite: ``python -m tests.faults [--full] [--seed N] [NAME...]``.

Prints one JSON line for each scenario and for each known-bad build, and fails when anything that
was acknowledged is lost, or when a known-bad build is not caught.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from collections.abc import Awaitable
from typing import Any

from tests.faults.rig import LINKS
from tests.faults.scenarios import KNOWN_BAD, SCENARIOS, KnownBad, Outcome, Scenario


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--full", action="store_true", help="hours instead of minutes")
    parser.add_argument("--seed", type=int, default=1, help="other moments, other cuts")
    parser.add_argument("--link", choices=LINKS, help="only this one")
    parser.add_argument("names", nargs="*", help="only these scenarios and known-bad builds")
    given = parser.parse_args()
    good = True
    for link in [given.link] if given.link else LINKS:
        for scenario in SCENARIOS:
            if link in scenario.links and (not given.names or scenario.name in given.names):
                times = scenario.times_full if given.full else scenario.times
                good &= report(_of(scenario, link), scenario.play(link, given.seed, times))
        for bad in KNOWN_BAD:
            if link in bad.links and (not given.names or bad.patch in given.names):
                play = bad.play(link, given.seed, bad.times, bad.patch)
                good &= report(_of(bad, link), play, bad)
    return 0 if good else 1


def report(what: dict[str, Any], play: Awaitable[Outcome], bad: KnownBad | None = None) -> bool:
    """Run it, print its line; whether it came out as it must."""
    began = time.monotonic()
    line = dict(what)
    try:
        outcome = asyncio.run(play)  # type: ignore[arg-type]
    except (TimeoutError, OSError, AssertionError) as error:
        line |= {"failed": repr(error), "good": False}
    else:
        line |= outcome.as_dict()
        if bad is not None:
            line["caught"] = outcome.audit.lost > 0
            line["good"] = line["caught"] != bad.harmless
    line["seconds"] = round(time.monotonic() - began, 1)
    print(json.dumps(line), flush=True)
    return bool(line["good"])


def _of(what: Scenario | KnownBad, link: str) -> dict[str, Any]:
    if isinstance(what, KnownBad):
        return {"known_bad": what.patch, "scenario": what.play.__name__, "link": link}
    return {"scenario": what.name, "link": link}


if __name__ == "__main__":
    sys.exit(main())
