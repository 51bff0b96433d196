"""Pages of a list: an opaque cursor holds the sort key of the last item that was shown."""

from __future__ import annotations

import base64
import json
from bisect import bisect_right
from collections.abc import Callable, Sequence
from typing import Annotated, TypeVar

from fastapi import Query

from api.v1.common import Page, Wire
from purna.core.errors import BadInput

T = TypeVar("T")
W = TypeVar("W", bound=Wire)
Key = tuple[int | float | str, ...]

CursorParam = Annotated[
    str | None, Query(max_length=1000, description="`next_cursor` of the page before")
]
PageLimit = Annotated[int, Query(ge=1, le=200, description="Items per page")]
ListLimit = Annotated[int, Query(ge=1, le=1000, description="Items per page")]


def encode_cursor(key: Key) -> str:
    """The cursor that continues after the item with this sort key."""
    text = json.dumps(key, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def decode_cursor(cursor: str, types: tuple[type, ...]) -> Key:
    """The sort key in a cursor, whose parts must have these types.

    Raises
    ------
    BadInput
        ``request.cursor`` for anything that :func:`encode_cursor` did not make for such a list.
    """
    try:
        parts = json.loads(base64.b64decode(cursor + "=" * (-len(cursor) % 4), b"-_", True))
    except (ValueError, RecursionError):
        parts = None
    if not isinstance(parts, list) or tuple(map(type, parts)) != types:
        raise BadInput("request.cursor", f"not a cursor of this list: {cursor!r}", field="cursor")
    return tuple(parts)


def page_of(
    items: Sequence[T],
    key: Callable[[T], Key],
    show: Callable[[T], W],
    cursor: str | None,
    limit: int,
) -> Page[W]:
    """One page of ``items``, sorted by the unique one-text ``key``; ``show`` makes wire shapes."""
    chosen, next_cursor = cut(items, key, (str,), cursor, limit)
    return Page(items=[show(item) for item in chosen], next_cursor=next_cursor, total=len(items))


def cut(
    items: Sequence[T],
    key: Callable[[T], Key],
    types: tuple[type, ...],
    cursor: str | None,
    limit: int,
) -> tuple[Sequence[T], str | None]:
    """The items of one page of a list sorted by its unique ``key``, and the next page's cursor.

    The page after a cursor begins behind that key, even when the item itself has gone.
    """
    start = bisect_right(items, decode_cursor(cursor, types), key=key) if cursor else 0
    chosen = items[start : start + limit]
    more = start + limit < len(items)
    return chosen, encode_cursor(key(chosen[-1])) if more else None
