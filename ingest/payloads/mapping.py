"""Messages of devices whose firmware nobody can change: topic and paths become readings. Pure.

A path is a list of keys (``ENERGY.Power``), numbers in it index arrays: nothing is ever evaluated.
How mappings are written stands in :mod:`ingest.payloads.mapping_file`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from enum import StrEnum
from typing import Any

from ingest.payloads.collect import Collector
from ingest.payloads.foreign import Find, as_quantity
from ingest.payloads.limits import MESSAGE_BYTES, NAME_CHARS
from ingest.payloads.status import Status
from ingest.payloads.strict_json import number_of, parse_object, time_of
from ingest.rejects import bad
from purna.core.devices import DEVICE_ID
from purna.core.errors import BadPayload
from purna.core.readings import DeviceEvent, Telemetry

QUALITY_EVENT = "quality"
ARRIVAL = "time.arrival"
"""Code of the event that says: this device's readings carry the time of their arrival."""

Path = tuple[str, ...]
Part = Telemetry | Status | DeviceEvent | BadPayload


class PayloadKind(StrEnum):
    """What a mapped message is."""

    JSON = "json"
    NUMBER = "number"  # nothing but a number; the topic says of what
    SPARKPLUG = "sparkplug"  # only names: topics and payloads are Sparkplug's own


class TimeFormat(StrEnum):
    """How a mapped message tells the time."""

    ISO8601 = "iso8601"
    SECONDS = "s"
    MILLISECONDS = "ms"


@dataclass(frozen=True, slots=True)
class ValueRule:
    """One value and the quantity it is: ``value * scale + offset`` in ``unit``.

    ``unit`` empty is the catalogue's. ``unit_path`` leads to a text in the message that is one of
    ``units``. ``states`` are texts that stand for numbers.
    """

    path: Path
    quantity: str
    unit: str = ""
    scale: float = 1.0
    offset: float = 0.0
    unit_path: Path = ()
    units: Mapping[str, str] = field(default_factory=dict)
    states: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TimeRule:
    """Where the time stands; ``zone`` is for times that name none."""

    path: Path
    format: TimeFormat
    zone: tzinfo


@dataclass(frozen=True, slots=True)
class Template:
    """A topic with ``{device}``, and ``{quantity}`` or a ``#`` at its end for what is measured.

    With ``{quantity}``, a name that no value lists is a quantity of that name.
    """

    text: str
    pattern: re.Pattern[str]

    @property
    def subscription(self) -> str:
        return re.sub(r"\{(device|quantity)\}", "+", self.text)


@dataclass(frozen=True, slots=True)
class StatusRule:
    """A topic whose payload, or the text at ``path`` in it, says whether a device is there."""

    topic: Template
    path: Path
    online: str
    offline: str


@dataclass(frozen=True, slots=True)
class TopicMapping:
    """How one kind of foreign device speaks.

    ``devices`` are ids by foreign name; ``by_name`` are the ``values`` by path, dots between keys.
    """

    id: str
    payload: PayloadKind
    topic: Template | None = None
    time: TimeRule | None = None
    values: Sequence[ValueRule] = ()
    status: StatusRule | None = None
    devices: Mapping[str, str] = field(default_factory=dict)
    by_name: Mapping[str, ValueRule] = field(default_factory=dict)

    def subscriptions(self) -> list[str]:
        topics = [self.topic, self.status.topic if self.status else None]
        return [topic.subscription for topic in topics if topic]


@dataclass(frozen=True, slots=True)
class Match:
    """A topic that a mapping reads: of which device, and of what (empty: the payload says)."""

    mapping: TopicMapping
    device: str
    name: str
    is_status: bool


def match(mapping: TopicMapping, topic: str) -> Match | None:
    """None when the topic is not this mapping's, or its device has no valid id."""
    for is_status, template in (
        (True, mapping.status.topic if mapping.status else None),
        (False, mapping.topic),
    ):
        found = template.pattern.fullmatch(topic) if template else None
        if found:
            groups = found.groupdict()
            device = mapping.devices.get(groups["device"], groups["device"])
            if DEVICE_ID.fullmatch(device):
                return Match(mapping, device, groups.get("quantity") or "", is_status)
    return None


