"""How a mapping is written: one TOML file, checked as a whole. Pure.

id = "tasmota"
topic = "tele/{device}/SENSOR"
[time]
path = "Time"
format = "iso8601"
[[value]]
path = "ENERGY.Power"
quantity = "power"
unit = "W"
[devices]
"tasmota_8E4F21" = "pump-0042"
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Meta, field

from ingest.payloads.limits import DEPTH, NAME_CHARS, QUANTITIES
from ingest.payloads.mapping import (
    Path,
    PayloadKind,
    StatusRule,
    Template,
    TimeFormat,
    TimeRule,
    TopicMapping,
    ValueRule,
)
from purna.core.errors import BadInput
from purna.core.units import unit_of

_NOT_THEIRS = ("purna/", "spBv1.0/", "$")
_Name = Annotated[str, Meta(min_length=1, max_length=NAME_CHARS)]
_Keys = Annotated[list[_Name], Meta(min_length=1, max_length=DEPTH)]
_WrittenPath = _Name | _Keys
"""``"ENERGY.Power"``, or as a list of keys where one has a dot in it."""
_DeviceId = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{1,64}$")]


class _Strict(msgspec.Struct, forbid_unknown_fields=True):
    pass


class _Time(_Strict):
    path: _WrittenPath
    format: TimeFormat
    zone: str = "UTC"


class _Status(_Strict):
    topic: str
    online: _Name
    offline: _Name
    path: _WrittenPath | None = None


class _Value(_Strict):
    path: _WrittenPath
    quantity: _Name
    unit: str = ""
    scale: float = 1.0
    offset: float = 0.0
    unit_path: _WrittenPath | None = None
    units: dict[str, str] = field(default_factory=dict)
    states: dict[str, float] = field(default_factory=dict)


class _File(_Strict):
    id: _Name
    payload: PayloadKind = PayloadKind.JSON
    topic: str = ""
    time: _Time | None = None
    status: _Status | None = None
    value: Annotated[list[_Value], Meta(max_length=QUANTITIES)] = field(default_factory=list)
    devices: Annotated[dict[str, _DeviceId], Meta(max_length=100_000)] = field(default_factory=dict)


def parse_mapping(data: Mapping[str, Any], source: str = "mapping") -> TopicMapping:
    """A mapping from parsed TOML.

    Raises
    ------
    BadInput
        ``catalogue.invalid`` with the field's path: an unknown or missing key, a value of the
        wrong type, an unknown unit or time zone, a topic that is ours or names no device.
    """
    try:
        file = msgspec.convert(dict(data), _File)
    except msgspec.ValidationError as error:
        reason, _, where = str(error).partition(" - at ")
        raise _invalid(f"{source}{where.strip('`').removeprefix('$')}", reason) from None
    values = [_rule(one, f"{source}.value[{number}]") for number, one in enumerate(file.value)]
    topic = time = status = None
    if file.payload is not PayloadKind.SPARKPLUG:
        measured = file.payload is PayloadKind.NUMBER
        topic = _template(file.topic, f"{source}.topic", measured=measured)
        if file.time:
            time = TimeRule(_path(file.time.path), file.time.format, _zone(file.time.zone, source))
        if file.status:
            status = StatusRule(
                _template(file.status.topic, f"{source}.status.topic", measured=False),
                _path(file.status.path),
                file.status.online,
                file.status.offline,
            )
        if not measured and not values:
            raise _invalid(f"{source}.value", "is missing: nothing would be read")
    elif file.topic or file.time or file.status:
        raise _invalid(source, "Sparkplug has its own topics, times and status")
    return TopicMapping(
        file.id,
        file.payload,
        topic,
        time,
        values,
        status,
        file.devices,
        {".".join(rule.path): rule for rule in values},
    )


def _rule(value: _Value, where: str) -> ValueRule:
    for name, unit in {
        "unit": value.unit,
        **{f"units.{n}": u for n, u in value.units.items()},
    }.items():
        if unit:
            unit_of(unit, f"{where}.{name}")
    return ValueRule(
        _path(value.path),
        value.quantity,
        value.unit,
        value.scale,
        value.offset,
        _path(value.unit_path),
        value.units,
        value.states,
    )


def _path(written: str | list[str] | None) -> Path:
    if written is None:
        return ()
    return tuple(written.split(".")) if isinstance(written, str) else tuple(written)


def _zone(name: str, source: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, KeyError):
        raise _invalid(f"{source}.time.zone", f"no time zone {name!r}") from None


def _template(text: str, where: str, *, measured: bool) -> Template:
    """``measured``: the topic, not the payload, says of what the value is."""
    levels = text.split("/")
    if text.startswith(_NOT_THEIRS):
        raise _invalid(where, f"must not begin with {', '.join(_NOT_THEIRS)}")
    for number, level in enumerate(levels):
        special = level in _LEVELS and (level != "#" or number == len(levels) - 1)
        if not level or (set(level) & set("+#{}") and not special):
            raise _invalid(where, "a level is a plain text, {device}, {quantity}, or # as the last")
    if levels.count("{device}") != 1:
        raise _invalid(where, "must have one level {device}")
    if levels.count("{quantity}") + levels.count("#") != measured:
        raise _invalid(where, "has one {quantity}, or # at its end, exactly if payload is number")
    return Template(
        text, re.compile("/".join(_LEVELS.get(level) or re.escape(level) for level in levels))
    )


_LEVELS = {
    "{device}": "(?P<device>[^/]+)",
    "{quantity}": "(?P<quantity>[^/]+)",
    "#": "(?P<quantity>.+)",
}


def _invalid(path: str, reason: str) -> BadInput:
    return BadInput("catalogue.invalid", f"{path}: {reason}", field=path, reason=reason)
