"""Readings as columns with numbers for names, and the one rule by which they merge. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from purna.core.readings import Float64, Int32, Int64, UInt8

Bool = NDArray[np.bool_]


class Rows(NamedTuple):
    """Columns of equal length: ``sid`` numbers a series, ``boot`` a boot."""

    sid: Int32
    ts: Int64
    value: Float64
    quality: UInt8
    boot: Int32
    seq: Int64

    @property
    def size(self) -> int:
        return len(self.ts)

    def take(self, which: slice | Int64 | Bool) -> Rows:
        return Rows._make(column[which] for column in self)


DTYPES: tuple[np.dtype[Any], ...] = tuple(
    np.dtype(code) for code in ("<i4", "<i8", "<f8", "u1", "<i4", "<i8")
)
_DTYPE_OF = dict(zip(Rows._fields, DTYPES, strict=True))
ROW_BYTES = sum(dtype.itemsize for dtype in DTYPES)
EMPTY = Rows._make(np.empty(0, dtype) for dtype in DTYPES)


def of_records(records: Sequence[tuple[Any, ...]]) -> Rows:
    """Rows from tuples in the order of the columns."""
    if not records:
        return EMPTY
    columns = zip(*records, strict=True)
    return Rows._make(
        np.array(column, dtype) for column, dtype in zip(columns, DTYPES, strict=True)
    )


def joined(parts: Sequence[Rows]) -> Rows:
    if not parts:
        return EMPTY
    if len(parts) == 1:
        return parts[0]
    return Rows._make(np.concatenate(columns) for columns in zip(*parts, strict=True))


def merged(rows: Rows, rank: Int64) -> Rows:
    """Sorted by (series, ts), one row for each: that with the highest (boot, seq, value, quality).

    Parameters
    ----------
    rank
        ``rank[boot]`` is the place of a boot's name in the order of all names.
    """
    if rows.size < 2:
        return rows
    same, later = rows.sid[1:] == rows.sid[:-1], rows.ts[1:] > rows.ts[:-1]
    if bool(((rows.sid[1:] > rows.sid[:-1]) | (same & later)).all()):
        return rows
    order = np.lexsort((rows.ts, rows.sid))
    if not _repeats(rows.sid[order], rows.ts[order]).any():
        return rows.take(order)
    order = np.lexsort((rows.quality, rows.value, rows.seq, rank[rows.boot], rows.ts, rows.sid))
    last_of_key = np.append(~_repeats(rows.sid[order], rows.ts[order]), True)
    return rows.take(order[last_of_key])


def first_of_key(sid: Int32, ts: Int64) -> Bool:
    """True at the first row of each (series, ts), in the order given."""
    if _all_apart(sid, ts):
        return np.ones(len(ts), np.bool_)
    order = np.lexsort((np.arange(len(ts)), ts, sid))
    first = np.ones(len(ts), np.bool_)
    first[order[1:]] = ~_repeats(sid[order], ts[order])
    return first


def _all_apart(sid: Int32, ts: Int64) -> bool:
    """Whether no (series, ts) is there twice, where that can be found out fast; else False."""
    if not len(ts):
        return True
    oldest, span = int(ts.min()), int(ts.max()) - int(ts.min()) + 1
    if span * (int(sid.max()) + 1) >= 2**63:
        return False
    key = np.sort(sid * np.int64(span) + (ts - oldest))  # one number for both
    return bool((key[1:] != key[:-1]).all())


def last_of_series(rows: Rows) -> Rows:
    """The newest row of each series; ``rows`` are merged."""
    if not rows.size:
        return rows
    return rows.take(np.append(rows.sid[1:] != rows.sid[:-1], True))


def _repeats(sid: Int32, ts: Int64) -> Bool:
    repeats: Bool = (sid[1:] == sid[:-1]) & (ts[1:] == ts[:-1])
    return repeats


_LOG_ORDER = ("ts", "value", "seq", "sid", "boot", "quality")  # wide ones first: all stay aligned


def to_bytes(rows: Rows) -> bytes:
    """One batch as it stands in the log: the columns one after the other, little endian."""
    return b"".join(
        np.ascontiguousarray(getattr(rows, name), _DTYPE_OF[name]).tobytes() for name in _LOG_ORDER
    )


def from_bytes(blob: bytes) -> Rows:
    """Rows that share the blob's memory, read only."""
    size, rest = divmod(len(blob), ROW_BYTES)
    if rest:
        raise ValueError(f"a log entry of {len(blob)} bytes is no whole number of rows")
    columns = {}
    offset = 0
    for name in _LOG_ORDER:
        columns[name] = np.frombuffer(blob, _DTYPE_OF[name], size, offset)
        offset += size * _DTYPE_OF[name].itemsize
    return Rows(**columns)