def decode(
    found: Match, payload: bytes, now: int, find: Find | None = None, *, retained: bool = False
) -> Sequence[Part]:
    """What a message says.

    Parameters
    ----------
    now
        Time of arrival, micros UTC: the time of readings without one of their own. For a message
        that the broker had ``retained`` that would be wrong, so it says nothing then.
    find
        Looks a device up; what its product does not measure is left out.

    Raises
    ------
    BadPayload
        When nothing of it can be taken.
    """
    mapping, device = found.mapping, found.device
    if len(payload) > MESSAGE_BYTES:
        raise bad("size.limit", size=len(payload), limit=MESSAGE_BYTES)
    known = find(device) if find else None
    if find is not None and known is None:
        raise bad("device.unknown", device=device)
    if found.is_status and mapping.status:
        return _status(mapping.status, device, payload)
    if mapping.payload is PayloadKind.NUMBER:
        rule = mapping.by_name.get(found.name)
        if rule is None and mapping.topic and mapping.topic.text.endswith("#"):
            return ()  # such a topic brings all that the device says, so only what is listed counts
        data: Any = _number(_text(payload), "$")
        rules = [rule or ValueRule((found.name,), as_quantity(found.name))]
    else:
        data, rules = parse_object(payload), list(mapping.values)
    wanted = known.ranges if known else None
    ts = _time(mapping.time, data)
    if ts is None and retained:
        return ()
    out = Collector(device)
    for rule in rules:
        if wanted is not None and rule.quantity not in wanted:
            continue
        path = () if mapping.payload is PayloadKind.NUMBER else rule.path
        value = _at(data, path)
        if value is None:
            continue
        where = ".".join(rule.path)[:NAME_CHARS]
        try:
            number = _number(value, where, rule.states) * rule.scale + rule.offset
            out.add(
                rule.quantity,
                _unit(rule, data),
                now if ts is None else ts,
                number_of(number, where),
            )
        except BadPayload as error:
            if error.code.endswith(".limit"):
                raise
            out.refuse(error)
    parts: list[Part] = [*out.parts()]
    if ts is None and any(isinstance(part, Telemetry) for part in parts):
        parts.append(DeviceEvent(device, now, QUALITY_EVENT, ARRIVAL, mapping.id))
    return parts


def _status(rule: StatusRule, device: str, payload: bytes) -> Sequence[Part]:
    said = _at(parse_object(payload), rule.path) if rule.path else _text(payload)
    said = str(said).lower() if isinstance(said, bool) else said
    if said not in (rule.online, rule.offline):
        raise bad("mapping.status", field=".".join(rule.path)[:NAME_CHARS] or "$")
    return (Status(device, said == rule.online),)


def _text(payload: bytes) -> str:
    try:
        return payload[: NAME_CHARS + 1].decode()
    except UnicodeDecodeError:
        raise bad("json.encoding") from None


_NUMBER = re.compile(r"\s*[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?\s*", re.ASCII)


def _number(value: Any, where: str, states: Mapping[str, float] | None = None) -> float:
    """Numbers are numbers, as texts too; true and false are 1 and 0."""
    if isinstance(value, str):
        if states and value in states:
            return states[value]
        if len(value) <= NAME_CHARS and _NUMBER.fullmatch(value):
            return number_of(float(value), where)
    elif isinstance(value, bool):
        return float(value)
    elif isinstance(value, int | float):
        return number_of(value, where)
    raise bad("mapping.value", field=where)


def _at(data: Any, path: Path) -> Any:
    """What stands at a path, or None."""
    for key in path:
        if isinstance(data, dict):
            data = data.get(key)
        elif isinstance(data, list) and key.isascii() and key.isdigit() and len(key) < 6:
            data = data[int(key)] if int(key) < len(data) else None
        else:
            return None
    return data


def _unit(rule: ValueRule, data: Any) -> str:
    if not rule.unit_path:
        return rule.unit
    said = _at(data, rule.unit_path)
    if said is None:
        return rule.unit
    if not isinstance(said, str) or said not in rule.units:
        raise bad("unit.unknown", field=rule.quantity, unit=str(said)[:NAME_CHARS])
    return rule.units[said]


def _time(rule: TimeRule | None, data: Any) -> int | None:
    """Micros, or None when the message tells no time."""
    said = _at(data, rule.path) if rule else None
    if rule is None or said is None:
        return None
    where = ".".join(rule.path)[:NAME_CHARS]
    if rule.format is TimeFormat.ISO8601:
        if not isinstance(said, str) or len(said) > NAME_CHARS:
            raise bad("mapping.time", field=where)
        try:
            at = datetime.fromisoformat(said)
            at = at if at.tzinfo else at.replace(tzinfo=rule.zone)
            return time_of(at.timestamp() * 1000, where)
        except (ValueError, OverflowError):
            raise bad("mapping.time", field=where) from None
    number = _number(said, where)
    return time_of(
        number_of(number * (1000 if rule.format is TimeFormat.SECONDS else 1), where), where
    )
