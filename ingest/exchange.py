"""Readings and events as files for other programs, and back: Parquet or CSV.

One row is one reading with everything the store knows of it, so that what was written out and taken
in again is the same: which of two readings for one moment wins is decided by boot and number.
Times are UTC with microseconds; CSV writes numbers so that they are read back bit by bit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.csv as arrow_csv
import pyarrow.parquet as parquet

from ingest.stores.base import IngestStore
from purna.core.errors import BadInput
from purna.core.readings import DeviceEvent, ReadingBatch, SeriesKey

Format = Literal["parquet", "csv"]

READINGS = pa.schema(
    [
        pa.field("device", pa.string(), nullable=False),
        pa.field("quantity", pa.string(), nullable=False),
        pa.field("ts", pa.timestamp("us", "UTC"), nullable=False),
        pa.field("value", pa.float64(), nullable=False),
        pa.field("quality", pa.uint8(), nullable=False),
        pa.field("boot", pa.string(), nullable=False),
        pa.field("seq", pa.int64(), nullable=False),
    ]
)
EVENTS = pa.schema(
    [
        pa.field("device", pa.string(), nullable=False),
        pa.field("ts", pa.timestamp("us", "UTC"), nullable=False),
        pa.field("kind", pa.string(), nullable=False),
        pa.field("code", pa.string(), nullable=False),
        pa.field("text", pa.string(), nullable=False),
    ]
)

_KINDS = ("event", "status")
_GROUP_ROWS = 262_144
_BLOCK_BYTES = 4 * 2**20


def write(
    store: IngestStore,
    folder: Path,
    kind: Format,
    keys: Iterable[SeriesKey],
    devices: Iterable[str],
    start: int,
    end: int,
    advance: Callable[[int], object] = lambda _readings: None,
) -> tuple[int, int]:
    """Write readings of ``keys`` and events of ``devices`` with ``start <= ts < end``.

    Parameters
    ----------
    folder
        Made when missing; gets ``readings.parquet`` and ``events.parquet`` (or ``.csv``).
    advance
        Called after each series with the number of its readings.

    Returns
    -------
    How many readings and events were written.

    Raises
    ------
    BadInput
        ``export.exists`` when one of the files is there already.
    """
    folder.mkdir(parents=True, exist_ok=True)
    readings, events = (folder / f"{name}.{kind}" for name in ("readings", "events"))
    for path in (readings, events):
        if path.exists():
            raise BadInput("export.exists", f"{path} is there already: name another folder")
    written = 0
    with _writer(readings, READINGS) as put:
        for key in keys:
            before = written
            for batch in store.history(key, start, end):
                put(_table(batch))
                written += len(batch)
            advance(written - before)
    count = 0
    with _writer(events, EVENTS) as put:
        for device in devices:
            found = [e for what in _KINDS for e in store.events([device], start, end, what)]
            if found:
                put(_event_table(found))
            count += len(found)
    return written, count


def read_readings(path: Path) -> Iterator[ReadingBatch]:
    """The readings of a file in its order, a bounded number at a time.

    Raises
    ------
    BadInput
        ``import.columns`` when the file is no Parquet or CSV file with the columns of an export.
    """
    for table in _tables(path, READINGS):
        device, devices = _names(table, "device")
        quantity, quantities = _names(table, "quantity")
        both = device.astype(np.int64) * len(quantities) + quantity
        distinct, index = np.unique(both, return_inverse=True)
        pairs = (divmod(number, len(quantities)) for number in distinct.tolist())
        origin, boots = _names(table, "boot")
        yield ReadingBatch(
            tuple(SeriesKey(devices[first], quantities[second]) for first, second in pairs),
            index.astype(np.int32),
            _column(table, "ts"),
            _column(table, "value"),
            _column(table, "quality"),
            tuple(boots),
            origin,
            _column(table, "seq"),
        )


def read_events(path: Path) -> Iterator[list[DeviceEvent]]:
    """The events of a file; raises as :func:`read_readings`."""
    for table in _tables(path, EVENTS):
        columns = [table.column(name).to_pylist() for name in ("device", "kind", "code", "text")]
        times = _column(table, "ts").tolist()
        yield [
            DeviceEvent(device, ts, kind, code, text)
            for ts, device, kind, code, text in zip(times, *columns, strict=True)
        ]


def files_in(folder: Path) -> tuple[Path, Path | None]:
    """The files of an export: readings, and events where there are any.

    Raises
    ------
    BadInput
        ``import.missing`` when there are no readings, or both formats lie there.
    """
    found = [folder / f"readings.{kind}" for kind in ("parquet", "csv")]
    found = [path for path in found if path.exists()]
    if len(found) != 1:
        raise BadInput(
            "import.missing",
            f"{folder} must hold readings.parquet or readings.csv, as purna export writes them",
        )
    events = found[0].with_name(f"events{found[0].suffix}")
    return found[0], events if events.exists() else None


@contextmanager
def _writer(path: Path, schema: pa.Schema) -> Iterator[Callable[[pa.Table], None]]:
    """A function that adds tables to the file; the file gets its name when all is written."""
    partial = path.with_name(path.name + ".part")
    with ExitStack() as stack:
        if path.suffix == ".parquet":
            writer = stack.enter_context(
                parquet.ParquetWriter(partial, schema, compression="zstd", version="2.6")
            )
        else:
            writer = stack.enter_context(arrow_csv.CSVWriter(partial, schema))
        waiting: list[pa.Table] = []

        def put(table: pa.Table) -> None:
            waiting.append(table)
            if sum(one.num_rows for one in waiting) >= _GROUP_ROWS:
                flush()

        def flush() -> None:
            if waiting:
                writer.write_table(pa.concat_tables(waiting).combine_chunks())
                waiting.clear()

        yield put
        flush()
    partial.rename(path)


def _table(batch: ReadingBatch) -> pa.Table:
    devices = [key.device for key in batch.series]
    quantities = [key.quantity for key in batch.series]
    columns: list[Any] = [
        pa.DictionaryArray.from_arrays(batch.index, devices).cast(pa.string()),
        pa.DictionaryArray.from_arrays(batch.index, quantities).cast(pa.string()),
        pa.array(batch.ts).cast(pa.timestamp("us", "UTC")),
        pa.array(batch.value),
        pa.array(batch.quality),
        pa.DictionaryArray.from_arrays(batch.origin, list(batch.boots)).cast(pa.string()),
        pa.array(batch.seq),
    ]
    return pa.Table.from_arrays(columns, schema=READINGS)


def _event_table(events: list[DeviceEvent]) -> pa.Table:
    return pa.Table.from_arrays(
        [
            pa.array([event.device for event in events]),
            pa.array([event.ts for event in events], pa.int64()).cast(pa.timestamp("us", "UTC")),
            pa.array([event.kind for event in events]),
            pa.array([event.code for event in events]),
            pa.array([event.text for event in events]),
        ],
        schema=EVENTS,
    )


def _tables(path: Path, schema: pa.Schema) -> Iterator[pa.Table]:
    try:
        if path.suffix == ".parquet":
            with parquet.ParquetFile(path) as file:
                for batch in file.iter_batches(65_536, columns=schema.names):
                    yield pa.Table.from_batches([batch]).select(schema.names).cast(schema)
            return
        options = arrow_csv.ConvertOptions(
            column_types=schema, include_columns=schema.names, strings_can_be_null=False
        )
        block = arrow_csv.ReadOptions(block_size=_BLOCK_BYTES)
        with arrow_csv.open_csv(path, block, convert_options=options) as reader:
            for batch in reader:
                yield pa.Table.from_batches([batch]).select(schema.names).cast(schema)
    except (pa.ArrowException, KeyError, ValueError) as error:
        raise BadInput(
            "import.columns",
            f"{path}: {error}. The columns of an export are {', '.join(schema.names)}",
        ) from error


def _names(table: pa.Table, name: str) -> tuple[np.ndarray[Any, np.dtype[np.int32]], list[str]]:
    coded = table.column(name).combine_chunks().dictionary_encode()
    if isinstance(coded, pa.ChunkedArray):
        coded = coded.combine_chunks()
    return coded.indices.to_numpy().astype(np.int32), coded.dictionary.to_pylist()


def _column(table: pa.Table, name: str) -> Any:
    column = table.column(name)
    if pa.types.is_timestamp(column.type):
        column = column.cast(pa.int64())
    return column.combine_chunks().to_numpy()
