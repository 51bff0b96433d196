"""Files to columns: CSV, Parquet, gzip, white space. Every value keeps the line it stood in."""

from __future__ import annotations

import gzip
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet
from numpy.typing import NDArray

from ingest.imports.mapping import TimeEntry
from ingest.imports.report import Notes
from purna.core.clock import SECOND, from_datetime
from purna.core.errors import BadInput

Int64 = NDArray[np.int64]
Float64 = NDArray[np.float64]
Flags = NDArray[np.bool_]

_UNITS = {"s": SECOND, "ms": 1000, "us": 1, "min": 60 * SECOND, "h": 3600 * SECOND}


@dataclass(frozen=True, slots=True)
class Columns:
    """Some columns of a file, and where wrong values are noted. ``lines`` are 1-based."""

    table: Any
    lines: Int64
    notes: Notes

    def __len__(self) -> int:
        return len(self.lines)

    def column(self, name: str) -> Any:
        return self.table.column(name).combine_chunks()

    def texts(self, name: str) -> tuple[list[str], NDArray[np.int32]]:
        """Distinct texts, and by row the place in them; -1 where there is none."""
        values = self.column(name)
        if pa.types.is_floating(values.type):  # a whole number with gaps, as pandas writes it
            values = pc.cast(values, pa.int64(), safe=False)
        coded = pc.dictionary_encode(pc.utf8_trim_whitespace(pc.cast(values, pa.string())))
        places = pc.fill_null(coded.indices, -1).to_numpy(zero_copy_only=False)
        texts = coded.dictionary.to_pylist()
        blank = [i for i, text in enumerate(texts) if text == ""]
        return texts, np.where(np.isin(places, blank), -1, places).astype(np.int32)

    def needed_texts(self, name: str) -> tuple[list[str], NDArray[np.int32]]:
        """Like :meth:`texts`, and rows without one are noted as wrong."""
        texts, places = self.texts(name)
        self.notes.wrong_all(self.lines[places < 0], name, "is empty")
        return texts, places

    def numbers(self, name: str) -> Float64:
        """Numbers; NaN where the file has nothing, or something wrong (noted)."""
        values = self.column(name)
        if pa.types.is_string(values.type):
            values = pc.utf8_trim_whitespace(values)
            values = pc.if_else(pc.equal(values, ""), pa.scalar(None, pa.string()), values)
        try:
            out = _floats(pc.cast(values, pa.float64()))
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
            out = self._one_by_one(name, values.to_pylist())
        infinite = np.isinf(out)
        if infinite.any():
            self.notes.wrong_all(self.lines[infinite], name, "is not finite")
            out = np.where(infinite, np.nan, out)
        return out

    def times(self, entry: TimeEntry) -> tuple[Int64, Flags]:
        """Micros, and which rows have a time at all (the others are noted as wrong)."""
        values, name = self.column(entry.column), entry.column
        zone = _zone(entry.zone)
        if entry.unit:
            if entry.unit not in _UNITS:
                raise BadInput(
                    "import.mapping", f"time.unit: {entry.unit!r} is none of {', '.join(_UNITS)}"
                )
            numbers = self.numbers(name)
            good = ~np.isnan(numbers)
            micros = np.where(good, np.round(np.nan_to_num(numbers) * _UNITS[entry.unit]), 0)
            out = micros.astype(np.int64)
        else:
            stamps = self._stamps(values, entry, zone)
            good = np.asarray(pc.is_valid(stamps).to_numpy(zero_copy_only=False), bool)
            out = pc.fill_null(pc.cast(stamps, pa.int64()), 0).to_numpy(zero_copy_only=False)
        self.notes.wrong_all(self.lines[~good], name, "is no time in the given form")
        return np.asarray(out, np.int64), good

    def _stamps(self, values: Any, entry: TimeEntry, zone: ZoneInfo) -> Any:
        """Arrow timestamps in micros UTC, null where a value is none."""
        if pa.types.is_string(values.type):
            if entry.format:
                stamps = pc.strptime(values, format=entry.format, unit="us", error_is_null=True)
                return _in_utc(stamps, zone)
            for kind in (pa.timestamp("us"), pa.timestamp("us", "UTC")):
                try:
                    return _in_utc(pc.cast(values, kind), zone)
                except pa.ArrowInvalid:
                    continue
            micros = [_iso_or_none(text, zone) for text in values.to_pylist()]
            return pc.cast(pa.array(micros, pa.int64()), pa.timestamp("us", "UTC"))
        if pa.types.is_timestamp(values.type) or pa.types.is_date(values.type):
            unit = pa.timestamp(
                "us", values.type.tz if pa.types.is_timestamp(values.type) else None
            )
            return _in_utc(pc.cast(values, unit, safe=False), zone)
        raise BadInput(
            "import.mapping",
            f"{self.notes.file}, column {entry.column}: numbers need time.unit",
            field=entry.column,
        )

    def _one_by_one(self, name: str, values: Sequence[Any]) -> Float64:
        out = np.full(len(values), np.nan)
        for i, value in enumerate(values):
            if value is None:
                continue
            try:
                out[i] = float(value)
            except (TypeError, ValueError):
                self.notes.wrong(int(self.lines[i]), name, f"{value!r} is no number")
        return out


