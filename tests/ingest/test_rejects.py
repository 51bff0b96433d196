"""The codes: every one that the code raises has a hint, and every hint is raised somewhere."""

from __future__ import annotations

import ast
from pathlib import Path

from ingest.rejects import bad, hints
from purna.core.texts import LANGUAGES

INGEST = Path(__file__).parents[2] / "ingest"
FROM_UNITS = {"unit.unknown", "unit.mismatch"}  # passed on from purna.core.units


def codes_in_the_source() -> set[str]:
    return {
        node.args[0].value
        for path in INGEST.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "bad"
        and isinstance(node.args[0], ast.Constant)
    }


def test_every_code_has_a_hint_and_every_hint_a_use() -> None:
    assert codes_in_the_source() | FROM_UNITS == set(hints())


def test_hints_are_there_in_every_language() -> None:
    assert len({frozenset(hints(language)) for language in LANGUAGES}) == 1


def test_a_refusal_says_in_english_what_to_do() -> None:
    error = bad("ts.seconds", field="r[3][0]")
    assert (error.code, error.field) == ("ts.seconds", "r[3][0]")
    assert error.detail.startswith("The time r[3][0] looks like seconds")
