"""How long readings and roll-ups are kept: by the settings, and by what products say. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ingest.settings import IngestSettings
from ingest.stores.base import Cutoff
from purna.core.catalogue import Catalogue, Quantity
from purna.core.clock import DAY
from purna.core.devices import Device
from purna.core.readings import SeriesKey

FOREVER = -(2**63)


class Retention:
    """What the settings and the catalogue say. 0 days in either mean: without limit."""

    def __init__(self, settings: IngestSettings, catalogue: Catalogue) -> None:
        self._readings = settings.retention_days
        self._rollups = settings.rollup_retention_days
        self._own = {
            (product.id, quantity.id): self._days(quantity)
            for product in catalogue.values()
            for quantity in product.quantities
            if self._days(quantity) != (self._readings, self._rollups)
        }

    def _days(self, quantity: Quantity) -> tuple[float, float]:
        readings, rollups = quantity.retention_days, quantity.rollup_retention_days
        return (
            self._readings if readings is None else readings,
            self._rollups if rollups is None else rollups,
        )

    @property
    def longest(self) -> int:
        """How old a reading may be, in micros, for any quantity to be kept; 0 = without limit."""
        days = [self._readings, *(readings for readings, _ in self._own.values())]
        return 0 if 0 in days else int(max(days) * DAY)

    @property
    def limited(self) -> bool:
        """Whether anything ever becomes too old."""
        pairs = ((self._readings, self._rollups), *self._own.values())
        return any(days for pair in pairs for days in pair)

    def default(self, now: int) -> Cutoff:
        """For series that no product says anything about."""
        return _cutoff(now, self._readings, self._rollups)

    def own(self, now: int, devices: Iterable[Device]) -> Mapping[SeriesKey, Cutoff]:
        """For the series of ``devices`` whose product says otherwise."""
        by_product: dict[str, dict[str, Cutoff]] = {}
        for (product, quantity), days in self._own.items():
            by_product.setdefault(product, {})[quantity] = _cutoff(now, *days)
        return {
            SeriesKey(device.id, quantity): cutoff
            for device in devices
            for quantity, cutoff in by_product.get(device.product, {}).items()
        }


def borne_out(now: int, span: tuple[int, int] | None) -> int:
    """The present, as far as the readings of a store bear it out: never after the newest of them.

    What is old is removed by this: a clock of ours that is days ahead must not remove what is not.
    """
    return 0 if span is None else min(now, span[1])


def _cutoff(now: int, readings: float, rollups: float) -> Cutoff:
    return Cutoff(*(now - int(days * DAY) if days else FOREVER for days in (readings, rollups)))
