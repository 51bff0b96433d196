"""Looks into the data folder and says whether what was acknowledged is there."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import apsw

from ingest.quarantine import SqliteQuarantine
from ingest.stores.sqlite import SqliteReadingStore
from purna.core.readings import SeriesKey
from tests.faults.load import Promise, Record, is_poison


@dataclass(frozen=True)
class Audit:
    """Messages; ``stored`` are those found in the store or, the poisonous ones, in quarantine.

    ``lost`` were acknowledged and are not there. ``doubled`` are readings seen twice,
    ``misplaced`` stand at a time that is not theirs, ``strange`` nobody sent. ``refused`` are good
    messages in the quarantine. A refused message that was delivered twice stands there twice,
    which is no fault: ``refused_again``.
    """

    acknowledged: int
    stored: int
    lost: int
    doubled: int
    misplaced: int
    strange: int
    refused: int
    refused_again: int
    damaged: tuple[str, ...]

    @property
    def good(self) -> bool:
        return not (self.lost or self.doubled or self.misplaced or self.strange or self.damaged)


def audit(
    folder: Path, records: Sequence[Record], promises: Sequence[Promise], start: int
) -> Audit:
    """Compare the records with the folder, whose ingest process may be dead or alive.

    Each of the ``promises`` has to be kept; ``start`` (micros) is the time of reading number 0.
    """
    # Before looking, so that what is acknowledged meanwhile is not asked for.
    acknowledged = [set[int]().union(*map(record.acknowledged, promises)) for record in records]
    store = SqliteReadingStore(folder / "readings.sqlite", read_only=True)
    quarantine = SqliteQuarantine(folder / "quarantine.sqlite", read_only=True)
    points = store.read([SeriesKey(record.device, "q0") for record in records], 0, 2**62)
    refused = Counter(
        (entry.device, int(json.loads(entry.payload)["seq"]))
        for _, entry in quarantine.entries(limit=10**9)
    )
    store.close()
    quarantine.close()
    stored = lost = doubled = misplaced = strange = set_aside = 0
    for record, safe in zip(records, acknowledged, strict=True):
        mine = points[SeriesKey(record.device, "q0")]
        values = mine.value.astype(int).tolist()
        found = Counter(values)
        doubled += found.total() - len(found)
        misplaced += int(((mine.ts - start) // 1000 != mine.value).sum())
        there = set(found) | {number for device, number in refused if device == record.device}
        strange += sum(number >= record.sent for number in there)
        strange += sum(is_poison(number) for number in found)
        set_aside += sum(not is_poison(number) for number in there - set(found))
        stored += len(there)
        lost += len(safe - there)
    return Audit(
        sum(map(len, acknowledged)),
        stored,
        lost,
        doubled,
        misplaced,
        strange,
        set_aside,
        refused.total() - len(refused),
        tuple(damages(folder)),
    )


def damages(folder: Path) -> list[str]:
    """What SQLite itself finds wrong with the files."""
    found = []
    for name in ("readings.sqlite", "quarantine.sqlite"):
        connection = apsw.Connection(str(folder / name), flags=apsw.SQLITE_OPEN_READWRITE)
        connection.set_busy_timeout(10_000)
        found += [f"{name}: {line}" for (line,) in connection.execute("PRAGMA integrity_check")]
        connection.close()
    return [line for line in found if not line.endswith(": ok")]
