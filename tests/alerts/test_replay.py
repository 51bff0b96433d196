"""Real maintenance and failure records behind foreseen failures: does every figure come out?"""

from __future__ import annotations

import csv
import gzip
from pathlib import Path

import pytest

from alerts.maintenance import SqlMaintenanceLog
from alerts.report import service_report, within_hours
from alerts.settings import AlertSettings
from purna.core.assessments import Assessment, FailureRisk
from purna.core.catalogue import Component, FailureMode, Name, Policy, Product
from purna.core.clock import HOUR, from_iso
from purna.core.devices import Maintenance
from tests.alerts.fleet import Plant, pump, sqlite_url

START, END = from_iso("2015-08-01"), from_iso("2016-01-01")
COMPONENTS = ("comp1", "comp2", "comp3", "comp4")
MACHINE = Product(
    id="pump",
    name=Name({"en": "Machine"}),
    step_minutes=180,
    horizons=(24,),
    components=tuple(Component(c, Name({"en": c}), "") for c in COMPONENTS),
    failure_modes=tuple(FailureMode(f"{c}_fault", Name({"en": c}), c) for c in COMPONENTS),
    policy=Policy(horizon_hours=24),
)


def rows(file: Path) -> list[dict[str, str]]:
    with gzip.open(file, "rt") as lines:
        return list(csv.DictReader(lines))


def records(folder: Path) -> list[Maintenance]:
    failed = {
        (f"m{row['machineID']}", row["failure"], from_iso(row["datetime"]))
        for row in rows(folder / "PdM_failures.csv.gz")
    }
    replaced = {
        (f"m{row['machineID']}", row["comp"], from_iso(row["datetime"]))
        for row in rows(folder / "PdM_maint.csv.gz")
    }
    return [
        Maintenance(*key, key in failed, key[2], "records") for key in sorted(failed | replaced)
    ]


@pytest.mark.data
@pytest.mark.slow
def test_a_perfect_prophet_of_real_failures_catches_all_and_sends_nobody_in_vain(
    public_data: Path, tmp_path: Path
) -> None:
    maintenance = [r for r in records(public_data / "azure_pdm") if START <= r.ts < END]
    failures = [r for r in maintenance if r.failed]
    machines = [f"m{n}" for n in range(1, 71)]
    coming: dict[tuple[str, str], list[int]] = {}
    for failure in failures:
        coming.setdefault((failure.device, failure.component), []).append(failure.ts)

    def window(machine: str, end: int) -> Assessment:
        risks = []
        for component in COMPONENTS:
            ahead = [ts - end for ts in coming.get((machine, component), ())]
            soon = any(0 < left <= 24 * HOUR for left in ahead)
            risks.append(FailureRisk(component, {24: 0.95 if soon else 0.01}))
        return Assessment(machine, end, {"failure": "prophet"}, risks=tuple(risks))

    plant = Plant(
        sqlite_url(tmp_path),
        product=MACHINE,
        devices=[pump(machine) for machine in machines],
        settings=AlertSettings(),
    )
    SqlMaintenanceLog(plant.db).add(maintenance)
    ends = list(range(START, END, 3 * HOUR))
    for first in range(0, len(ends), 40):
        portion = ends[first : first + 40]
        plant.clock.set(portion[-1])
        plant.service.process([window(m, end) for end in portion for m in machines])
    report = service_report(
        plant.service.order_spans(),
        maintenance,
        START,
        END,
        devices=len(machines),
        within=within_hours(MACHINE.policy),
    )
    # Within a day of a repair the component is not looked at again; no failure follows so soon.
    assert report.total.failures == len(failures) > 150
    assert (report.total.missed, report.total.needless) == (0, 0)
    assert report.total.orders == report.total.failures
    assert report.total.lead.median == 24.0
    plant.db.close()
