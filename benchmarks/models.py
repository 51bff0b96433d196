"""How good the models are on public data: ``python -m benchmarks.models DATA [azure] [cmapss]``.

``DATA`` is a folder with the sets ``azure_pdm`` and ``cmapss``. One JSON line per figure. The
product's own frames, features, training and scoring are measured, through the embedded store;
nothing is fitted on test rows.
"""

from __future__ import annotations

import gzip
import json
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ingest.imports.history import History
from ingest.imports.read import read_history
from ingest.stores import open_store
from models.base import Float64
from models.evaluation import life_metrics, nasa_score, order_report, risk_metrics
from models.features import Past, Rows
from models.frames import FleetReader
from models.kinds import FAILURE, LIFE, LifeKind
from models.labels import failure_labels
from models.scoring import Scorer
from models.training import FULL, Artifacts, train
from purna.core.catalogue import Product
from purna.core.clock import DAY, HOUR, from_iso
from purna.core.ports import ReadingStore
from purna.core.readings import ReadingBatch


def report(name: str, value: float, unit: str = "", **more: Any) -> None:
    print(json.dumps({"name": name, "value": round(value, 4), "unit": unit, **more}), flush=True)


def stored(history: History, url: str) -> ReadingStore:
    store = open_store(url)
    for batch in history.batches():
        store.append(batch)
    store.append(ReadingBatch.of([]), history.events)
    return store


def measure_azure(folder: Path) -> None:
    history = read_history("azure_pdm", folder)
    with tempfile.TemporaryDirectory() as scratch:
        store = stored(history, f"sqlite:///{scratch}/azure.db")
        began = time.perf_counter()
        artifacts = train(
            history.product,
            history.devices,
            store,
            history.maintenance,
            from_iso("2015-07-31"),
        )
        report("azure.train", time.perf_counter() - began, "s")
        for component, metrics in artifacts.by_kind[FAILURE].card.metrics.items():
            report(f"azure.validation.f1.{component}", metrics["f1"], **rounded(metrics))
        judge_azure("azure", history, store, artifacts)
        silent = stored(replace(history, events=[]), f"sqlite:///{scratch}/silent.db")
        artifacts = train(
            history.product,
            history.devices,
            silent,
            history.maintenance,
            from_iso("2015-07-31"),
        )
        judge_azure("azure.no_error_log", history, silent, artifacts)