def matching_files(folder: Path, pattern: str) -> list[Path]:
    """Files in ``folder`` by name or pattern, sorted.

    Raises
    ------
    BadInput
        ``import.file`` when there is none.
    """
    found = sorted(path for path in folder.glob(pattern) if path.is_file())
    if not found:
        raise BadInput("import.file", f"{folder} has no file {pattern}", field="files")
    return found


def read_columns(
    path: Path, wanted: Sequence[str], header: Sequence[str] = (), separator: str = ","
) -> Columns:
    """The ``wanted`` columns of a file.

    Parameters
    ----------
    header
        Column names of a file that has no header line.
    separator
        One character, or ``space`` for any run of blanks and tabs.

    Raises
    ------
    BadInput
        ``import.file`` when it can't be read, ``import.column`` when it lacks a column.
    """
    notes = Notes(path.name)
    try:
        if path.suffix in (".parquet", ".pq"):
            table = pa.parquet.read_table(path)
            lines = np.arange(1, table.num_rows + 1)
        else:
            table, lines = _read_csv(path, header, separator, notes)
    except (pa.ArrowInvalid, OSError, EOFError) as error:
        raise BadInput("import.file", f"{path.name}: {error}", field="files") from None
    for name in wanted:
        if name not in table.column_names:
            there = ", ".join(table.column_names)
            raise BadInput(
                "import.column", f"{path.name} has no column {name!r}, but {there}", field=name
            )
    notes.rows += table.num_rows
    return Columns(table.select(list(dict.fromkeys(wanted))), lines, notes)


def _read_csv(path: Path, header: Sequence[str], separator: str, notes: Notes) -> tuple[Any, Int64]:
    """All columns as texts. Rows with too few or too many values are noted as wrong."""
    raw = path.read_bytes()
    if path.suffix == ".gz":
        raw = gzip.decompress(raw)
    if separator == "space":
        raw = re.sub(rb"[ \t]+", b" ", re.sub(rb"(?m)^[ \t]+|[ \t]+(?=\r?$)", b"", raw))
        separator = " "
    ragged: list[int] = []

    def note(row: Any) -> str:
        ragged.append(row.number)
        notes.rows += 1
        reason = f"has {row.actual_columns} values instead of {row.expected_columns}"
        notes.wrong(row.number, "", reason)
        return "skip"

    first = raw.split(b"\n", 1)[0].decode("utf-8-sig", "replace")
    names = list(header) or _header(first, separator)
    table = pa.csv.read_csv(
        io.BytesIO(raw),
        # In one thread, or rows that are set aside would come without their line.
        pa.csv.ReadOptions(
            use_threads=False, column_names=names, skip_rows=0 if header else 1, encoding="utf8"
        ),
        pa.csv.ParseOptions(delimiter=separator, invalid_row_handler=note),
        pa.csv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.string()),
            null_values=["", "NA", "NaN", "nan", "null", "NULL"],
            strings_can_be_null=True,
        ),
    )
    begin = 1 if header else 2
    lines = np.arange(begin, begin + table.num_rows + len(ragged))
    return table, lines[~np.isin(lines, ragged)]


def _header(line: str, separator: str) -> list[str]:
    table = pa.csv.read_csv(
        io.BytesIO(line.encode() + b"\n"), parse_options=pa.csv.ParseOptions(delimiter=separator)
    )
    return [name.strip() for name in table.column_names]


def _floats(values: Any) -> Float64:
    return np.asarray(values.to_numpy(zero_copy_only=False), np.float64)


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        raise BadInput("import.mapping", f"time.zone: unknown zone {name!r}") from None


def _in_utc(stamps: Any, zone: ZoneInfo) -> Any:
    if stamps.type.tz is None:
        # Twice in a clock change: the first; never: the moment after the gap.
        stamps = pc.assume_timezone(stamps, zone.key, ambiguous="earliest", nonexistent="latest")
    return stamps


def _iso_or_none(text: str | None, zone: ZoneInfo) -> int | None:
    try:
        value = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return from_datetime(value if value.tzinfo else value.replace(tzinfo=zone))
