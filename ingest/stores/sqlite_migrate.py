"""Files of an older format are brought to the present one when the ingest process opens them.

In one transaction: after a crash half way the file is as it was, and the next start begins anew.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

import apsw

from ingest.stores import chunks, sqlite_chunks
from ingest.stores.rows import Rows


def to_2(connection: apsw.Connection, tables: str) -> None:
    """Format 1 kept times, boots and numbers with every chunk, and had no roll-ups."""
    connection.execute("DROP INDEX chunk_by_time; ALTER TABLE chunk RENAME TO chunk_1")
    connection.execute(tables)
    for _, same_time in groupby(_chunks_of_1(connection), key=lambda found: found[0]):
        rows = [one for _, one in same_time]
        sqlite_chunks.put(connection, sqlite_chunks.packed([], rows))
    connection.execute("DROP TABLE chunk_1")


def to_3(connection: apsw.Connection, tables: str) -> None:
    """Format 2 kept events in no order, and nothing for a forwarder."""
    connection.execute("ALTER TABLE event RENAME TO event_2")
    connection.execute(tables)
    connection.execute(
        "INSERT INTO event (device, kind, ts, code, text)"
        " SELECT device, kind, ts, code, text FROM event_2 ORDER BY ts;"
        "DROP TABLE event_2"
    )


def _chunks_of_1(connection: apsw.Connection) -> Iterator[tuple[tuple[str, int], Rows]]:
    """Chunks of one device that begin at the same time come one after the other."""
    for device, t0, sid, count, ts, value, quality, boot, seq in connection.execute(
        "SELECT s.device, c.t0, c.series, c.count, c.ts, c.value, c.quality, c.boot, c.seq"
        " FROM chunk_1 c JOIN series s ON s.id = c.series ORDER BY s.device, c.t0, c.series"
    ):
        stamp, values = chunks.Stamp(ts, boot, seq), chunks.Values(value, quality)
        yield (device, t0), chunks.unpack(sid, count, stamp, values)
