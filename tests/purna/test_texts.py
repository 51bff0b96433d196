"""The message catalogue is complete in every language, and texts are formatted as promised."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from purna.core.texts import LANGUAGES, catalogue, pick_language, render


def parameters(template: str) -> set[tuple[str, str]]:
    return {(name, spec or "") for _, name, spec, _ in string.Formatter().parse(template) if name}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_the_same_codes_and_parameters(language: str) -> None:
    english, other = catalogue("en"), catalogue(language)
    assert english.keys() == other.keys()
    for code, template in english.items():
        assert parameters(template) == parameters(other[code]), code


def test_a_text_that_the_catalogue_lacks_is_shown_by_its_code() -> None:
    assert render("no.such.code", "id", amount=1) == "no.such.code"


def test_a_missing_parameter_stays_visible_instead_of_failing() -> None:
    assert "{id}" in render("error.not_found", kind="order")


@pytest.mark.parametrize(
    ("header", "language"),
    [
        (None, "en"),
        ("id", "id"),
        ("id-ID,id;q=0.9,en;q=0.8", "id"),
        ("de,en;q=0.5", "en"),
        ("fr", "en"),
        ("en;q=0.2,id;q=0.7", "id"),
    ],
)
def test_the_best_language_is_picked(header: str | None, language: str) -> None:
    assert pick_language(header) == language


@given(st.text(max_size=60))
def test_any_header_gives_a_language_of_ours(header: str) -> None:
    assert pick_language(header) in LANGUAGES
