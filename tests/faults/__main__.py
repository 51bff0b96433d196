"""The fault suite: ``python -m tests.faults [--full] [--seed N] [NAME...]``.

Prints one JSON line for each scenario and for each known-bad build, and fails when anything that
was acknowledged is lost, or when a known-bad build is not caught.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import sys
import time
import traceback
from collections.abc import Sequence
from typing import Any

from tests.faults.rig import LINKS, Ended
from tests.faults.scenarios import KNOWN_BAD, SCENARIOS, KnownBad, Outcome, Scenario

_TIMES_PER_RIG = 100
"""More are split over several rigs, so that no data folder grows without bound."""
_TRIES = 8
"""Chance has a say in whether a wrong build loses something: so often it gets an opportunity."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--full", action="store_true", help="hours instead of minutes")
    parser.add_argument("--seed", type=int, default=1, help="other moments, other cuts")
    parser.add_argument("--link", choices=LINKS, help="only this one")
    parser.add_argument("names", nargs="*", help="only these scenarios and known-bad builds")
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # with everything cleaned up
    good = True
    for link in [given.link] if given.link else LINKS:
        for scenario in SCENARIOS:
            wanted = scenario.name in given.names or not given.names
            left_out = link in scenario.hours and not (given.full or given.names)
            if wanted and link in scenario.links and not left_out:
                times = scenario.times_full if given.full else scenario.times
                good &= play(scenario, link, given.seed, times)
        for bad in KNOWN_BAD:
            if link in bad.links and (not given.names or bad.patch in given.names):
                good &= catch(bad, link, given.seed)
    return 0 if good else 1


def play(scenario: Scenario, link: str, seed: int, times: int) -> bool:
    """Run a scenario and print its line; whether it came out as it must."""
    began = time.monotonic()
    line: dict[str, Any] = {"scenario": scenario.name, "link": link}
    outcomes = []
    try:
        for start in range(0, times, _TIMES_PER_RIG):
            part = min(_TIMES_PER_RIG, times - start)
            outcomes.append(asyncio.run(scenario.play(link, seed + start, part)))
    except Exception as error:
        traceback.print_exc()
        line |= {"failed": repr(error)}
    line |= _together(outcomes)
    line["good"] = "failed" not in line and all(outcome.good for outcome in outcomes)
    _print(line, began)
    return bool(line["good"])


def _together(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """Figures added up, findings one after the other."""
    out: dict[str, Any] = {}
    for outcome in outcomes:
        for name, value in outcome.as_dict().items():
            out[name] = out[name] + value if name in out else value
    return out


def catch(bad: KnownBad, link: str, seed: int) -> bool:
    """Run a known-bad build until it is caught, and print its line; whether that came out."""
    began = time.monotonic()
    name = bad.play.__name__
    line: dict[str, Any] = {"known_bad": bad.patch, "scenario": name, "link": link}
    tries = 1 if bad.harmless else _TRIES
    for number in range(tries):
        line["tries"] = number + 1
        try:
            outcome = asyncio.run(bad.play(link, seed + number, bad.times, bad.patch))
            line |= {**outcome.figures, "lost": outcome.audit.lost}
            line["caught"] = outcome.audit.lost > 0
        except Ended as error:  # what it left behind, no build can open again
            line |= {"ended": str(error), "caught": True}
        except Exception as error:
            traceback.print_exc()
            line |= {"failed": repr(error), "caught": False}
        if line["caught"]:
            break
    line["good"] = line["caught"] != bad.harmless and "failed" not in line
    _print(line, began)
    return bool(line["good"])


def _print(line: dict[str, Any], began: float) -> None:
    line["seconds"] = round(time.monotonic() - began, 1)
    print(json.dumps(line), flush=True)


if __name__ == "__main__":
    sys.exit(main())
