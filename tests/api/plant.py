"""A small plant to look at: eight devices at two sites, of which two have something to be done."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from prometheus_client import CollectorRegistry

from alerts.maintenance import SqlMaintenanceLog
from alerts.order import PartStock, Technician
from alerts.service import AlertService
from api.auth import Users
from api.services import ApiSettings, BrokerAddress, Services
from ingest.command_log import SqlCommandLog
from ingest.credentials import SqlCredentials
from ingest.enrolment import Enrolment
from ingest.passwords import make_password
from ingest.quarantine import SqliteQuarantine
from ingest.registry import SqlDeviceRegistry
from ingest.stores.gaps import SqliteGapLog
from ingest.stores.memory import MemoryReadingStore, MemoryWaveformStore
from ingest.waveform_upkeep import WaveformUpkeep
from models.assessments import SqlAssessmentLog
from models.registry import ModelRegistry
from models.tables import ModelVersion
from models.training import Card
from models.vibration import indicators_of
from purna.core.assessments import (
    Anomaly,
    Assessment,
    Contribution,
    FailureRisk,
    RemainingLife,
)
from purna.core.catalogue import Catalogue, Mode, Name, parse_product
from purna.core.clock import DAY, HOUR, MINUTE, ManualClock, from_iso
from purna.core.devices import Customer, Device, Maintenance, Site
from purna.core.ids import SequentialIds
from purna.core.readings import DeviceEvent, Gap, ReadingBatch, Rejected, Telemetry
from purna.core.waveforms import Waveform
from purna.db.engine import Database
from tests.models.vibration.sounds import RATE, SPEED, impacts, noise

NOW = from_iso("2026-03-01T06:00:00Z")
START = NOW - 2 * DAY

PUMP: dict[str, Any] = {
    "id": "cp-200",
    "name": {"en": "Coolant pump", "id": "Pompa pendingin"},
    "quantity": [
        {
            "id": "vib_rms",
            "name": {"en": "Vibration", "id": "Getaran"},
            "unit": "mm/s",
            "low": 0.0,
            "high": 50.0,
            "alarm": 7.1,
        },
        {"id": "load", "name": "Load", "unit": "%", "low": 0.0, "high": 120.0, "setting": True},
    ],
    "component": [
        {"id": "bearing", "name": {"en": "Bearing", "id": "Bantalan"}, "part": "BRG-1"},
        {"id": "seal", "name": {"en": "Seal", "id": "Sil"}, "part": "SEAL-1"},
    ],
    "waveform": [
        {
            "id": "vib",
            "name": {"en": "Vibration, drive end", "id": "Getaran, sisi penggerak"},
            "unit": "m/s2",
            "full_scale": 400,
            "bands": [[1000, 3000]],
        }
    ],
    "machine": {"group": 2, "foundation": "flexible"},
    "bearing": [
        {
            "id": "de",
            "name": {"en": "Drive-end bearing", "id": "Bantalan sisi penggerak"},
            "component": "bearing",
            "waveform": "vib",
            "balls": 9,
            "ball_diameter": 7.94,
            "pitch_diameter": 39.04,
        }
    ],
    "failure_mode": [
        {"id": "bearing-wear", "name": "Bearing wear", "component": "bearing"},
        {
            "id": "seal-leak",
            "name": "Seal leak",
            "component": "seal",
            "remedy": "ship",
            "failure_cost": 400.0,
        },
    ],
}
CATALOGUE: Catalogue = {"cp-200": parse_product(PUMP)}

CUSTOMER = Customer("cus-1", "Tirta Jaya")
SITES = [Site("site-01", CUSTOMER, "Bandung"), Site("site-02", CUSTOMER, "Surabaya")]
DEVICES = [
    Device(
        f"pump-{number:02}",
        "cp-200",
        SITES[number % 2],
        serial=f"SN{number:04}",
        installed_at=START - 400 * DAY,
        warranty_until=NOW + 100 * DAY,
        attributes={"model": "B", "age_years": 3.0},
    )
    for number in range(1, 9)
]
TECHNICIAN = Technician("tec-03", "Rini", ("mechanical",), "Bandung")


class Plant:
    """The real services over a database in ``folder``; readings are kept in memory."""

    def __init__(self, folder: Path, database: Database, users: Users) -> None:
        self.database = database
        self.clock = ManualClock(NOW, speed=60.0)
        self.users = users
        self.registry = SqlDeviceRegistry(database)
        self.credentials = SqlCredentials(database)
        self.real_clock = ManualClock(NOW)
        self.enrolment = Enrolment(
            database, CATALOGUE, self.clock, self.real_clock, SequentialIds()
        )
        self.commands = SqlCommandLog(database, self.real_clock, SequentialIds())
        self.store = MemoryReadingStore()
        self.waveforms = MemoryWaveformStore()
        self.gaps = SqliteGapLog(folder / "gaps.db")
        self.quarantine = SqliteQuarantine(folder / "quarantine.db")
        self.assessments = SqlAssessmentLog(database)
        self.maintenance = SqlMaintenanceLog(database)
        self.models = ModelRegistry(database, folder / "models", b"k" * 32)
        self.alerts = AlertService(database, self.registry, CATALOGUE, self.clock, SequentialIds())
        self.services = Services(
            catalogue=CATALOGUE,
            registry=self.registry,
            credentials=self.credentials,
            enrolment=self.enrolment,
            commands=self.commands,
            maintenance=self.maintenance,
            store=self.store,
            waveforms=self.waveforms,
            gaps=self.gaps,
            quarantine=self.quarantine,
            assessments=self.assessments,
            alerts=self.alerts,
            models=self.models,
            users=users,
            broker=BrokerAddress("127.0.0.1", 1883),
            clock=self.clock,
            mode=Mode.SUGGEST,
            version="1.2.3",
            settings=ApiSettings(stream_poll_seconds=0.02, stream_heartbeat_seconds=0.2),
            checks={"database": lambda: None},
        )

    def services_of_another_process(self) -> Services:
        """The same, but for what a process keeps to itself."""
        return replace(self.services, metrics=CollectorRegistry())

    def close(self) -> None:
        self.quarantine.close()
        self.gaps.close()

    def furnish(self) -> None:
        """Two days of readings, a day of assessments, the orders that follow, and a quarantine."""
        self.registry.add(DEVICES, SITES)
        self.alerts.add_technicians([TECHNICIAN])
        self.alerts.add_parts(
            [
                PartStock("BRG-1", Name({"en": "Bearing 6205", "id": "Bantalan 6205"}), stock=3),
                PartStock("SEAL-1", Name({"en": "Seal kit", "id": "Set sil"}), stock=1),
            ]
        )
        self._add_readings()
        self._add_waveforms()
        self.maintenance.add(
            [Maintenance("pump-01", "bearing", START - 90 * DAY, True, START - 89 * DAY, "import")]
        )
        self.assess()
        self.quarantine.add(
            [
                Rejected(NOW - HOUR, "purna/v1/pump-01/telemetry", b"{", "payload.json", "Hint"),
                Rejected(NOW, "purna/v1/pump-02/telemetry", b"\xff\x00", "x", "Hint", "pump-02"),
            ]
        )
        self.gaps.note(
            [
                Gap("pump-01", "b7", 4711, 4713, 3, NOW - HOUR),
                Gap("pump-01", "b7", 40, 44, 0, NOW - 5 * HOUR, NOW - 4 * HOUR),
            ]
        )
        self.credentials.set_password("pump-01", make_password(), START)
        with self.database.write() as session:
            session.add(
                ModelVersion(
                    version="failure-cp-200-1",
                    product="cp-200",
                    kind="failure",
                    stage="champion",
                    created=NOW - DAY,
                    staged=NOW - DAY,
                    card=msgspec.json.encode(CARD).decode(),
                )
            )

    def assess(self, hours: int = 24) -> None:
        """Hourly windows; the bearing of pump-01 and the seal of pump-02 get worse."""
        windows = [NOW - hour * HOUR for hour in range(hours, -1, -1)]
        self.assessments.put(
            [
                _assessment(device.id, end, i / hours)
                for i, end in enumerate(windows)
                for device in DEVICES[:7]
            ]
        )
        while self.alerts.process_pending(self.assessments):
            pass

    def worsen(self, device: str) -> None:
        """One more window in which the bearing of ``device`` is about to fail."""
        self.assessments.put(
            [
                Assessment(
                    device,
                    NOW + HOUR,
                    models={"failure": "failure-cp-200-1"},
                    risks=[FailureRisk("bearing", {24: 0.9, 168: 1.0, 720: 1.0})],
                )
            ]
        )
        self.alerts.process_pending(self.assessments)

    def order_of(self, device: str) -> str:
        """The id of the order that this device has."""
        (order,) = (o for o in self.alerts.orders().items if o.device.id == device)
        return order.id

    def _add_readings(self) -> None:
        self.store.append(
            ReadingBatch.of(
                Telemetry(
                    device.id,
                    [
                        (ts, {"vib_rms": 3.0 + 0.01 * i, "load": 60.0 + i % 7})
                        for i, ts in enumerate(range(START, NOW, step))
                    ],
                )
                for device, step in zip(DEVICES, [5 * MINUTE] + 5 * [HOUR], strict=False)
            ),
            [
                DeviceEvent("pump-01", START, "status", "online", "2.4.1"),
                DeviceEvent("pump-01", NOW - HOUR, "event", "E17", "bearing hot"),
                DeviceEvent("pump-01", NOW - 2 * HOUR, "event", "E16", ""),
                DeviceEvent("pump-01", NOW - 3 * HOUR, "quality", "stuck:load", "40 for 600 s"),
                DeviceEvent("pump-06", NOW - MINUTE, "status", "offline"),
            ],
        )

    def _add_waveforms(self) -> None:
        """The outer race of pump-01 goes; the last waveform but one is too short to be one."""
        sounds = [noise(), noise(seed=1), noise()[:10], impacts(3.5848 * SPEED, strength=7.0)]
        self.waveforms.add(
            [
                Waveform(
                    "pump-01",
                    "vib",
                    NOW - (len(sounds) - i) * 6 * HOUR,
                    RATE,
                    "m/s2",
                    (1000 * sound).astype(np.int16),
                    0.001,
                    SPEED,
                )
                for i, sound in enumerate(sounds)
            ]
        )
        self.work_off_waveforms()

    def work_off_waveforms(self) -> None:
        """Turn waveforms into indicators."""
        upkeep = WaveformUpkeep(
            self.waveforms, self.store, self.registry, CATALOGUE, indicators_of, self.clock
        )
        upkeep.once()


CARD = Card(
    kind="failure",
    version="failure-cp-200-1",
    product="cp-200",
    product_version=1,
    seed=7,
    start="2025-01-01T00:00:00.000Z",
    until="2026-02-01T00:00:00.000Z",
    devices=8,
    data="sha256:0",
    features={"bearing": ["vib_rms.mean"], "seal": ["load.mean", "vib_rms.mean"]},
    settings={},
    metrics={"bearing": {"auc": 0.97}},
    libraries={"scikit-learn": "1.7"},
)


def _assessment(device: str, window_end: int, wear: float) -> Assessment:
    bearing = 0.05 + 0.9 * wear * (device == "pump-01")
    seal = 0.02 + 0.6 * wear * (device == "pump-02")
    watch = 0.35 if device == "pump-03" else 0.01
    return Assessment(
        device,
        window_end,
        models={"anomaly": "a1", "failure": "failure-cp-200-1", "life": "l1"},
        anomaly=Anomaly(1.6 * wear if device == "pump-01" else 0.2),
        risks=[
            FailureRisk(
                "bearing",
                {24: max(bearing, watch), 168: min(1.0, 1.3 * bearing), 720: min(1.0, 2 * bearing)},
                [
                    Contribution("vib_rms", 0.7),
                    Contribution("event:E17", 0.2),
                    Contribution("age:bearing", 0.1),
                ],
            ),
            FailureRisk(
                "seal",
                {24: seal, 168: min(1.0, 1.3 * seal), 720: min(1.0, 2 * seal)},
                [Contribution("load", 1.0)],
            ),
        ],
        lives=[RemainingLife("bearing", 20.0, 40.0, 80.0)] if device == "pump-01" else [],
    )
