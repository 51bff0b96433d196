"""Turns stored waveforms into readings of their indicators, and removes old ones.

Runs in the ingest process beside the upkeep of the reading store. What stops it at any point, it
does again: the same waveform gives the same readings, which a store keeps once.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

import structlog

from ingest.retention import borne_out
from purna.core.catalogue import Catalogue, Product
from purna.core.clock import DAY, Clock
from purna.core.errors import BadInput, PurnaError
from purna.core.ports import DeviceRegistry, ReadingStore, WaveformStore
from purna.core.readings import Quality, ReadingBatch, Telemetry
from purna.core.waveforms import Waveform

log = structlog.get_logger(__name__)

AT_ONCE = 32
_COMPUTE_S = 0.5
_PRUNE_EVERY_S = 10.0

Compute = Callable[[Waveform, Product], Mapping[str, float]]
"""Values of a product's indicators, by quantity id; raises BadInput where there can be none."""


class WaveformUpkeep:
    """Looks after a waveform store; :meth:`once` does a bounded amount of work.

    Parameters
    ----------
    waveforms, readings
        Where waveforms are taken from, and where their indicators go.
    registry, catalogue
        Of which product a device is, and which indicators it has.
    compute
        Computes them.
    retention_days, limit_bytes
        What is older, or above, is removed; 0 = no limit.
    monotonic
        Seconds that only grow.
    """

    def __init__(
        self,
        waveforms: WaveformStore,
        readings: ReadingStore,
        registry: DeviceRegistry,
        catalogue: Catalogue,
        compute: Compute,
        clock: Clock,
        *,
        retention_days: float = 0.0,
        limit_bytes: int = 0,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._waveforms = waveforms
        self._readings = readings
        self._registry = registry
        self._catalogue = catalogue
        self._compute = compute
        self._clock = clock
        self._retention = int(retention_days * DAY)
        self._limit_bytes = limit_bytes
        self._monotonic = monotonic
        self._prune_at = monotonic()

    def once(self) -> int:
        """Work off some waveforms, and prune if it is time; how many were worked off.

        Raises
        ------
        RetryLater
            When a store or the registry fails for the moment; nothing is lost by trying again.
        """
        worked = self._work_off()
        if self._monotonic() >= self._prune_at:
            before = self._too_old()
            if not self._waveforms.prune(before, self._limit_bytes):
                self._prune_at = self._monotonic() + _PRUNE_EVERY_S
        return worked

    def _too_old(self) -> int:
        if not self._retention:
            return 0
        return borne_out(self._clock.now(), self._readings.span()) - self._retention

    def _work_off(self) -> int:
        until = self._monotonic() + _COMPUTE_S
        done: list[Waveform] = []
        failed: list[tuple[Waveform, str]] = []
        readings: list[Telemetry] = []
        for waveform in self._waveforms.pending(AT_ONCE):
            try:
                readings += self._readings_of(waveform)
                done.append(waveform)
            except BadInput as error:
                failed.append((waveform, error.detail))
            except PurnaError:
                raise
            except Exception as error:
                # A fault of ours: the same samples would fail again, and others wait.
                log.exception("a waveform can't be analysed", key=waveform.key)
                failed.append((waveform, f"{type(error).__name__}: {error}"))
            if self._monotonic() >= until:
                break
        if readings:
            self._readings.append(ReadingBatch.of(readings))
        if done:
            self._waveforms.done(done)
        for waveform, why in failed:
            self._waveforms.done([waveform], error=why)
        return len(done) + len(failed)

    def _readings_of(self, waveform: Waveform) -> list[Telemetry]:
        device = self._registry.find(waveform.device)
        if device is None:
            raise BadInput("device.unknown", f"no device {waveform.device!r}")
        product = self._catalogue.get(device.product)
        if product is None:
            raise BadInput("product.unknown", f"no product {device.product!r}")
        values = self._compute(waveform, product)
        return [
            Telemetry(
                waveform.device,
                [(waveform.ts, values)],
                waveform.boot,
                waveform.seq,
                quality={name: _quality(product, name, value) for name, value in values.items()},
            )
        ]


def _quality(product: Product, quantity: str, value: float) -> int:
    known = product.quantity(quantity)
    plausible = known is not None and known.low <= value <= known.high
    return Quality.GOOD if plausible else Quality.SUSPECT
