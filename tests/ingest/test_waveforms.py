"""A waveform's way from the topic to its indicators, and what is refused on it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest

from ingest.counters import Counters
from ingest.links.base import Received
from ingest.quarantine import SqliteQuarantine
from ingest.service import Ingester
from ingest.settings import IngestSettings
from ingest.stores import open_store
from ingest.stores.waveforms import SqliteWaveformStore
from ingest.waveform_upkeep import WaveformUpkeep
from models.vibration import indicators_of
from purna.core.catalogue import parse_product
from purna.core.clock import ManualClock, from_iso
from purna.core.readings import SeriesKey
from purna.core.waveforms import WaveformKey
from simulators import encode
from tests.ingest.kit import device, make_registry

NOW = from_iso("2026-03-01T06:00:00Z")
FAN = parse_product(
    {
        "id": "fan",
        "name": "Fan",
        "quantity": [{"id": "temp", "name": "T", "unit": "degC", "low": 0, "high": 100}],
        "waveform": [{"id": "vib", "name": "Vibration", "unit": "m/s2", "full_scale": 100}],
    }
)
SINE = (1000 * np.sin(2 * np.pi * 100 * np.arange(3000) / 3000)).astype(np.int16)


class Inbox:
    """A link that gives what it holds; notes what was safe when it was acknowledged."""

    connected, waiting = True, 0

    def __init__(self, folder: Path) -> None:
        self.held: list[Received] = []
        self.refused: list[str] = []
        self.safe: list[int] = []
        self._folder = folder

    def start(self) -> None: ...

    def stop(self) -> None: ...

    def expel(self, device: str) -> None: ...

    def receive(self, limit: int, timeout: float) -> list[Received]:
        given, self.held = self.held, []
        return given

    def acknowledge(
        self, messages: Sequence[Received], refused: Mapping[int, str] | None = None
    ) -> None:
        self.refused += (refused or {}).values()
        with_another = SqliteWaveformStore(self._folder / "waveforms.sqlite", read_only=True)
        self.safe.append(len(with_another.find("f1", "", 0, 2**62)))
        with_another.close()

    def publish(self, topic: str, payload: bytes, key: str = "") -> bool:
        return True

    def delivered(self) -> list[str]:
        return []


class Line:
    def __init__(self, folder: Path) -> None:
        self.link, self.counters = Inbox(folder), Counters()
        self.database, self.registry = make_registry(folder)
        self.registry.add([device("f1", "fan"), device("x1", "unknown")])
        self.store = open_store(f"sqlite:///{folder}/readings.sqlite")
        self.waveforms = SqliteWaveformStore(folder / "waveforms.sqlite")
        self.quarantine = SqliteQuarantine(folder / "quarantine.sqlite")
        self.clock = ManualClock(NOW)
        self.ingester = Ingester(
            self.link,
            self.store,
            self.quarantine,
            self.registry,
            {"fan": FAN},
            self.clock,
            IngestSettings(group_wait_ms=0),
            self.counters,
            waveforms=self.waveforms,
        )
        self.ingester.start()

    def take_in(self, *messages: encode.Message) -> dict[str, int]:
        self.link.held = [Received(m.topic, m.payload, i) for i, m in enumerate(messages)]
        self.ingester.step(0)
        counts = self.counters.as_dict()
        assert counts["received"] == (
            counts["stored"] + counts["duplicates"] + counts["quarantined"] + counts["shed"]
        )
        return counts

    def work_off(self) -> None:
        upkeep = WaveformUpkeep(
            self.waveforms, self.store, self.registry, {"fan": FAN}, indicators_of, self.clock
        )
        upkeep.once()

    def close(self) -> None:
        self.store.close()
        self.waveforms.close()
        self.quarantine.close()
        self.database.close()


@pytest.fixture
def line(tmp_path: Path) -> Line:
    return Line(tmp_path)


def block(
    ts: int = NOW, device_id: str = "f1", quantity: str = "vib", unit: str = "m/s2"
) -> encode.Message:
    return encode.waveform(device_id, quantity, ts, 3000.0, unit, SINE, 0.01, 25.0)


def test_a_waveform_is_safe_before_it_is_acknowledged_and_becomes_readings(line: Line) -> None:
    counts = line.take_in(block(), block(NOW - 1000))
    assert line.link.safe == [2]
    assert counts["stored"] == 2
    line.work_off()
    key = SeriesKey("f1", "vib.rms")
    points = line.store.read([key], 0, 2**62)[key]
    assert points.ts.tolist() == [NOW - 1000, NOW]
    assert points.value.tolist() == pytest.approx([10 / np.sqrt(2)] * 2, rel=1e-3)
    line.close()


def test_a_waveform_that_comes_again_is_a_duplicate(line: Line) -> None:
    line.take_in(block())
    counts = line.take_in(block())
    assert (counts["stored"], counts["duplicates"]) == (1, 1)
    assert counts["readings_stored"] == 0
    line.close()


def test_another_unit_of_the_same_kind_is_kept_and_converted_when_analysed(line: Line) -> None:
    line.take_in(block(unit="g"))
    assert line.waveforms.get(WaveformKey("f1", "vib", NOW)).unit == "g"
    line.work_off()
    key = SeriesKey("f1", "vib.rms")
    points = line.store.read([key], 0, 2**62)[key]
    assert points.value.tolist() == pytest.approx([9.80665 * 10 / np.sqrt(2)], rel=1e-3)
    line.close()


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        (block(quantity="temp"), "quantity.unknown"),
        (block(quantity="vib.rms"), "quantity.unknown"),
        (block(unit="A"), "unit.mismatch"),
        (block(ts=NOW + 10**10), "ts.future"),
        (block(device_id="x1"), "product.unknown"),
        (block(device_id="nobody"), "device.unknown"),
    ],
)
def test_what_the_catalogue_does_not_foresee_is_set_aside(
    line: Line, wrong: encode.Message, code: str
) -> None:
    counts = line.take_in(wrong, block())
    assert (counts["stored"], counts["quarantined"]) == (1, 1)
    assert line.quarantine.counts() == {code: 1}
    line.close()
