"""The ingester against a real broker, a real store and a client nobody here wrote."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from ingest.counters import NAMES
from ingest.stores import open_store
from ingest.stores.memory import MemoryReadingStore
from purna.core.clock import DAY, HOUR, MINUTE, SECOND, ManualClock
from purna.core.errors import AskOperator, RetryLater
from purna.core.ports import RejectedFilter
from purna.core.readings import SeriesKey
from tests.ingest.conftest import RunningBroker
from tests.ingest.kit import Line, Machine, device, running, telemetry, wait_for

NOW = 1_780_000_000_000_000
TOPIC = "purna/v1/d1/telemetry"
TEMP = SeriesKey("d1", "temp")


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOW)


@pytest.fixture(params=["memory", "sqlite"])
def line(
    request: pytest.FixtureRequest, broker: RunningBroker, tmp_path: Path, clock: ManualClock
) -> Any:
    url = "memory://" if request.param == "memory" else f"sqlite:///{tmp_path}/readings.db"
    store = open_store(url)
    settings = broker.settings(
        ack_interval_ms=0, reject_interval_s=0, unknown_refresh_s=0.05, ack_start_s=0
    )
    with running(Line(tmp_path, store, settings, clock)) as opened:
        yield opened
    store.close()


def temps(line: Line, key: SeriesKey = TEMP) -> list[float]:
    return line.store.read([key], 0, 2**60)[key].value.tolist()


def test_readings_arrive_and_the_device_hears_what_is_stored(line: Line, machine: Machine) -> None:
    machine.listen("purna/v1/d1/ack")
    machine.send_all(TOPIC, [telemetry(NOW + n, n, temp=float(n)) for n in range(250)])
    counts = line.settled(250)
    assert (counts["stored"], counts["readings_stored"]) == (250, 250)
    assert temps(line) == [float(n) for n in range(250)]
    wait_for(lambda: machine.heard[-1:] == [("purna/v1/d1/ack", {"boot": "b1", "seq": 249})])


def test_a_gap_holds_the_acknowledgement_back_until_it_is_filled(
    line: Line, machine: Machine
) -> None:
    machine.listen("purna/v1/d1/ack")
    for seq in (1, 2, 4, 5):
        machine.send(TOPIC, telemetry(NOW + seq, seq, temp=1.0))
    line.settled(4)
    wait_for(lambda: machine.heard[-1:] == [("purna/v1/d1/ack", {"boot": "b1", "seq": 2})])
    machine.send(TOPIC, telemetry(NOW + 3, 3, temp=1.0))
    wait_for(lambda: machine.heard[-1:] == [("purna/v1/d1/ack", {"boot": "b1", "seq": 5})])


def test_sending_again_stores_nothing_new_and_is_acknowledged_again(
    line: Line, machine: Machine
) -> None:
    messages = [telemetry(NOW + n, n, temp=float(n), vib=1.0) for n in range(20)]
    machine.send_all(TOPIC, messages)
    line.settled(20)
    machine.listen("purna/v1/d1/ack")
    machine.send_all(TOPIC, messages)
    counts = line.settled(40)
    assert (counts["stored"], counts["duplicates"]) == (20, 20)
    assert (counts["readings_stored"], counts["readings_duplicate"]) == (40, 40)
    wait_for(lambda: machine.heard[-1:] == [("purna/v1/d1/ack", {"boot": "b1", "seq": 19})])


GARBAGE = [
    b"",
    b"\x00\xff\xfe",
    b"{" * 50_000,
    b'{"ts":1e999,"m":{"temp":1}}',
    b'{"ts":1780000000,"m":{"temp":1}}',
    b'{"ts":1780000000000,"m":{"temp":NaN}}',
    b'{"ts":1780000000000,"m":{"temp":1,"temp":2}}',
    b'{"ts":1780000000000,"m":{"\\ud800":2}}',
    b'{"ts":1780000000000,"m":{"nonsense":2}}',
    b'{"ts":1780000000000,"m":{"temp":"2"}}',
    b"x" * 200_000,
]


def test_garbage_is_set_aside_with_its_reason_and_the_line_goes_on(
    line: Line, machine: Machine
) -> None:
    machine.listen("purna/v1/d1/reject")
    for payload in GARBAGE:
        machine.send(TOPIC, payload)
    for topic in ("purna/v1/d1/telemetry/cbor9", "purna/v1/d!1/telemetry", "purna/v1/d1/event"):
        machine.send(topic, b'{"ts":1}')
    machine.send(TOPIC, telemetry(NOW, 1, temp=5.0))
    counts = line.settled(len(GARBAGE) + 4)
    assert (counts["quarantined"], counts["stored"]) == (len(GARBAGE) + 3, 1)
    assert counts["failures"] == 0
    assert temps(line) == [5.0]
    kept = line.quarantine.entries(limit=100)
    assert sorted(entry.payload for _, entry in kept) == sorted([*GARBAGE, *[b'{"ts":1}'] * 3])
    assert all(entry.code and entry.hint for _, entry in kept)
    wait_for(lambda: len(machine.heard) >= 12)
    assert {"ts.seconds", "value.not_finite", "quantity.unknown"} <= {
        message["code"] for _, message in machine.heard
    }


NOT_READABLE = {
    "NaN": (b'{"boot":"b1","seq":2,"ts":1780000000000,"m":{"temp":NaN}}', "value.not_finite"),
    "1e999": (b'{"boot":"b1","seq":2,"ts":1780000000000,"m":{"temp":1e999}}', "value.not_finite"),
    "key twice": (b'{"boot":"b1","seq":2,"m":{"temp":1,"temp":2},"ts":1}', "json.duplicate_key"),
    "mark": (b'\xef\xbb\xbf{"boot":"b1","seq":2,"ts":1,"m":{"temp":1}}', "json.syntax"),
    "digits": (b'{"ts":' + b"9" * 5000 + b',"boot":"b1","seq":2,"m":{"temp":1}}', "json.syntax"),
    "trailing": (b'{"boot":"b1","seq":2,"ts":1,"m":{"temp":1}}\x00', "json.syntax"),
    "not UTF-8": (b'{"boot":"b1","seq":2,"ts":1,"m":{"\xff":1}}', "json.encoding"),
    "oversize": (b'{"boot":"b1","seq":2,"r":"' + b"x" * 900_000 + b'"}', "size.limit"),
}


@pytest.mark.parametrize("name", NOT_READABLE)
def test_the_acknowledgement_goes_on_over_a_message_that_can_not_be_read(
    broker: RunningBroker, machine: Machine, tmp_path: Path, clock: ManualClock, name: str
) -> None:
    payload, code = NOT_READABLE[name]
    settings = broker.settings(ack_interval_ms=0, reject_interval_s=0)
    machine.listen("purna/v1/d1/reject", "purna/v1/d1/ack")
    with running(Line(tmp_path, MemoryReadingStore(), settings, clock)) as line:
        for message in (telemetry(NOW, 1, temp=1.0), payload, telemetry(NOW + 1, 3, temp=3.0)):
            machine.send(TOPIC, message)
        counts = line.settled(3)
        assert (counts["stored"], counts["quarantined"]) == (2, 1)
        wait_for(lambda: ("purna/v1/d1/ack", {"boot": "b1", "seq": 3}) in machine.heard)
        [reject] = [answer for topic, answer in machine.heard if topic.endswith("reject")]
        assert (reject["code"], reject["boot"], reject["seq"]) == (code, "b1", 2)
        [(_, kept)] = line.quarantine.entries()
        assert kept.payload == (payload if code != "size.limit" else payload[: 64 * 1024])
        assert code != "size.limit" or str(len(payload)) in kept.hint


def test_the_good_part_of_a_message_is_stored_and_the_rest_refused(
    line: Line, machine: Machine
) -> None:
    machine.listen("purna/v1/d1/reject", "purna/v1/d1/ack")
    payload = {
        "boot": "b1",
        "seq": 7,
        "r": [
            [NOW / 1000, {"temp": 20.0, "typo": 1.0}],
            [(NOW + HOUR) / 1000, {"temp": 21.0}],
            [(NOW - HOUR) / 1000, {"temp": 999.0}],
        ],
    }
    machine.send(TOPIC, json.dumps(payload).encode())
    counts = line.settled(1)
    assert (counts["stored"], counts["partial"], counts["quarantined"]) == (1, 1, 0)
    points = line.store.read([TEMP], 0, 2**60)[TEMP]
    assert points.value.tolist() == [999.0, 20.0]
    assert points.quality.tolist() == [1, 0]
    assert line.quarantine.counts() == {"quantity.unknown": 1, "ts.future": 1}
    wait_for(lambda: len(machine.heard) == 3)
    rejects = [message for topic, message in machine.heard if topic.endswith("reject")]
    assert {(r["code"], r["boot"], r["seq"]) for r in rejects} == {
        ("quantity.unknown", "b1", 7),
        ("ts.future", "b1", 7),
    }
    assert ("purna/v1/d1/ack", {"boot": "b1", "seq": 7}) in machine.heard


def test_units_are_converted(line: Line, machine: Machine) -> None:
    machine.send(
        TOPIC, json.dumps({"ts": NOW / 1000, "m": {"temp": 212}, "u": {"temp": "degF"}}).encode()
    )
    line.settled(1)
    assert temps(line) == [pytest.approx(100.0)]


def test_a_device_registered_while_running_is_taken_at_once(line: Line, machine: Machine) -> None:
    machine.send("purna/v1/new/telemetry", telemetry(NOW, temp=1.0))
    assert line.settled(1)["quarantined"] == 1
    assert line.quarantine.counts() == {"device.unknown": 1}
    line.registry.add([device("new")])

    def taken() -> bool:
        machine.send("purna/v1/new/telemetry", telemetry(NOW, temp=1.0))
        return bool(temps(line, SeriesKey("new", "temp")))

    wait_for(taken)


def test_what_was_set_aside_is_taken_in_after_a_fix_when_it_is_asked_for(
    line: Line, machine: Machine
) -> None:
    machine.send("purna/v1/new/status", b'{"online":true}')
    machine.send("purna/v1/new/telemetry", telemetry(NOW, 7, temp=1.5))
    machine.send("purna/v1/new/telemetry", telemetry(NOW, 8, temp=2.5, odd=1.0))
    machine.send("purna/v1/d1/telemetry", b"{")
    line.settled(4)
    assert line.quarantine.counts() == {"device.unknown": 3, "json.syntax": 1}
    line.registry.add([device("new")])
    assert line.quarantine.ask_again(RejectedFilter()) == 4
    wait_for(lambda: line.counters.as_dict()["replayed"] == 1)
    assert temps(line, SeriesKey("new", "temp")) == [2.5]  # the higher number wins, as ever
    wait_for(lambda: line.quarantine.counts() == {"quantity.unknown": 1, "json.syntax": 1})
    assert line.store.events(["new"], 0, 2**62, "status") == []  # it was said of another time
    assert line.settled(4)["quarantined"] == 4


def test_a_product_that_is_not_in_the_catalogue_is_named(line: Line, machine: Machine) -> None:
    line.registry.add([device("odd", "turbine")])
    machine.send("purna/v1/odd/telemetry", telemetry(NOW, temp=1.0))
    line.settled(1)
    assert line.quarantine.counts() == {"product.unknown": 1}


def test_events_are_stored_once(line: Line, machine: Machine) -> None:
    payload = json.dumps({"ts": NOW / 1000, "code": "E17", "text": "hot"}).encode()
    machine.send("purna/v1/d1/event", payload)
    machine.send("purna/v1/d1/event", payload)
    counts = line.settled(2)
    assert (counts["stored"], counts["duplicates"], counts["events_stored"]) == (1, 1, 1)
    [event] = line.store.events(["d1"], NOW, NOW + 1)
    assert (event.code, event.text) == ("E17", "hot")


def test_only_a_change_of_status_makes_an_event(
    line: Line, machine: Machine, clock: ManualClock
) -> None:
    topic = "purna/v1/d1/status"
    online = b'{"online":true,"boot":"b1","fw":"2.4.1","hw":"C"}'
    for payload in (
        online,
        online,
        b'{"online":false}',
        b'{"online":false}',
        online,
        b'{"online":true,"boot":"b2","fw":"2.4.1"}',
        b'{"online":true,"boot":"b2","fw":"2.5.0"}',
    ):
        clock.advance(SECOND)
        machine.send(topic, payload, retain=True)
        line.settled(clock.now() // SECOND - NOW // SECOND)
    found = line.store.events(["d1"], NOW, NOW + MINUTE, "status")
    assert [(event.code, event.text) for event in found] == [
        ("online", "2.4.1"),
        ("offline", ""),
        ("online", "2.4.1"),
        ("online", "2.4.1"),
        ("online", "2.5.0"),
    ]


def test_a_retained_status_is_no_news_to_the_next_ingester(
    broker: RunningBroker, machine: Machine, tmp_path: Path
) -> None:
    store = MemoryReadingStore()
    machine.send("purna/v1/d1/status", b'{"online":true,"boot":"b1","fw":"1"}', retain=True)
    for client in ("one", "two"):
        with running(Line(tmp_path, store, broker.settings(mqtt_client_id=client))) as line:
            line.settled(1)
    assert len(store.events(["d1"], 0, 2**62, "status")) == 1


def test_acknowledgement_state_survives_a_restart(
    broker: RunningBroker, machine: Machine, tmp_path: Path, clock: ManualClock
) -> None:
    machine.listen("purna/v1/d1/ack")
    for seqs, last in (((5, 6, 8), 6), ((7,), 8)):
        store = open_store(f"sqlite:///{tmp_path}/readings.db")
        with running(Line(tmp_path, store, broker.settings(ack_start_s=0), clock)) as line:
            for seq in seqs:
                machine.send(TOPIC, telemetry(NOW + seq, seq, temp=1.0))
            line.settled(len(seqs))
        store.close()
        wait_for(
            lambda last=last: (
                machine.heard[-1:] == [("purna/v1/d1/ack", {"boot": "b1", "seq": last})]
            )
        )


def test_readings_older_than_the_retention_are_refused(
    broker: RunningBroker, machine: Machine, tmp_path: Path, clock: ManualClock
) -> None:
    settings = broker.settings(retention_days=10)
    with running(Line(tmp_path, MemoryReadingStore(), settings, clock)) as line:
        machine.send(TOPIC, telemetry(NOW - 11 * DAY, temp=1.0))
        machine.send(TOPIC, telemetry(NOW - 9 * DAY, temp=2.0))
        line.settled(2)
        assert line.quarantine.counts() == {"ts.old": 1}
        assert temps(line) == [2.0]


class MoodyStore(MemoryReadingStore):
    """Fails for a while."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error: Exception | None = error
        self.tries = 0

    def commit(self, *args: Any) -> Any:
        self.tries += 1
        if self.error is not None:
            raise self.error
        return super().commit(*args)