def judge_azure(name: str, history: History, store: ReadingStore, artifacts: Artifacts) -> None:
    """Rows and orders of the test span, scored as replaying would score them."""
    start, end = from_iso("2015-08-01T03:00"), from_iso("2016-01-01")
    step = history.product.step_minutes * 60_000_000
    ends = list(range(start, end, step))
    began = time.perf_counter()
    assessments = Scorer(history.product, artifacts).score(
        history.devices, store, history.maintenance, ends
    )
    report(f"{name}.score", len(assessments) / (time.perf_counter() - began), "windows/s")
    fleet = FleetReader(history.product).read(store, history.devices, history.maintenance, ends)
    at = fleet.position()
    rows = Rows(
        np.array([at[a.device] for a in assessments]),
        np.array([(a.window_end - fleet.grid.first) // step for a in assessments]),
    )
    times = np.array([a.window_end for a in assessments])
    f1, caught, failures, needless = [], 0, 0, 0
    leads: list[float] = []
    for component in history.product.components:
        risks = [a.risk_of(component.id) for a in assessments]
        probability = np.array([risk.probability[24] if risk else 0.0 for risk in risks])
        failed, known = failure_labels(fleet, component.id, 24, rows, fleet.grid.last)
        threshold = history.product.policy.raise_probability
        metrics = risk_metrics(probability[known], failed[known], np.ones(known.sum()), threshold)
        report(f"{name}.f1.{component.id}", metrics["f1"], **rounded(metrics))
        f1.append(metrics["f1"])
        alarm = probability >= threshold
        records = [
            m
            for m in history.maintenance
            if m.failed and m.component == component.id and start < m.ts < end
        ]
        orders = order_report(
            rows.device[alarm],
            times[alarm],
            np.array([at[m.device] for m in records]),
            np.array([m.ts for m in records]),
        )
        caught += int((orders.leads >= 2).sum())
        failures += orders.failures
        needless += orders.needless
        leads.extend(orders.leads.tolist())
    years = len(history.devices) * (end - start) / (365 * DAY)
    report(f"{name}.f1.macro", float(np.mean(f1)), target=0.95)
    report(f"{name}.caught_2h_ahead", caught / failures, f"of {failures} failures")
    report(f"{name}.needless_orders", needless / years, "per machine-year")
    report(f"{name}.lead.p50", float(np.median(leads)), "h", p5=float(np.quantile(leads, 0.05)))


CAP = 125


def measure_cmapss(folder: Path, subset: str) -> None:
    name = f"cmapss.{subset}"
    history = read_history("cmapss", folder, subset)
    # The published protocol caps remaining life at 125 cycles (of one hour here).
    product = replace(history.product, horizons=(24, CAP))
    old, new = part(history, product, "train"), part(history, product, "test")
    truth = numbers(folder / f"RUL_{subset}.txt.gz")
    with tempfile.TemporaryDirectory() as scratch:
        store = stored(old, f"sqlite:///{scratch}/train.db")
        began = time.perf_counter()
        artifacts = train(
            old.product,
            old.devices,
            store,
            old.maintenance,
            old.span()[1] + HOUR,
            effort=replace(FULL, negatives=2_000, trees=20),
        )
        report(f"{name}.train", time.perf_counter() - began, "s")
        card = artifacts.by_kind[LIFE].card
        report(
            f"{name}.held_out.rmse",
            card.metrics["engine"]["rmse"],
            "cycles",
            **rounded(card.metrics["engine"]),
        )
        tested = stored(new, f"sqlite:///{scratch}/test.db")
        intervals = last_lives(artifacts.by_kind[LIFE].model, new, tested)
    capped = np.minimum(truth, CAP)
    metrics = life_metrics(intervals, capped)
    report(f"{name}.rmse", metrics["rmse"], "cycles, truth capped at 125", target=12.5)
    report(f"{name}.rmse_raw", life_metrics(intervals, truth)["rmse"], "cycles, truth not capped")
    report(f"{name}.nasa_score", nasa_score(intervals[:, 1], capped), "truth capped")
    report(f"{name}.coverage", metrics["coverage"], "of 90 % intervals, truth capped")
    report(f"{name}.width", metrics["width"], "cycles")
    near = intervals[:, 1] < 60
    report(f"{name}.width_below_60", life_metrics(intervals[near], capped[near])["width"], "cycles")


def last_lives(model: object, history: History, store: ReadingStore) -> Float64:
    """Intervals of each engine at its last cycle."""
    assert isinstance(model, LifeKind)
    last = np.array([last_step(history, device.id) for device in history.devices])
    reader = FleetReader(history.product)
    fleet = reader.read(store, history.devices, [], [int(last.max())])
    past = Past(model.conditions.transform(fleet))
    time_of = (last - fleet.grid.first) // fleet.grid.step
    rows = Rows(np.arange(len(last)), time_of)
    hours = model.capped_hours("engine", fleet, past, rows)
    return np.where(np.isfinite(hours), hours, float(CAP))


def numbers(path: Path) -> Float64:
    with gzip.open(path, "rt") as file:
        return np.loadtxt(file)


def part(history: History, product: Product, name: str) -> History:
    """The devices of one of the two parts of a C-MAPSS set."""
    devices = [d for d in history.devices if f"-{name}-" in d.id]
    ids = {d.id for d in devices}
    return replace(
        history,
        product=product,
        devices=devices,
        tracks={d: track for d, track in history.tracks.items() if d in ids},
        maintenance=[m for m in history.maintenance if m.device in ids],
    )


def last_step(history: History, device: str) -> int:
    """The window end that holds the device's last reading."""
    return -(-int(history.tracks[device].ts[-1]) // history.step) * history.step


def rounded(metrics: Mapping[str, float]) -> dict[str, Any]:
    return {name: round(value, 4) for name, value in metrics.items()}


def main(arguments: Sequence[str]) -> None:
    folder, *chosen = arguments
    root = Path(folder)
    if not chosen or "azure" in chosen:
        measure_azure(root / "azure_pdm")
    if not chosen or "cmapss" in chosen:
        for subset in ("FD001", "FD003"):
            measure_cmapss(root / "cmapss", subset)


if __name__ == "__main__":
    main(sys.argv[1:])
