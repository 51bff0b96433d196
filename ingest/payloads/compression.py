"""Bodies in gzip or zstd, unpacked within bounds: a bomb costs no more than what is allowed. Pure.

What is compressed is told by its first bytes, which no other payload of the contract begins with;
a content type that ends in ``+gzip`` or ``+zstd`` is held to its word.
"""

from __future__ import annotations

import zlib

import zstandard

from ingest.payloads.limits import UNPACKED_ALWAYS, UNPACKED_BYTES, UNPACKED_RATIO
from ingest.rejects import bad

_GZIP, _ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
_WINDOW_BYTES = 8 * 1024 * 1024
"""What RFC 8878 asks a decoder to offer; only what a frame really fills is touched."""


def unpack(payload: bytes, content_type: str = "") -> bytes:
    """The body itself; what is not compressed comes back as it is.

    Raises
    ------
    BadPayload
        ``compression.limit`` when there is more in it than allowed, ``compression.invalid``
        when it is cut off, damaged, or followed by something else.
    """
    packing = content_type.partition(";")[0].strip().rpartition("+")[2].lower()
    if payload.startswith(_ZSTD):
        found, unpacker = "zstd", _unzstd
    elif payload.startswith(_GZIP):
        found, unpacker = "gzip", _gunzip
    elif packing in ("gzip", "zstd"):
        raise bad("compression.invalid", format=packing)
    else:
        return payload
    limit = min(UNPACKED_BYTES, max(UNPACKED_ALWAYS, UNPACKED_RATIO * len(payload)))
    try:
        body, complete = unpacker(payload, limit)
    except (zlib.error, zstandard.ZstdError):
        raise bad("compression.invalid", format=found) from None
    if len(body) > limit:
        raise bad("compression.limit", limit=limit, ratio=UNPACKED_RATIO)
    if not complete or (packing in ("gzip", "zstd") and packing != found):
        raise bad("compression.invalid", format=found)
    return body


def _gunzip(payload: bytes, limit: int) -> tuple[bytes, bool]:
    unpacker = zlib.decompressobj(wbits=31)
    body = unpacker.decompress(payload, limit + 1)
    return body, unpacker.eof and not unpacker.unused_data


def _unzstd(payload: bytes, limit: int) -> tuple[bytes, bool]:
    context = zstandard.ZstdDecompressor(max_window_size=_WINDOW_BYTES)
    with context.stream_reader(payload) as reader:
        body = reader.read(limit + 1)
    if len(body) > limit:
        return body, False
    # The reader does not tell a frame that was cut off; this does, and now it is known to be small.
    unpacker = context.decompressobj()
    return unpacker.decompress(payload), unpacker.eof and not unpacker.unused_data
