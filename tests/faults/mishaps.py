"""What goes wrong inside the process: patches that hurt a good build, which must cope."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import apsw

from ingest.fast import FastWay
from ingest.links.endpoint.server import Server
from ingest.payloads import Decoders
from ingest.stores import sqlite_schema

_EVERY = 100


def decoder_raises() -> None:
    """A bug in the decoders: they fail on some messages, again and again on the same ones."""
    FastWay.take = _failing(FastWay.take, lambda messages: any(map(_hurts, messages)))  # type: ignore[method-assign]
    Decoders.decode = _failing(Decoders.decode, lambda topic, payload: _hurts((topic, payload)))  # type: ignore[method-assign]


def _failing(function: Callable[..., Any], hurts: Callable[..., bool]) -> Any:
    arguments = hurts.__code__.co_argcount

    def function_or_failure(self: Any, *given: Any, **more: Any) -> Any:
        if hurts(*given[:arguments]):
            raise RuntimeError("a bug in a decoder")
        return function(self, *given, **more)

    return function_or_failure


def _hurts(message: Sequence[Any]) -> bool:
    return zlib.crc32(message[1]) % _EVERY == 0


def endpoint_dies() -> None:
    """A bug in the endpoint's own thread, a moment after its start."""
    tick, left = Server._tick, [3]

    def tick_or_fail(self: Server) -> None:
        left[0] -= 1
        if left[0] < 0:
            raise RuntimeError("a bug in the endpoint")
        tick(self)

    Server._tick = tick_or_fail  # type: ignore[method-assign]


def impatient_store() -> None:
    """A busy file is given up after a moment instead of ten seconds: the same, in less time."""
    connect = sqlite_schema._connect

    def connect_impatiently(path: Any, flags: int) -> apsw.Connection:
        connection = connect(path, flags)
        connection.set_busy_timeout(300)
        return connection

    sqlite_schema._connect = connect_impatiently


MISHAPS: Mapping[str, Callable[[], None]] = {
    "decoder_raises": decoder_raises,
    "endpoint_dies": endpoint_dies,
    "impatient_store": impatient_store,
}
