"""Mappings as they are shipped, devices by hand, and Sparkplug messages byte by byte."""

from __future__ import annotations

import struct
import tomllib
from collections.abc import Collection, Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import ingest.payloads
from ingest.payloads.mapping import TopicMapping
from ingest.payloads.mapping_file import parse_mapping
from ingest.rejects import hints
from purna.core.errors import BadPayload


@cache
def shipped_mappings() -> tuple[TopicMapping, ...]:
    folder = Path(ingest.payloads.__file__).parent / "mappings"
    return tuple(
        parse_mapping(tomllib.loads(path.read_text("utf-8")), path.name)
        for path in sorted(folder.glob("*.toml"))
    )


class Registered(NamedTuple):
    """A registered device: its gateway and what its product measures."""

    gateway: str
    ranges: Collection[str] | None


# An encoder of our own for Sparkplug B: what the platform's library reads is written by hand here.


def varint(number: int) -> bytes:
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes([*out, number])


def tagged(number: int, value: int | float | bytes | bool, kind: str = "") -> bytes:
    """A field; an int as a varint, a float as ``f`` (32) or ``d`` (64 bits), bytes by length."""
    if isinstance(value, bytes):
        return varint(number << 3 | 2) + varint(len(value)) + value
    if isinstance(value, float):
        wire = 5 if kind == "f" else 1
        return varint(number << 3 | wire) + struct.pack("<f" if kind == "f" else "<d", value)
    return varint(number << 3) + varint(int(value))


def metric(
    name: str | None = None,
    alias: int | None = None,
    ts: int | None = None,
    datatype: int | None = None,
    value: bytes = b"",
    *,
    null: bool = False,
    transient: bool = False,
    properties: Iterable[tuple[str, bytes]] = (),
) -> bytes:
    out = b""
    out += tagged(1, name.encode()) if name is not None else b""
    out += tagged(2, alias) if alias is not None else b""
    out += tagged(3, ts) if ts is not None else b""
    out += tagged(4, datatype) if datatype is not None else b""
    out += tagged(6, True) if transient else b""
    out += tagged(7, True) if null else b""
    listed = list(properties)
    if listed:
        keys = b"".join(tagged(1, key.encode()) for key, _ in listed)
        out += tagged(9, keys + b"".join(tagged(2, value) for _, value in listed))
    return out + value


def payload(*metrics: bytes, ts: int | None = 1732212345678, seq: int | None = None) -> bytes:
    out = tagged(1, ts) if ts is not None else b""
    out += b"".join(tagged(2, one) for one in metrics)
    return out + (tagged(3, seq) if seq is not None else b"")


def double(value: float) -> bytes:
    return tagged(13, value)


def integer(value: int) -> bytes:
    return tagged(10, value)


def long(value: int) -> bytes:
    return tagged(11, value)


def bdseq(number: int) -> bytes:
    return metric("bdSeq", datatype=4, value=long(number))


def plain(parts: Sequence[Any]) -> list[Any]:
    """Parts as they are, refusals as their code and field; each has a hint without gaps."""
    refused = [part for part in parts if isinstance(part, BadPayload)]
    assert all(part.code in hints() and "{" not in part.detail for part in refused)
    return [(part.code, part.field) if part in refused else part for part in parts]
