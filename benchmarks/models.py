"""How good the models are on public data: ``python benchmarks/models.py DATA [azure] [cmapss]``.

``DATA`` is a folder with the sets ``azure_pdm`` and ``cmapss``. One JSON line per figure. The
product's own frames, features, training and scoring are measured, through the embedded store;
nothing is fitted on test rows.
"""

from __future__ import annotations

import csv
import gzip
import json
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow.parquet

from ingest.stores import open_store
from models.base import Float64, Int64
from models.evaluation import life_metrics, nasa_score, order_report, risk_metrics
from models.features import Past, Rows
from models.frames import FleetReader
from models.kinds import FAILURE, LIFE, LifeKind
from models.labels import failure_labels
from models.scoring import Scorer
from models.training import FULL, Artifacts, train
from purna.core.catalogue import Component, Name, Policy, Product, Quantity
from purna.core.clock import DAY, HOUR, from_iso
from purna.core.devices import Customer, Device, Maintenance, Site
from purna.core.ports import ReadingStore
from purna.core.readings import DeviceEvent, ReadingBatch, SeriesKey

SITE = Site("site", Customer("customer", "Customer"), "Site")


@dataclass(frozen=True)
class History:
    product: Product
    devices: Sequence[Device]
    batches: Sequence[ReadingBatch]
    events: Sequence[DeviceEvent]
    maintenance: Sequence[Maintenance]


def report(name: str, value: float, unit: str = "", **more: object) -> None:
    print(json.dumps({"name": name, "value": round(value, 4), "unit": unit, **more}), flush=True)


def batch_of(device: str, ts: Int64, columns: Mapping[str, Float64]) -> ReadingBatch:
    """Columns of one device with common times as a batch."""
    count, width = len(ts), len(columns)
    return ReadingBatch(
        series=[SeriesKey(device, name) for name in columns],
        index=np.repeat(np.arange(width, dtype=np.int32), count),
        ts=np.tile(ts, width),
        value=np.concatenate(list(columns.values())),
        quality=np.zeros(count * width, np.uint8),
        boots=("",),
        origin=np.zeros(count * width, np.int32),
        seq=np.full(count * width, -1, np.int64),
    )


def stored(history: History, url: str) -> ReadingStore:
    store = open_store(url)
    for batch in history.batches:
        store.append(batch)
    store.append(ReadingBatch.of([]), history.events)
    return store


# Azure predictive maintenance


def azure(folder: Path) -> History:
    quantities = ("volt", "rotate", "pressure", "vibration")
    table = pyarrow.parquet.read_table(folder / "telemetry_3h.parquet")
    machine = table["machineID"].to_numpy()
    moment = table["dt_truncated"].to_numpy().astype("datetime64[us]").astype(np.int64)
    values = {q: table[f"{q}_rollingmean_3"].to_numpy().astype(np.float64) for q in quantities}
    facts = {row["machineID"]: row for row in rows_of(folder / "PdM_machines.csv.gz")}
    devices = [
        Device(
            f"machine-{name}",
            "azure_pdm",
            SITE,
            attributes={"model": row["model"], "age": float(row["age"])},
        )
        for name, row in facts.items()
    ]
    batches = []
    for name in facts:
        mine = machine == int(name)
        # The value at T looks one hour past T: it is known an hour later.
        ts = moment[mine] + HOUR
        batches.append(batch_of(f"machine-{name}", ts, {q: v[mine] for q, v in values.items()}))
    events = [
        DeviceEvent(f"machine-{r['machineID']}", from_iso(r["datetime"]), "event", r["errorID"])
        for r in rows_of(folder / "PdM_errors.csv.gz")
    ]
    failed = {
        (f"machine-{r['machineID']}", r["failure"], from_iso(r["datetime"]))
        for r in rows_of(folder / "PdM_failures.csv.gz")
    }
    # A seed batch of the data's simulator: failures in the first days, without any history.
    failed = {f for f in failed if f[2] >= from_iso("2015-01-04")}
    replaced = {
        (f"machine-{r['machineID']}", r["comp"], from_iso(r["datetime"]))
        for r in rows_of(folder / "PdM_maint.csv.gz")
    }
    maintenance = [
        Maintenance(d, c, ts, (d, c, ts) in failed, ts) for d, c, ts in sorted(replaced | failed)
    ]
    product = Product(
        id="azure_pdm",
        name=Name({"en": "Machine"}),
        step_minutes=60,
        horizons=(24,),
        quantities=[Quantity(q, Name({"en": q}), "1", -1e9, 1e9) for q in quantities],
        components=[Component(f"comp{k}", Name({"en": f"comp{k}"}), "") for k in range(1, 5)],
        policy=Policy(horizon_hours=24, raise_probability=0.5),
    )
    return History(product, devices, batches, events, maintenance)


