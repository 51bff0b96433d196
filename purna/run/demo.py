"""`purna demo`: the platform with a simulated fleet on a fast clock.

The fleet has lived through half a year before the first start; that history comes in over MQTT
like everything else, then models are trained on it, then time starts to run. Orders that people
complete in the console repair the simulated machine; a machine that nobody sees to fails.
"""

from __future__ import annotations

import shutil
import time
from importlib import resources

import structlog
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from alerts.order import PartStock, Technician
from models.training import QUICK
from purna.core.catalogue import Name
from purna.core.clock import DAY, HOUR, SystemClock
from purna.run.bootstrap import Platform
from purna.run.running import command, run_platform
from purna.run.supervisor import Program
from purna.run.training import train_products
from simulators.customers import parts, technicians
from simulators.fleet import Fleet
from simulators.publish import Publisher

log = structlog.get_logger(__name__)

HISTORY = 180 * DAY
UNSEEN = 7 * DAY
"""The models do not learn from the last days, so that what they say of them is honest."""

HEADROOM = 120 * DAY
"""The demonstration starts this far in the past, so that its fast time stays behind ours."""
SAVE_EVERY = 5.0
TICK_EVERY = 0.5


def run_demo(platform: Platform, *, speed: float, seed: int) -> int:
    """Run the platform and its fleet until stopped; returns the exit status."""
    if not platform.catalogue:
        found(platform, seed)
    options = ("--speed", str(speed), "--seed", str(seed))
    fleet = Program("fleet", command(platform, "simulate", *options))
    return run_platform(platform, [fleet])


def found(platform: Platform, seed: int) -> None:
    """Put the simulated company into an empty data folder: products, fleet, people, parts."""
    with resources.as_file(resources.files("simulators") / "catalogue") as folder:
        for file in folder.glob("*.toml"):
            shutil.copy(file, platform.folder.catalogue)
    vars(platform).pop("catalogue", None)
    platform.clock.set(SystemClock().now() // DAY * DAY - HEADROOM, speed=0)
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


def run_fleet(platform: Platform, *, speed: float, seed: int) -> None:
    """Publish the fleet's history if that has not been done, train, then live on until stopped."""
    fleet = Fleet.restore(platform.folder.fleet.read_bytes())
    with fleet_publisher(platform) as publisher:
        if fleet.now < platform.clock.now() - HOUR:
            _tell_history(platform, fleet, publisher)
        if not all(platform.models.champion_versions(product) for product in platform.catalogue):
            train_products(
                platform,
                product="",
                until=platform.clock.now() - UNSEEN,
                seed=seed,
                console=Console(stderr=True),
                effort=QUICK,
            )
        platform.clock.resume(speed)
        _live(platform, fleet, publisher)


def fleet_publisher(platform: Platform) -> Publisher:
    """A publisher that may speak for many devices; connects when it is entered."""
    host, port = platform.mqtt_address
    account = platform.fleet_account
    return Publisher(host, port, account.username, account.password)


def _tell_history(platform: Platform, fleet: Fleet, publisher: Publisher) -> None:
    start, end = fleet.now, platform.clock.now()
    with Progress(
        TextColumn("[bold]{task.description}"),
        BarColumn(),
        TimeElapsedColumn(),
        console=Console(stderr=True),
    ) as progress:
        task = progress.add_task("Half a year of history", total=end - start)
        for message in fleet.history(end):
            publisher.publish(message)
            progress.update(task, completed=message.ts - start)
        publisher.wait_stored(timeout=120)
    platform.maintenance.add(fleet.maintenance())
    _save(platform, fleet)


def _live(platform: Platform, fleet: Fleet, publisher: Publisher) -> None:
    seen = {(r.device, r.component, r.ts) for r in platform.maintenance.records()}
    saved = time.monotonic()
    while True:
        for record in platform.maintenance.records():
            key = (record.device, record.component, record.ts)
            if key not in seen:
                seen.add(key)
                fleet.repair(record.device, record.component, record.ts)
        for message in fleet.advance(platform.clock.now()):
            publisher.publish(message)
        new = fleet.new_maintenance()
        if new:
            platform.maintenance.add(new)
            seen.update((r.device, r.component, r.ts) for r in new)
        if time.monotonic() - saved > SAVE_EVERY:
            publisher.wait_stored(timeout=30)
            _save(platform, fleet)
            saved = time.monotonic()
        time.sleep(TICK_EVERY)


def _save(platform: Platform, fleet: Fleet) -> None:
    draft = platform.folder.fleet.with_suffix(".new")
    draft.write_bytes(fleet.state())
    draft.replace(platform.folder.fleet)
