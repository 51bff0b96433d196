"""Foreign formats on their way through sorting: who is meant, what is kept, who is asked."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from ingest.counters import Counters
from ingest.directory import Directory
from ingest.links.base import Received
from ingest.links.endpoint.access import Access
from ingest.links.endpoint.link import EndpointLink
from ingest.links.endpoint.settings import EndpointSettings
from ingest.payloads import Decoders
from ingest.payloads.mapping_file import parse_mapping
from ingest.payloads.status import Status
from ingest.quality import TimeWindow
from ingest.quarantine import SqliteQuarantine
from ingest.service import Ingester
from ingest.settings import IngestSettings
from ingest.sorting import Group, Sorter
from ingest.stores.memory import MemoryReadingStore
from purna.core.clock import ManualClock, from_iso
from purna.core.devices import Device
from purna.core.readings import SeriesKey
from tests.ingest.kit import CATALOGUE, Machine, device, make_registry, wait_for
from tests.ingest.links.endpoint.kit import Register
from tests.ingest.payloads.kit import bdseq, double, metric, payload

NOW = from_iso("2024-11-21T18:05:45.678Z")
TS = NOW // 1000
TIMES = TimeWindow.around(NOW, 300 * 10**6, 0)


@pytest.fixture
def sorter(tmp_path: Path) -> Sorter:
    _, registry = make_registry(tmp_path, "edge-1", "plug-7")
    behind = device("d1")
    registry.add([Device(behind.id, behind.product, behind.site, attributes={"gateway": "edge-1"})])
    directory = Directory(registry, CATALOGUE, lambda: 0.0, 60.0, 2.0)
    mapping = parse_mapping(
        {
            "id": "plant",
            "topic": "plant/{device}",
            "value": [{"path": name, "quantity": name} for name in ("temp", "humidity")],
            "status": {"topic": "plant/{device}/is", "online": "here", "offline": "gone"},
        }
    )
    decoders = Decoders(directory.find, [mapping], sparkplug=True)
    return Sorter(decoders, directory, lambda _: None, lambda _: False, waveforms=False)


def sort(sorter: Sorter, *messages: Received) -> Group:
    group = sorter.sort(messages, (), TIMES, 0.0)
    assert group.failures == 0
    return group


def spb(kind: str, *metrics: bytes, seq: int, device: str = "") -> Received:
    topic = f"spBv1.0/plant/{kind}/edge-1" + (f"/{device}" if device else "")
    return Received(topic, payload(*metrics, ts=TS, seq=seq))


def test_sparkplug_devices_behind_their_gateway_come_online_with_their_readings(
    sorter: Sorter,
) -> None:
    group = sort(
        sorter,
        spb("NBIRTH", bdseq(1), seq=0),
        spb("DBIRTH", metric("temp", 1, TS, 10, double(20.5)), seq=1, device="d1"),
        spb("DDATA", metric(alias=1, ts=TS + 1, value=double(21.5)), seq=2, device="d1"),
    )
    assert {event.device for event in group.events} == {"edge-1", "d1"}
    assert group.batch.value.tolist() == [20.5, 21.5]
    assert [series.device for series in group.batch.series] == ["d1"]
    assert not group.downlinks
    assert not group.rejected


def test_after_a_restart_a_node_is_asked_and_its_unreadable_data_is_set_aside(
    sorter: Sorter,
) -> None:
    group = sort(sorter, spb("NDATA", metric(alias=1, ts=TS, value=double(1.0)), seq=9))
    assert [one.topic for one in group.downlinks] == ["spBv1.0/plant/NCMD/edge-1"]
    [rejected] = group.rejected
    assert (rejected.code, rejected.device) == ("sparkplug.alias", "edge-1")


def test_old_messages_taken_in_again_keep_their_time_and_leave_the_present_alone(
    sorter: Sorter,
) -> None:
    sort(sorter, spb("NBIRTH", bdseq(1), metric("temp", 1, TS, 10, double(1.0)), seq=0))
    before = NOW - 3600 * 10**6
    old = [
        Received("plant/plug-7", b'{"temp":22}', first_seen=before),
        Received("plant/plug-7/is", b"gone", first_seen=before),
        spb("NDATA", metric(alias=1, ts=TS, value=double(3.0)), seq=77)._replace(first_seen=before),
        spb("NDEATH", bdseq(1), seq=0)._replace(first_seen=before),
    ]
    group = sort(sorter, *old)
    assert (group.batch.ts.tolist(), group.batch.value.tolist()) == ([before], [22.0])
    assert [event.kind for event in group.events] == ["quality"]
    assert [one.code for one in group.rejected] == ["sparkplug.alias"]
    assert not group.downlinks
    now = sort(sorter, spb("NDATA", metric(alias=1, ts=TS, value=double(2.0)), seq=1))
    assert now.batch.value.tolist() == [2.0]


def test_a_mapped_device_is_heard_and_its_retained_past_is_not(sorter: Sorter) -> None:
    group = sort(
        sorter,
        Received("plant/plug-7", b'{"temp":21}', retained=True),
        Received("plant/plug-7", b'{"temp":22,"humidity":9}'),
        Received("plant/plug-7/is", b"here"),
    )
    assert not group.rejected
    assert group.batch.value.tolist() == [22.0]
    assert [(event.kind, event.code) for event in group.events] == [
        ("quality", "time.arrival"),
        ("status", "online"),
    ]
    assert group.status == {"plug-7": Status("plug-7", True)}


def test_an_edge_node_at_the_endpoint_is_asked_introduces_itself_and_is_stored(
    tmp_path: Path,
) -> None:
    database, registry = make_registry(tmp_path, "edge-1")
    decoders = Decoders(sparkplug=True)
    register = Register()
    register.passwords["edge-1"] = "secret"
    access = Access(register, register.behind, {}, b"key", decoders.device_of)
    given = EndpointSettings.model_validate({"port": 0, "tls_port": 0})
    link = EndpointLink(given, access, tmp_path / "sessions.sqlite", lambda: NOW, "purna")
    quarantine, store, counters = (
        SqliteQuarantine(tmp_path / "quarantine.db"),
        MemoryReadingStore(),
        Counters(),
    )
    ingester = Ingester(
        link,
        store,
        quarantine,
        registry,
        CATALOGUE,
        ManualClock(NOW),
        IngestSettings(reject_interval_s=0),
        counters,
        decoders=partial(Decoders, sparkplug=True),
    )
    ingester.start()
    edge = Machine(link.ports[0], "edge-1", "secret")

    def until(condition: Callable[[], object]) -> None:
        wait_for(lambda: ingester.step(0.05) == -1 or condition())

    edge.listen("spBv1.0/STATE/purna")
    until(lambda: edge.heard)
    assert edge.heard == [("spBv1.0/STATE/purna", {"online": True, "timestamp": NOW // 1000})]
    edge.keep_raw("spBv1.0/plant/NCMD/edge-1")
    sent = threading.Thread(
        target=lambda: [
            edge.send("spBv1.0/plant/NDATA/edge-1", spb("NDATA", metric(alias=1), seq=7).payload),
        ]
    )
    sent.start()
    until(lambda: edge.raw)
    sent.join()
    assert b"Node Control/Rebirth" in edge.raw[0]
    birth = spb("NBIRTH", bdseq(1), metric("temp", 1, TS, 10, double(20.5)), seq=0)
    data = spb("NDATA", metric(alias=1, ts=TS + 1, value=double(21.5)), seq=1)
    sent = threading.Thread(
        target=lambda: [edge.send(one.topic, one.payload) for one in (birth, data)]
    )
    sent.start()
    until(lambda: counters.as_dict()["readings_stored"] == 2)
    sent.join()
    assert store.latest(["edge-1"])[SeriesKey("edge-1", "temp")].value == 21.5
    edge.close()
    link.stop()
    quarantine.close()
    database.close()
