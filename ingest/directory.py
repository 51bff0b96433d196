"""What the ingester remembers of the registry, so that it need not ask for every message.

Known devices are asked for again after a while, unknown ones after a short while: a device that
is registered now is taken now. A flood of invented ids can't flood the database: beyond a number
of questions a second the answer is "unknown" unasked.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import NamedTuple

from ingest.quality import Ranges, ranges_of
from ingest.sensors import SensorLimits, limits_of
from purna.core.catalogue import Catalogue
from purna.core.devices import Device
from purna.core.ports import DeviceRegistry
from purna.core.readings import SeriesKey

QUESTIONS_PER_SECOND = 200
UNKNOWN_KEPT = 10_000


class Known(NamedTuple):
    """A registered device; ``ranges`` is None when its product is not in the catalogue.

    ``gateway`` is the device through which it speaks, or empty; ``waveforms`` are the units of
    those that its product sends, by id.
    """

    product: str
    ranges: Ranges | None
    gateway: str = ""
    waveforms: Mapping[str, str] = MappingProxyType({})


class Directory:
    """Remembers devices.

    Parameters
    ----------
    refresh_s, unknown_refresh_s
        Seconds after which a known, and an unknown, device is asked for again.
    monotonic
        Seconds that only grow.
    """

    def __init__(
        self,
        registry: DeviceRegistry,
        catalogue: Catalogue,
        monotonic: Callable[[], float],
        refresh_s: float,
        unknown_refresh_s: float,
    ) -> None:
        self._registry = registry
        self._ranges = {product.id: ranges_of(product) for product in catalogue.values()}
        self._catalogue = catalogue
        self._waveforms = {
            product.id: {source.id: source.unit for source in product.waveforms}
            for product in catalogue.values()
        }
        self._limits = {product.id: limits_of(product) for product in catalogue.values()}
        self._monotonic = monotonic
        self._refresh_s = refresh_s
        self._unknown_refresh_s = unknown_refresh_s
        self._known: dict[str, tuple[Known, float]] = {}  # with the time to ask again
        self._unknown: OrderedDict[str, float] = OrderedDict()
        self._second = 0.0
        self._asked = 0

    def load(self) -> None:
        """Ask for all devices at once, at the start."""
        again = self._monotonic() + self._refresh_s
        for device in self._registry.all():
            self._known[device.id] = (self._as_known(device), again)

    def find(self, device: str) -> Known | None:
        """The device, or None; raises what the registry raises."""
        now = self._monotonic()
        known = self._known.get(device)
        if known is not None and now < known[1]:
            return known[0]
        if known is None and now < self._unknown.get(device, 0.0):
            return None
        if not self._may_ask(now):
            return known[0] if known else None
        found = self._registry.find(device)
        if found is None:
            self._known.pop(device, None)
            self._unknown[device] = now + self._unknown_refresh_s
            self._unknown.move_to_end(device)
            if len(self._unknown) > UNKNOWN_KEPT:
                self._unknown.popitem(last=False)
            return None
        self._unknown.pop(device, None)
        self._known[device] = (self._as_known(found), now + self._refresh_s)
        return self._known[device][0]

    @property
    def watched(self) -> bool:
        """Whether any product asks for a look at its sensors over time."""
        return any(self._limits.values())

    @property
    def clocks_watched(self) -> bool:
        return any(product.clock_limit_s for product in self._catalogue.values())

    def sensor_limits(self, series: SeriesKey) -> SensorLimits | None:
        known = self.find(series.device)
        limits = self._limits.get(known.product) if known else None
        return limits.get(series.quantity) if limits else None

    def clock_limit(self, device: str) -> float:
        """Seconds, or 0 where nobody asks."""
        known = self.find(device)
        product = self._catalogue.get(known.product) if known else None
        return (product.clock_limit_s if product else None) or 0.0

    def _may_ask(self, now: float) -> bool:
        if now - self._second >= 1.0:
            self._second, self._asked = now, 0
        self._asked += 1
        return self._asked <= QUESTIONS_PER_SECOND

    def _as_known(self, device: Device) -> Known:
        gateway = str(device.attributes.get("gateway", ""))
        return Known(
            device.product,
            self._ranges.get(device.product),
            gateway,
            self._waveforms.get(device.product, {}),
        )
