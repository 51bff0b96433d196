"""What every quarantine promises, over every backend."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ingest.quarantine import SqliteQuarantine
from purna.core.readings import Rejected

LIMIT = 5


@pytest.fixture(params=["sqlite"])
def quarantine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SqliteQuarantine]:
    opened = SqliteQuarantine(tmp_path / "quarantine.db", limit=LIMIT, limit_bytes=10_000)
    yield opened
    opened.close()


def rejected(number: int, device: str = "p1", code: str = "json.syntax") -> Rejected:
    return Rejected(number, f"purna/v1/{device}/telemetry", b"\x00\xff{", code, "why", device, "m")


def test_what_was_added_is_found_newest_first(quarantine: SqliteQuarantine) -> None:
    quarantine.add([rejected(1), rejected(2)])
    quarantine.add([rejected(3)])
    assert [entry for _, entry in quarantine.entries()] == [rejected(3), rejected(2), rejected(1)]


def test_pages_follow_one_another(quarantine: SqliteQuarantine) -> None:
    quarantine.add([rejected(number) for number in range(5)])
    page = quarantine.entries(limit=2)
    rest = quarantine.entries(before=page[-1][0], limit=10)
    assert [entry.received for _, entry in page + rest] == [4, 3, 2, 1, 0]


def test_entries_can_be_chosen_by_device_and_code(quarantine: SqliteQuarantine) -> None:
    quarantine.add([rejected(1), rejected(2, "p2"), rejected(3, "p2", "ts.future")])
    assert [entry.received for _, entry in quarantine.entries(device="p2")] == [3, 2]
    assert [entry.received for _, entry in quarantine.entries(code="json.syntax")] == [2, 1]
    assert [e.received for _, e in quarantine.entries(device="p2", code="ts.future")] == [3]
    assert quarantine.counts() == {"json.syntax": 2, "ts.future": 1}


def test_the_oldest_go_first_and_are_counted(quarantine: SqliteQuarantine) -> None:
    quarantine.add([rejected(number) for number in range(4)])
    quarantine.add([rejected(number) for number in range(4, 8)])
    assert [entry.received for _, entry in quarantine.entries()] == [7, 6, 5, 4, 3]
    assert sum(quarantine.counts().values()) == LIMIT
    assert quarantine.evicted() == 3


def test_it_is_bounded_in_bytes_too(quarantine: SqliteQuarantine) -> None:
    for number in range(4):
        quarantine.add([Rejected(number, "t", b"x" * 4000, "size.limit", "")])
    assert [entry.received for _, entry in quarantine.entries()] == [3, 2]
    assert quarantine.evicted() == 2


def test_an_empty_quarantine_says_so(quarantine: SqliteQuarantine) -> None:
    quarantine.add([])
    assert (quarantine.entries(), quarantine.counts()) == ([], {})


def test_it_survives_closing_and_another_process_may_look(tmp_path: Path) -> None:
    reader = SqliteQuarantine(tmp_path / "q.db", read_only=True)
    assert (reader.entries(), reader.counts(), reader.evicted()) == ([], {}, 0)
    writer = SqliteQuarantine(tmp_path / "q.db")
    writer.add([rejected(1)])
    assert [entry for _, entry in reader.entries()] == [rejected(1)]
    writer.close()
    writer = SqliteQuarantine(tmp_path / "q.db")
    writer.add([rejected(2)])
    assert reader.counts() == {"json.syntax": 2}
    with pytest.raises(RuntimeError, match="reading only"):
        reader.add([rejected(3)])
    reader.close()
    writer.close()
