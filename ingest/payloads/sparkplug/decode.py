"""What Sparkplug B messages say: births and deaths become status, metrics become telemetry. Pure.

Everything between two messages stands in :class:`~ingest.payloads.sparkplug.nodes.Nodes`; the same
messages in the same order say the same. Where something was missed, only what a message names in
full is believed, and the node is asked for a rebirth: a value under a wrong name is worse than one
that comes again.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from ingest.payloads.collect import Collector
from ingest.payloads.downlink import Downlink
from ingest.payloads.foreign import Find, as_quantity
from ingest.payloads.limits import MESSAGE_BYTES, NAME_CHARS
from ingest.payloads.mapping import TopicMapping, ValueRule
from ingest.payloads.sparkplug import wire
from ingest.payloads.sparkplug.nodes import METRICS, Metric, Node, Nodes
from ingest.payloads.status import Status
from ingest.payloads.strict_json import number_of, time_of
from ingest.rejects import bad
from purna.core.devices import DEVICE_ID
from purna.core.errors import BadPayload
from purna.core.readings import Quality, Telemetry
from purna.core.units import UNITS

PREFIX = "spBv1.0/"
_TOPIC = re.compile(
    r"spBv1\.0/([^/+#]+)/(NBIRTH|NDATA|NDEATH|DBIRTH|DDATA|DDEATH)/([^/+#]+)(?:/([^/+#]+))?"
)
_ABOUT = re.compile(
    r"spBv1\.0/([^/#]+)/[ND](?:BIRTH|DATA|DEATH|CMD)/([^/+#]+)(?:/(?:#|\+|[^/+#]+))?"
)
_UNITS = {"°C": "degC", "C": "degC", "°F": "degF", "F": "degF", "RPM": "rpm"}
"""What people write as engineering unit, beside the units of the catalogue."""
_QUALITY = {192: Quality.GOOD, 500: Quality.SUSPECT, 0: Quality.BAD}
"""OPC's quality codes as Sparkplug uses them: good, stale, bad."""
_NO_MEASUREMENTS = ("bdSeq", "Node Control/", "Device Control/")

Part = Telemetry | Status | Downlink | BadPayload


class Topic(NamedTuple):
    """Names as they are on the wire; ``device`` is empty for the node itself."""

    group: str
    type: str
    node: str
    device: str


def subscriptions() -> list[str]:
    """What an ingester subscribes to: all that speaks upwards."""
    return [
        *(f"{PREFIX}+/{kind}/+" for kind in ("NBIRTH", "NDATA", "NDEATH")),
        *(f"{PREFIX}+/{kind}/+/+" for kind in ("DBIRTH", "DDATA", "DDEATH")),
    ]


def parse_topic(topic: str) -> Topic:
    """Raises BadPayload ``topic.unknown``."""
    match = _TOPIC.fullmatch(topic)
    if match is None or (match[2][0] == "D") != (match[4] is not None):
        raise bad("topic.unknown", field="topic")
    return Topic(match[1], match[2], match[3], match[4] or "")


def speaker(topic: str, names: TopicMapping | None = None) -> str:
    """The device id of the edge node that a topic or a filter is about, commands included.

    Raises BadPayload ``topic.unknown`` or ``topic.device``.
    """
    match = _ABOUT.fullmatch(topic)
    if match is None:
        raise bad("topic.unknown", field="topic")
    return _node_id(match[1], match[2], names)


def _node_id(group: str, node: str, names: TopicMapping | None) -> str:
    device = (names.devices.get(f"{group}/{node}") if names else None) or node
    if not DEVICE_ID.fullmatch(device):
        raise bad("topic.device", field="topic")
    return device


