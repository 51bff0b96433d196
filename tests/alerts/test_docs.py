from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path

import pytest

from alerts.lifecycle import ALERT, ORDER
from alerts.settings import AlertSettings
from purna.core.catalogue import Policy

PAGE = (Path(__file__).parents[2] / "docs" / "orders.md").read_text("utf-8")


def drawn(table: Mapping[StrEnum, Mapping[StrEnum, StrEnum]]) -> str:
    """The picture of a lifecycle, as mermaid text."""
    first = next(iter(table))
    lines = ["stateDiagram-v2", f"    [*] --> {first}"]
    for state, actions in table.items():
        lines += [f"    {state} --> {after}: {action}" for action, after in actions.items()]
    lines += [f"    {state} --> [*]" for state, actions in table.items() if not actions]
    return "\n".join(lines)


@pytest.mark.parametrize("table", [ALERT, ORDER], ids=["alert", "order"])
def test_the_page_draws_the_lifecycles_as_they_are(
    table: Mapping[StrEnum, Mapping[StrEnum, StrEnum]],
) -> None:
    assert f"```mermaid\n{drawn(table)}\n```" in PAGE


def test_every_setting_and_file_that_the_page_names_is_there() -> None:
    known = {*AlertSettings.model_fields, *Policy.__dataclass_fields__}
    named = set(re.findall(r"`([a-z]+_[a-z_]+)`", PAGE))
    assert named <= known | {"opened_at"}
    for path in re.findall(r"`(alerts/[a-z_/.]+)`", PAGE):
        assert (Path(__file__).parents[2] / path).exists(), path
