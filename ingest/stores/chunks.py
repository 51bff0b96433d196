"""A stretch of one series, compressed column by column with pcodec. Pure.

The first byte of a column says how it is kept: one value repeated, or pcodec. Most columns of
boot, quality and number gaps repeat one value, which then costs nine bytes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pcodec import ChunkConfig, standalone

from ingest.stores.rows import Rows

CHUNK_ROWS = 4096
"""A chunk with fewer rows takes in newer ones; with more than twice as many it is split."""

_CONFIG = ChunkConfig(compression_level=4)
_REPEATED, _PCODEC = b"\x00", b"\x01"


class Columns(NamedTuple):
    """The compressed columns of a chunk; which series it is stands beside them."""

    ts: bytes
    value: bytes
    quality: bytes
    boot: bytes
    seq: bytes


def pack(rows: Rows) -> Columns:
    return Columns(
        _pack(rows.ts),
        _pack(rows.value),
        _pack(rows.quality.astype(np.int32)),
        _pack(rows.boot),
        _pack(rows.seq),
    )


def unpack_ts(blob: bytes, count: int) -> NDArray[np.int64]:
    return _unpack(blob, count, np.dtype(np.int64))


def unpack_value(blob: bytes, count: int) -> NDArray[np.float64]:
    return _unpack(blob, count, np.dtype(np.float64))


def unpack_quality(blob: bytes, count: int) -> NDArray[np.uint8]:
    return _unpack(blob, count, np.dtype(np.int32)).astype(np.uint8)


def unpack(sid: int, count: int, columns: Columns) -> Rows:
    return Rows(
        np.full(count, sid, np.int32),
        unpack_ts(columns.ts, count),
        unpack_value(columns.value, count),
        unpack_quality(columns.quality, count),
        _unpack(columns.boot, count, np.dtype(np.int32)),
        _unpack(columns.seq, count, np.dtype(np.int64)),
    )


def pieces(rows: Rows) -> Iterator[Rows]:
    """Rows of one series cut into chunks of fair size."""
    if rows.size <= 2 * CHUNK_ROWS:
        yield rows
        return
    for start in range(0, rows.size, CHUNK_ROWS):
        yield rows.take(slice(start, start + CHUNK_ROWS))


def _pack(column: NDArray[Any]) -> bytes:
    if len(column) and bool((column == column[0]).all()) and not np.isnan(column[0]):
        return _REPEATED + column[:1].tobytes()
    return _PCODEC + bytes(
        standalone.simple_compress(np.require(column, requirements=["C", "A"]), _CONFIG)
    )


def _unpack(blob: bytes, count: int, dtype: np.dtype[Any]) -> NDArray[Any]:
    if blob[:1] == _REPEATED:
        return np.full(count, np.frombuffer(blob, dtype, 1, 1)[0], dtype)
    out = np.empty(count, dtype)
    standalone.simple_decompress_into(blob[1:], out)
    return out
