"""docs/catalogue.md names every key with its true default, and its example is a product."""

from __future__ import annotations

import re
import tomllib
from dataclasses import MISSING, Field, fields
from enum import StrEnum
from pathlib import Path
from typing import Any

import pytest

from purna.core.catalogue import Component, FailureMode, Policy, Product, Quantity, parse_product
from purna.core.units import UNITS
from purna.core.vibration import Bearing, Machine, WaveformSource

PAGE = (Path(__file__).parents[2] / "docs" / "catalogue.md").read_text("utf-8")
SECTIONS = {
    "Top level": Product,
    "`[[quantity]]`": Quantity,
    "`[[waveform]]`": WaveformSource,
    "`[machine]`": Machine,
    "`[[bearing]]`": Bearing,
    "`[[component]]`": Component,
    "`[[failure_mode]]`": FailureMode,
    "`[policy]`": Policy,
}
LISTS = {
    "quantities": "[[quantity]]",
    "waveforms": "[[waveform]]",
    "machine": "[machine]",
    "bearings": "[[bearing]]",
    "components": "[[component]]",
    "failure_modes": "[[failure_mode]]",
    "policy": "[policy]",
}
"""Fields of a product that are tables of their own in the file."""


def table(section: str) -> dict[str, str]:
    """Default by key, as the section's table says it."""
    text = PAGE.split(f"\n## {section}\n")[1].split("\n## ")[0]
    rows = re.findall(r"^\| `(\w+)` \| [^|]+ \| ([^|]+) \|", text, re.MULTILINE)
    assert len(rows) == len(dict(rows)), f"a key stands twice under {section}"
    return dict(rows)


def shown(field: Field[Any]) -> str:
    """A field's default as the page writes it."""
    if field.default is MISSING:
        return "required"
    value = field.default
    if value is None:
        return "none"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, StrEnum | str):
        return f'`"{value}"`'
    if isinstance(value, tuple):
        return f"`{list(value)}`"
    return f"`{value}`"


@pytest.mark.parametrize("section", SECTIONS)
def test_every_key_is_in_its_table_with_its_default(section: str) -> None:
    expected = {f.name: shown(f) for f in fields(SECTIONS[section]) if f.name not in LISTS}
    assert table(section) == expected


def test_the_fields_that_are_tables_have_sections() -> None:
    own = {f.name for f in fields(Product)} - set(table("Top level"))
    assert own == set(LISTS)
    for heading in LISTS.values():
        assert f"\n## `{heading}`\n" in PAGE


def test_every_unit_is_named() -> None:
    line = re.search(r"^Units: (.*?)\n\n", PAGE, re.MULTILINE | re.DOTALL)
    assert line is not None
    assert set(re.findall(r"`([^`]+)`", line[1])) == set(UNITS)


def test_the_example_is_a_product_of_which_every_component_can_lead_to_an_order() -> None:
    blocks = re.findall(r"^`([\w.-]+)\.toml`:\n\n```toml\n(.*?)^```", PAGE, re.M | re.S)
    ((name, text),) = blocks
    product = parse_product(tomllib.loads(text))
    assert product.id == name
    assert {m.component for m in product.failure_modes} == {c.id for c in product.components}
    assert {m.remedy.value for m in product.failure_modes} == {"visit", "ship"}
    assert {b.component for b in product.bearings} == {"bearing"}
    assert any(q.setting for q in product.quantities)
    assert any(not q.setting for q in product.quantities)
    assert product.policy.clear_probability < product.policy.raise_probability
