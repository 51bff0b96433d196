"""Telemetry in JSON, version 1: a single moment, or a batch of them. Pure.

    {"boot": "b7", "seq": 4711, "ts": 1732212345678, "m": {"bearing_temp": 71.2}}
    {"boot": "b7", "seq": 4711, "r": [[1732212345678, {"bearing_temp": 71.2}], …]}

:func:`decode` says what is right and names what is wrong. Nearly every message is plain and read
by :data:`plain` in a tenth of the time; :mod:`ingest.fast` does that, and the checks it takes.
"""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

from ingest.payloads import limits
from ingest.payloads.strict_json import Parser, allow, number_of, parse_object, text_of, time_of
from ingest.rejects import bad
from purna.core.errors import BadPayload
from purna.core.readings import Quality, Telemetry


class Plain(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """A message without units and flags. A key that is absent reads as what no message may say."""

    ts: float = 0.0
    m: dict[str, float] = {}
    r: list[tuple[float, dict[str, float]]] = []
    boot: Annotated[str, msgspec.Meta(min_length=1, max_length=limits.NAME_CHARS)] = ""
    seq: Annotated[int, msgspec.Meta(ge=0, le=limits.SEQ_MAX)] = -1


plain = msgspec.json.Decoder(Plain)
"""Reads plain messages fast, but overlooks keys that stand twice and mixtures of ``m`` and ``r``:
:mod:`ingest.fast` counts quotes to find those."""


def decode(device: str, payload: bytes, parse: Parser = parse_object) -> Telemetry:
    """The readings in a message of ``device``; ``parse`` may read another format.

    Raises
    ------
    BadPayload
        With the code of the firmware contract and the field; where the message tells its
        ``boot`` and ``seq``, the error's parameters have them too.
    """
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
