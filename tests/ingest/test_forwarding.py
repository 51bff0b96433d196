"""What is stored here goes on to another store, whatever that one does."""

from __future__ import annotations

import contextlib
import re
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.forwarding import CursorFile, Forwarder
from ingest.stores import open_store
from ingest.stores.memory import MemoryReadingStore
from ingest.stores.spool import Cursor, Spool
from ingest.stores.sqlite import SqliteReadingStore
from purna.core.clock import DAY, HOUR
from purna.core.errors import AskOperator, RetryLater
from purna.core.ports import ReadingStore
from purna.core.readings import DeviceEvent, ReadingBatch, SeriesKey, Telemetry
from tests.ingest.stores import influx_server
from tests.ingest.stores.influx_server import InfluxServer

T0 = 1_700_000_000_000_000
ALL_TIME = (0, 2**60)


def batch(*points: tuple[int, float], device: str = "p1", boot: str = "b1") -> ReadingBatch:
    return ReadingBatch.of(
        Telemetry(device, [(T0 + ts, {"temp": value})], boot, seq)
        for seq, (ts, value) in enumerate(points)
    )


@dataclass
class Site:
    """A local store with its forwarder, and the store that it forwards to."""

    folder: Path
    target: ReadingStore

    def __post_init__(self) -> None:
        self.cursor = CursorFile(self.folder / "forwarded.json")
        self.store = SqliteReadingStore(
            self.folder / "readings.db", forwarded=lambda: self.cursor.read().entry
        )
        self.restart()

    def restart(self) -> None:
        """A new forwarder, which knows what the last one has written down."""
        self.spool = Spool(self.folder / "readings.db")
        self.forwarder = Forwarder(self.spool, self.target, self.cursor)

    def catch_up(self) -> None:
        while self.forwarder.step():
            pass

    def check(self) -> None:
        """Both stores say the same, and nothing waits."""
        assert self.forwarder.waiting() == 0
        assert self.target.series() == self.store.series()
        for key in self.store.series():
            here, there = (one.read([key], *ALL_TIME)[key] for one in (self.store, self.target))
            assert np.array_equal(here.ts, there.ts)
            assert np.array_equal(here.value, there.value)
            assert np.array_equal(here.quality, there.quality)
        devices = sorted({key.device for key in self.store.series()})
        assert self.target.events(devices, *ALL_TIME) == self.store.events(devices, *ALL_TIME)

    def close(self) -> None:
        self.spool.close()
        self.store.close()
        self.target.close()


@pytest.fixture
def wire() -> Iterator[tuple[InfluxServer, str]]:
    with influx_server.running() as (server, url):
        yield server, url


@pytest.fixture
def site(tmp_path: Path, wire: tuple[InfluxServer, str]) -> Iterator[Site]:
    opened = Site(tmp_path, open_store(wire[1]))
    yield opened
    opened.close()


def test_readings_and_events_arrive_and_are_not_sent_twice(
    site: Site, wire: tuple[InfluxServer, str]
) -> None:
    server, _ = wire
    site.store.append(batch((1, 1.0), (2, 2.0)), [DeviceEvent("p1", T0, "event", "E1", "hot")])
    site.store.append(batch((3, 3.0)))
    assert site.forwarder.waiting() == 3
    site.catch_up()
    site.check()
    writes = sum(path == "/api/v2/write" for path, _ in server.requests)
    site.restart()
    assert not site.forwarder.step()
    assert sum(path == "/api/v2/write" for path, _ in server.requests) == writes


def test_what_is_sealed_meanwhile_waits_in_the_spool_and_leaves_it_when_it_was_taken(
    site: Site,
) -> None:
    site.store.append(batch(*((n, float(n)) for n in range(100))))
    site.store.seal()
    site.store.append(batch((200, 200.0)))
    assert site.forwarder.waiting() == 101
    site.catch_up()
    site.check()
    site.store.append(batch((300, 300.0)))
    site.catch_up()
    site.store.seal()  # nothing of it has to wait any more
    assert site.spool.after(Cursor()) is None
    site.check()


def test_a_changed_event_and_a_late_winner_arrive_too(site: Site) -> None:
    site.store.append(batch((1, 1.0)), [DeviceEvent("p1", T0, "event", "E1", "a")])
    site.catch_up()
    site.store.append(batch((1, 5.0), boot="b2"), [DeviceEvent("p1", T0, "event", "E1", "b")])
    site.store.append(batch((1, 3.0), boot="b0"), [DeviceEvent("p1", T0, "event", "E1", "")])
    site.catch_up()
    site.check()
    assert site.target.events(["p1"], *ALL_TIME)[0].text == "b"


def test_rows_that_lie_far_apart_are_looked_for_where_they_are(
    site: Site, wire: tuple[InfluxServer, str]
) -> None:
    server, _ = wire
    site.store.append(batch((0, 1.0), (400 * DAY, 2.0), (400 * DAY + HOUR, 3.0)))
    site.catch_up()
    site.check()
    asked = [
        [int(at) for at in re.findall(r"time\(v: (-?\d+)\)", body)]
        for path, body in server.requests
        if path == "/api/v2/query"
    ]
    spans = [end - start for start, end in asked if start > 0]
    assert spans
    assert max(spans) < 2 * HOUR * 1000  # not all of the 400 days between them


