"""Telemetry in JSON, version 1: a single moment, or a batch of them. Pure.

    {"boot": "b7", "seq": 4711, "ts": 1732212345678, "m": {"bearing_temp": 71.2}}
    {"boot": "b7", "seq": 4711, "r": [[1732212345678, {"bearing_temp": 71.2}], …]}

:func:`decode_strictly` says what is right and names what is wrong. Nearly every message takes the
fast way instead, which accepts a message only where both would read the same from it; anything
it has doubts about goes the strict way.
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from ingest.payloads import limits
from ingest.payloads.strict_json import Parser, allow, number_of, parse_object, text_of, time_of
from ingest.rejects import bad
from purna.core.errors import BadPayload
from purna.core.readings import Quality, Telemetry


class _Message(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    boot: str | UnsetType = UNSET
    seq: int | UnsetType = UNSET
    ts: float | UnsetType = UNSET
    m: dict[str, float] | UnsetType = UNSET
    r: list[tuple[float, dict[str, float]]] | UnsetType = UNSET
    u: dict[str, str] | UnsetType = UNSET
    q: dict[str, int] | UnsetType = UNSET


_decoder = msgspec.json.Decoder(_Message)


def decode(device: str, payload: bytes) -> Telemetry:
    """The readings in a telemetry message of ``device``.

    Raises
    ------
    BadPayload
        With the code of the firmware contract and the field; where the message tells its
        ``boot`` and ``seq``, the error's parameters have them too.
    """
    return _decode_fast(device, payload) or decode_strictly(device, payload)


def _decode_fast(device: str, payload: bytes) -> Telemetry | None:
    if len(payload) > limits.MESSAGE_BYTES or b"\\" in payload:
        return None
    try:
        message = _decoder.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    m, r, boot, seq = message.m, message.r, message.boot, message.seq
    # Without escapes every quote belongs to a key or a text that was read: one more, and
    # a key stood there twice.
    quotes = 0
    if m is not UNSET and message.ts is not UNSET and r is UNSET:
        if not (
            limits.FIRST_MS <= message.ts < limits.END_MS and m and len(m) <= limits.QUANTITIES
        ):
            return None
        rows: list[tuple[int, dict[str, float]]] = [(round(message.ts * 1000), m)]
        quotes = 4 + 2 * len(m)
    elif r is not UNSET and m is UNSET and message.ts is UNSET:
        rows = []
        values = 0
        for ts, moment in r:
            if not (limits.FIRST_MS <= ts < limits.END_MS and moment):
                return None
            values += len(moment)
            rows.append((round(ts * 1000), moment))
        if not 0 < values <= limits.QUANTITIES:  # so there are no more quantities either
            return None
        quotes = 2 + 2 * values
    else:
        return None
    if boot is not UNSET and seq is not UNSET:
        if not (0 < len(boot) <= limits.NAME_CHARS and 0 <= seq <= limits.SEQ_MAX):
            return None
        quotes += 6
    elif boot is not UNSET or seq is not UNSET:
        return None
    else:
        boot, seq = "", -1
    if message.u is not UNSET or message.q is not UNSET or payload.count(b'"') != quotes:
        return None
    return Telemetry(device, rows, boot, seq)


def decode_strictly(device: str, payload: bytes, parse: Parser = parse_object) -> Telemetry:
    """The same, naming what is wrong; ``parse`` may read another format into the same object."""
    data = parse(payload)
    boot, seq = read_numbering(data)
    try:
        allow(data, "boot", "seq", "ts", "m", "r", "u", "q")
        rows = _rows(data)
        return Telemetry(device, rows, boot, seq, _units(data), _quality(data))
    except BadPayload as error:
        if boot:
            error.params.update(boot=boot, seq=seq)
        raise


def read_numbering(data: dict[str, Any]) -> tuple[str, int]:
    """``boot`` and ``seq`` of a message, or ``""`` and -1 where it has none."""
    if ("boot" in data) != ("seq" in data):
        raise bad("numbering.incomplete", field="boot" if "seq" in data else "seq")
    if "boot" not in data:
        return "", -1
    seq = data["seq"]
    if isinstance(seq, bool) or not isinstance(seq, int):
        raise bad("field.type", field="seq", expected="a whole number")
    if not 0 <= seq <= limits.SEQ_MAX:
        raise bad("seq.range", field="seq")
    return text_of(data, "boot", limits.NAME_CHARS), seq


def _rows(data: dict[str, Any]) -> list[tuple[int, dict[str, float]]]:
    if ("r" in data) == ("m" in data) or ("r" in data and "ts" in data):
        raise bad("form.invalid")
    if "m" in data:
        if "ts" not in data:
            raise bad("field.missing", field="ts")
        rows = [(time_of(data["ts"], "ts"), _values(data["m"], "m"))]
    else:
        if not isinstance(data["r"], list):
            raise bad("field.type", field="r", expected="a list of [ts, {quantity: value}]")
        rows = [_moment(item, f"r[{number}]") for number, item in enumerate(data["r"])]
    if not sum(len(values) for _, values in rows):
        raise bad("values.empty")
    if sum(len(values) for _, values in rows) > limits.VALUES:
        raise bad("values.limit", limit=limits.VALUES)
    if len({name for _, values in rows for name in values}) > limits.QUANTITIES:
        raise bad("quantities.limit", limit=limits.QUANTITIES)
    return rows


def _moment(item: Any, field: str) -> tuple[int, dict[str, float]]:
    if not isinstance(item, list) or len(item) != 2:
        raise bad("field.type", field=field, expected="[ts, {quantity: value}]")
    return time_of(item[0], f"{field}[0]"), _values(item[1], f"{field}[1]")


def _values(values: Any, field: str) -> dict[str, float]:
    if not isinstance(values, dict):
        raise bad("field.type", field=field, expected="an object of numbers")
    return {
        name: number_of(value, f"{field}.{name[: limits.NAME_CHARS]}")
        for name, value in values.items()
    }


def _units(data: dict[str, Any]) -> dict[str, str]:
    units = data.get("u", {})
    if not isinstance(units, dict):
        raise bad("field.type", field="u", expected="an object of units")
    for name, unit in units.items():
        if not isinstance(unit, str):
            raise bad("field.type", field=f"u.{name[: limits.NAME_CHARS]}", expected="a text")
    return units


def _quality(data: dict[str, Any]) -> dict[str, int]:
    flags = data.get("q", {})
    if not isinstance(flags, dict):
        raise bad("field.type", field="q", expected="an object of quality flags")
    for name, flag in flags.items():
        if isinstance(flag, bool) or not isinstance(flag, int) or flag not in list(Quality):
            raise bad("quality.invalid", field=f"q.{name[: limits.NAME_CHARS]}")
    return flags
