"""Every waveform becomes its indicators, once, whatever stops the work in between."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ingest.stores import open_store
from ingest.stores.base import IngestStore
from ingest.stores.waveforms import SqliteWaveformStore
from ingest.upkeep import Upkeep
from ingest.waveform_upkeep import AT_ONCE, WaveformUpkeep
from models.vibration import indicators_of
from purna.core.catalogue import Product, parse_product
from purna.core.clock import DAY, ManualClock
from purna.core.errors import RetryLater
from purna.core.readings import Quality, ReadingBatch, SeriesKey, Telemetry
from purna.core.waveforms import Waveform, WaveformState
from tests.ingest.kit import device, make_registry

T0 = 1_750_000_000_000_000
PRODUCT = parse_product(
    {
        "id": "fan",
        "name": "Fan",
        "waveform": [{"id": "vib", "name": "Vibration", "unit": "m/s2", "full_scale": 100}],
    }
)
ALL_TIME = (0, 2**62)


def waveform(ts: int = T0, **changes: Any) -> Waveform:
    samples = (300 * np.sin(np.arange(3000) / 3)).astype(np.int16)
    given = {
        "device": "f1",
        "quantity": "vib",
        "ts": ts,
        "rate": 3000.0,
        "unit": "m/s2",
        "samples": samples,
        "scale": 0.01,
        "boot": "b1",
        "seq": ts - T0,
    }
    return Waveform(**{**given, **changes})


class Bench:
    """Both stores in a folder, and what works between them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.database, self.registry = make_registry(folder)
        self.registry.add([device("f1", "fan"), device("x1", "no-such-product")])
        self.waveforms = SqliteWaveformStore(folder / "waveforms.sqlite")
        self.readings: IngestStore = open_store(f"sqlite:///{folder}/readings.sqlite")
        self.seconds = 0.0

    def hear_something(self, ts: int) -> None:
        """A reading of another device, which bears out that it is as late as that."""
        self.readings.append(ReadingBatch.of([Telemetry("f2", [(ts, {"temp": 1.0})])]))

    def upkeep(self, **changes: Any) -> WaveformUpkeep:
        given: dict[str, Any] = {
            "waveforms": self.waveforms,
            "readings": self.readings,
            "registry": self.registry,
            "catalogue": {"fan": PRODUCT},
            "compute": indicators_of,
            "clock": ManualClock(T0 + 10 * DAY),
            "monotonic": lambda: self.seconds,
        }
        return WaveformUpkeep(**{**given, **changes})

    def restart(self) -> None:
        self.close()
        self.__init__(self.folder)  # type: ignore[misc]

    def states(self) -> list[tuple[WaveformState, str]]:
        return [(i.state, i.error) for i in self.waveforms.find("f1", "", *ALL_TIME)]

    def values(self, quantity: str) -> list[tuple[int, float, int]]:
        key = SeriesKey("f1", quantity)
        points = self.readings.read([key], *ALL_TIME)[key]
        return [
            (ts - T0, value, quality)
            for ts, value, quality in zip(
                points.ts.tolist(), points.value.tolist(), points.quality.tolist(), strict=True
            )
        ]

    def close(self) -> None:
        self.waveforms.close()
        self.readings.close()
        self.database.close()


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    opened = Bench(tmp_path)
    yield opened
    opened.close()


def test_a_waveform_becomes_readings_at_its_own_time(bench: Bench) -> None:
    bench.waveforms.add([waveform(T0), waveform(T0 + 5)])
    assert bench.upkeep().once() == 2
    assert bench.states() == [(WaveformState.DONE, "")] * 2
    rms = 3 / np.sqrt(2)
    assert bench.values("vib.rms") == [
        (0, pytest.approx(rms, rel=1e-2), 0),
        (5, pytest.approx(rms, rel=1e-2), 0),
    ]
    stored = {key.quantity for key in bench.readings.series()}
    assert stored == {quantity.id for quantity in PRODUCT.quantities}


def test_what_can_not_be_is_suspect(bench: Bench) -> None:
    bench.waveforms.add([waveform(scale=1.0)])  # 212 m/s² RMS of a sensor that ends at 100
    bench.upkeep().once()
    assert [quality for _, _, quality in bench.values("vib.rms")] == [Quality.SUSPECT]
    assert [quality for _, _, quality in bench.values("vib.kurtosis")] == [Quality.GOOD]


@pytest.mark.parametrize(
    "wrong",
    [
        waveform(unit="A"),
        waveform(quantity="other"),
        waveform(samples=np.zeros(5, np.int16)),
        waveform(samples=np.full(100, np.nan, np.float32)),
        waveform(device="nobody"),
        waveform(device="x1"),
    ],
)
def test_one_that_can_not_be_analysed_is_noted_and_not_tried_again(
    bench: Bench, wrong: Waveform
) -> None:
    bench.waveforms.add([wrong, waveform(T0 + 1)])
    assert bench.upkeep().once() == 2
    (info,) = bench.waveforms.find(wrong.device, wrong.quantity, T0, T0 + 1)
    assert info.state is WaveformState.FAILED
    assert info.error
    assert bench.upkeep().once() == 0
    assert [ts for ts, _, _ in bench.values("vib.rms")] == [1]


