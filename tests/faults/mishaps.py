"""What goes wrong inside the process: patches that hurt a good build, which must cope."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from typing import Any

import apsw

from ingest.payloads import Decoders
from ingest.stores import sqlite_schema

_EVERY = 100


def decoder_raises() -> None:
    """A bug in a decoder: it fails on some messages, again and again on the same ones."""
    decode = Decoders.decode

    def decode_or_fail(self: Decoders, topic: str, payload: bytes, *args: Any, **given: Any) -> Any:
        if zlib.crc32(payload) % _EVERY == 0:
            raise RuntimeError("a bug in a decoder")
        return decode(self, topic, payload, *args, **given)

    Decoders.decode = decode_or_fail  # type: ignore[method-assign]


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