def measure_azure(folder: Path) -> None:
    history = azure(folder)
    with tempfile.TemporaryDirectory() as scratch:
        store = stored(history, f"sqlite:///{scratch}/azure.db")
        began = time.perf_counter()
        artifacts = train(
            history.product,
            history.devices,
            store,
            history.maintenance,
            from_iso("2015-07-31"),
            effort=replace(FULL, life_rows=2_000, life_trees=20),
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
            effort=replace(FULL, life_rows=2_000, life_trees=20),
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
        probability = np.array([a.risk_of(component.id).probability[24] for a in assessments])
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


# C-MAPSS


SENSORS = tuple(f"s{k}" for k in range(1, 22))
SETTINGS = ("setting1", "setting2", "setting3")
EPOCH = from_iso("2020-01-01")
CAP = 125


def cmapss(path: Path, prefix: str, *, to_failure: bool) -> History:
    """One cycle is one hour; engines start together, new."""
    data = numbers(path)
    devices, batches, maintenance = [], [], []
    for unit in np.unique(data[:, 0]).astype(int):
        mine = data[data[:, 0] == unit]
        name = f"{prefix}-{unit}"
        ts = EPOCH + mine[:, 1].astype(np.int64) * HOUR
        columns = {c: mine[:, 2 + k] for k, c in enumerate((*SETTINGS, *SENSORS))}
        devices.append(Device(name, "cmapss", SITE, installed_at=EPOCH))
        batches.append(batch_of(name, ts, columns))
        if to_failure:
            last = int(ts[-1])
            maintenance.append(Maintenance(name, "engine", last, True, last))
    product = Product(
        id="cmapss",
        name=Name({"en": "Engine"}),
        horizons=(30, CAP),
        quantities=[
            Quantity(q, Name({"en": q}), "1", -1e9, 1e9, setting=q in SETTINGS)
            for q in (*SETTINGS, *SENSORS)
        ],
        components=[Component("engine", Name({"en": "Engine"}), "")],
        policy=Policy(horizon_hours=30),
    )
    return History(product, devices, batches, [], maintenance)


def measure_cmapss(folder: Path, subset: str) -> None:
    name = f"cmapss.{subset}"
    old = cmapss(folder / f"train_{subset}.txt.gz", "train", to_failure=True)
    new = cmapss(folder / f"test_{subset}.txt.gz", "test", to_failure=False)
    truth = numbers(folder / f"RUL_{subset}.txt.gz")
    with tempfile.TemporaryDirectory() as scratch:
        store = stored(old, f"sqlite:///{scratch}/train.db")
        began = time.perf_counter()
        artifacts = train(
            old.product,
            old.devices,
            store,
            old.maintenance,
            EPOCH + 1_000 * HOUR,
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
    last = [int(batch.ts.max()) for batch in history.batches]
    fleet = FleetReader(history.product).read(store, history.devices, [], [max(last)])
    past = Past(model.conditions.transform(fleet))
    time_of = (np.array(last) - fleet.grid.first) // fleet.grid.step
    rows = Rows(np.arange(len(last)), time_of)
    hours = model.capped_hours("engine", fleet, past, rows)
    return np.where(np.isfinite(hours), hours, float(CAP))


def numbers(path: Path) -> Float64:
    with gzip.open(path, "rt") as file:
        return np.loadtxt(file)


def rows_of(path: Path) -> Iterator[dict[str, str]]:
    with gzip.open(path, "rt", newline="") as file:
        yield from csv.DictReader(file)


def rounded(metrics: Mapping[str, float]) -> dict[str, float]:
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