def decode(
    nodes: Nodes,
    topic: Topic,
    payload: bytes,
    now: int,
    find: Find | None = None,
    names: TopicMapping | None = None,
) -> Sequence[Part]:
    """What a message says; ``nodes`` is brought up to date.

    Parameters
    ----------
    now
        Time of arrival, micros UTC; stands in a request for rebirth.
    find
        Looks a device up: a Sparkplug device that is registered with this node as its gateway is
        a device of its own, of any other the metrics belong to the node. What the product does
        not measure is left out. Without it everything is taken, for the node.
    names
        Which devices and quantities are meant by which names.

    Raises
    ------
    BadPayload
        When nothing of it can be taken.
    """
    if len(payload) > MESSAGE_BYTES:
        raise bad("size.limit", size=len(payload), limit=MESSAGE_BYTES)
    edge = _node_id(topic.group, topic.node, names)
    if find is not None and find(edge) is None:
        raise bad("device.unknown", device=edge)
    message = wire.parse(payload)
    if len(message.metrics) > METRICS:
        raise bad("sparkplug.metrics", limit=METRICS)
    context = _Context(topic, edge, payload, message, find, names)
    node = nodes.get(topic.group, topic.node)
    if topic.type == "NDEATH":
        return _node_death(context, node)
    if not message.HasField("seq") or message.seq > 255:
        raise bad("sparkplug.seq", field="seq")
    if topic.type == "NBIRTH":
        return _node_birth(context, node, nodes)
    return _of_session(context, node, nodes, now)


@dataclass(frozen=True, slots=True)
class _Context:
    """A message and what there is to read it with."""

    topic: Topic
    edge: str
    payload: bytes
    message: Any
    find: Find | None
    names: TopicMapping | None

    def who(self, device: str) -> tuple[str, str]:
        """The device that is meant by a name, and what stands before its metrics' names."""
        if not device:
            return self.edge, ""
        whole = f"{self.topic.group}/{self.topic.node}/{device}"
        own = (self.names.devices.get(whole) if self.names else None) or device
        known = self.find(own) if self.find and DEVICE_ID.fullmatch(own) else None
        if known is not None and known.gateway == self.edge:
            return own, ""
        return self.edge, f"{device}/"

    def status(self, device: str, online: bool, bdseq: int) -> Iterator[Status]:
        """Of the node itself, and of what is a device of its own."""
        own, prefix = self.who(device)
        if not prefix:
            yield Status(own, online, str(bdseq) if online else "")


def _node_birth(context: _Context, old: Node | None, nodes: Nodes) -> list[Part]:
    message, seq = context.message, context.message.seq
    bdseq = _bdseq(message)
    if not message.HasField("timestamp"):
        raise bad("field.missing", field="timestamp")
    if old is not None:
        if old.alive and old.has_seen(seq, context.payload):
            return [*_readings(context, old)]
        if not old.alive and old.bdseq == bdseq and message.timestamp <= old.born:
            return []  # of a session that has died since
    node = Node(bdseq, message.timestamp, seq)
    node.note(seq, context.payload)
    node.learn("", _introduced(message, ""))
    parts = _readings(context, node)
    nodes.put(context.topic.group, context.topic.node, node)
    return [*context.status("", True, bdseq), *parts]


def _node_death(context: _Context, node: Node | None) -> list[Part]:
    bdseq = _bdseq(context.message)
    if node is None:
        return [*context.status("", False, bdseq)]
    if not node.alive or node.bdseq != bdseq:
        return []  # of a session before this one
    node.alive = False
    return [
        status
        for device in ("", *sorted(node.devices))
        for status in context.status(device, False, bdseq)
    ]


