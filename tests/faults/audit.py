"""Looks into the data folder and says whether what was acknowledged is there."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import apsw
import cbor2

from ingest.quarantine import SqliteQuarantine
from ingest.stores.sqlite import SqliteReadingStore
from ingest.stores.waveforms import SqliteWaveformStore
from purna.core.readings import Rejected, SeriesKey
from tests.faults.load import Promise, Record, is_poison, is_waveform


@dataclass(frozen=True)
class Audit:
    """Messages; ``stored`` are found: readings, waveforms or, the poisonous ones, in quarantine.

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
    damaged: list[str]

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
    waveforms = SqliteWaveformStore(folder / "waveforms.sqlite", read_only=True)
    quarantine = SqliteQuarantine(folder / "quarantine.sqlite", read_only=True)
    points = store.read([SeriesKey(record.device, "q0") for record in records], 0, 2**62)
    refused = Counter(_refused(entry) for _, entry in quarantine.entries(limit=10**9))
    stored = lost = doubled = misplaced = strange = good_refused = 0
    for record, safe in zip(records, acknowledged, strict=True):
        device, mine = record.device, points[SeriesKey(record.device, "q0")]
        readings = Counter(mine.value.astype(int).tolist())
        blocks = waveforms.find(device, "vib", 0, 2**62, limit=10**9)
        waves = {(block.key.ts - start) // 1000 for block in blocks}
        aside = {number for name, number in refused if name == device}
        there = readings.keys() | waves | aside
        doubled += readings.total() - len(readings)
        misplaced += int(((mine.ts - start) // 1000 != mine.value).sum())
        strange += sum(number >= record.sent for number in there)
        strange += sum(is_poison(number) or is_waveform(number) for number in readings)
        strange += sum(not is_waveform(number) for number in waves)
        good_refused += sum(not is_poison(number) for number in aside)
        stored += len(there)
        lost += len(safe - there)
    for one in (store, waveforms, quarantine):
        one.close()
    return Audit(
        sum(map(len, acknowledged)),
        stored,
        lost,
        doubled,
        misplaced,
        strange,
        good_refused,
        refused.total() - len(refused),
        damages(folder),
    )


def _refused(entry: Rejected) -> tuple[str, int]:
    """Device and number of a message in the quarantine."""
    decode = cbor2.loads if "/waveform/" in entry.topic else json.loads
    return entry.device, int(decode(entry.payload)["seq"])


def damages(folder: Path) -> list[str]:
    """What SQLite itself finds wrong with the files."""
    found = []
    for name in ("readings.sqlite", "waveforms.sqlite", "quarantine.sqlite"):
        connection = apsw.Connection(str(folder / name), flags=apsw.SQLITE_OPEN_READWRITE)
        connection.set_busy_timeout(10_000)
        found += [f"{name}: {line}" for (line,) in connection.execute("PRAGMA integrity_check")]
        connection.close()
    return [line for line in found if not line.endswith(": ok")]
