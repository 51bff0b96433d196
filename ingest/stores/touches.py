"""Which hours of which series the entries of the log were about. Pure.

So that whoever worked on an hour before its last readings came can find out, and do it again.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from ingest.stores.chunks import pack_column, unpack_column
from ingest.stores.rows import Rows
from purna.core.clock import HOUR
from purna.core.readings import Int64

MOST = 65_536
"""As many (series, hour) pairs are kept of one sealing, those of the newest hours."""

_LENGTHS = struct.Struct("<4I")


class Touches(NamedTuple):
    """Columns of equal length: the last ``entry`` of the log with a reading of ``sid`` in ``hour``.

    Hours are counted since 1970 and hold what windows hold: ``hour - 1 < ts <= hour`` (in hours).
    """

    sid: Int64
    hour: Int64
    entry: Int64

    def after(self, entry: int) -> Touches:
        later = self.entry > entry
        return Touches(*(column[later] for column in self))

    def pairs(self) -> Iterator[tuple[int, int]]:
        """``(sid, micros at which the hour ends)``."""
        return zip(self.sid.tolist(), (self.hour * HOUR).tolist(), strict=True)


def of_rows(rows: Rows, entry: int) -> Touches:
    """What one entry touched."""
    hour = -(-rows.ts // HOUR)
    changes = np.append(True, (rows.sid[1:] != rows.sid[:-1]) | (hour[1:] != hour[:-1]))
    which = np.flatnonzero(changes) if rows.size else np.empty(0, np.int64)
    return Touches(
        rows.sid[which].astype(np.int64), hour[which], np.full(len(which), entry, np.int64)
    )


def together(parts: Sequence[Touches]) -> Touches:
    """Each pair once, with its last entry, by hour."""
    sid, hour, entry = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    order = np.lexsort((entry, sid, hour))
    sid, hour, entry = sid[order], hour[order], entry[order]
    last = np.append((sid[1:] != sid[:-1]) | (hour[1:] != hour[:-1]), True)
    return Touches(sid[last], hour[last], entry[last])


def pack(touches: Touches) -> bytes:
    """The newest :data:`MOST` of them as bytes."""
    blobs = [pack_column(column[-MOST:]) for column in touches]
    return _LENGTHS.pack(min(len(touches.sid), MOST), *map(len, blobs)) + b"".join(blobs)


def unpack(blob: bytes) -> Touches:
    size, *lengths = _LENGTHS.unpack_from(blob)
    ends = np.cumsum([_LENGTHS.size, *lengths]).tolist()
    return Touches(
        *(unpack_column(blob[start:end], size, np.dtype(np.int64)) for start, end in pairwise(ends))
    )
