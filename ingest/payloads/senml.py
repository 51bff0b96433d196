"""Telemetry as SenML (RFC 8428) in JSON and CBOR. Pure.

    [{"bn": "urn:dev:mac:0024befffe804ff1:", "bt": 1732212345, "n": "bearing_temp",
      "u": "Cel", "v": 71.2}, {"n": "vib_rms", "u": "m/s", "v": 0.0031}]

Records are resolved as in section 4.6; what is refused is named by its record and loses nothing
of the rest. A name becomes a quantity without the device in front of it, see :func:`quantity_of`.
"""

from __future__ import annotations

import base64
import binascii
import io
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import cbor2

from ingest.payloads import strict_cbor
from ingest.payloads.collect import Collector
from ingest.payloads.limits import MESSAGE_BYTES, NAME_CHARS, VALUES
from ingest.payloads.strict_json import number_of, parse_list, time_of
from ingest.rejects import bad
from purna.core.clock import SECOND
from purna.core.errors import BadPayload
from purna.core.readings import Telemetry

VERSION = 10
RELATIVE = 2**28
"""Times below this many seconds are relative to now (section 4.5.3)."""

UNITS: Mapping[str, str] = {
    # RFC 8428, table 1
    "m": "m",
    "kg": "kg",
    "g": "gram",
    "s": "s",
    "A": "A",
    "K": "K",
    "Hz": "Hz",
    "rad": "rad",
    "N": "N",
    "Pa": "Pa",
    "J": "J",
    "W": "W",
    "V": "V",
    "Ohm": "Ohm",
    "Cel": "degC",
    "m3": "m3",
    "l": "l",
    "m/s": "m/s",
    "m/s2": "m/s2",
    "m3/s": "m3/s",
    "l/s": "l/s",
    "%": "%",
    "/": "1",
    "%RH": "%",
    "%EL": "%",
    "count": "1",
    "1/s": "Hz",
    "1/min": "rpm",
    "dB": "dB",
    "VA": "VA",
    "var": "var",
    # RFC 8798, tables 1 and 2
    "ms": "ms",
    "min": "min",
    "h": "h",
    "MHz": "MHz",
    "kW": "kW",
    "kVA": "kVA",
    "kvar": "kvar",
    "Wh": "Wh",
    "kWh": "kWh",
    "mV": "mV",
    "mA": "mA",
    "ppm": "ppm",
    "/100": "%",
    "/1000": "permille",
    "hPa": "hPa",
    "mm": "mm",
    "cm": "cm",
    "km/h": "km/h",
}
"""SenML's units and ours; one that is not here is refused by name."""

_LABELS = {
    -1: "bver",
    -2: "bn",
    -3: "bt",
    -4: "bu",
    -5: "bv",
    -6: "bs",
    0: "n",
    1: "u",
    2: "v",
    3: "vs",
    4: "vb",
    5: "s",
    6: "t",
    7: "ut",
    8: "vd",
}
_FIELDS = frozenset(_LABELS.values())
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9:./_-]*")
_URN = re.compile(r"urn:dev:[^:/]+:[^:/_]+[:/_]?")
_ENTRIES = 23
"""Fields of a record: no more than a map in CBOR can have with its length in the first byte."""


def decode_json(device: str, payload: bytes, now: int) -> Sequence[Telemetry | BadPayload]:
    """The readings in a pack, and refusals of what is wrong in it; ``now`` is micros UTC.

    Raises
    ------
    BadPayload
        When nothing of it can be taken.
    """
    return _resolve(device, parse_list(payload), now, _base64)


def decode_cbor(device: str, payload: bytes, now: int) -> Sequence[Telemetry | BadPayload]:
    """The same for a pack in CBOR, with the labels of table 4 as keys."""
    return _resolve(device, _records(payload), now, _bytes)


def quantity_of(name: str, device: str) -> str:
    """What a name says beyond the device: ``/`` and ``:`` become ``_``.

    Taken away in front are ``urn:dev:…`` (RFC 9039) or the device's own id with a separator.
    """
    urn = _URN.match(name)
    if urn:
        name = name[urn.end() :]
    elif name.startswith(device) and name[len(device) : len(device) + 1] in (":", "/", ""):
        name = name[len(device) + 1 :]
    return name.replace("/", "_").replace(":", "_").strip("_")


def _resolve(
    device: str, records: Sequence[Any], now: int, data_of: Callable[[Any], bool]
) -> Sequence[Telemetry | BadPayload]:
    if len(records) > VALUES:
        raise bad("values.limit", limit=VALUES)
    readings = Collector(device)
    base: dict[str, Any] = {}
    for number, record in enumerate(records):
        _rebase(base, record, f"[{number}]")
        try:
            _check_types(record, data_of)
            found = _read(record, base, device, now)
        except BadPayload as error:
            field = f"[{number}].{error.field}" if error.field in record else error.field
            params = {name: value for name, value in error.params.items() if name != "field"}
            readings.refuse(bad(error.code, field=field, **params))
        else:
            for one in found:
                readings.add(*one)
    parts = readings.parts()
    if not any(isinstance(part, Telemetry) for part in parts):
        raise next((part for part in parts if isinstance(part, BadPayload)), bad("values.empty"))
    return parts