def test_what_is_refused_is_set_aside_before_its_number_is_settled(
    broker: RunningBroker, machine: Machine, tmp_path: Path, clock: ManualClock
) -> None:
    store = MoodyStore(RetryLater("store.busy", "not now"))
    with running(Line(tmp_path, store, broker.settings(retry_max_s=0.1), clock)) as line:
        machine.send(TOPIC, telemetry(NOW, 1, no_such_thing=1.0))
        wait_for(lambda: store.tries >= 1)
        assert line.quarantine.counts() == {"quantity.unknown": 1}
        assert store.progress() == []
        store.error = None
        line.settled(1)


def test_while_the_store_fails_nothing_is_acknowledged_and_nothing_lost(
    broker: RunningBroker, machine: Machine, tmp_path: Path, clock: ManualClock
) -> None:
    store = MoodyStore(RetryLater("store.busy", "not now"))
    settings = broker.settings(retry_max_s=0.1, ack_interval_ms=0)
    machine.listen("purna/v1/d1/ack")
    with running(Line(tmp_path, store, settings, clock)) as line:
        machine.send_all(TOPIC, [telemetry(NOW + n, n, temp=float(n)) for n in range(300)])
        wait_for(lambda: store.tries >= 3)
        steps = line.steps
        wait_for(lambda: line.steps > steps)
        assert line.counters.as_dict()["received"] == 0
        assert machine.heard == []
        store.error = None
        counts = line.settled(300)
        assert counts["stored"] == 300
        assert counts["retries"] >= 2
        assert temps(line) == [float(n) for n in range(300)]


