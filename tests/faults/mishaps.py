"""What goes wrong inside the process: patches that hurt a good build, which must cope."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from typing import Any

import apsw

from ingest import payloads
from ingest.stores import sqlite_schema

_EVERY = 97


def decoder_raises() -> None:
    """A bug in a decoder: it fails on some messages, again and again on the same ones."""
    decode = payloads.decode

    def decode_or_fail(topic: str, payload: bytes, *args: Any, **given: Any) -> Any:
        if hash_of(payload) % _EVERY == 0:
            raise RuntimeError("a bug in a decoder")
        return decode(topic, payload, *args, **given)

    payloads.decode = decode_or_fail


def hash_of(payload: bytes) -> int:
    return sum(itertools.islice(payload, 0, None, 3))


def impatient_store() -> None:
    """A busy file is given up after a moment instead of ten seconds: the same, in less time."""
    connect = sqlite_schema._connect

    def connect_impatiently(path: Any, flags: int) -> apsw.Connection:
        connection = connect(path, flags)
        connection.set_busy_timeout(50)
        return connection

    sqlite_schema._connect = connect_impatiently


MISHAPS: Mapping[str, Callable[[], None]] = {
    "decoder_raises": decoder_raises,
    "impatient_store": impatient_store,
}
