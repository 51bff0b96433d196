"""Recorded histories: bring one in, let the rest of it happen over MQTT, and report."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table

from alerts.report import LeadTime, Score, ServiceReport, service_report, within_hours
from ingest.imports import History, product_entry, read_history
from purna.core.clock import to_iso
from purna.core.devices import Maintenance
from purna.core.errors import AskOperator, RetryLater
from purna.core.readings import ReadingBatch
from purna.run.bootstrap import Platform
from purna.run.dates import date_given
from purna.run.fleet import fleet_publisher
from purna.run.heartbeat import wait_until_listening
from purna.run.running import line
from purna.run.supervisor import Supervisor
from simulators.encode import Message
from simulators.publish import Publisher
from simulators.replay import Replayed, replay

STEPS_AHEAD = 8
"""So many grid steps are published before the platform is waited for to have judged them."""

HURRIED = {
    "PURNA_SCHEDULE__SCORE_SECONDS": "0.1",
    "PURNA_SCHEDULE__BACKFILL_DAYS": "0",
    "PURNA_INGEST__ACK_INTERVAL_MS": "2",
}
"""Settings of a platform that only runs for a replay, which waits for it at every step.

It judges nothing of before the replay: an order must not be dated before anybody could act.
"""

_QUIET_FOR = 120.0


def import_history(
    platform: Platform, source: str, folder: Path, *, subset: str, until: str, console: Console
) -> None:
    """Bring in what was known before ``until`` (everything when empty), and stop time there.

    The product's entry is put into the catalogue unless there is one already: what you changed
    in it stays.

    Raises
    ------
    AskOperator
        When a platform runs on this data folder.
    """
    platform.folder.lock()
    history = read_history(source, folder, subset or None)
    cut = date_given(until, "until") if until else history.span()[1] + history.step
    known = history.until(cut)
    _add_product(platform, source, subset, history)
    platform.registry.add(history.devices, history.sites(), history.customers())
    added = platform.maintenance.add(known.maintenance)
    store = platform.open_for_writing()
    try:
        with _bar(console, "Reading in") as (bar, task):
            bar.update(task, total=max(known.readings, 1))
            for batch in known.batches():
                store.append(batch)
                bar.advance(task, len(batch))
        store.append(ReadingBatch.of([]), known.events)
        store.seal()
    finally:
        store.close()
    platform.clock.set(cut)
    _tell_files(history, console)
    console.print(
        f"{len(history.devices)} devices, {known.readings:,} readings, {len(known.events):,} "
        f"events and {added:,} maintenance records up to {to_iso(cut)}; time stands there now.",
        highlight=False,
    )


def replay_history(
    platform: Platform,
    source: str,
    folder: Path,
    *,
    subset: str,
    until: str,
    speed: float,
    console: Console,
) -> None:
    """Publish what comes after the platform's present time, and print the report.

    Runs the platform itself when none runs on this data folder.
    """
    history = read_history(source, folder, subset or None)
    start = platform.clock.now()
    end = date_given(until, "until") if until else history.span()[1] + 2 * history.step
    with _running(platform), fleet_publisher(platform) as sender:
        wait_until_listening(platform.folder.heartbeat)
        with _bar(console, f"Replaying from {to_iso(start)[:10]}") as (bar, task):
            bar.update(task, total=(end - start) / history.step)
            replay(
                history,
                _Stored(sender),
                start,
                end,
                platform.clock.set,
                lambda records: _learn(platform, records),
                _Pace(platform, history, lambda steps: bar.update(task, completed=steps)),
                speed or None,
            )
        _wait_for_decisions(platform, history, platform.clock.now())
    print_report(platform, start=to_iso(start), end=to_iso(end), console=console)


def print_report(platform: Platform, *, start: str, end: str, console: Console) -> None:
    """What orders and failures had to do with each other, per product, as a table and as JSON."""
    spans = platform.alerts.order_spans()
    last = date_given(end, "end") if end else platform.clock.now()
    opened = [span.opened_at for span in spans]
    first = date_given(start, "start") if start else min(opened, default=last)
    if not platform.registry.all():
        console.print("There is nothing to report: no device is registered.")
    for product in platform.catalogue.values():
        devices = {device.id for device in platform.registry.all(product.id)}
        if not devices:
            continue
        found = service_report(
            [span for span in spans if span.device in devices],
            platform.maintenance.records(sorted(devices)),
            first,
            last,
            devices=len(devices),
            within=within_hours(product.policy),
        )
        _print(found, product.id, console)


def _learn(platform: Platform, records: Sequence[Maintenance]) -> None:
    platform.maintenance.add(records)


class _Stored:
    """The publisher as a replay wants it."""

    def __init__(self, publisher: Publisher) -> None:
        self._publisher = publisher

    def publish(self, message: Message, /) -> None:
        self._publisher.publish(message)

    def wait_stored(self) -> None:
        self._publisher.wait_stored(_QUIET_FOR)


class _Pace:
    """Keeps a replay from running away: every few steps it waits for the platform's judgement.

    Otherwise an order would be opened long after the failure that it is about, in platform time.
    """

    def __init__(self, platform: Platform, history: History, told: Callable[[int], None]) -> None:
        self._platform, self._history, self._told = platform, history, told

    def __call__(self, done: Replayed) -> None:
        if done.steps % STEPS_AHEAD == 0:
            _wait_for_decisions(self._platform, self._history, done.ts)
        self._told(done.steps)


def _wait_for_decisions(platform: Platform, history: History, now: int) -> None:
    """Until every window that ended up to ``now`` is scored and decided on.

    Raises
    ------
    RetryLater
        When the platform does not get on for two minutes.
    """
    devices = [device.id for device in history.devices]
    goal, moved, seen = now // history.step * history.step, time.monotonic(), -1
    if not platform.models.champion_versions(history.product.id):
        return
    while True:
        position = platform.assessments.position()
        decided = platform.alerts.position() >= position
        newest = platform.assessments.last_window(devices)
        if decided and newest is not None and newest >= goal:
            return
        if position != seen:
            seen, moved = position, time.monotonic()
        if time.monotonic() - moved > _QUIET_FOR:
            raise RetryLater("platform.silent", "The platform has not scored for two minutes.")
        time.sleep(0.05)


@contextmanager
def _running(platform: Platform) -> Iterator[None]:
    """A platform on this data folder: the one that runs, or one of our own for the time."""
    try:
        platform.folder.lock()
    except AskOperator:
        yield
        return
    supervisor = Supervisor(line(platform, HURRIED))
    runs = threading.Thread(target=supervisor.keep, name="supervisor")
    runs.start()
    try:
        yield
    finally:
        supervisor.stop()
        runs.join()
        platform.folder.release()


def _add_product(platform: Platform, source: str, subset: str, history: History) -> None:
    target = platform.folder.catalogue / f"{history.product.id}.toml"
    if not target.exists():
        target.write_text(product_entry(source, subset or None), "utf-8")
        vars(platform).pop("catalogue", None)


def _tell_files(history: History, console: Console) -> None:
    for file in history.files:
        console.print(
            f"  {file.file}: {file.rows:,} rows, {file.taken:,} taken, {file.left_out:,} left out "
            f"on purpose, {file.wrong:,} wrong",
            highlight=False,
        )
        for trouble in file.troubles:
            place = f"line {trouble.line}, {trouble.column}" if trouble.line else trouble.column
            console.print(f"    {place}: {trouble.reason}", highlight=False)


def _print(report: ServiceReport, product: str, console: Console) -> None:
    span = f"{to_iso(report.start)[:10]} to {to_iso(report.end)[:10]}"
    table = Table(
        "component", "failures", "caught", "missed", "orders", "needless", "undecided",
        "lead h p5", "median", "p95",
        title=f"{product}: {report.devices} devices, {span}; an order is justified by a failure "
        f"within {report.within_hours:.0f} h",
        box=None,
    )  # fmt: skip
    for score in (*report.components, report.total):
        table.add_row(score.component or "all", *_cells(score))
    console.print(table)
    console.print(
        f"needless orders per device and year: {report.needless_per_device_year:.2f}; "
        f"inspections after an anomaly alone: {report.inspections.orders}",
        highlight=False,
    )
    total = report.total
    console.print_json(
        json.dumps(
            {
                "product": product,
                "failures": total.failures,
                "caught": total.caught,
                "orders": total.orders,
                "needless": total.needless,
                "inspections": report.inspections.orders,
                "needless_per_device_year": round(report.needless_per_device_year, 3),
                "lead_hours_median": total.lead.median,
            }
        ),
        indent=None,
    )


def _cells(score: Score) -> Iterator[str]:
    for count in (
        score.failures, score.caught, score.missed, score.orders, score.needless, score.undecided,
    ):  # fmt: skip
        yield str(count)
    yield from _lead(score.lead)


def _lead(lead: LeadTime) -> Iterator[str]:
    for hours in (lead.p5, lead.median, lead.p95):
        yield "" if hours is None else f"{hours:.0f}"


@contextmanager
def _bar(console: Console, what: str) -> Iterator[tuple[Progress, TaskID]]:
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, TimeRemainingColumn(), console=console) as bar:
        yield bar, bar.add_task(what, total=1)
