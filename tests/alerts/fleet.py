"""A small fleet to test with: one product, a few devices, and assessments made by hand."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from alerts.order import PartStock, Technician
from alerts.service import AlertService
from alerts.settings import AlertSettings
from purna.core.assessments import (
    Anomaly,
    Assessment,
    Contribution,
    FailureRisk,
    RemainingLife,
)
from purna.core.catalogue import (
    Component,
    FailureMode,
    Name,
    Policy,
    Product,
    Quantity,
    Remedy,
)
from purna.core.clock import DAY, HOUR, ManualClock, from_iso
from purna.core.devices import Customer, Device, Site
from purna.core.errors import NotFound
from purna.core.ids import IdFactory, SequentialIds
from purna.db.base import Base
from purna.db.engine import Database

T0 = from_iso("2026-03-02T06:00:00Z")  # a Monday
POLICY = Policy(raise_probability=0.6, clear_probability=0.3, raise_after=1, clear_after=2)

PUMP = Product(
    id="pump",
    name=Name({"en": "Pump", "id": "Pompa"}),
    horizons=(24, 168),
    quantities=(
        Quantity("vib", Name({"en": "Vibration", "id": "Getaran"}), "mm/s", 0, 50),
        Quantity("temp", Name({"en": "Temperature", "id": "Suhu"}), "degC", -40, 150),
    ),
    components=(
        Component("bearing", Name({"en": "Bearing", "id": "Bantalan"}), "BRG-6205", 110.0),
        Component("filter", Name({"en": "Filter", "id": "Saringan"}), "FLT-12", 18.0),
        Component("seal", Name({"en": "Seal", "id": "Segel"}), "SEAL-3", 40.0),
    ),
    failure_modes=(
        FailureMode("bearing_wear", Name({"en": "Bearing wear"}), "bearing"),
        FailureMode("clogging", Name({"en": "Clogging"}), "filter", Remedy.SHIP, hours=1.0),
        FailureMode("leak", Name({"en": "Seal leak"}), "seal"),
    ),
    policy=POLICY,
)
SITE = Site(
    "hill", Customer("acme", "Acme Water", sla_hours=48.0), "Hill", latitude=48.1, longitude=11.6
)


class MemoryRegistry:
    """A :class:`~purna.core.ports.DeviceRegistry` in memory."""

    def __init__(self, devices: Iterable[Device]) -> None:
        self._devices = {device.id: device for device in devices}

    def get(self, device_id: str) -> Device:
        device = self.find(device_id)
        if device is None:
            raise NotFound("error.not_found", kind="device", id=device_id)
        return device

    def find(self, device_id: str) -> Device | None:
        return self._devices.get(device_id)

    def all(self, product: str = "") -> list[Device]:
        found = sorted(self._devices.values(), key=lambda device: device.id)
        return [device for device in found if not product or device.product == product]

    def sites(self) -> list[Site]:
        return sorted({device.site.id: device.site for device in self._devices.values()}.values(),
                      key=lambda site: site.id)  # fmt: skip

    def add(
        self,
        devices: Iterable[Device],
        sites: Iterable[Site] = (),
        customers: Iterable[Customer] = (),
    ) -> None:
        self._devices |= {device.id: device for device in devices}


class MemoryAssessments:
    """An :class:`~purna.core.ports.AssessmentLog` in memory."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, int], tuple[int, Assessment]] = {}
        self._last = 0

    def put(self, assessments: Sequence[Assessment]) -> None:
        for assessment in assessments:
            self._last += 1
            self._kept[assessment.device, assessment.window_end] = (self._last, assessment)

    def latest(self, devices: Sequence[str] | None = None) -> dict[str, Assessment]:
        newest: dict[str, Assessment] = {}
        for _, assessment in sorted(self._kept.values(), key=lambda item: item[1].window_end):
            newest[assessment.device] = assessment
        return {d: a for d, a in newest.items() if devices is None or d in devices}

    def between(self, device: str, start: int, end: int) -> list[Assessment]:
        found = [a for _, a in self._kept.values() if a.device == device]
        return sorted((a for a in found if start <= a.window_end < end), key=lambda a: a.window_end)

    def position(self) -> int:
        return self._last

    def pending(self, after: int, limit: int) -> list[tuple[int, Assessment]]:
        return sorted((p, a) for p, a in self._kept.values() if p > after)[:limit]


