"""What every quarantine promises, over every backend."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import apsw
import pytest

from ingest import quarantine as quarantine_module
from ingest.quarantine import SqliteQuarantine
from purna.core.ports import RejectedFilter
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
    quarantine.add(
        [Rejected(4, "t", b'{"Pressure": 1}', "tsunami", "", "p3", "x", "a/cbor", False)]
    )

    def found(**which: Any) -> list[int]:
        assert sum(quarantine.counts(RejectedFilter(**which)).values()) == len(
            quarantine.entries(RejectedFilter(**which))
        )
        return [entry.received for _, entry in quarantine.entries(RejectedFilter(**which))]

    assert found(device="p2") == [3, 2]
    assert found(code="json.syntax") == [2, 1]
    assert found(device="p2", code="ts.future") == [3]
    assert found(code="ts") == [3]
    assert found(start=2, end=4) == [3, 2]
    assert found(text="pressure") == [4]
    assert found(text="V1/P2") == [3, 2]
    assert found(text="%") == []
    assert quarantine.counts() == {"json.syntax": 2, "ts.future": 1, "tsunami": 1}


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


def test_what_is_asked_for_again_is_handed_out_until_it_is_settled(
    quarantine: SqliteQuarantine,
) -> None:
    quarantine.add([rejected(1), rejected(2), rejected(3, "p2"), replace(rejected(4), whole=False)])
    assert quarantine.asked(10) == []
    assert quarantine.ask_again(RejectedFilter(device="p1")) == 2  # of one only a part was kept
    (first, one), (second, _) = quarantine.asked(10)
    assert one == rejected(1)
    assert [number for number, _ in quarantine.asked(1)] == [first]
    newer = rejected(2, code="ts.future")
    quarantine.settle([first], {second: newer})
    assert quarantine.asked(10) == []
    assert [entry.code for _, entry in quarantine.entries(RejectedFilter(device="p1"))] == [
        "json.syntax",
        "ts.future",
    ]
    quarantine.settle([first], {})  # somebody was faster: nothing is counted twice
    quarantine.add([rejected(5), rejected(6), rejected(7)])
    assert sum(quarantine.counts().values()) == LIMIT
    assert quarantine.evicted() == 1


def test_only_the_entries_named_are_asked_for_again(quarantine: SqliteQuarantine) -> None:
    quarantine.add([rejected(1), rejected(2)])
    newest = quarantine.entries()[0][0]
    assert quarantine.ask_again(RejectedFilter(), [newest, 10**9]) == 1
    assert [number for number, _ in quarantine.asked(10)] == [newest]


def test_another_process_may_ask_but_not_settle(tmp_path: Path) -> None:
    writer = SqliteQuarantine(tmp_path / "q.db")
    writer.add([rejected(1)])
    reader = SqliteQuarantine(tmp_path / "q.db", read_only=True)
    assert reader.ask_again(RejectedFilter()) == 1
    assert [entry for _, entry in writer.asked(10)] == [rejected(1)]
    with pytest.raises(RuntimeError, match="reading only"):
        reader.settle([1], {})
    reader.close()
    writer.close()


def test_a_file_of_the_first_version_is_brought_up_to_date(tmp_path: Path) -> None:
    with contextlib.closing(apsw.Connection(str(tmp_path / "q.db"))) as old:
        old.execute(quarantine_module._SCHEMA)
        old.execute(
            "INSERT INTO rejected VALUES (1, 5, 't', x'7b', 'json.syntax', 'why', 'p1', 'm', 2);"
            "UPDATE total SET entries = 1, bytes = 2"
        )
    reader = SqliteQuarantine(tmp_path / "q.db", read_only=True)
    assert reader.entries() == []
    writer = SqliteQuarantine(tmp_path / "q.db")
    kept = Rejected(5, "t", b"{", "json.syntax", "why", "p1", "m")
    assert reader.entries() == [(1, kept)]
    writer.close()
    reader.close()


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
