"""Pages of a list: an opaque cursor holds the sort key of the last item that was shown."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from typing import Annotated, Any, TypeVar

from fastapi import Query

from purna.core.errors import BadInput

T = TypeVar("T")
Key = tuple[Any, ...]

CursorParam = Annotated[
    str | None, Query(max_length=1000, description="`next_cursor` of the page before")
]
PageLimit = Annotated[int, Query(ge=1, le=200, description="Items per page")]
ListLimit = Annotated[int, Query(ge=1, le=1000, description="Items per page")]


def encode_cursor(key: Key) -> str:
    """The cursor that continues after the item with this sort key."""
    text = json.dumps(key, separators=(",", ":"), ensure_ascii=False)
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def decode_cursor(cursor: str, like: Key) -> Key:
    """The sort key in a cursor; its parts have the types of ``like``.

    Raises
    ------
    BadInput
        ``request.cursor`` for anything that :func:`encode_cursor` did not make for such a list.
    """
    wrong = BadInput(
        "request.cursor", f"not a cursor of this list: {cursor[:80]!r}", field="cursor"
    )
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        parts = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (ValueError, binascii.Error, RecursionError):
        raise wrong from None
    if not isinstance(parts, list) or [type(p) for p in parts] != [type(p) for p in like]:
        raise wrong
    return tuple(parts)


def cut_page(
    items: Sequence[T], key: Callable[[T], Key], cursor: str | None, limit: int
) -> tuple[list[T], str | None]:
    """One page of ``items``, which are sorted by the unique ``key``, and the next cursor.

    The page after a cursor begins behind that key even when the item itself has gone.
    """
    start = 0
    if cursor and items:
        after = decode_cursor(cursor, like=key(items[0]))
        start = next((i for i, item in enumerate(items) if key(item) > after), len(items))
    page = list(items[start : start + limit])
    more = start + limit < len(items)
    return page, encode_cursor(key(page[-1])) if more else None