def pump(device_id: str, **changes: object) -> Device:
    device = Device(device_id, "pump", SITE, warranty_until=T0 + 30 * DAY)
    return replace(device, **changes)  # type: ignore[arg-type]


def at(hours: float) -> int:
    """A window end, hours after T0."""
    return T0 + round(hours * HOUR)


def risk(
    hours: float, probability: float, *, device: str = "p1", component: str = "bearing"
) -> Assessment:
    """A window with a risk for one component; the probability within 24 h, by a constant hazard."""
    later = 1 - (1 - probability) ** 7
    shares = (Contribution("vib", 0.6), Contribution("event:E17", 0.3))
    found = FailureRisk(component, {24: probability, 168: later}, shares)
    return Assessment(device, at(hours), {"failure": "f-1"}, risks=(found,))


def life(hours: float, median: float, *, device: str = "p1") -> Assessment:
    """A window with a remaining life of the bearing."""
    found = RemainingLife("bearing", median * 0.5, median, median * 1.5)
    return Assessment(device, at(hours), {"life": "l-1"}, lives=(found,))


def anomaly(hours: float, score: float, *, device: str = "p1") -> Assessment:
    shares = (Contribution("temp", 0.9),)
    return Assessment(device, at(hours), {"anomaly": "a-1"}, anomaly=Anomaly(score, shares))


def silent(hours: float, *, device: str = "p1") -> Assessment:
    """A window in which the risk model abstains."""
    return Assessment(device, at(hours), {"failure": "f-1"})


MASTER_PARTS = (
    PartStock("BRG-6205", Name({"en": "Bearing", "id": "Bantalan"}), stock=1),
    PartStock("FLT-12", Name({"en": "Filter", "id": "Saringan"}), stock=5),
    PartStock("SEAL-3", Name({"en": "Seal", "id": "Segel"}), stock=2),
)
MASTER_TECHNICIANS = (
    Technician("eka", "Eka", ("mechanical",), "Hill depot", 48.1, 11.6),
    Technician("tom", "Tom", ("electrical",), "Hill depot", 48.1, 11.6),
)


class Plant:
    """A service over a database of its own, with everything a test wants to turn."""

    def __init__(
        self,
        url: str,
        *,
        settings: AlertSettings | None = None,
        product: Product = PUMP,
        devices: Iterable[Device] | None = None,
        ids: IdFactory | None = None,
    ) -> None:
        self.db = Database(url)
        Base.metadata.create_all(self.db.engine)
        self.clock = ManualClock(T0)
        self.product = product
        self.registry = MemoryRegistry(devices or (pump("p1"), pump("p2"), pump("p3")))
        self.log = MemoryAssessments()
        self.ids = ids or SequentialIds()
        self.settings = settings or AlertSettings()
        self.service = self.restarted()

    def restarted(self, settings: AlertSettings | None = None) -> AlertService:
        """A service that knows only what the database holds."""
        self.settings = settings or self.settings
        self.service = AlertService(
            self.db, self.registry, {self.product.id: self.product}, self.clock, self.ids,
            self.settings,
        )  # fmt: skip
        return self.service

    def stocked(self) -> Plant:
        self.service.add_parts(MASTER_PARTS)
        self.service.add_technicians(MASTER_TECHNICIANS)
        return self

    def see(self, *windows: Assessment) -> list[str]:
        """Take windows in as they become due; the actions decided on."""
        decided = []
        for window in windows:
            self.clock.set(max(self.clock.now(), window.window_end))
            decided += [d.action.value for d in self.service.process([window])]
        return decided

    def states(self) -> dict[str, str]:
        """State of every order by number."""
        found = self.service.orders(limit=200).items
        return dict(sorted((order.number, order.state.value) for order in found))

    def alert_states(self) -> list[str]:
        return [alert.state.value for alert in self.service.alerts(limit=200).items]


def sqlite_url(folder: Path) -> str:
    return f"sqlite:///{folder / 'service.db'}"