def _rebase(base: dict[str, Any], record: Any, where: str) -> None:
    """Take over what holds for this record and all after it: wrong here, all of it would be."""
    if not isinstance(record, dict):
        raise bad("field.type", field=where, expected="a record")
    for field, value in record.items():
        if field in ("bn", "bu"):
            if not isinstance(value, str):
                raise bad("field.type", field=f"{where}.{field}", expected="a text")
            base[field] = value
        elif field in ("bt", "bv", "bs"):
            base[field] = number_of(value, f"{where}.{field}")
        elif field == "bver":
            if type(value) is not int or not 0 < value <= VERSION:
                raise bad("senml.version", field=f"{where}.bver", limit=VERSION)
        elif field not in _FIELDS and field.endswith("_"):  # must be understood
            raise bad("senml.field", field=f"{where}.{field[:NAME_CHARS]}")


def _check_types(record: Mapping[str, Any], data_of: Callable[[Any], bool]) -> None:
    for field, value in record.items():
        if field in ("n", "u", "vs"):
            if not isinstance(value, str):
                raise bad("field.type", field=field, expected="a text")
        elif field == "vb":
            if not isinstance(value, bool):
                raise bad("field.type", field=field, expected="true or false")
        elif field == "vd":
            if not data_of(value):
                raise bad("field.type", field=field, expected="data")
        elif field in ("v", "s", "t", "ut"):
            number_of(value, field)


def _read(
    record: Mapping[str, Any], base: Mapping[str, Any], device: str, now: int
) -> list[tuple[str, str, int, float]]:
    """Quantity, unit, time and value of what a record says: a value, a sum, or both."""
    given = record.keys() & {"v", "vb", "vs", "vd"}
    if not given and not record.keys() & {"n", "s"}:
        return []  # nothing but bases for what follows
    name = base.get("bn", "") + record.get("n", "")
    quantity = quantity_of(name, device)
    if not _NAME.fullmatch(name) or not 0 < len(quantity) <= NAME_CHARS:
        raise bad("senml.name", field=name[:NAME_CHARS] or "n")
    has_sum = "s" in record or "bs" in base
    if not given and "bv" in base and not has_sum:
        given = {"v"}
    if len(given) > 1 or not (given or has_sum):
        raise bad("senml.value", field=quantity)
    if given & {"vs", "vd"}:
        raise bad("senml.no_number", field=quantity)
    unit = record.get("u", base.get("bu", ""))
    if unit and unit not in UNITS:
        raise bad("unit.unknown", field=quantity, unit=unit[:NAME_CHARS])
    ts = _time(base.get("bt", 0.0), record.get("t", 0), now)
    found = []
    if "vb" in given:
        found.append((quantity, UNITS.get(unit, ""), ts, float(record["vb"])))
    elif given:
        value = number_of(record.get("v", 0) + base.get("bv", 0.0), quantity)
        found.append((quantity, UNITS.get(unit, ""), ts, value))
    if has_sum:
        total = number_of(record.get("s", 0) + base.get("bs", 0.0), quantity)
        found.append((f"{quantity}_sum", "", ts, total))
    return found


def _time(base: float, relative: float, now: int) -> int:
    """Micros of a record; below 2**28 seconds it counts from ``now``, back where negative."""
    seconds = number_of(base + relative, "t")
    if seconds >= RELATIVE:
        return time_of(seconds * 1000, "t")
    if seconds < -RELATIVE:
        raise bad("ts.range", field="t")
    return now + round(seconds * SECOND)


def _records(payload: bytes) -> list[Any]:
    """The records of a CBOR pack, labels as names.

    Maps are read entry by entry and are short, so that no flood of keys with one hash is built.
    """
    if len(payload) > MESSAGE_BYTES:
        raise bad("size.limit", size=len(payload), limit=MESSAGE_BYTES)
    stream = io.BytesIO(payload)
    items = strict_cbor.reader(stream, strict_hashable_types=True)
    records: list[Any] = []
    for _ in range(_length(stream, 0x80)):
        record: dict[str, Any] = {}
        for _ in range(_length(stream, 0xA0)):
            try:
                key, value = items.decode(), items.decode()
            except cbor2.CBORDecodeError as error:
                raise strict_cbor.syntax(error) from None
            field = _LABELS.get(key) if type(key) is int else key
            if not isinstance(field, str) or (key in _FIELDS and type(key) is str):
                raise bad("cbor.syntax", reason="the labels of SenML are numbers")
            if field in record:
                raise bad("cbor.syntax", reason=f"{field[:NAME_CHARS]} stands twice in a record")
            record[field] = value
        records.append(record)
    if stream.read(1):
        raise bad("cbor.syntax", reason="something follows its end")
    return records


def _length(stream: io.BytesIO, kind: int) -> int:
    """The length of the array (0x80) or map (0xA0) that begins here."""
    first = stream.read(1)
    count = first[0] - kind if first else -1
    if kind == 0x80 and count in (24, 25):
        size = 2 ** (count - 24)
        count = int.from_bytes(stream.read(size), "big")
    elif not 0 <= count <= _ENTRIES:
        raise bad("cbor.syntax", reason="a pack is an array of maps of known, small size")
    if count > VALUES:
        raise bad("values.limit", limit=VALUES)
    return count


def _base64(value: Any) -> bool:
    try:
        base64.urlsafe_b64decode(value + "=" * (-len(value) % 4))
    except (TypeError, ValueError, binascii.Error):
        return False
    return True


def _bytes(value: Any) -> bool:
    return isinstance(value, bytes)