def test_a_fault_of_ours_stops_only_the_waveform_at_hand(bench: Bench) -> None:
    def compute(one: Waveform, product: Product) -> Mapping[str, float]:
        if one.ts == T0:
            raise ZeroDivisionError("oh")
        return indicators_of(one, product)

    bench.waveforms.add([waveform(T0), waveform(T0 + 1)])
    bench.upkeep(compute=compute).once()
    assert bench.states() == [
        (WaveformState.DONE, ""),
        (WaveformState.FAILED, "ZeroDivisionError: oh"),
    ]


class Killed(BaseException):
    """The process ends here."""


class Fatal:
    """Passes everything on until ``method`` is called: then dies before or after it."""

    def __init__(self, inner: object, method: str, *, after: bool) -> None:
        self._inner, self._method, self._after = inner, method, after

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._inner, name)
        if name != self._method:
            return found

        def dying(*args: Any, **kwargs: Any) -> None:
            if self._after:
                found(*args, **kwargs)
            raise Killed

        return dying


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize(
    ("part", "method"), [("waveforms", "pending"), ("readings", "append"), ("waveforms", "done")]
)
def test_the_same_readings_are_there_once_wherever_the_process_died(
    bench: Bench, part: str, method: str, after: bool
) -> None:
    bench.waveforms.add([waveform(T0 + i) for i in range(3)])
    mortal = Fatal(getattr(bench, part), method, after=after)
    with pytest.raises(Killed):
        bench.upkeep(**{part: mortal}).once()
    bench.restart()
    bench.upkeep().once()
    assert bench.states() == [(WaveformState.DONE, "")] * 3
    assert [ts for ts, _, _ in bench.values("vib.rms")] == [0, 1, 2]
    assert bench.waveforms.pending(9) == []


def test_a_busy_store_loses_nothing(bench: Bench) -> None:
    class Busy:
        def append(self, *_: object) -> None:
            raise RetryLater("store.busy", "busy")

    bench.waveforms.add([waveform()])
    with pytest.raises(RetryLater):
        bench.upkeep(readings=Busy()).once()
    assert bench.states() == [(WaveformState.PENDING, "")]
    assert bench.upkeep().once() == 1


def test_a_corrected_waveform_corrects_its_indicators(bench: Bench) -> None:
    bench.waveforms.add([waveform(seq=1)])
    bench.upkeep().once()
    bench.waveforms.add([waveform(seq=2, scale=0.001)])
    bench.upkeep().once()
    assert bench.values("vib.rms") == [(0, pytest.approx(0.3 / np.sqrt(2), rel=1e-2), 0)]


def test_one_step_does_a_bounded_amount_of_work(bench: Bench) -> None:
    bench.waveforms.add([waveform(T0 + i) for i in range(AT_ONCE + 5)])
    assert bench.upkeep().once() == AT_ONCE
    assert bench.upkeep().once() == 5

    def slow(one: Waveform, product: Product) -> Mapping[str, float]:
        bench.seconds += 0.2
        return indicators_of(one, product)

    bench.waveforms.add([waveform(T0 + 1000 + i) for i in range(10)])
    assert bench.upkeep(compute=slow).once() == 3


def test_old_ones_and_too_many_go(bench: Bench) -> None:
    clock = ManualClock(T0 + 10 * DAY)
    upkeep = bench.upkeep(clock=clock, retention_days=7.0)
    bench.waveforms.add([waveform(T0 + i * DAY) for i in range(10)])
    bench.hear_something(T0 + 30 * DAY)
    upkeep.once()
    assert len(bench.states()) == 7
    clock.advance(2 * DAY)
    upkeep.once()  # as long as something goes, it looks again at once
    assert len(bench.states()) == 5
    upkeep.once()
    clock.advance(DAY)
    upkeep.once()
    assert len(bench.states()) == 5
    bench.seconds += 60
    upkeep.once()
    assert len(bench.states()) == 4
    bench.upkeep(limit_bytes=1).once()
    assert len(bench.states()) == 1


def test_a_clock_that_nothing_bears_out_removes_nothing(bench: Bench) -> None:
    upkeep = bench.upkeep(clock=ManualClock(T0 + 1000 * DAY), retention_days=7.0)
    upkeep.once()
    bench.waveforms.add([waveform(T0 + i * DAY) for i in range(3)])
    upkeep.once()
    assert len(bench.states()) == 3
    bench.hear_something(T0 + 8 * DAY)
    bench.seconds += 60
    upkeep.once()
    assert len(bench.states()) == 2


def test_chores_are_done_in_the_background_and_their_faults_are_not_hidden(bench: Bench) -> None:
    bench.waveforms.add([waveform()])
    upkeep = Upkeep(bench.readings, lambda: 0.0, 10, chores=[bench.upkeep().once])
    upkeep.once()
    assert bench.states() == [(WaveformState.DONE, "")]
