"""The fast way and the careful way come to the same rows, refusals and numbers."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest import columns
from ingest.directory import Directory
from ingest.links.base import Received
from ingest.payloads import Decoders
from ingest.quality import TimeWindow
from ingest.sorting import Group, Sorter
from purna.core.clock import DAY, MINUTE
from purna.core.devices import Device
from tests.ingest.kit import CATALOGUE, device

NOW = 1_780_000_000_000_000
TIMES = TimeWindow.around(NOW, 5 * MINUTE, 30 * DAY)
TOPIC = "purna/v1/d1/telemetry"


class Devices:
    """A registry of three devices; the product of the last is in no catalogue."""

    def find(self, name: str) -> Device | None:
        return {"d1": device("d1"), "d2": device("d2"), "odd": device("odd", "turbine")}.get(name)


class CarefulSorter(Sorter):
    """Takes nothing the fast way."""

    def _take_plain(self, group: Group, shed: Any, times: TimeWindow, now: float) -> Any:
        return self._fast.nothing(group.messages, shed)


def both(groups: list[list[Received]]) -> tuple[Sorter, list[Group]]:
    """Sort groups both ways, check that they agree, and return the fast one."""
    ways = []
    for kind in (Sorter, CarefulSorter):
        directory = Directory(Devices(), CATALOGUE, lambda: 0.0, 60.0, 60.0)  # type: ignore[arg-type]
        way = kind(Decoders(), directory, lambda _: None, lambda _: False, waveforms=False)
        ways.append((way, [way.sort(messages, (), TIMES, 0.0) for messages in groups]))
    (fast, quick), (_, careful) = ways
    for one, other in zip(quick, careful, strict=True):
        assert said(one) == said(other)
    return fast, quick


def said(group: Group) -> dict[str, Any]:
    """Everything that a group says, in an order that does not depend on the way."""
    batch = group.batch
    return {
        "rows": sorted(
            (message, *batch.series[series], ts, repr(value), quality, batch.boots[boot], seq)
            for message, series, ts, value, quality, boot, seq in zip(
                *(
                    column.tolist()
                    for column in (
                        group.batch_of,
                        batch.index,
                        batch.ts,
                        batch.value,
                        batch.quality,
                        batch.origin,
                        batch.seq,
                    )
                ),
                strict=True,
            )
        ),
        "rejected": group.rejected,
        "refused": group.refused,
        "whole": group.refused_whole(),
        "progress": group.progress,
        "answers": [(name, why.code, why.params) for name, why in group.answers],
        "failures": group.failures,
    }


def taken_fast(sorter: Sorter, group: Group) -> int:
    """How many messages of an equal group go the fast way."""
    plain = sorter._fast.take(group.messages, (), TIMES, 0.0)
    return len(group.messages) - len(plain.left)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=6,
)
times = st.one_of(
    st.integers(NOW // 1000 - 1000, NOW // 1000 + 1000),
    st.floats(NOW / 1000 - 10, NOW / 1000 + 10),
    st.sampled_from([0, NOW // 10**6, NOW, NOW / 1000 + 300_001, NOW / 1000 - 31 * 86_400_000]),
    st.sampled_from([1e308, 10**400, -5, "x", None, True, 10**11, 4 * 10**12]),
)
values = st.dictionaries(
    st.sampled_from(["temp", "vib", "q0", "q1", "typo", 'q"', "\\", "ü"]),
    st.one_of(
        st.floats(-300, 300),
        st.integers(-300, 300),
        st.sampled_from([200, 1e308, -0.0]),
        json_values,
    ),
    max_size=4,
)
messages = st.fixed_dictionaries(
    {},
    optional={
        "boot": st.sampled_from(["b7", "b7", "b8", "", "\\u0041", 'b"', 7, "x" * 64, "x" * 65]),
        "seq": st.sampled_from([0, 1, 2, 3, 5, -1, 2**53, 2**53 + 1, 2**64, 1.0, True, "1"]),
        "ts": times,
        "m": values,
        "r": st.lists(st.tuples(times, values), max_size=3),
        "u": st.dictionaries(st.sampled_from(["temp", "vib"]), st.sampled_from(["K", "degF", 1])),
        "q": st.dictionaries(st.sampled_from(["temp", "vib"]), st.sampled_from([0, 1, 3, True])),
        "x": st.none(),
    },
)
plain = st.builds(
    lambda boot, seq, ts, m, more: {
        **({"boot": boot, "seq": seq} if boot else {}),
        **({"r": [[ts + n, m] for n in range(more)]} if more else {"ts": ts, "m": m}),
    },
    st.sampled_from(["", "b7", "b8"]),
    st.integers(0, 9),
    st.integers(NOW // 1000 - 1000, NOW // 1000 + 301_000),
    st.dictionaries(st.sampled_from(["temp", "vib", "q0"]), st.floats(-300, 300), min_size=1),
    st.integers(0, 3),
)


@st.composite
def received(draw: st.DrawFn) -> Received:
    topic = draw(
        st.sampled_from([TOPIC] * 5 + ["purna/v1/d2/telemetry", "purna/v1/odd/telemetry"])
        | st.sampled_from(["purna/v1/new/telemetry", "purna/v1/d1/event", "purna/v1/d1/status"])
    )
    payload = json.dumps(draw(plain | messages), ensure_ascii=draw(st.booleans()))
    raw = payload.encode("utf-8", "surrogatepass")
    kind = draw(st.sampled_from(["", "", "", "application/json", "application/cbor", "text/plain"]))
    match draw(st.sampled_from(["as it is"] * 4 + ["noise", "twice", "key twice"])):
        case "noise":
            at = draw(st.integers(0, len(raw)))
            raw = raw[:at] + draw(st.binary(max_size=2)) + raw[at:]
        case "twice":
            raw += raw[1:]
        case "key twice":
            raw = raw[:-1] + b"," + raw[1:]
    return Received(topic, raw, content_type=kind)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.lists(received(), max_size=6), max_size=3))
def test_both_ways_agree_on_whatever_comes(groups: list[list[Received]]) -> None:
    both(groups)


def message(
    seq: int = 1, boot: str = "b7", ts: int = NOW, topic: str = TOPIC, **m: float
) -> Received:
    body = {"boot": boot, "seq": seq, "ts": ts / 1000, "m": m or {"temp": 1.0, "vib": 2.0}}
    return Received(topic, json.dumps(body).encode())


def batch_of(moments: int, **m: float) -> Received:
    rows = [[NOW / 1000 + n, m or {"temp": 1.0, "vib": 2.0}] for n in range(moments)]
    return Received(TOPIC, json.dumps({"boot": "b7", "seq": 9, "r": rows}).encode())


FAST = {
    "a moment": message(),
    "without numbers": Received(TOPIC, b'{"ts":1780000000000.25,"m":{"temp":1}}'),
    "a batch": batch_of(10),
    "a thousand values": batch_of(500),
    "spaces": Received(TOPIC, b' { "m" : { "temp" : 1e1 } , "ts" : 1.78e12 } '),
    "not plausible": message(temp=999.0),
    "declared": message()._replace(content_type="application/json"),
}
CAREFUL = {
    "units": Received(TOPIC, b'{"ts":1780000000000,"m":{"temp":300},"u":{"temp":"K"}}'),
    "escapes": Received(TOPIC, b'{"ts":1780000000000,"m":{"t\\u0065mp":1}}'),
    "a key twice": Received(TOPIC, b'{"ts":1780000000000,"m":{"temp":1,"temp":2}}'),
    "a time twice": Received(TOPIC, b'{"boot":"b7","ts":1,"ts":1780000000000,"m":{"temp":1}}'),
    "both forms": Received(TOPIC, b'{"ts":1780000000000,"m":{"temp":1},"r":[]}'),
    "the future": message(ts=NOW + 6 * MINUTE),
    "the past": message(ts=NOW - 31 * DAY),
    "unknown quantity": message(typo=1.0),
    "unknown device": message(topic="purna/v1/new/telemetry"),
    "unknown product": message(topic="purna/v1/odd/telemetry"),
    "too many values": batch_of(501),
    "an event": Received("purna/v1/d1/event", b'{"ts":1780000000000,"code":"E1"}'),
    "oversize": Received(TOPIC, message().payload + b" " * 300_000),
    "infinite": Received(TOPIC, b'{"ts":1e400,"m":{"temp":1}}'),
    "huge": Received(TOPIC, b'{"ts":1e308,"m":{"temp":1}}'),
}


@pytest.mark.parametrize("name", FAST)
def test_what_is_plain_goes_the_fast_way(name: str) -> None:
    sorter, [group, again] = both([[FAST[name]], [FAST[name]]])
    assert not group.refused
    assert len(group.batch) > 0
    assert taken_fast(sorter, again) == 1


@pytest.mark.parametrize("name", CAREFUL)
def test_what_is_odd_goes_the_careful_way(name: str) -> None:
    sorter, [group] = both([[CAREFUL[name]]])
    assert taken_fast(sorter, group) == 0


def test_a_message_with_a_wrong_time_does_not_take_others_with_it() -> None:
    sorter, [group] = both([[message(1), message(2, ts=NOW + DAY), batch_of(3), message(3)]])
    assert sorted(set(group.batch_of.tolist())) == [0, 2, 3]
    assert list(group.refused) == [1]
    assert group.progress["d1", "b7"].last == 3
    assert taken_fast(sorter, group) == 3


def test_what_is_shed_is_neither_stored_nor_settled() -> None:
    sorter, _ = both([])
    group = sorter.sort([message(1), message(2), message(3)], {1}, TIMES, 0.0)
    assert group.batch.seq.tolist() == [1, 1, 3, 3]
    assert group.progress["d1", "b7"].last == 1
    assert not group.refused


def test_a_fault_of_the_fast_way_does_not_stop_the_line(monkeypatch: pytest.MonkeyPatch) -> None:
    sorter, _ = both([])

    def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(sorter._fast, "take", broken)
    group = sorter.sort([message(1)], (), TIMES, 0.0)
    assert (len(group.batch), group.failures) == (2, 1)


def test_what_is_remembered_stays_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(columns, "REMEMBERED", 20)
    sorter, groups = both([[message(1, boot=f"b{n}")] for n in range(100)])
    assert all(len(group.batch) == 2 for group in groups)
    assert len(sorter._columns.boots) < 25


def test_ever_new_combinations_of_quantities_stay_bounded() -> None:
    names = [f"q{n}" for n in range(5)]
    combinations = [
        [message(**{name: 1.0 for bit, name in enumerate(order) if mask >> bit & 1})]
        for order in (names, names[::-1], names[2:] + names[:2])
        for mask in range(1, 32)
    ]
    sorter, groups = both(combinations)
    assert all(len(group.batch) for group in groups)
    [sender] = sorter._fast._senders.values()
    assert len(sender.shapes) <= 64
