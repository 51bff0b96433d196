"""A small store over arrays, and a small fleet with a bearing that wears and a seal that bursts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from purna.core.catalogue import Component, Name, Policy, Product, Quantity
from purna.core.clock import DAY, HOUR, MINUTE
from purna.core.devices import Customer, Device, Maintenance, Site
from purna.core.ports import Appended, Latest
from purna.core.readings import DeviceEvent, Points, ReadingBatch, SeriesKey

EPOCH = 20_000 * DAY
SITE = Site("site-1", Customer("cust-1", "PT Contoh"), "Plant")


@dataclass
class ArrayStore:
    """Reads from arrays that a test has put there; counts the points it gave."""

    points: dict[SeriesKey, Points] = field(default_factory=dict)
    raised: list[DeviceEvent] = field(default_factory=list)
    given: int = 0

    def put(self, device: str, quantity: str, ts: object, value: object) -> None:
        times = np.asarray(ts, np.int64)
        self.points[SeriesKey(device, quantity)] = Points(
            times, np.asarray(value, np.float64), np.zeros(len(times), np.uint8)
        )

    def append(self, batch: ReadingBatch, events: Sequence[DeviceEvent] = ()) -> Appended:
        raise NotImplementedError

    def read(self, keys: Sequence[SeriesKey], start: int, end: int) -> dict[SeriesKey, Points]:
        out = {}
        for key in keys:
            points = self.points.get(key, Points.empty())
            low, high = np.searchsorted(points.ts, [start, end])
            out[key] = Points(points.ts[low:high], points.value[low:high], points.quality[low:high])
            self.given += int(high - low)
        return out

    def latest(self, devices: Sequence[str]) -> dict[SeriesKey, Latest]:
        raise NotImplementedError

    def series(self) -> list[SeriesKey]:
        return sorted(self.points)

    def events(
        self, devices: Sequence[str], start: int, end: int, kind: str = "event"
    ) -> list[DeviceEvent]:
        wanted = set(devices)
        found = [
            e for e in self.raised if e.device in wanted and start <= e.ts < end and e.kind == kind
        ]
        return sorted(found, key=lambda e: (e.ts, e.device, e.code))

    def span(self) -> tuple[int, int] | None:
        known = [p for p in self.points.values() if len(p)]
        if not known:
            return None
        return min(int(p.ts[0]) for p in known), max(int(p.ts[-1]) for p in known)

    def close(self) -> None:
        """Nothing is open."""


def product(**changes: object) -> Product:
    """Pumps that report load, vibration, temperature and pressure."""
    values: dict[str, object] = {
        "id": "pump",
        "name": Name({"en": "Pump"}),
        "horizons": (24, 168),
        "quantities": (
            Quantity("load", Name({"en": "Load"}), "%", 0, 100, setting=True),
            Quantity("vibration", Name({"en": "Vibration"}), "mm/s", 0, 50),
            Quantity("temperature", Name({"en": "Temperature"}), "degC", -40, 200),
            Quantity("pressure", Name({"en": "Pressure"}), "bar", 0, 20),
        ),
        "components": (
            Component("bearing", Name({"en": "Bearing"}), "BRG-1"),
            Component("seal", Name({"en": "Seal"}), "SEAL-1"),
            Component("fan", Name({"en": "Fan"}), "FAN-1"),
        ),
        "policy": Policy(horizon_hours=24, raise_probability=0.5),
    }
    return Product(**{**values, **changes})  # type: ignore[arg-type]


@dataclass(frozen=True)
class Plant:
    product: Product
    devices: list[Device]
    store: ArrayStore
    maintenance: list[Maintenance]
    until: int


def plant(count: int = 12, days: int = 60, seed: int = 1, gap: float = 0.02) -> Plant:
    """A fleet with a past.

    The bearing's wear raises vibration (and, less, temperature) over about 20 days until it
    fails and is replaced; the seal bursts a day after event E17, with a falling pressure. Load
    moves everything up and down each day. One hour of ``gap`` is missing now and then.
    """
    rng = np.random.default_rng(seed)
    hours = days * 24
    ends = EPOCH + HOUR * np.arange(1, hours + 1)
    store = ArrayStore()
    devices, maintenance = [], []
    for number in range(count):
        name = f"pump-{number:02d}"
        variant = "a" if number % 2 else "b"
        devices.append(
            Device(name, "pump", SITE, installed_at=EPOCH, attributes={"variant": variant})
        )
        wear, leak = np.zeros(hours), np.zeros(hours)
        at = 0
        while at < hours:
            life = int(rng.uniform(14, 26) * 24)
            stop = min(at + life, hours)
            wear[at:stop] = (np.arange(stop - at) / life) ** 2
            if at + life < hours:
                ts = int(ends[at + life - 1])
                maintenance.append(Maintenance(name, "bearing", ts, True, ts))
            at += life
        for burst in rng.choice(np.arange(hours // 5, hours - 30), 2, replace=False):
            ts = int(ends[burst])
            leak[max(burst - 20, 0) : burst + 1] = 1.0
            store.raised.append(DeviceEvent(name, ts - DAY, "event", "E17"))
            maintenance.append(Maintenance(name, "seal", ts, True, ts))
        load = 60 + 25 * np.sin(np.arange(hours) * 2 * np.pi / 24) + rng.normal(0, 4, hours)
        noise = rng.normal(size=(3, hours))
        offset = rng.normal(size=3)
        values = {
            "load": load,
            "vibration": 2 + 0.02 * load + 3 * wear + 0.2 * noise[0] + 0.2 * offset[0],
            "temperature": 40 + 0.3 * load + 6 * wear + noise[1] + 2 * offset[1],
            "pressure": 6 - 0.01 * load - 1.0 * leak + 0.1 * noise[2] + 0.1 * offset[2],
        }
        kept = rng.random(hours) >= gap
        for quantity, series in values.items():
            store.put(name, quantity, ends[kept] - 10 * MINUTE, series[kept])
    maintenance.sort(key=lambda m: (m.ts, m.device, m.component))
    return Plant(product(), devices, store, maintenance, int(ends[-1]))
