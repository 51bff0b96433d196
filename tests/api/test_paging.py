"""Cursors."""

from __future__ import annotations

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.paging import cut, decode_cursor, encode_cursor
from purna.core.errors import BadInput

KEYS = st.tuples(st.integers(0, 3), st.floats(-2, 2), st.text(max_size=5))
TYPES = (int, float, str)


@given(st.sets(KEYS, max_size=40), st.integers(1, 7))
def test_following_the_cursors_shows_every_item_once_in_order(
    keys: set[tuple[int, float, str]], limit: int
) -> None:
    items, shown, cursor = sorted(keys), [], None
    while True:
        page, cursor = cut(items, lambda item: item, TYPES, cursor, limit)
        assert len(page) <= limit
        shown.extend(page)
        if cursor is None:
            break
    assert shown == items


@given(st.sets(KEYS, min_size=3, max_size=20), st.data())
def test_items_that_come_and_go_between_pages_do_not_disturb_the_others(
    keys: set[tuple[int, float, str]], data: st.DataObject
) -> None:
    items = sorted(keys)
    first, cursor = cut(items, lambda item: item, TYPES, None, len(items) // 2)
    gone = data.draw(st.sets(st.sampled_from(items)))
    come = data.draw(st.sets(KEYS))
    after = sorted((keys - gone) | come)
    rest, _ = cut(after, lambda item: item, TYPES, cursor, 1000)
    assert rest == [item for item in after if item > first[-1]]


@given(KEYS)
def test_a_cursor_is_safe_in_an_address_and_gives_its_key_back(
    key: tuple[int, float, str],
) -> None:
    cursor = encode_cursor(key)
    assert set(cursor) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_")
    assert decode_cursor(cursor, TYPES) == key


def _cursor(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    "cursor",
    [
        "x",
        "ü",
        "!!!!",
        "bm9qc29u",
        _cursor([1, 2.0]),
        _cursor([1, "a", 2.0]),
        _cursor({"a": 1}),
        _cursor([True, 1.0, "a"]),
        _cursor([[[[[]]]]]),
        "W" * 1000,
    ],
)
@pytest.mark.parametrize("items", [[], [(1, 1.0, "a")]])
def test_a_cursor_that_is_none_is_named_as_wrong(
    cursor: str, items: list[tuple[int, float, str]]
) -> None:
    with pytest.raises(BadInput) as error:
        cut(items, lambda item: item, TYPES, cursor, 10)
    assert error.value.code == "request.cursor"
    assert error.value.field == "cursor"
