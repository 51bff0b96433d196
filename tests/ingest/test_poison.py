"""Poison among good messages: each kind is named, and nothing good is lost or slowed to a halt."""

from __future__ import annotations

import pytest

from purna.core.readings import SeriesKey
from tests.ingest.conftest import Desks
from tests.ingest.kit import telemetry
from tests.ingest.poison import POISON

NOW = 1_780_000_000_000_000


@pytest.mark.parametrize("group_size", [1, 7, 5000])
def test_every_kind_is_named_and_nothing_good_is_lost(desks: Desks, group_size: int) -> None:
    desk = desks(NOW, group_size=group_size)
    messages, good = [], 0
    for code, payload in POISON.items():
        for _ in range(10):
            messages.append(telemetry(NOW + good, good, temp=float(good % 100)))
            good += 1
        messages += [payload, payload] if code.startswith("ts") else [payload]
    desk.send(*messages)
    bad = len(messages) - good
    counts = desk.counters.as_dict()
    assert (counts["received"], counts["stored"], counts["quarantined"]) == (
        len(messages),
        good,
        bad,
    )
    assert counts["failures"] == 0
    assert desk.quarantine.counts() == {c: 2 if c.startswith("ts") else 1 for c in POISON}
    key = SeriesKey("d1", "temp")
    assert desk.store.read([key], 0, 2**62)[key].value.tolist() == [n % 100 for n in range(good)]
    assert desk.link.acks()[-1] == good - 1
    assert len(desk.link.acknowledged) == len(messages)
    assert sum(bool(why) for _, why in desk.link.acknowledged) == bad


def test_there_are_twenty_kinds() -> None:
    assert len(POISON) >= 20
