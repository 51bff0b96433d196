"""Foreign formats on their way through sorting: who is meant, what is kept, who is asked."""

from __future__ import annotations

from pathlib import Path

import pytest

from ingest.directory import Directory
from ingest.links.base import Received
from ingest.payloads import Decoders
from ingest.payloads.mapping_file import parse_mapping
from ingest.payloads.status import Status
from ingest.quality import TimeWindow
from ingest.sorting import Group, Sorter
from purna.core.clock import from_iso
from purna.core.devices import Device
from tests.ingest.kit import CATALOGUE, device, make_registry
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