def _of_session(context: _Context, node: Node | None, nodes: Nodes, now: int) -> list[Part]:
    """Data of node or device, birth or death of a device: valid between birth and death."""
    topic, message = context.topic, context.message
    if node is not None and not node.alive:
        node = None
    if node is not None and not node.has_seen(message.seq, context.payload):
        node.sure &= message.seq == (node.seq + 1) % 256
        node.note(message.seq, context.payload)
    bdseq = node.bdseq if node else 0
    believed = node if node is not None and node.sure else None
    complete = believed is not None
    parts: list[Part] = []
    if topic.type == "DBIRTH":
        metrics = _introduced(message, topic.device)
        if believed:
            nodes.learn(believed, topic.device, metrics)
        parts += context.status(topic.device, True, bdseq)
    elif topic.type == "DDEATH":
        if believed:
            believed.dies(topic.device)
        parts += context.status(topic.device, False, bdseq)
    elif topic.type == "DDATA" and believed and topic.device not in believed.devices:
        complete = False
    if topic.type != "DDEATH":
        parts += _readings(context, believed)
    if not complete:
        request = f"{PREFIX}{topic.group}/NCMD/{topic.node}"
        parts.append(Downlink(context.edge, request, wire.rebirth(now // 1000)))
    return parts


def _bdseq(message: Any) -> int:
    for metric in message.metrics:
        if metric.name == b"bdSeq":
            datatype = metric.datatype or wire.DataType.INT64
            return int(wire.number(metric, datatype, "bdSeq"))
    raise bad("sparkplug.bdseq", field="bdSeq")


def _introduced(message: Any, device: str) -> list[tuple[Metric, int | None]]:
    """The metrics of a birth, each with its alias."""
    out = []
    for metric in message.metrics:
        name = wire.text(metric.name, "name")
        if not name or not metric.HasField("datatype"):
            raise bad("sparkplug.birth", field=name[:NAME_CHARS] or "name")
        unit = wire.text(_property(metric, b"engUnit", "string_value") or b"", "engUnit")
        alias = metric.alias if metric.HasField("alias") else None
        out.append((Metric(device, name, metric.datatype, unit), alias))
    return out


def _readings(context: _Context, node: Node | None) -> list[Telemetry | BadPayload]:
    device, prefix = context.who(context.topic.device)
    known = context.find(device) if context.find else None
    wanted = known.ranges if known else None
    out = Collector(device)
    for metric in context.message.metrics:
        try:
            meant = _meant(metric, context.topic.device, node)
        except BadPayload as error:
            out.refuse(error)
            continue
        path = prefix + meant.name
        rule = context.names.by_name.get(path) if context.names else None
        quantity = rule.quantity if rule else as_quantity(path)
        if (
            metric.is_null
            or metric.is_transient
            or meant.name.startswith(_NO_MEASUREMENTS)
            or (wanted is not None and quantity not in wanted)
        ):
            continue
        try:
            ts, value = _value(context.message, metric, meant, quantity, rule)
            unit = rule.unit if rule else _unit(meant.unit, quantity)
        except BadPayload as error:
            out.refuse(error)
            continue
        code = _property(metric, b"Quality", "int_value")
        out.add(quantity, unit, ts, value, _QUALITY.get(192 if code is None else code, 1))
    return out.parts()


def _meant(metric: Any, device: str, node: Node | None) -> Metric:
    """The metric that is named, or that its alias stands for."""
    if metric.HasField("name") and metric.name:
        name = wire.text(metric.name, "name")
        born = node.metrics.get((device, name)) if node else None
        return born or Metric(device, name, metric.datatype)
    born = node.aliases.get(metric.alias) if node and metric.HasField("alias") else None
    alive = node is not None and (not device or device in node.devices)
    if born is None or born.device != device or not alive:
        raise bad("sparkplug.alias", field=str(metric.alias))
    return born


def _value(
    message: Any, metric: Any, meant: Metric, quantity: str, rule: ValueRule | None
) -> tuple[int, float]:
    source = metric if metric.HasField("timestamp") else message
    if not source.HasField("timestamp"):
        raise bad("field.missing", field="timestamp")
    datatype = metric.datatype if metric.HasField("datatype") else meant.datatype
    value = wire.number(metric, datatype, quantity[:NAME_CHARS])
    if rule:
        value = value * rule.scale + rule.offset
    return time_of(source.timestamp, "timestamp"), number_of(value, quantity[:NAME_CHARS])


def _unit(code: str, quantity: str) -> str:
    unit = _UNITS.get(code, code)
    if unit and unit not in UNITS:
        raise bad("unit.unknown", field=quantity[:NAME_CHARS], unit=unit[:NAME_CHARS])
    return unit


def _property(metric: Any, key: bytes, source: str) -> Any:
    """The value of a property, or None."""
    if not metric.HasField("properties"):
        return None
    for name, value in zip(metric.properties.keys, metric.properties.values, strict=False):
        if name == key:
            return getattr(value, source) if value.HasField(source) else None
    return None