@pytest.mark.parametrize("status", [429, 500, 503])
def test_an_overloaded_store_is_asked_again(
    site: Site, wire: tuple[InfluxServer, str], status: int
) -> None:
    server, _ = wire
    site.store.append(batch((1, 1.0)))
    server.fail_with = [status] * 3
    for _ in range(3):
        with pytest.raises(RetryLater):
            site.forwarder.step()
    assert site.cursor.read() == Cursor()
    site.catch_up()
    site.check()


def test_a_store_that_keeps_half_of_what_it_took_is_found_out(
    site: Site, wire: tuple[InfluxServer, str]
) -> None:
    server, _ = wire
    site.store.append(batch(*((n, float(n)) for n in range(10))))
    server.keep_half = 1
    with pytest.raises(RetryLater, match="lacks"):
        site.forwarder.step()
    assert site.forwarder.waiting() == 10
    site.catch_up()
    site.check()


def test_a_row_that_is_never_taken_does_not_hold_up_the_others(
    site: Site, wire: tuple[InfluxServer, str]
) -> None:
    server, _ = wire
    server.abhors = "device=old"
    for n in range(3):
        site.store.append(batch((n, 1.0)), [DeviceEvent("p1", T0 + n, "event", "E1")])
    site.store.append(batch((1, 1.0), device="old"))
    site.store.append(batch((4, 1.0)), [DeviceEvent("old", T0, "event", "E1")])
    site.catch_up()
    assert site.forwarder.refused == 2
    assert site.forwarder.waiting() == 0
    assert site.target.series() == [SeriesKey("p1", "temp")]
    assert len(site.target.read([SeriesKey("p1", "temp")], *ALL_TIME)[SeriesKey("p1", "temp")]) == 4
    assert len(site.target.events(["p1"], *ALL_TIME)) == 3


def test_a_store_that_hangs_holds_nobody_up(tmp_path: Path, wire: tuple[InfluxServer, str]) -> None:
    server, url = wire
    site = Site(tmp_path, open_store(f"{url}?timeout_ms=300"))
    server.hangs.set()
    failures: list[RetryLater] = []

    def forward() -> None:
        try:
            site.forwarder.step()
        except RetryLater as error:
            failures.append(error)

    site.store.append(batch((0, 0.0)))
    thread = threading.Thread(target=forward)
    thread.start()
    began = time.monotonic()
    for n in range(1, 50):
        site.store.append(batch((n, float(n))))
    assert time.monotonic() - began < 5
    thread.join(10)
    assert failures
    server.hangs.clear()
    site.target.close()
    site.target = open_store(url)
    site.restart()
    site.catch_up()
    site.check()
    site.close()


def test_a_wrong_token_asks_the_operator_and_loses_nothing(
    tmp_path: Path, wire: tuple[InfluxServer, str]
) -> None:
    wrong = Site(tmp_path, open_store(wire[1].replace("t0ken", "wrong")))
    wrong.store.append(batch((1, 1.0)))
    with pytest.raises(AskOperator):
        wrong.forwarder.step()
    wrong.target.close()
    wrong.target = open_store(wire[1])
    wrong.restart()
    wrong.catch_up()
    wrong.check()
    wrong.close()


def test_a_long_spool_is_sent_in_parcels_of_bounded_size(tmp_path: Path) -> None:
    site = Site(tmp_path, MemoryReadingStore())
    for n in range(50):
        site.store.append(batch(*((n * 1000 + i, 1.0) for i in range(1000))))
    site.store.seal()
    sizes = []
    cursor = Cursor()
    while parcel := site.spool.after(cursor, rows=5000):
        sizes.append(len(parcel.batch))
        cursor = parcel.cursor
    assert sizes == [5000] * 10
    site.close()


STEPS = st.lists(
    st.one_of(
        st.tuples(
            st.just("store"),
            st.integers(0, 5),
            st.sampled_from(["b1", "b2"]),
            st.floats(-5, 5, allow_nan=False),
        ),
        st.tuples(st.sampled_from(["seal", "forward", "fail", "half", "restart"])),
    ),
    max_size=25,
)


@given(STEPS)
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_whatever_happens_in_which_order_both_stores_agree_in_the_end(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[object, ...]]
) -> None:
    with influx_server.running() as (server, url):
        site = Site(tmp_path_factory.mktemp("site"), open_store(url))
        for kind, *what in steps:
            if kind == "store":
                ts, boot, value = what
                site.store.append(batch((ts, value), boot=boot))  # type: ignore[arg-type]
            elif kind == "seal":
                site.store.seal()
            elif kind == "fail":
                server.fail_with.append(503)
            elif kind == "half":
                server.keep_half = 1
            elif kind == "restart":
                site.restart()
            else:
                with contextlib.suppress(RetryLater):
                    site.forwarder.step()
        server.fail_with, server.keep_half = [], 0
        site.catch_up()
        site.check()
        site.close()
