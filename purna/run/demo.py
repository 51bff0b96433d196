"""`purna demo`: the platform of a simulated company on a fast clock.

Its fleet has lived through half a year before the first start (see :mod:`purna.run.fleet`).
"""

from __future__ import annotations

import shutil
from importlib import resources

from alerts.order import PartStock, Technician
from purna.core.catalogue import Name
from purna.core.clock import DAY, SystemClock
from purna.run.bootstrap import Platform
from purna.run.running import command, run_platform
from purna.run.supervisor import Program
from simulators.customers import parts, technicians
from simulators.fleet import Fleet

HISTORY = 180 * DAY
HEADROOM = 120 * DAY
"""The demonstration starts this far in the past, so that its fast time stays behind ours."""


def run_demo(platform: Platform, *, speed: float, seed: int) -> int:
    """Run the platform and its fleet until stopped; returns the exit status."""
    if not platform.catalogue:
        found(platform, seed, SystemClock().now() // DAY * DAY)
        print("First start: half a year of history, then training; orders in about a minute.")  # noqa: T201
    # Time stands until the fleet is there: a stop must not make half a day of it pass unseen.
    platform.clock.resume(speed=0)
    options = ("--speed", str(speed), "--seed", str(seed))
    fleet = Program("fleet", command(platform, "simulate", *options))
    return run_platform(platform, [fleet])


def found(platform: Platform, seed: int, today: int) -> None:
    """Put the simulated company into an empty data folder: products, fleet, people, parts.

    Its time begins :data:`HEADROOM` before ``today`` (micros).
    """
    with resources.as_file(resources.files("simulators") / "catalogue") as folder:
        for file in folder.glob("*.toml"):
            shutil.copy(file, platform.folder.catalogue)
    vars(platform).pop("catalogue", None)
    platform.clock.set(today - HEADROOM, speed=0)
    fleet = Fleet(seed, start=platform.clock.now() - HISTORY)
    platform.registry.add(fleet.devices(), fleet.sites(), fleet.customers())
    platform.alerts.add_technicians(
        Technician(
            row["id"], row["name"], row["skills"], row["home"], row["latitude"], row["longitude"]
        )
        for row in technicians()
    )
    platform.alerts.add_parts(
        PartStock(row["number"], Name({"en": row["name"]}), row["stock"]) for row in parts()
    )
    platform.folder.fleet.write_bytes(fleet.state())
