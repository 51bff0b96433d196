"""A stretch of one series, compressed column by column with pcodec. Pure.

A chunk is a *stamp* (times, boots and message numbers) and the *values* with their quality. The
quantities that a device sends in one message have equal stamps, so these are kept once for all of
them. The first byte of a column says how it is kept: one value repeated, or pcodec. Most columns
of boot, quality and number gaps repeat one value, which then costs a few bytes.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pcodec import ChunkConfig, standalone

from ingest.stores.rows import Rows
from purna.core.clock import HOUR, MINUTE
from purna.core.readings import Points
from purna.core.rollups import Rollups, rolled_up

CHUNK_ROWS = 8192
"""A chunk with fewer rows takes in newer ones; with more than twice as many it is split."""

HOURS_FROM_ROWS = 1024
READINGS_PER_HOUR = 60
"""A chunk carries hourly roll-ups when it is longer and denser than this; else they would save
little time, and take much room."""

_CONFIG = ChunkConfig(compression_level=8)
_REPEATED, _PCODEC = b"\x00", b"\x01"
_LENGTHS = struct.Struct("<6I")


class Stamp(NamedTuple):
    """Compressed: when the rows of a chunk were measured, and in which messages they came."""

    ts: bytes
    boot: bytes
    seq: bytes


class Values(NamedTuple):
    """Compressed: what was measured, and how good it is."""

    value: bytes
    quality: bytes


def pack_stamp(rows: Rows) -> Stamp:
    return Stamp(pack_column(rows.ts), pack_column(rows.boot), pack_column(rows.seq))


def pack_values(rows: Rows) -> Values:
    return Values(pack_column(rows.value), pack_column(rows.quality.astype(np.int32)))


def unpack_ts(blob: bytes, count: int) -> NDArray[np.int64]:
    return unpack_column(blob, count, np.dtype(np.int64))


def unpack_value(blob: bytes, count: int) -> NDArray[np.float64]:
    return unpack_column(blob, count, np.dtype(np.float64))


def unpack_quality(blob: bytes, count: int) -> NDArray[np.uint8]:
    return unpack_column(blob, count, np.dtype(np.int32)).astype(np.uint8)


def unpack(sid: int, count: int, stamp: Stamp, values: Values) -> Rows:
    return Rows(
        np.full(count, sid, np.int32),
        unpack_ts(stamp.ts, count),
        unpack_value(values.value, count),
        unpack_quality(values.quality, count),
        unpack_column(stamp.boot, count, np.dtype(np.int32)),
        unpack_column(stamp.seq, count, np.dtype(np.int64)),
    )


def pieces(rows: Rows) -> Iterator[Rows]:
    """Rows of one series cut into chunks of fair size."""
    if rows.size <= 2 * CHUNK_ROWS:
        yield rows
        return
    for start in range(0, rows.size, CHUNK_ROWS):
        yield rows.take(slice(start, start + CHUNK_ROWS))


def hours_of(rows: Rows) -> bytes | None:
    """The chunk's own hourly roll-ups, or None where it is short or sparse."""
    if rows.size < HOURS_FROM_ROWS:
        return None
    hours = 1 + np.count_nonzero(np.diff(rows.ts // HOUR))
    if rows.size < READINGS_PER_HOUR * hours:
        return None
    rollups = rolled_up(Points(rows.ts, rows.value, rows.quality), HOUR)
    return pack_rollups(rollups)


def pack_rollups(rollups: Rollups) -> bytes:
    """Roll-ups whose buckets begin at whole minutes."""
    ends = np.concatenate((rollups.low, rollups.high, rollups.first, rollups.last))
    columns = (rollups.ts // MINUTE, rollups.count, rollups.mean, rollups.m2, ends)
    blobs = [pack_column(column) for column in columns]
    return _LENGTHS.pack(len(rollups), *map(len, blobs)) + b"".join(blobs)


def unpack_rollups(blob: bytes) -> Rollups:
    size, *lengths = _LENGTHS.unpack_from(blob)
    columns: list[NDArray[Any]] = []
    offset = _LENGTHS.size
    for length, dtype in zip(lengths, (np.int64, np.int64, *(np.float64,) * 3), strict=True):
        count = 4 * size if len(columns) == 4 else size
        columns.append(unpack_column(blob[offset : offset + length], count, np.dtype(dtype)))
        offset += length
    minute, *middle, ends = columns
    return Rollups(minute * MINUTE, *middle, *np.split(ends, 4))


def pack_column(column: NDArray[Any]) -> bytes:
    bits = column.view(f"i{column.itemsize}")  # 0.0 and -0.0 are equal, but not the same
    if len(bits) and bool((bits == bits[0]).all()):
        return _REPEATED + column[:1].tobytes()
    return _PCODEC + bytes(
        standalone.simple_compress(np.require(column, requirements=["C", "A"]), _CONFIG)
    )


def unpack_column(blob: bytes, count: int, dtype: np.dtype[Any]) -> NDArray[Any]:
    if blob[:1] == _REPEATED:
        return np.full(count, np.frombuffer(blob, dtype, 1, 1)[0], dtype)
    out = np.empty(count, dtype)
    standalone.simple_decompress_into(blob[1:], out)
    return out
