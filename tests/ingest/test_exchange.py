"""What was written out and taken in again is the same, down to who wins over whom."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow.parquet as parquet
import pytest

from ingest import exchange
from ingest.stores import chunks, open_store
from ingest.stores.base import IngestStore
from purna.core.errors import BadInput
from purna.core.readings import DeviceEvent, ReadingBatch, SeriesKey, Telemetry

T0 = 1_700_000_000_000_001
ALL_TIME = (-(2**62), 2**62)
ODD = [0.1, -0.0, 0.0, 5e-324, 1.7976931348623157e308, -1e15 - 0.125, 1 / 3, 2**53 + 1.0, 100.0]
Made = Callable[[str], IngestStore]


@pytest.fixture
def made(tmp_path: Path) -> Made:
    return lambda name: open_store(f"sqlite:///{tmp_path}/{name}.sqlite")


def filled(store: IngestStore) -> IngestStore:
    random = np.random.default_rng(3)
    for at in range(40):
        values = {"vib rms,=ü": ODD[at % len(ODD)], "temp": float(random.normal())}
        number = at if at % 3 else -1
        boot = f"b{at // 10}" if at % 3 else ""
        one = Telemetry("p-1", [(T0 + at * 1001, values)], boot, number, quality={"temp": at % 3})
        store.append(ReadingBatch.of([one]))
        if at == 20:
            store.seal()
    store.append(
        ReadingBatch.of([Telemetry("p2", [(-5, {"temp": 1.0})])]),
        [
            DeviceEvent("p2", T0, "event", "E17", 'hot, "very"\nhot'),
            DeviceEvent("p-1", T0 + 1, "status", "online", "2.4.1"),
        ],
    )
    return store


def everything(store: IngestStore) -> object:
    rows = [
        (key, ts, np.float64(value).tobytes(), quality, batch.boots[boot], seq)
        for key in store.series()
        for batch in store.history(key, *ALL_TIME)
        for ts, value, quality, boot, seq in zip(
            *(c.tolist() for c in (batch.ts, batch.value, batch.quality, batch.origin, batch.seq)),
            strict=True,
        )
    ]
    devices = ["p-1", "p2"]
    return rows, [store.events(devices, *ALL_TIME, kind) for kind in ("event", "status")]


def write(store: IngestStore, folder: Path, kind: exchange.Format) -> tuple[int, int]:
    return exchange.write(store, folder, kind, store.series(), ["p-1", "p2"], *ALL_TIME)


def read(store: IngestStore, folder: Path) -> None:
    readings, events = exchange.files_in(folder)
    for batch in exchange.read_readings(readings):
        store.append(batch)
    assert events is not None
    for some in exchange.read_events(events):
        store.append(ReadingBatch.of([]), some)


@pytest.mark.parametrize("kind", ["parquet", "csv"])
def test_an_export_taken_in_again_is_the_same(
    made: Made, tmp_path: Path, kind: exchange.Format, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chunks, "CHUNK_ROWS", 7)
    before = filled(made("before"))
    assert write(before, tmp_path / "out", kind) == (81, 2)
    after = made("after")
    read(after, tmp_path / "out")
    assert everything(after) == everything(before)
    later = ReadingBatch.of([Telemetry("p-1", [(T0 + 1001, {"temp": 9.0})], "b0", 0)])
    for store in (before, after):  # the winner is still known by its number
        store.append(later)
    assert everything(after) == everything(before)
    read(after, tmp_path / "out")
    assert everything(after) == everything(before)
    before.close()
    after.close()


def test_a_part_may_be_written_out(made: Made, tmp_path: Path) -> None:
    store = filled(made("one"))
    key = SeriesKey("p-1", "temp")
    counts = exchange.write(store, tmp_path, "parquet", [key], [], T0, T0 + 5 * 1001)
    assert counts == (5, 0)
    table = parquet.read_table(tmp_path / "readings.parquet")
    assert table.column("quantity").to_pylist() == ["temp"] * 5
    assert table.schema.equals(exchange.READINGS)
    store.close()


def test_an_export_overwrites_nothing(made: Made, tmp_path: Path) -> None:
    store = made("one")
    write(store, tmp_path / "out", "csv")
    with pytest.raises(BadInput, match="is there already"):
        write(store, tmp_path / "out", "csv")
    store.close()


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("readings.csv", "device,ts,value\np1,2026-01-01T00:00:00Z,1\n"),
        ("readings.csv", "device,quantity,ts,value,quality,boot,seq\np1,t,yesterday,1,0,,-1\n"),
        ("readings.parquet", "no parquet"),
    ],
)
def test_other_files_are_refused_with_the_columns_named(
    tmp_path: Path, name: str, text: str
) -> None:
    (tmp_path / name).write_text(text)
    readings, _ = exchange.files_in(tmp_path)
    with pytest.raises(BadInput, match="The columns of an export are device, quantity, ts"):
        list(exchange.read_readings(readings))


def test_a_folder_without_an_export_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="as purna export writes them"):
        exchange.files_in(tmp_path)
