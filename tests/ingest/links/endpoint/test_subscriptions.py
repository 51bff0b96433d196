"""Filters and the tree of them, against matching word by word as the standard explains it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.links.endpoint.subscriptions import (
    SubscriptionTree,
    matches,
    valid_filter,
    valid_topic,
)

levels = st.sampled_from(["", "a", "b", "$a", "+", "#"])
filters = st.lists(levels, min_size=1, max_size=4).map("/".join).filter(valid_filter)
topics = st.lists(st.sampled_from(["", "a", "b", "$a"]), min_size=1, max_size=4).map("/".join)


def matches_by_the_book(name: str, topic: str) -> bool:
    if topic.startswith("$") and name[:1] in ("+", "#"):
        return False
    wanted, given_ = name.split("/"), topic.split("/")
    for place, level in enumerate(wanted):
        if level == "#":
            return len(given_) >= place
        if place >= len(given_) or level not in ("+", given_[place]):
            return False
    return len(wanted) == len(given_)


@given(filters, topics)
def test_one_filter_matches_as_the_book_says(name: str, topic: str) -> None:
    assert matches(name, topic) == matches_by_the_book(name, topic)


@given(st.lists(st.tuples(filters, st.integers(0, 3))), st.lists(st.integers(0, 20)), topics)
def test_the_tree_finds_what_is_in_it_and_forgets_what_is_removed(
    added: list[tuple[str, int]], removed: list[int], topic: str
) -> None:
    tree: SubscriptionTree[int, str] = SubscriptionTree()
    left = set()
    for name, owner in added:
        tree.add(name, owner, name)
        left.add((name, owner))
    for number in removed:
        if number < len(added):
            tree.remove(*added[number])
            left.discard(added[number])
    found = sorted((owner, name) for owner, name in tree.find(topic))
    assert found == sorted(
        (owner, name) for name, owner in left if matches_by_the_book(name, topic)
    )
    for name, owner in left:
        tree.remove(name, owner)
    assert not tree.used


@pytest.mark.parametrize("name", ["a", "a/b", "/", "+", "#", "a/#", "+/b", "a/+/b", "a//b", "/#"])
def test_filters_with_wildcards_where_they_may_stand(name: str) -> None:
    assert valid_filter(name)


@pytest.mark.parametrize("name", ["", "a#", "a/#/b", "#/a", "a+", "a/b+", "+a", "a/##", "++"])
def test_filters_with_wildcards_where_they_may_not_stand(name: str) -> None:
    assert not valid_filter(name)


def test_a_topic_to_publish_to_has_no_wildcards() -> None:
    assert valid_topic("a/b")
    assert not any(valid_topic(name) for name in ("", "a/+", "#", "a/b#"))
