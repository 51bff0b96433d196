"""What is fuzzed: a decoder, inputs to begin with, and words it may stumble over."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ingest.payloads import Decoders, topics
from ingest.payloads.compression import unpack
from ingest.payloads.limits import UNPACKED_BYTES
from ingest.payloads.numbering import find_numbering
from purna.core.errors import BadPayload
from tests.fuzz.checks import check, check_numbering, check_refusal
from tests.fuzz.mqtt import WORDS as MQTT_WORDS
from tests.fuzz.mqtt import mqtt_seeds, run_mqtt
from tests.ingest.payloads import kit

CASES = Path(__file__).parents[1] / "data" / "payloads"
NOW = 1732212345678000
SPARKPLUG_TYPES = ("NBIRTH", "NDATA", "NDEATH", "DBIRTH", "DDATA", "DDEATH")
FOREIGN = (
    "tele/d1/SENSOR",
    "tele/d1/LWT",
    "shellies/d1/emeter/0/power",
    "shellies/d1/online",
    "d1/events/rpc",
    "zigbee2mqtt/d1",
    "zigbee2mqtt/d1/availability",
    "d1/sensor/temperature/state",
)


@dataclass(frozen=True)
class Target:
    """``run`` takes one input; whatever it raises is a finding."""

    run: Callable[[bytes], None]
    seeds: Callable[[], list[bytes]]
    words: tuple[bytes, ...] = ()


def answered(topic: str, payload: bytes, decoders: Decoders, content_type: str = "") -> None:
    """A message is decoded within the limits or refused with a code of the contract."""
    try:
        parts = decoders.decode(topic, payload, content_type, NOW)
    except BadPayload as error:
        check_refusal(error)
    else:
        check(parts)


CONTRACT = Decoders()


def contract(kind: str, content_type: str = "") -> Target:
    """A topic of the contract; ``content_type`` keeps inputs from straying into other formats."""
    topic = f"{topics.PREFIX}d1/{kind}"
    words = JSON_WORDS if "cbor" not in kind + content_type else CBOR_WORDS
    return Target(
        lambda payload: answered(topic, payload, CONTRACT, content_type),
        lambda: cases(lambda t: t.startswith(topics.PREFIX) and t.partition("d1/")[2] == kind),
        words,
    )


def cases(wanted: Callable[[str], bool]) -> list[bytes]:
    """Payloads of the folder cases whose topic is wanted."""
    return [
        (case / "payload").read_bytes()
        for case in sorted(CASES.iterdir())
        if wanted((case / "topic").read_text().strip().replace("pump-0042", "d1"))
    ]


def run_sparkplug(course: bytes) -> None:
    """One edge node's course: type, length, payload, and so on."""
    decoders = Decoders(lambda device: kit.Registered("edge", None), sparkplug=True)
    at = 0
    for _ in range(8):
        if at + 3 > len(course):
            return
        kind = SPARKPLUG_TYPES[course[at] % len(SPARKPLUG_TYPES)]
        size = int.from_bytes(course[at + 1 : at + 3], "big")
        payload, at = course[at + 3 : at + 3 + size], at + 3 + size
        topic = f"spBv1.0/g/{kind}/edge" + ("/dev" if kind[0] == "D" else "")
        answered(topic, payload, decoders)


def sparkplug_seeds() -> list[bytes]:
    ts = NOW // 1000
    birth = kit.payload(
        kit.bdseq(1),
        kit.metric("a/b", 1, ts, 10, kit.double(1.5)),
        kit.metric("c", 2, ts, 3, kit.integer(2**32 - 5)),
        kit.metric("d", 3, ts, 8, kit.long(2**63)),
        seq=0,
    )
    data = kit.payload(kit.metric(alias=2, ts=ts, value=kit.integer(7)), seq=1)
    device = kit.payload(kit.metric("t", 9, ts, 9, kit.tagged(12, 0.5, "f")), seq=2)
    unit = kit.tagged(1, 12) + kit.tagged(8, b"degC")
    more = kit.payload(
        kit.metric(alias=9, value=kit.tagged(12, 1.5, "f"), properties=[("engUnit", unit)]), seq=3
    )
    death = kit.payload(kit.bdseq(1), ts=None)

    def course(*messages: tuple[int, bytes]) -> bytes:
        return b"".join(bytes([kind]) + len(one).to_bytes(2, "big") + one for kind, one in messages)

    return [
        course((0, birth), (1, data), (3, device), (4, more), (5, kit.payload(seq=4)), (2, death)),
        course((1, data), (0, birth), (1, data)),
    ]


def run_mapping(message: bytes) -> None:
    """The first byte chooses the topic."""
    if message:
        decoders = Decoders(mappings=kit.shipped_mappings())
        answered(FOREIGN[message[0] % len(FOREIGN)], message[1:], decoders)


def mapping_seeds() -> list[bytes]:
    return [
        bytes([number]) + payload
        for number, topic in enumerate(FOREIGN)
        for payload in cases(lambda t, topic=topic: t.split("/")[-1] == topic.split("/")[-1])  # type: ignore[misc]
    ]


def run_compression(body: bytes) -> None:
    try:
        assert len(unpack(body)) <= max(UNPACKED_BYTES, len(body))
    except BadPayload as error:
        check_refusal(error)


def run_numbering(payload: bytes) -> None:
    found = find_numbering(payload)
    if found is not None:
        check_numbering(*found)


JSON_WORDS = (
    *(b'"boot":', b'"seq":', b'"ts":', b'"m":', b'"r":', b'"u":', b'"q":', b'"code":', b'"text":'),
    *(b'"online":', b'"id":', b'"state":', b'"bn":', b'"bt":', b'"bu":', b'"bver":', b'"vs":'),
    *(b"1732212345678", b"1e999", b"NaN", b"-0", b"null", b"true", b'"\\ud800"', b"[[", b"{{"),
)
CBOR_WORDS = (
    *(b"\x64boot", b"\x63seq", b"\x62ts", b"\x61m", b"\x61r", b"\x67samples", b"\x65dtype"),
    *(b"\xf9\x7e\x00", b"\xfb\x7f\xf0\0\0\0\0\0\0", b"\xbf", b"\xff", b"\xc1", b"\xd9\xd9\xf7"),
)
TARGETS: dict[str, Target] = {
    "telemetry_json": contract("telemetry", "application/json"),
    "telemetry_cbor": contract("telemetry", "application/cbor"),
    "senml_json": contract("telemetry/senml-json"),
    "senml_cbor": contract("telemetry/senml-cbor"),
    "waveform": contract("waveform/vib", "application/cbor"),
    "event": contract("event"),
    "status": contract("status"),
    "command_result": contract("command/result"),
    "sparkplug": Target(run_sparkplug, sparkplug_seeds),
    "mapping": Target(run_mapping, mapping_seeds, JSON_WORDS),
    "compression": Target(
        run_compression, lambda: cases(lambda topic: topic.endswith("d1/telemetry"))
    ),
    "mqtt": Target(run_mqtt, mqtt_seeds, MQTT_WORDS),
    "numbering": Target(
        run_numbering,
        lambda: cases(lambda topic: topic.endswith("d1/telemetry")),
        JSON_WORDS + CBOR_WORDS,
    ),
}
