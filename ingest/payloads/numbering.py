"""The number of a telemetry message that can't be read otherwise. Pure.

A refused message is dealt with as well: its number has to count as settled, or ``ack`` would wait
for it until the device restarts. So ``boot`` and ``seq`` are looked for in the raw bytes, and
taken only where they can mean one thing.
"""

from __future__ import annotations

import json
import re

from ingest.payloads import strict_cbor
from ingest.payloads.limits import NAME_CHARS, SEQ_MAX

SEARCHED_BYTES = 1024 * 1024

# A string that nothing closes goes to the end: no byte is looked at twice.
_TOKEN = re.compile(rb'[\[\]{}]|"[^"\\]*(?:\\.[^"\\]*)*"?', re.DOTALL)
_COLON = re.compile(rb"\s*:\s*")
_BOOT, _SEQ = b'"boot"', b'"seq"'
_VALUES = {
    _BOOT: re.compile(rb'("[^"\\]*(?:\\.[^"\\]*)*")\s*[,}]', re.DOTALL),
    _SEQ: re.compile(rb"(0|[1-9][0-9]{0,15})\s*[,}]"),
}


def find_numbering(payload: bytes) -> tuple[str, int] | None:
    """``boot`` and ``seq`` of a payload that can't be read, or None when there is doubt.

    What begins like a map of CBOR is searched as one. In anything else both must stand exactly
    once among the outermost keys of the first :data:`SEARCHED_BYTES`, complete and within the
    contract's limits.
    """
    if 0xA0 <= (payload[:1] or b"{")[0] <= 0xBF:
        return strict_cbor.find_numbering(payload)
    head = payload[:SEARCHED_BYTES]
    found: dict[bytes, bytes] = {}
    depth = 0
    for token in _TOKEN.finditer(head):
        text = token[0]
        if text in (b"{", b"["):
            depth += 1
        elif text in (b"}", b"]"):
            depth -= 1
        elif depth == 1 and text in _VALUES and (colon := _COLON.match(head, token.end())):
            value = _VALUES[text].match(head, colon.end())
            if value is None or text in found:
                return None
            found[text] = value[1]
    if len(found) < len(_VALUES):
        return None
    boot, seq = _text(found[_BOOT]), int(found[_SEQ])
    return (boot, seq) if 0 < len(boot) <= NAME_CHARS and seq <= SEQ_MAX else None


def _text(quoted: bytes) -> str:
    """What a JSON string says; nothing where it is none, or can't be sent back."""
    try:
        text = str(json.loads(quoted))
        text.encode()
    except ValueError:
        return ""
    return text
