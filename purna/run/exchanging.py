"""Readings and events out of the store into files, and back: ``purna export``, ``purna import``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from ingest import exchange
from ingest.stores import open_store
from purna.core.readings import ReadingBatch
from purna.run.bootstrap import Platform
from purna.run.dates import date_given

_ALWAYS = (-(2**62), 2**62)


def export_readings(
    platform: Platform,
    folder: Path,
    kind: exchange.Format,
    *,
    devices: Sequence[str],
    quantities: Sequence[str],
    start: str,
    end: str,
    console: Console,
) -> None:
    """Write readings and events into files; empty choices mean everything. Runs beside ingest."""
    first = date_given(start, "from") if start else _ALWAYS[0]
    until = date_given(end, "until") if end else _ALWAYS[1]
    with closing(open_store(platform.store_url, read_only=True)) as store:
        keys = [
            key
            for key in store.series()
            if (not devices or key.device in devices)
            and (not quantities or key.quantity in quantities)
        ]
        known = {key.device for key in store.series()} | {d.id for d in platform.registry.all()}
        with _bar(console, "Writing out", max(len(keys), 1)) as (bar, task):
            readings, events = exchange.write(
                store,
                folder,
                kind,
                keys,
                sorted(known.intersection(devices) if devices else known),
                first,
                until,
                lambda _: bar.advance(task),
            )
    console.print(
        f"{readings:,} readings of {len(keys)} series and {events:,} events in {folder}",
        highlight=False,
    )


def import_readings(platform: Platform, folder: Path, *, console: Console) -> None:
    """Take an export in again; what is there already stays, by the rule for readings sent twice.

    Raises
    ------
    AskOperator
        When a platform runs on this data folder.
    """
    platform.folder.lock()
    readings, events = exchange.files_in(folder)
    new = duplicates = logged = 0
    with (
        closing(platform.open_for_writing()) as store,
        _bar(console, "Reading in", None) as (bar, task),
    ):
        for batch in exchange.read_readings(readings):
            appended = store.append(batch)
            new += appended.stored
            duplicates += appended.duplicates
            logged += len(batch)
            bar.update(task, description=f"Reading in {new + duplicates:,}")
            if logged >= platform.settings.ingest.seal_rows:
                store.seal()
                logged = 0
        for some in exchange.read_events(events) if events else ():
            store.append(ReadingBatch.of([]), some)
        store.seal()
    platform.folder.release()
    console.print(f"{new:,} new readings, {duplicates:,} were there already", highlight=False)


@contextmanager
def _bar(console: Console, what: str, total: int | None) -> Iterator[tuple[Progress, TaskID]]:
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as bar:
        yield bar, bar.add_task(what, total=total)
