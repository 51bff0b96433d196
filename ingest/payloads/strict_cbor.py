"""CBOR as the contract wants it: a map of plain items with text keys. Pure.

Like JSON: no tag, no indefinite length, no key twice, nothing behind the end. Whether a number is
finite is for its reader to check, as is the type of every item.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

import cbor2

from ingest.payloads.limits import DEPTH, MESSAGE_BYTES, NAME_CHARS, SEQ_MAX
from ingest.rejects import bad

_SEARCHED_KEYS = 64


class _NoTags(dict[int, Any]):
    """Where cbor2 looks up how to read a tag: not at all.

    Its own readers of tags compile regular expressions, parse mails and tie loops of references.
    """

    def get(self, tag: int, default: Any = None) -> Any:
        raise ValueError(f"tag {tag} is not taken")

    def __missing__(self, tag: int) -> Any:
        raise ValueError(f"tag {tag} is not taken")


def _text_keys(data: Mapping[Any, Any], _immutable: bool) -> Mapping[Any, Any]:
    for key in data:
        if not isinstance(key, str):
            raise ValueError("keys must be texts")
    return data


def reader(stream: io.BytesIO, **options: Any) -> cbor2.CBORDecoder:
    """Reads one plain item after the other; raises CBORDecodeError where there is none."""
    return cbor2.CBORDecoder(
        stream,
        max_depth=DEPTH,
        allow_indefinite=False,
        allow_duplicate_keys=False,
        semantic_decoders=_NoTags(),
        **options,
    )


def parse_map(payload: bytes, limit: int = MESSAGE_BYTES) -> dict[str, Any]:
    """The map in ``payload``; raises BadPayload with ``size.limit`` or ``cbor.syntax``."""
    if len(payload) > limit:
        raise bad("size.limit", size=len(payload), limit=limit)
    stream = io.BytesIO(payload)
    try:
        data = reader(stream, strict_hashable_types=True, object_hook=_text_keys).decode()
    except cbor2.CBORDecodeError as error:
        raise syntax(error) from None
    if stream.tell() != len(payload):
        raise bad("cbor.syntax", reason="something follows its end")
    if not isinstance(data, dict):
        raise bad("field.type", field="$", expected="a map")
    return data


def syntax(error: cbor2.CBORDecodeError) -> Exception:
    """The refusal for what the reader found wrong."""
    return bad("cbor.syntax", reason=str(error.__cause__ or error)[:200])


def find_numbering(payload: bytes) -> tuple[str, int] | None:
    """``boot`` and ``seq`` of a map that can't be read as a whole, or None when there is doubt.

    Both must stand among its first keys, before what is wrong.
    """
    stream = io.BytesIO(payload)
    first = stream.read(1)
    count = first[0] - 0xA0 if first else -1
    if count in (24, 25, 26):
        count = int.from_bytes(stream.read(2 ** (count - 24)), "big")
    elif not 0 <= count < 24:
        return None
    items = reader(stream, strict_hashable_types=True)
    found: dict[str, Any] = {}
    for _ in range(min(count, _SEARCHED_KEYS)):
        try:
            key, value = items.decode(), items.decode()
        except cbor2.CBORDecodeError:
            break
        if key in ("boot", "seq"):
            if key in found:
                return None
            found[key] = value
    boot, seq = found.get("boot"), found.get("seq")
    if not isinstance(boot, str) or type(seq) is not int:
        return None
    return (boot, seq) if 0 < len(boot) <= NAME_CHARS and 0 <= seq <= SEQ_MAX else None
