"""JSON as the contract wants it: what ``json.loads`` is lenient about is an error here. Pure."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from typing import Any

from ingest.payloads.limits import DEPTH, END_MS, FIRST_MS, MESSAGE_BYTES, NAME_CHARS
from ingest.rejects import bad

Parser = Callable[[bytes], dict[str, Any]]
"""Reads the outermost object of a message: this module's for JSON, or that for CBOR."""

_STRING = re.compile(r'"(?:[^"\\]|\\.)*"?')
_BRACKET = re.compile(r"[\[\]{}]")


def parse_object(payload: bytes) -> dict[str, Any]:
    """The object in ``payload``.

    Raises
    ------
    BadPayload
        ``size.limit``, ``json.syntax``, ``json.encoding``, ``json.duplicate_key``,
        ``json.depth``, ``value.not_finite``, or ``field.type`` when it is no object.
    """
    data = _parse(payload)
    if not isinstance(data, dict):
        raise bad("field.type", field="$", expected="an object")
    return data


def parse_list(payload: bytes) -> list[Any]:
    """The array in ``payload``; raises as :func:`parse_object` does."""
    data = _parse(payload)
    if not isinstance(data, list):
        raise bad("field.type", field="$", expected="an array")
    return data


def _parse(payload: bytes) -> Any:
    if len(payload) > MESSAGE_BYTES:
        raise bad("size.limit", size=len(payload), limit=MESSAGE_BYTES)
    try:
        text = payload.decode()
    except UnicodeDecodeError:
        raise bad("json.encoding") from None
    if _depth(text) > DEPTH:
        raise bad("json.depth", limit=DEPTH)
    try:
        return json.loads(text, object_pairs_hook=_object)
    except ValueError as error:  # also a number with thousands of digits
        raise bad("json.syntax", reason=str(error)) from None


def allow(data: dict[str, Any], *names: str) -> None:
    """Refuse every key that is not in ``names``: most often it is a misspelt one."""
    for key in data:
        if key not in names:
            raise bad("field.unknown", field=key[:NAME_CHARS])


def text_of(
    data: dict[str, Any], name: str, limit: int, *, minimum: int = 1, default: str | None = None
) -> str:
    if name not in data:
        if default is not None:
            return default
        raise bad("field.missing", field=name)
    value = data[name]
    if not isinstance(value, str):
        raise bad("field.type", field=name, expected="a text")
    if not minimum <= len(value) <= limit:
        raise bad("text.limit", field=name, minimum=minimum, limit=limit)
    return value


def time_of(value: Any, field: str) -> int:
    """Micros of a time in milliseconds, telling apart the usual mistakes in its unit."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise bad("field.type", field=field, expected="a number of milliseconds")
    if not _finite(value):
        raise bad("value.not_finite", field=field)
    if FIRST_MS <= value < END_MS:
        return round(float(value) * 1000)
    if 10**8 <= value < FIRST_MS:
        raise bad("ts.seconds", field=field)
    if value >= 10**14:
        raise bad("ts.microseconds", field=field)
    raise bad("ts.range", field=field)


def number_of(value: Any, field: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise bad("field.type", field=field, expected="a number")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise bad("value.not_finite", field=field)
    return number


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    for key, value in pairs:
        _check_text(key)
        if isinstance(value, str):
            _check_text(value)
        elif isinstance(value, float) and not math.isfinite(value):  # NaN, Infinity, 1e999
            raise bad("value.not_finite", field=key[:NAME_CHARS])
    data = dict(pairs)
    if len(data) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise bad("json.duplicate_key", field=twice[:NAME_CHARS])
    return data


def _check_text(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise bad("json.encoding") from None


def _finite(value: float) -> bool:
    return isinstance(value, int) or math.isfinite(value)


def _depth(text: str) -> int:
    depth = deepest = 0
    for bracket in _BRACKET.findall(_STRING.sub("", text)):
        depth += 1 if bracket in "[{" else -1
        deepest = max(deepest, depth)
    return deepest
