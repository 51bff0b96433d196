"""What a device may send: shed above its rate, recorded once, others undisturbed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest import caps
from ingest.caps import Bucket, Buckets, Caps
from purna.core.clock import HOUR
from tests.ingest.conftest import Desks
from tests.ingest.kit import telemetry

NOW = 1_780_000_000_000_000


def test_a_bucket_gives_its_burst_and_then_its_rate() -> None:
    bucket = Bucket(rate=10, burst=5, now=0.0)
    assert bucket.take(8, 0.0) == 5
    assert bucket.take(8, 0.35) == 3
    assert bucket.take(8, 100.0) == 5


def test_a_connection_pauses_until_its_tokens_are_there() -> None:
    bucket = Bucket(rate=10, burst=5, now=0.0)
    assert bucket.pause(5, 0.0) == 0.0
    assert bucket.pause(20, 0.0) == 2.0
    assert bucket.pause(0, 1.5) == 0.5
    assert bucket.pause(5, 2.5) == 0.0


@given(
    st.lists(st.tuples(st.floats(0, 3), st.integers(0, 50)), max_size=30),
    st.floats(1, 100),
    st.floats(1, 100),
)
def test_never_more_than_burst_and_rate_together(
    steps: list[tuple[float, int]], rate: float, burst: float
) -> None:
    bucket, now, got = Bucket(rate, burst, 0.0), 0.0, 0
    for pause, count in steps:
        now += pause
        got += bucket.take(count, now)
        assert got <= burst + rate * now + 1e-6


def test_the_last_messages_of_the_offender_are_shed_and_nobody_elses() -> None:
    rates = Caps(Buckets(1.0, 2.0), lambda topic: topic[0] if topic != "none" else None)
    topics = ["a/x", "b/x", "a/x", "a/x", "none", "a/y", "b/x"]
    assert rates.shed(topics, 0.0) == ({3, 5}, ["a"])
    assert rates.shed(["a/x"] * 3, 1.0) == ({1, 2}, [])
    assert rates.shed(["a/x"] * 3, 3600.0) == ({2}, ["a"])


def test_no_limit_sheds_nothing() -> None:
    assert Caps(Buckets(0.0, 1.0), lambda topic: topic).shed(["a"] * 1000, 0.0) == (set(), [])


def test_what_is_shed_is_counted_not_stored_not_promised_and_recorded_once(desks: Desks) -> None:
    desk = desks(NOW, device_rate=10, device_burst=20)
    messages = [telemetry(NOW + n, n, temp=1.0) for n in range(50)]
    desk.send(*messages)
    desk.send(telemetry(NOW, 1, temp=1.0), device="d2")
    counts = desk.counters.as_dict()
    assert (counts["received"], counts["stored"], counts["shed"]) == (51, 21, 30)
    assert desk.link.acks() == [19]
    assert len(desk.link.acknowledged) == 51
    assert sum(bool(why) for _, why in desk.link.acknowledged) == 30
    desk.send(*messages[20:])
    [event] = desk.store.events(["d1", "d2"], NOW - HOUR, NOW + HOUR, "platform")
    assert (event.device, event.code) == ("d1", "rate.limit")
    desk.pass_time(60)
    assert desk.gaps.gaps() == []  # nothing came after them, so nobody knows yet
    desk.send(telemetry(NOW + 60, 60, temp=1.0))
    desk.pass_time(31)
    [gap] = desk.gaps.gaps()
    assert (gap.first, gap.last) == (20, 59)
    desk.send(*messages[20:40])
    desk.pass_time(5)
    desk.send(*messages[40:], *(telemetry(NOW + n, n, temp=1.0) for n in range(50, 60)))
    counts = desk.counters.as_dict()
    assert counts["received"] == sum(
        counts[n] for n in ("stored", "duplicates", "quarantined", "shed")
    )


def test_the_bucket_that_was_silent_longest_is_forgotten_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(caps, "DEVICES_REMEMBERED", 2)
    buckets = Buckets(1.0, 10.0)
    one = buckets.of("a", 0.0)
    buckets.of("b", 0.0)
    assert buckets.of("a", 1.0) is one
    buckets.of("c", 2.0)
    assert buckets.of("a", 3.0) is one
