"""The simulated fleet's process: its past, then its life, over MQTT like everybody's.

The history comes in first, then models are trained on it, then time starts to run. What people
complete in the console repairs the simulated machine; a machine that nobody sees to fails.
"""

from __future__ import annotations

import time

import structlog
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from purna.core.clock import DAY
from purna.core.devices import Maintenance
from purna.core.errors import AskOperator, GiveUp
from purna.run.bootstrap import Platform
from purna.run.heartbeat import wait_until_listening
from simulators.commands import answers
from simulators.fleet import Fleet
from simulators.publish import Answers, Publisher

log = structlog.get_logger(__name__)

UNSEEN = 7 * DAY
"""The models do not learn from the last days, so that what they say of them is honest."""

SAVE_EVERY = 5.0
TICK_EVERY = 0.5


def run_fleet(platform: Platform, *, speed: float, seed: int) -> None:
    """Publish the fleet's history if that has not been done, train, then live on until stopped.

    Raises
    ------
    AskOperator
        When there is no fleet in this data folder.
    """
    if not platform.folder.fleet.exists():
        raise AskOperator(
            "fleet.none", f"No simulated fleet lives in {platform.folder.path}: start `purna demo`."
        )
    fleet = Fleet.restore(platform.folder.fleet.read_bytes())
    wait_until_listening(platform.folder.heartbeat)
    with fleet_publisher(platform, answers) as publisher:
        if not fleet.live:
            _tell_history(platform, fleet, publisher)
        if not all(platform.models.champion_versions(product) for product in platform.catalogue):
            from models.training import QUICK
            from purna.run.training import train_products

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


def fleet_publisher(platform: Platform, answers: Answers | None = None) -> Publisher:
    """A publisher that may speak for many devices; connects when it is entered."""
    host, port = platform.mqtt_address
    account = platform.fleet_account
    return Publisher(host, port, account.username, account.password, answers=answers)


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
    known = {_key(record) for record in platform.maintenance.records()}
    saved = time.monotonic()
    while True:
        done = [r for r in platform.maintenance.records() if _key(r) not in known]
        for record in done:
            _repair(fleet, record)
        for message in fleet.advance(platform.clock.now()):
            publisher.publish(message)
        own = fleet.new_maintenance()
        platform.maintenance.add(own)
        known.update(_key(record) for record in (*done, *own))
        if done or own or time.monotonic() - saved > SAVE_EVERY:
            publisher.wait_stored(timeout=30)
            _save(platform, fleet)
            saved = time.monotonic()
        time.sleep(TICK_EVERY)


def _repair(fleet: Fleet, record: Maintenance) -> None:
    """Do to the simulated machine what people say that they have done."""
    try:
        fleet.repair(record.device, record.component, record.ts)
    except GiveUp as error:
        log.warning("not repaired", device=record.device, why=error.detail)


def _key(record: Maintenance) -> tuple[str, str, int]:
    return record.device, record.component, record.ts


def _save(platform: Platform, fleet: Fleet) -> None:
    draft = platform.folder.fleet.with_suffix(".new")
    draft.write_bytes(fleet.state())
    draft.replace(platform.folder.fleet)
