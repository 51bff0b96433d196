"""``purna backup`` and ``purna restore``: which files, and what is said about them."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from purna.run.backup import backup, restore
from purna.run.bootstrap import Platform


def back_up(platform: Platform, target: Path, console: Console) -> None:
    """Copy the whole installation while it runs.

    Raises
    ------
    BadInput
        When the target is not empty, or lies inside of the data folder.
    """
    folder = platform.folder
    elsewhere = {
        name: path
        for name, url in (
            ("readings.sqlite", platform.store_url),
            ("service.sqlite", platform.database_url),
        )
        if (path := _outside(url, folder.path)) is not None
    }
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as bar:
        task = bar.add_task("Copying")

        def show(name: str, done: int, pages: int) -> None:
            bar.update(task, description=f"Copying {name}", completed=done, total=pages)

        manifest = backup(
            folder.path,
            target,
            elsewhere,
            leave_out=frozenset({folder.heartbeat.name}),
            now=datetime.now(UTC),
            progress=show,
        )
    size = sum(entry.size for entry in manifest.files.values())
    console.print(f"{len(manifest.files)} files, {size / 1e6:,.1f} MB in {target}", highlight=False)
    for what, url in (("readings", platform.store_url), ("service", platform.database_url)):
        if not url.startswith("sqlite"):
            console.print(
                f"Not in it: the {what} database at {url.partition('://')[0]}; "
                "back it up with its own tools.",
                highlight=False,
            )


def put_back(source: Path, folder: Path, console: Console) -> None:
    """Put a backup into a new data folder; raises as :func:`purna.run.backup.restore`."""
    manifest = restore(source, folder)
    console.print(
        f"{len(manifest.files)} files of {manifest.created} in {folder}, checked", highlight=False
    )
    for name, path in manifest.elsewhere.items():
        console.print(
            f"{name} was at {path} before: let purna.toml name {folder / name}, or move it there.",
            highlight=False,
        )


def _outside(url: str, folder: Path) -> Path | None:
    """The SQLite file of a URL when it lies outside of the data folder."""
    scheme, _, name = url.partition(":///")
    path = Path(name)
    if not scheme.startswith("sqlite") or not path.exists():
        return None
    return None if path.resolve().is_relative_to(folder.resolve()) else path
