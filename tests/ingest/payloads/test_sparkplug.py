"""Sparkplug B: births, aliases, sequence, deaths; what is missed is asked for, never guessed."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.payloads import Decoders
from ingest.payloads.downlink import Downlink
from ingest.payloads.mapping_file import parse_mapping
from ingest.payloads.sparkplug import nodes as memory
from ingest.payloads.sparkplug import wire
from ingest.payloads.sparkplug.nodes import Metric, Node, Nodes
from ingest.payloads.status import Status
from purna.core.errors import BadPayload
from purna.core.readings import Telemetry
from tests.ingest.payloads.kit import (
    Registered,
    bdseq,
    double,
    integer,
    long,
    metric,
    payload,
    plain,
    tagged,
)

TS = 1732212345678
NOW = TS * 1000
REBIRTH = Downlink("edge-1", "spBv1.0/plant/NCMD/edge-1", wire.rebirth(TS))
BIRTH = payload(
    bdseq(3),
    metric("Motor/Bearing Temp", 1, TS, 10, double(71.5)),
    metric("load", 2, TS, 3, integer(40)),
    seq=0,
)


class Edge:
    """An edge node that talks to decoders of its own."""

    def __init__(self, decoders: Decoders | None = None) -> None:
        self.decoders = decoders or Decoders(sparkplug=True)

    def says(self, kind: str, body: bytes, device: str = "") -> list[object]:
        topic = f"spBv1.0/plant/{kind}/edge-1" + (f"/{device}" if device else "")
        try:
            return plain(self.decoders.decode(topic, body, now=NOW))
        except BadPayload as error:
            return plain([error])

    def data(self, seq: int, *metrics: bytes) -> list[object]:
        return self.says("NDATA", payload(*metrics, seq=seq))


def reading(device: str = "edge-1", **values: float) -> Telemetry:
    return Telemetry(device, [(NOW, values)])


def test_a_birth_says_who_is_there_and_what_it_measures() -> None:
    assert Edge().says("NBIRTH", BIRTH) == [
        Status("edge-1", True, "3"),
        reading(Motor_Bearing_Temp=71.5, load=40.0),
    ]


def test_data_names_metrics_by_alias_with_the_type_of_the_birth() -> None:
    edge = Edge()
    edge.says("NBIRTH", BIRTH)
    assert edge.data(1, metric(alias=2, value=integer(2**32 - 5))) == [reading(load=-5.0)]
    later = metric(alias=1, ts=TS + 1000, value=double(72.0))
    assert edge.data(2, later) == [Telemetry("edge-1", [(NOW + 10**6, {"Motor_Bearing_Temp": 72})])]


def test_the_sequence_wraps_after_255() -> None:
    edge = Edge()
    edge.says("NBIRTH", BIRTH)
    for number in range(1, 600):
        value = metric(alias=1, ts=TS + number, value=double(float(number)))
        assert len(edge.data(number % 256, value)) == 1


def test_after_a_gap_aliases_are_not_believed_until_the_rebirth() -> None:
    edge = Edge()
    edge.says("NBIRTH", BIRTH)
    by_alias = metric(alias=1, value=double(1.0))
    by_name = metric("load", datatype=3, value=integer(7))
    assert edge.data(2, by_alias, by_name) == [
        reading(load=7.0),
        ("sparkplug.alias", "1"),
        REBIRTH,
    ]
    assert edge.data(3, by_alias) == [("sparkplug.alias", "1"), REBIRTH]
    edge.says("NBIRTH", payload(bdseq(3), metric("new", 1, TS, 10, double(0.0)), ts=TS + 5, seq=4))
    assert edge.data(5, by_alias) == [reading(new=1.0)]


def test_data_before_a_birth_asks_for_one() -> None:
    edge = Edge()
    assert edge.data(9, metric(alias=1, value=double(1.0))) == [("sparkplug.alias", "1"), REBIRTH]
    assert edge.data(10, metric("load", datatype=9, value=tagged(12, 1.5, "f"))) == [
        reading(load=1.5),
        REBIRTH,
    ]


def test_the_request_for_a_rebirth_is_the_command_of_the_specification() -> None:
    command = wire.parse(REBIRTH.payload)
    [control] = command.metrics
    assert (control.name, control.datatype, control.boolean_value, command.timestamp) == (
        b"Node Control/Rebirth",
        11,
        True,
        TS,
    )


def test_a_message_delivered_again_changes_nothing() -> None:
    edge = Edge()
    device = payload(metric("t", 7, TS, 10, double(1.0)), seq=1)
    value = payload(metric(alias=7, value=double(2.0)), seq=2)
    edge.says("NBIRTH", BIRTH)
    for _ in range(2):
        edge.says("DBIRTH", device, "pump")
        assert edge.says("DDATA", value, "pump") == [reading(pump_t=2.0)]
        edge.says("NBIRTH", BIRTH)
    assert edge.data(3, metric(alias=1, value=double(1.0))) == [reading(Motor_Bearing_Temp=1.0)]


def test_a_death_ends_the_session_and_that_of_an_earlier_one_does_not() -> None:
    edge = Edge()
    edge.says("NBIRTH", BIRTH)
    assert edge.says("NDEATH", payload(bdseq(2), ts=None)) == []
    assert edge.says("NDEATH", payload(bdseq(3), ts=None)) == [Status("edge-1", False)]
    assert edge.says("NDEATH", payload(bdseq(3), ts=None)) == []
    assert edge.data(1, metric(alias=1, value=double(1.0)))[-1] == REBIRTH


def test_a_birth_of_a_session_that_has_died_is_ignored_and_a_new_one_is_not() -> None:
    edge = Edge()
    edge.says("NBIRTH", BIRTH)
    edge.says("NDEATH", payload(bdseq(3), ts=None))
    assert edge.says("NBIRTH", BIRTH) == []
    again = payload(bdseq(4), metric("load", 2, TS, 10, double(1.0)), seq=0)
    assert edge.says("NBIRTH", again) == [Status("edge-1", True, "4"), reading(load=1.0)]
    edge.says("NDEATH", payload(bdseq(4), ts=None))
    counts_no_sessions = payload(bdseq(4), metric("load", 2, TS, 10, double(1.0)), ts=TS + 1, seq=0)
    assert edge.says("NBIRTH", counts_no_sessions)[0] == Status("edge-1", True, "4")


def test_a_death_of_a_node_not_yet_known_is_believed() -> None:
    assert Edge().says("NDEATH", payload(bdseq(3), ts=None)) == [Status("edge-1", False)]


def registry(device: str) -> Registered | None:
    return {
        "edge-1": Registered("", {"load", "pump-9_temp"}),
        "pump-1": Registered("edge-1", {"temp"}),
        "pump-2": Registered("edge-2", {"temp"}),
    }.get(device)


def test_a_registered_device_behind_the_node_is_a_device_of_its_own() -> None:
    edge = Edge(Decoders(registry, sparkplug=True))
    edge.says("NBIRTH", BIRTH)
    birth = payload(metric("temp", 9, TS, 10, double(1.0)), seq=1)
    assert edge.says("DBIRTH", birth, "pump-1") == [
        Status("pump-1", True, "3"),
        reading("pump-1", temp=1.0),
    ]
    death = payload(seq=2)
    assert edge.says("DDEATH", death, "pump-1") == [Status("pump-1", False)]
    late = payload(metric(alias=9, value=double(2.0)), seq=3)
    assert edge.says("DDATA", late, "pump-1") == [("sparkplug.alias", "9"), REBIRTH]


@pytest.mark.parametrize("device", ["pump-2", "pump-9"])
def test_of_a_device_that_is_not_behind_the_node_the_node_speaks(device: str) -> None:
    edge = Edge(Decoders(registry, sparkplug=True))
    edge.says("NBIRTH", BIRTH)
    birth = payload(metric("temp", 9, TS, 10, double(1.0)), seq=1)
    expected = [reading(**{"pump-9_temp": 1.0})] if device == "pump-9" else []
    assert edge.says("DBIRTH", birth, device) == expected


def test_the_death_of_a_node_is_that_of_its_devices() -> None:
    edge = Edge(Decoders(registry, sparkplug=True))
    edge.says("NBIRTH", BIRTH)
    edge.says("DBIRTH", payload(metric("temp", 9, TS, 10, double(1.0)), seq=1), "pump-1")
    assert edge.says("NDEATH", payload(bdseq(3), ts=None)) == [
        Status("edge-1", False),
        Status("pump-1", False),
    ]


def test_data_of_a_device_that_was_not_born_asks_for_a_rebirth() -> None:
    edge = Edge()
    edge.says("NBIRTH", BIRTH)
    data = payload(metric("temp", datatype=10, value=double(1.0)), seq=1)
    assert edge.says("DDATA", data, "pump") == [reading(pump_temp=1.0), REBIRTH]


def test_only_what_the_product_measures_is_taken() -> None:
    edge = Edge(Decoders(registry, sparkplug=True))
    assert edge.says("NBIRTH", BIRTH) == [Status("edge-1", True, "3"), reading(load=40.0)]


def test_a_node_that_is_not_registered_is_refused_and_asked_for_nothing() -> None:
    edge = Edge(Decoders(lambda device: None, sparkplug=True))
    assert edge.data(1, metric(alias=1, value=double(1.0))) == [("device.unknown", "")]


def test_names_and_units_by_mapping() -> None:
    names = parse_mapping(
        {
            "id": "plant",
            "payload": "sparkplug",
            "devices": {"plant/edge-1": "compressor-7"},
            "value": [{"path": "Motor/Bearing Temp", "quantity": "bt", "unit": "degF", "scale": 2}],
        }
    )
    edge = Edge(Decoders(mappings=[names]))
    assert edge.says("NBIRTH", BIRTH) == [
        Status("compressor-7", True, "3"),
        Telemetry("compressor-7", [(NOW, {"bt": 143.0, "load": 40.0})], units={"bt": "degF"}),
    ]


def test_the_engineering_unit_of_the_birth_holds_for_the_data() -> None:
    def unit(text: str) -> bytes:
        return tagged(1, 12) + tagged(8, text.encode())

    edge = Edge()
    birth = payload(
        bdseq(0),
        metric("t", 1, TS, 10, double(1.0), properties=[("engUnit", unit("°F"))]),
        metric("x", 2, TS, 10, double(1.0), properties=[("engUnit", unit("furlong"))]),
        seq=0,
    )
    in_fahrenheit = Telemetry("edge-1", [(NOW, {"t": 1.0})], units={"t": "degF"})
    assert edge.says("NBIRTH", birth)[1:] == [in_fahrenheit, ("unit.unknown", "x")]
    assert edge.data(1, metric(alias=1, value=double(1.0))) == [in_fahrenheit]


@pytest.mark.parametrize(("code", "flag"), [(192, 0), (500, 1), (0, 2), (64, 1)])
def test_quality_is_taken_over(code: int, flag: int) -> None:
    quality = [("Quality", tagged(1, 3) + tagged(3, code))]
    edge = Edge()
    edge.says("NBIRTH", BIRTH)
    [telemetry] = edge.data(1, metric(alias=1, value=double(1.0), properties=quality))
    assert isinstance(telemetry, Telemetry)
    assert telemetry.quality == ({"Motor_Bearing_Temp": flag} if flag else {})


def test_null_and_transient_values_are_left_out() -> None:
    edge = Edge()
    edge.says("NBIRTH", BIRTH)
    assert edge.data(1, metric(alias=1, null=True)) == []
    assert edge.data(2, metric(alias=1, value=double(1.0), transient=True)) == []


@pytest.mark.parametrize(
    ("datatype", "value", "meant"),
    [
        (1, integer(0xFF), -1.0),
        (1, integer(2**32 - 128), -128.0),
        (1, integer(127), 127.0),
        (2, integer(0x8000), -32768.0),
        (3, integer(2**31), -(2.0**31)),
        (4, long(2**64 - 7), -7.0),
        (5, integer(255), 255.0),
        (6, integer(65535), 65535.0),
        (7, integer(2**32 - 1), 2.0**32 - 1),
        (8, long(2**64 - 1), float(2**64 - 1)),
        (9, tagged(12, 0.5, "f"), 0.5),
        (10, double(-2.5), -2.5),
        (11, tagged(14, True), 1.0),
    ],
)
def test_every_numeric_type_is_read(datatype: int, value: bytes, meant: float) -> None:
    one = metric("x", datatype=datatype, value=value)
    assert Edge().data(0, one)[0] == reading(x=meant)


@pytest.mark.parametrize(
    ("datatype", "value", "code"),
    [
        (1, integer(300), "sparkplug.datatype"),
        (1, integer(2**32 - 129), "sparkplug.datatype"),
        (5, integer(256), "sparkplug.datatype"),
        (10, integer(1), "sparkplug.datatype"),
        (4, integer(1), "sparkplug.datatype"),
        (12, tagged(15, b"text"), "sparkplug.datatype"),
        (0, double(1.0), "sparkplug.datatype"),
        (10, double(math.nan), "value.not_finite"),
        (9, tagged(12, math.inf, "f"), "value.not_finite"),
    ],
)
def test_what_is_no_number_of_its_type_is_refused_by_name(
    datatype: int, value: bytes, code: str
) -> None:
    assert Edge().data(0, metric("x", datatype=datatype, value=value))[0] == (code, "x")


@pytest.mark.parametrize(
    ("kind", "body", "refusal"),
    [
        ("NBIRTH", b"\xff", ("sparkplug.syntax", "")),
        ("NBIRTH", payload(bdseq(1)), ("sparkplug.seq", "seq")),
        ("NBIRTH", payload(bdseq(1), seq=256), ("sparkplug.seq", "seq")),
        ("NBIRTH", payload(seq=0), ("sparkplug.bdseq", "bdSeq")),
        ("NBIRTH", payload(bdseq(1), ts=None, seq=0), ("field.missing", "timestamp")),
        ("NBIRTH", payload(bdseq(1), metric("x"), seq=0), ("sparkplug.birth", "x")),
        ("NBIRTH", payload(bdseq(1), metric(alias=1), seq=0), ("sparkplug.birth", "name")),
        ("NDEATH", payload(), ("sparkplug.bdseq", "bdSeq")),
        ("NDATA", payload(metric("x", datatype=10, value=double(1))), ("sparkplug.seq", "seq")),
        ("NCMD", payload(seq=0), ("topic.unknown", "topic")),
        ("DDATA", payload(seq=0), ("topic.unknown", "topic")),
        (
            "NBIRTH",
            payload(bdseq(1), metric("x", 1, TS, 10), metric("y", 1, TS, 10), seq=0),
            ("sparkplug.alias_taken", "y"),
        ),
        ("NDATA", payload(*[b""] * (memory.METRICS + 1), seq=0), ("sparkplug.metrics", "")),
        ("NDATA", b"\x12" * (256 * 1024 + 1), ("size.limit", "")),
    ],
)
def test_what_is_wrong_is_named(kind: str, body: bytes, refusal: tuple[str, str]) -> None:
    assert Edge().says(kind, body) == [refusal]


def test_bytes_that_are_no_text_are_refused() -> None:
    bad_name = tagged(1, b"\xff") + tagged(4, 10) + double(1.0)
    assert Edge().data(0, bad_name)[0] == ("json.encoding", "name")


def test_it_is_only_heard_when_it_is_wanted() -> None:
    with pytest.raises(BadPayload, match="not part of the contract"):
        Decoders().decode("spBv1.0/plant/NBIRTH/edge-1", BIRTH, now=NOW)
    assert not any("spBv1.0" in topic for topic in Decoders().subscriptions())
    decoders = Decoders(sparkplug=True)
    assert "$share/g/spBv1.0/+/DDATA/+/+" in decoders.subscriptions("g")
    assert decoders.device_of("spBv1.0/plant/DDATA/edge-1/pump-1") == "edge-1"
    for about in ("plant/NCMD/edge-1", "+/NCMD/edge-1", "plant/DCMD/edge-1/#", "p/DCMD/edge-1/+"):
        assert decoders.device_of(f"spBv1.0/{about}") == "edge-1"
    for about in ("p/NDATA/a b", "STATE/purna", "p/NCMD/+", "p/+/edge-1", "p/NCMD/edge-1/a/b", "#"):
        topic = f"spBv1.0/{about}"
        assert decoders.device_of(topic) is None
    assert Decoders().device_of("spBv1.0/plant/NDATA/edge-1") is None


def test_the_memory_of_nodes_is_bounded_and_the_oldest_goes_first() -> None:
    nodes = Nodes()
    introduced = [(Metric("", str(number), 10), None) for number in range(5000)]
    for number in range(50):
        node = Node(0, 0, 0)
        node.learn("", introduced)
        nodes.put("g", str(number), node)
    assert nodes.get("g", "9") is None
    assert nodes.get("g", "10") is not None
    assert len(nodes._nodes) == memory.METRICS_REMEMBERED // 5000
    assert nodes._metrics == memory.METRICS_REMEMBERED


steps = st.tuples(
    st.sampled_from(["NBIRTH", "NDATA", "NDEATH", "DBIRTH", "DDATA", "DDEATH"]),
    st.integers(0, 5),  # seq
    st.integers(0, 2),  # bdSeq
    st.lists(
        st.tuples(
            st.none() | st.sampled_from(["a", "b", "bdSeq"]),
            st.none() | st.integers(0, 3),
            st.none() | st.integers(0, 13),
            st.sampled_from([double(1.0), double(math.nan), integer(5), long(2**64 - 1), b""]),
        ),
        max_size=4,
    ),
)


@given(st.lists(steps, max_size=12), st.integers(0, 3))
def test_any_order_of_messages_is_read_or_refused_and_repeats_are_harmless(
    course: list[tuple[str, int, int, list[tuple[str | None, int | None, int | None, bytes]]]],
    repeated: int,
) -> None:
    once, twice = Edge(), Edge()
    for kind, seq, session, metrics in course:
        body = payload(
            bdseq(session),
            *(metric(name, alias, TS, datatype, value) for name, alias, datatype, value in metrics),
            seq=seq,
        )
        device = "d" if kind[0] == "D" else ""
        said = once.says(kind, body, device)
        for part in said:
            if isinstance(part, Telemetry):
                assert all(math.isfinite(v) for _, values in part.rows for v in values.values())
        first = twice.says(kind, body, device)
        assert first == said
        if kind in ("NDATA", "DDATA") and repeated:
            assert twice.says(kind, body, device) == said


@given(st.sampled_from(["NBIRTH", "NDATA", "NDEATH"]), st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(kind: str, body: bytes) -> None:
    Edge().says(kind, body)
