"""Training from the command line and by the demonstration: train, keep, promote, tell."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from models.registry import Stage
from models.training import FULL, Artifacts, Effort, train
from purna.core.catalogue import Product
from purna.core.errors import NotFound
from purna.run.bootstrap import Platform
from purna.run.dates import date_given


def train_products(
    platform: Platform,
    *,
    product: str,
    until: int,
    seed: int,
    console: Console,
    effort: Effort = FULL,
) -> list[Artifacts]:
    """Train every kind of model for the products that have devices, and make them champions.

    ``until`` (micros) hides everything that was measured or learnt later.

    Raises
    ------
    NotFound
        When there is no such product.
    """
    made = []
    for item in _products(platform, product):
        devices = platform.registry.all(item.id)
        if not devices:
            continue
        with _progress(console) as progress:
            task = progress.add_task(f"Training {item.id}", total=1.0)
            trained = train(
                item,
                devices,
                platform.store,
                platform.maintenance.records([d.id for d in devices], known_before=until),
                until,
                seed=seed,
                effort=effort,
                progress=partial(_show, progress, task, item.id),
            )
        now = platform.clock.now()
        for version in platform.models.add(trained, now):
            platform.models.promote(version, now)
        made.append(trained)
    return made


def until_given(platform: Platform, text: str) -> int:
    """Micros of a date given on the command line; now when it is empty."""
    return date_given(text, "until") if text else platform.clock.now()


def print_trained(trained: Artifacts, console: Console) -> None:
    """How well each model did on devices that were held out, and what could not be trained."""
    for kind, artifact in trained.by_kind.items():
        console.print(_metrics_table(f"{trained.product}: {kind}", artifact.card.metrics))
    for gap in trained.skipped:
        what = f"{trained.product} {gap.kind} {gap.component}".rstrip()
        why = (
            "nothing announces this failure"
            if gap.why == "no_trend"
            else f"{gap.found} of the {gap.needed} examples that it needs"
        )
        console.print(f"{what}: not trained, {why}", highlight=False)


def print_models(platform: Platform, console: Console) -> None:
    """All versions, newest first, with the metrics of the champions."""
    table = Table(box=None)
    for name in ("version", "stage", "data", "devices"):
        table.add_column(name, no_wrap=True)
    versions = platform.models.versions()
    for version in versions:
        card = version.card
        span = f"{card.start[:10]} to {card.until[:10]}"
        stage = version.stage.value
        table.add_row(version.version, stage, span, str(card.devices))
    console.print(table)
    for version in versions:
        if version.stage is Stage.CHAMPION:
            console.print(_metrics_table(version.version, version.card.metrics))


def _metrics_table(title: str, metrics: Mapping[str, Mapping[str, float]]) -> Table:
    names = list(dict.fromkeys(name for values in metrics.values() for name in values))
    table = Table(title=title, title_justify="left", box=None)
    for name in ("", *names):
        table.add_column(name.replace("_", " "), no_wrap=not name)
    for of, values in metrics.items():
        table.add_row(of, *(f"{values[n]:.2g}" if n in values else "" for n in names))
    return table


def _products(platform: Platform, product: str) -> list[Product]:
    if not product:
        return list(platform.catalogue.values())
    if product not in platform.catalogue:
        raise NotFound(
            "product.unknown",
            f"no product {product!r}; the catalogue has {', '.join(platform.catalogue)}",
            id=product,
        )
    return [platform.catalogue[product]]


def _show(progress: Progress, task: TaskID, product: str, what: str, share: float) -> None:
    progress.update(task, completed=share, description=f"Training {product}: {what}")


def _progress(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), console=console
    )
