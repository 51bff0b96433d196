"""What goes over the wire to InfluxDB, and what its answers mean."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ingest.acks import Progress
from ingest.stores import open_store
from ingest.stores.base import IngestStore
from purna.core.errors import AskOperator, GiveUp, RetryLater
from purna.core.readings import DeviceEvent, ReadingBatch, SeriesKey, Telemetry
from tests.ingest.kit import free_port
from tests.ingest.stores.influx_server import InfluxServer, running

T0 = 1_700_000_000_000_000
KEY = SeriesKey("p1", "temp")


@pytest.fixture
def wire() -> Iterator[tuple[InfluxServer, IngestStore]]:
    with running() as (server, url):
        store = open_store(url)
        yield server, store
        store.close()


def batch(*rows: tuple[int, float], boot: str = "b1") -> ReadingBatch:
    return ReadingBatch.of(
        Telemetry("p1", [(T0 + at, {"temp": value})], boot, at) for at, value in rows
    )


def paths(server: InfluxServer) -> list[str]:
    return [path.removeprefix("/api/v2/") for path, _ in server.requests]


def test_readings_go_out_as_line_protocol(wire: tuple[InfluxServer, IngestStore]) -> None:
    server, store = wire
    store.append(batch((1, 2.5), (2, -1e-7)))
    assert server.requests[-1] == (
        "/api/v2/write",
        f'reading,device=p1,quantity=temp value=2.5,quality=0i,boot="b1",seq=1i {T0 + 1}\n'
        f'reading,device=p1,quantity=temp value=-1e-07,quality=0i,boot="b1",seq=2i {T0 + 2}',
    )


def test_no_name_or_text_can_break_a_line_or_a_query(
    wire: tuple[InfluxServer, IngestStore],
) -> None:
    _, store = wire
    odd = 'a,b=c d\n"\\ü${x}'
    message = Telemetry(odd, [(T0, {odd: 1.0})], odd, 1)
    event = DeviceEvent(odd, T0, "event", odd, odd)
    store.commit(ReadingBatch.of([message]), [event], [Progress(odd, odd, 1, 1)])
    assert store.series() == [SeriesKey(odd, odd)]
    assert store.read([SeriesKey(odd, odd)], 0, 2**60)[SeriesKey(odd, odd)].value.tolist() == [1.0]
    assert store.events([odd], 0, 2**60) == [event]
    assert store.progress() == [Progress(odd, odd, 1, 1)]


def test_rows_in_time_order_are_written_without_looking(
    wire: tuple[InfluxServer, IngestStore],
) -> None:
    server, store = wire
    store.append(batch((1, 1.0)))
    server.requests.clear()
    store.append(batch((2, 1.0), (3, 1.0)))
    assert paths(server) == ["write"]
    store.append(batch((2, 9.0)))
    assert paths(server) == ["write", "query", "write"]


def test_a_late_row_that_loses_is_not_written(wire: tuple[InfluxServer, IngestStore]) -> None:
    server, store = wire
    store.append(batch((1, 1.0), boot="b2"))
    server.requests.clear()
    assert store.append(batch((1, 9.0), boot="b1")) == (0, 1)
    assert paths(server) == ["query"]


def test_a_new_process_looks_before_it_writes() -> None:
    with running() as (_, url):
        first, second = open_store(url), open_store(url)
        first.append(batch((5, 1.0), boot="b2"))
        assert second.append(batch((5, 9.0), boot="b1")) == (0, 1)
        assert second.read([KEY], 0, 2**60)[KEY].value.tolist() == [1.0]
        first.close()
        second.close()


@pytest.mark.parametrize("status", [429, 500, 503])
def test_an_overloaded_server_means_try_later_and_nothing_stored(
    wire: tuple[InfluxServer, IngestStore], status: int
) -> None:
    server, store = wire
    store.append(batch((1, 1.0)))
    server.fail_with = [status]
    with pytest.raises(RetryLater, match=str(status)):
        store.append(batch((2, 1.0)))
    assert store.read([KEY], 0, 2**60)[KEY].value.tolist() == [1.0]
    assert store.append(batch((2, 1.0))) == (1, 0)


@pytest.mark.parametrize("status", [400, 413, 422])
def test_what_will_never_be_taken_is_given_up(
    wire: tuple[InfluxServer, IngestStore], status: int
) -> None:
    server, store = wire
    server.fail_with = [status]
    with pytest.raises(GiveUp, match=str(status)):
        store.append(batch((1, 1.0)))


@pytest.mark.parametrize("status", [401, 403, 404])
def test_a_refusal_asks_the_operator(wire: tuple[InfluxServer, IngestStore], status: int) -> None:
    server, store = wire
    server.fail_with = [status] * 2
    with pytest.raises(AskOperator, match=str(status)):
        store.append(batch((1, 1.0)))
    with pytest.raises(AskOperator, match=str(status)):
        store.span()


def test_a_server_that_is_not_there_means_try_later() -> None:
    store = open_store(f"influx://t@127.0.0.1:{free_port()}/org/bucket")
    with pytest.raises(RetryLater, match="can't be reached"):
        store.append(batch((1, 1.0)))
    store.close()


def test_a_wrong_token_asks_the_operator() -> None:
    with running() as (_, url):
        store = open_store(url.replace("t0ken", "wrong"))
        with pytest.raises(AskOperator, match="401"):
            store.series()
        store.close()


@pytest.mark.parametrize("url", ["influx://host/org/bucket", "influx://t@host/org", "influx://"])
def test_an_incomplete_url_asks_the_operator(url: str) -> None:
    with pytest.raises(AskOperator, match="must read"):
        open_store(url)