@pytest.mark.parametrize("error", [AskOperator("store.full", "disk full"), OSError("EIO")])
def test_an_error_that_will_not_pass_ends_the_ingester_unacknowledged(
    broker: RunningBroker,
    machine: Machine,
    tmp_path: Path,
    clock: ManualClock,
    error: Exception,
) -> None:
    with running(Line(tmp_path, MoodyStore(error), broker.settings(), clock)) as line:
        machine.send(TOPIC, telemetry(NOW, 1, temp=1.0))
        assert wait_for(lambda: line.failure) is error
    good = MemoryReadingStore()
    with running(Line(tmp_path, good, broker.settings(), clock)) as line:
        line.settled(1)
        assert temps(line) == [1.0]


def test_a_failure_of_the_upkeep_ends_the_ingester(
    broker: RunningBroker, tmp_path: Path, clock: ManualClock
) -> None:
    class Broken(MemoryReadingStore):
        def seal(self, min_rows: int = 1) -> int:
            raise OSError("EIO")

    with running(Line(tmp_path, Broken(), broker.settings(), clock)) as line:
        assert isinstance(wait_for(lambda: line.failure), OSError)


def test_a_fault_of_our_own_does_not_stop_the_line(
    line: Line, machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_device: str, _payload: bytes) -> None:
        raise KeyError("bug")

    monkeypatch.setitem(__import__("ingest.payloads").payloads.JSON, "event", broken)
    machine.send("purna/v1/d1/event", b"{}")
    machine.send(TOPIC, telemetry(NOW, 1, temp=1.0))
    counts = line.settled(2)
    assert (counts["failures"], counts["stored"]) == (1, 1)
    assert line.quarantine.counts() == {"internal.error": 1}


def test_rejects_to_one_device_are_limited(
    broker: RunningBroker, machine: Machine, tmp_path: Path, clock: ManualClock
) -> None:
    settings = broker.settings(reject_interval_s=60)
    machine.listen("purna/v1/+/reject")
    with running(Line(tmp_path, MemoryReadingStore(), settings, clock)) as line:
        for _ in range(10):
            machine.send(TOPIC, b"nonsense")
        machine.send("purna/v1/d2/telemetry", b"nonsense")
        machine.send("purna/v1/stranger/telemetry", b"nonsense")
        counts = line.settled(12)
        assert counts["quarantined"] == 12
        wait_for(lambda: len(machine.heard) == 2)
        assert line.counters.as_dict()["rejects_muted"] == 9


def test_counters_can_be_scraped(line: Line, machine: Machine) -> None:
    machine.send(TOPIC, telemetry(NOW, 1, temp=1.0))
    line.settled(1)
    scraper = CollectorRegistry()
    scraper.register(line.counters)
    text = generate_latest(scraper).decode()
    assert "purna_ingest_received_total 1.0" in text
    for name in NAMES:
        assert f"purna_ingest_{name}_total" in text
