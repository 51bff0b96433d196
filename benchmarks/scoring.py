"""How fast a fleet is scored: ``python -m benchmarks.scoring [DEVICES]``, one core.

One JSON line per figure: from 24 h of 1-minute points of 6 quantities in memory to the windows'
features, the memory bandwidth beside it; and rounds of a whole fleet (``DEVICES``, 1,000 unless
given, with 30 days of history) from the embedded store to assessments, the store's share apart.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ingest.stores import open_store
from ingest.stores.base import IngestStore
from models.base import Float32
from models.conditions import OperatingConditions
from models.features import Past, Rows, failure_features, plan_features
from models.frames import Fleet, FleetReader, Grid
from models.scoring import Scorer
from models.threads import one_thread
from models.training import QUICK, train
from purna.core.catalogue import Component, Name, Policy, Product, Quantity
from purna.core.clock import DAY, HOUR, MINUTE
from purna.core.devices import Customer, Device, Maintenance, Site
from purna.core.readings import ReadingBatch, SeriesKey

SITE = Site("site", Customer("customer", "Customer"), "Site")
EPOCH = 20_000 * DAY
QUANTITIES = ("vibration", "temperature", "current", "pressure", "flow", "load")
PRODUCT = Product(
    id="pump",
    name=Name({"en": "Pump"}),
    horizons=(24, 168),
    quantities=tuple(
        Quantity(q, Name({"en": q}), "1", -1e9, 1e9, setting=q == "load") for q in QUANTITIES
    ),
    components=(Component("bearing", Name({"en": "Bearing"}), "BRG-1"),),
    policy=Policy(horizon_hours=24),
)


def report(name: str, value: float, unit: str, **more: object) -> None:
    print(json.dumps({"name": name, "value": round(value, 4), "unit": unit, **more}), flush=True)


def measure_features(devices: int = 4_000) -> None:
    """Points to features, all in memory, float32."""
    rng = np.random.default_rng(0)
    points = rng.normal(size=(devices, len(QUANTITIES), 1440)).astype(np.float32)
    fleet = fleet_of(points)
    conditions = OperatingConditions().fit(fleet, PRODUCT)
    plan = plan_features(PRODUCT, fleet, conditions.symptoms_)
    rows = Rows.every(fleet, np.array([fleet.grid.last]))
    began = time.perf_counter()
    points.sum()
    bandwidth = points.nbytes / (time.perf_counter() - began)
    began = time.perf_counter()
    fleet = fleet_of(points)
    means = time.perf_counter() - began
    table = failure_features(plan, fleet, Past(conditions.transform(fleet)), rows)
    took = time.perf_counter() - began
    report("features.points", devices / took, "devices/s", columns=len(table.names))
    report("features.rollups", devices / (took - means), "devices/s")
    report("features.bandwidth", points.nbytes / took / bandwidth, "of reading the points once")


def fleet_of(points: Float32) -> Fleet:
    """Hourly means of minutes, as the roll-ups hold them."""
    devices, quantities, minutes = points.shape
    none = np.empty(0, np.int64)
    return Fleet(
        devices=tuple(Device(f"pump-{n}", "pump", SITE) for n in range(devices)),
        quantities=QUANTITIES,
        grid=Grid(HOUR, EPOCH + HOUR, minutes // 60),
        values=points.reshape(devices, quantities, -1, 60).mean(axis=3),
        codes=(),
        event_device=none,
        event_code=none,
        event_ts=none,
        maintenance=(),
    )


def measure_round(devices: int, days: int = 30) -> None:
    """A first round, which reads the history, and the next, which reads one new window."""
    with tempfile.TemporaryDirectory() as scratch:
        store = open_store(f"sqlite:///{Path(scratch) / 'readings.db'}")
        fleet, maintenance = history(store, devices, days)
        store.seal()
        last = EPOCH + days * DAY
        few = fleet[:60]
        artifacts = train(PRODUCT, few, store, maintenance, last - DAY, effort=QUICK)
        scorer = Scorer(PRODUCT, artifacts)
        began = time.perf_counter()
        scorer.score(fleet, store, maintenance, [last - HOUR])
        report("round.first", time.perf_counter() - began, "s", devices=devices, days=days)
        began = time.perf_counter()
        assessments = scorer.score(fleet, store, maintenance, [last])
        took = time.perf_counter() - began
        began = time.perf_counter()
        FleetReader(PRODUCT, history=HOUR).read(store, fleet, maintenance, [last])
        reading = time.perf_counter() - began
        report("round.next", took, "s", devices=devices, kinds=len(artifacts.by_kind))
        report("round.next.rate", len(assessments) / took, "devices/s")
        report("round.next.store", reading / took, "of the time is the store's")
        store.close()


def history(store: IngestStore, devices: int, days: int) -> tuple[list[Device], list[Maintenance]]:
    """Readings every 10 minutes; the bearings of the first 60 pumps wear out every ten days."""
    rng = np.random.default_rng(0)
    fleet, maintenance = [], []
    ts = EPOCH + 10 * MINUTE * np.arange(1, days * 144 + 1)
    for number in range(devices):
        name = f"pump-{number}"
        fleet.append(Device(name, "pump", SITE, installed_at=EPOCH))
        values = rng.normal(size=(len(QUANTITIES), len(ts)))
        if number < 60:
            worn = (np.arange(len(ts)) + 144 * (number % 10)) % 1440 / 1440
            values[0] += 6 * worn**2
            for failed in np.flatnonzero(np.diff(worn) < 0):
                at = int(ts[failed])
                maintenance.append(Maintenance(name, "bearing", at, True, at))
        count = len(ts) * len(QUANTITIES)
        store.append(
            ReadingBatch(
                series=[SeriesKey(name, q) for q in QUANTITIES],
                index=np.repeat(np.arange(len(QUANTITIES), dtype=np.int32), len(ts)),
                ts=np.tile(ts, len(QUANTITIES)),
                value=values.ravel(),
                quality=np.zeros(count, np.uint8),
                boots=("",),
                origin=np.zeros(count, np.int32),
                seq=np.full(count, -1, np.int64),
            )
        )
    return fleet, maintenance


def main(arguments: Sequence[str]) -> None:
    with one_thread():
        measure_features()
        measure_round(int(arguments[0]) if arguments else 1_000)


if __name__ == "__main__":
    main(sys.argv[1:])
