"""Training from the command line and by the demonstration: train, keep, promote, tell."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from models.training import FULL, Effort, train
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
) -> None:
    """Train every kind of model for the products that have devices, and make them champions.

    ``until`` (micros) hides everything that was measured or learnt later.

    Raises
    ------
    NotFound
        When there is no such product.
    """
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
        for kind, artifact in trained.by_kind.items():
            console.print(f"  {item.id} {kind}: {_best(artifact.card.metrics)}", highlight=False)
        for gap in trained.skipped:
            console.print(
                f"  {item.id} {gap.kind} {gap.component}: not trained, {gap.found} of the "
                f"{gap.needed} examples that it needs",
                highlight=False,
            )


def until_given(platform: Platform, text: str) -> int:
    """Micros of a date given on the command line; now when it is empty."""
    return date_given(text, "until") if text else platform.clock.now()


def print_models(platform: Platform, console: Console) -> None:
    """All versions, newest first."""
    table = Table("version", "product", "kind", "stage", "data", "devices", "metrics", box=None)
    for version in platform.models.versions():
        card = version.card
        span = f"{card.start[:10]} to {card.until[:10]}"
        table.add_row(
            version.version,
            version.product,
            version.kind,
            version.stage,
            span,
            str(card.devices),
            _best(card.metrics),
        )
    console.print(table)


def _show(progress: Progress, task: TaskID, product: str, what: str, share: float) -> None:
    progress.update(task, completed=share, description=f"Training {product}: {what}")


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


def _best(metrics: Mapping[str, Mapping[str, float]]) -> str:
    """The figures of a card in one line."""
    return "; ".join(
        f"{name} " + ", ".join(f"{key} {value:.3g}" for key, value in values.items())
        for name, values in metrics.items()
    )


def _progress(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), console=console
    )
