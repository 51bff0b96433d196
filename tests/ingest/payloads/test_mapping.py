"""Foreign messages by mapping: what the folder cases can't show, and how a mapping is written."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.payloads import Decoders
from ingest.payloads.mapping_file import parse_mapping
from purna.core.errors import BadInput, BadPayload
from purna.core.readings import DeviceEvent, Telemetry
from tests.ingest.payloads.kit import Registered, plain, shipped_mappings
from tests.ingest.payloads.test_properties import json_values

NOW = 1732212345678000
ZIGBEE = "zigbee2mqtt/plug-7"


def mapped(**changes: Any) -> dict[str, Any]:
    return {
        "id": "m",
        "topic": "plant/{device}/data",
        "value": [{"path": "a.b", "quantity": "q"}],
    } | changes


def test_what_the_product_does_not_measure_is_left_out() -> None:
    decoders = Decoders(lambda device: Registered("", {"power"}), shipped_mappings())
    [telemetry, _] = decoders.decode(ZIGBEE, b'{"power":1,"voltage":"?"}', now=NOW)
    assert telemetry == Telemetry("plug-7", [(NOW, {"power": 1.0})], units={"power": "W"})


def test_a_device_that_is_not_registered_is_refused() -> None:
    decoders = Decoders(lambda device: None, shipped_mappings())
    with pytest.raises(BadPayload, match="No device plug-7"):
        decoders.decode(ZIGBEE, b'{"power":1}', now=NOW)


def test_that_times_are_those_of_arrival_is_said_once_for_a_device() -> None:
    decoders = Decoders(mappings=shipped_mappings())
    said = [decoders.decode(ZIGBEE, b'{"power":1}', now=NOW + n) for n in range(3)]
    assert [len(parts) for parts in said] == [2, 1, 1]
    assert said[0][1] == DeviceEvent("plug-7", NOW, "quality", "time.arrival", "zigbee2mqtt")


def test_a_retained_message_without_a_time_says_nothing() -> None:
    decoders = Decoders(mappings=shipped_mappings())
    assert decoders.decode(ZIGBEE, b'{"power":1}', now=NOW, retained=True) == []
    timed = b'{"power":1,"last_seen":"2021-02-01T08:33:12Z"}'
    assert len(decoders.decode(ZIGBEE, timed, now=NOW, retained=True)) == 1


def test_a_foreign_name_stands_for_a_device() -> None:
    mapping = parse_mapping(mapped(devices={"Pump No 3": "pump-3"}))
    decoders = Decoders(mappings=[mapping])
    assert decoders.device_of("plant/Pump No 3/data") == "pump-3"
    assert decoders.device_of("plant/Pump No 4/data") is None
    assert decoders.subscriptions("g")[-1] == "$share/g/plant/+/data"
    [telemetry, _] = decoders.decode("plant/Pump No 3/data", b'{"a":{"b":4}}', now=NOW)
    assert telemetry == Telemetry("pump-3", [(NOW, {"q": 4.0})])


@pytest.mark.parametrize(
    ("path", "data", "value"),
    [
        ("a.1.b", b'{"a":[0,{"b":5}]}', 5.0),
        (["a.1", "b"], b'{"a.1":{"b":5}}', 5.0),
        ("a.7.b", b'{"a":[]}', None),
        ("a.b", b'{"a":5}', None),
        ("a", b'{"a":null}', None),
        ("a", b'{"a":" 5e0 "}', 5.0),
        ("a", b'{"a":true}', 1.0),
    ],
)
def test_paths_lead_through_objects_and_arrays(path: Any, data: bytes, value: float | None) -> None:
    mapping = parse_mapping(mapped(value=[{"path": path, "quantity": "q"}]))
    parts = Decoders(mappings=[mapping]).decode("plant/d/data", data, now=NOW)
    expected = [Telemetry("d", [(NOW, {"q": value})])] if value is not None else []
    assert [part for part in parts if isinstance(part, Telemetry)] == expected


@pytest.mark.parametrize("form", ["s", "ms"])
def test_times_in_seconds_and_milliseconds(form: str) -> None:
    mapping = parse_mapping(mapped(time={"path": "t", "format": form}))
    said = "1732212345.678" if form == "s" else "1732212345678"
    body = f'{{"t":{said},"a":{{"b":1}}}}'.encode()
    assert Decoders(mappings=[mapping]).decode("plant/d/data", body) == [
        Telemetry("d", [(NOW, {"q": 1.0})])
    ]


def test_a_time_without_offset_is_in_the_zone_of_the_mapping() -> None:
    mapping = parse_mapping(mapped(time={"path": "t", "format": "iso8601", "zone": "Asia/Jakarta"}))
    body = b'{"t":"2024-11-22T01:05:45.678","a":{"b":1}}'
    [telemetry] = Decoders(mappings=[mapping]).decode("plant/d/data", body)
    assert isinstance(telemetry, Telemetry)
    assert telemetry.rows[0][0] == NOW


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"topic": "plant/data"}, "m.topic"),
        ({"topic": "plant/{device}/{device}"}, "m.topic"),
        ({"topic": "plant/x{device}"}, "m.topic"),
        ({"topic": "plant/{device}/+"}, "m.topic"),
        ({"topic": "{device}//x"}, "m.topic"),
        ({"topic": "purna/v1/{device}"}, "m.topic"),
        ({"topic": "spBv1.0/{device}"}, "m.topic"),
        ({"topic": "$SYS/{device}"}, "m.topic"),
        ({"topic": "plant/{device}/{quantity}"}, "m.topic"),
        ({"topic": "plant/{device}/#"}, "m.topic"),
        ({"topic": "plant/#/{device}", "payload": "number"}, "m.topic"),
        ({"topic": "plant/{device}", "payload": "number"}, "m.topic"),
        ({"payload": "xml"}, "m.payload"),
        ({"payload": "sparkplug"}, "m"),
        ({"value": []}, "m.value"),
        ({"value": [{"path": "a"}]}, "m.value[0]"),
        ({"value": [{"path": "a", "quantity": "q", "unit": "zorkmid"}]}, "m.value[0].unit"),
        ({"value": [{"path": "a", "quantity": "q", "scale": "2"}]}, "m.value[0].scale"),
        ({"value": [{"path": "a", "quantity": "q", "units": {"F": "?"}}]}, "m.value[0].units.F"),
        ({"time": {"path": "t", "format": "epoch"}}, "m.time.format"),
        ({"time": {"path": "t", "format": "s", "zone": "Mars/Base"}}, "m.time.zone"),
        ({"time": {"path": "t", "format": "s", "zone": "../etc/passwd"}}, "m.time.zone"),
        ({"devices": {"x": "no id"}}, "m.devices[...]"),
        ({"status": {"topic": "x/{quantity}", "online": "1", "offline": "0"}}, "m.status.topic"),
        ({"typo": 1}, "m"),
    ],
)
def test_what_is_wrong_in_a_mapping_is_named(changes: dict[str, Any], where: str) -> None:
    with pytest.raises(BadInput) as caught:
        parse_mapping(mapped(**changes), "m")
    assert caught.value.field == where


def test_every_shipped_mapping_takes_no_topic_of_another() -> None:
    subscribed = [topic for one in shipped_mappings() for topic in one.subscriptions()]
    assert len(subscribed) == len(set(subscribed)) == 2 * len(shipped_mappings())
    assert {one.id for one in shipped_mappings()} == {
        *("esphome", "shelly-gen1", "shelly-gen2", "tasmota", "zigbee2mqtt")
    }


@given(
    st.sampled_from(
        [
            ZIGBEE,
            f"{ZIGBEE}/availability",
            "tele/d/SENSOR",
            "tele/d/LWT",
            "d/events/rpc",
            "shellies/d/temperature",
            "d/sensor/q/state",
        ]
    ),
    st.binary(max_size=80)
    | json_values.map(lambda value: json.dumps(value).encode())
    | st.fixed_dictionaries(
        {},
        optional={
            "Time": json_values | st.datetimes().map(str),
            "last_seen": json_values | st.datetimes().map(lambda at: at.isoformat()),
            "power": json_values,
            "ENERGY": st.fixed_dictionaries({"Power": json_values}),
            "TempUnit": json_values,
            "params": st.fixed_dictionaries({"ts": json_values, "switch:0": json_values}),
        },
    ).map(lambda value: json.dumps(value).encode()),
)
def test_any_foreign_message_is_read_or_refused(topic: str, payload: bytes) -> None:
    try:
        parts = Decoders(mappings=shipped_mappings()).decode(topic, payload, now=NOW)
    except BadPayload as error:
        parts = [error]
    plain(parts)
    for part in parts:
        if isinstance(part, Telemetry):
            assert all(math.isfinite(v) for _, values in part.rows for v in values.values())
