"""The message catalogue: every text that people read, by code and language.

TOML files in ``purna/core/messages/<language>/``, one per package that speaks;
``tests/purna/test_texts.py`` checks that all languages have the same codes and parameters.
A text refers to its parameters as ``{name}`` or ``{name:format}`` with one of these formats:

=========== ======================= =====================
format      value                   English / Indonesian
=========== ======================= =====================
``number``  float                   1,234.5 / 1.234,5
``percent`` 0..1                    87% / 87%
``hours``   hours                   36 hours / 36 jam; from 72 on in days
``money``   (amount, currency)      €1,250.00 / €1.250,00
``date``    micros                  Mar 1, 2026 / 1 Mar 2026
``time``    micros                  Mar 1, 2026, 06:00 UTC
``name``    names                   Bearing / Bantalan
``shares``  [[names, 0..1], …]      Pressure 62%, Load 20%
=========== ======================= =====================

``names`` are texts by language.

A reason travels as :class:`Message` (code and parameters), so that it can be stored, compared
and shown in any language.
"""

from __future__ import annotations

import string
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import Any

from babel.dates import format_date, format_datetime
from babel.numbers import format_currency, format_decimal, format_percent

from purna.core.clock import to_datetime

LANGUAGES = ("en", "id")


@dataclass(frozen=True, slots=True)
class Message:
    """A text to be shown later, in the reader's language."""

    code: str
    params: Mapping[str, Any] = field(default_factory=dict)

    def text(self, language: str = "en") -> str:
        return render(self.code, language, **self.params)


@cache
def catalogue(language: str) -> Mapping[str, str]:
    """All texts of a language, flat: ``{"order.reason.risk": "…"}``."""
    texts: dict[str, str] = {}
    for file in (resources.files("purna.core") / "messages" / language).iterdir():
        texts.update(_flat(tomllib.loads(file.read_text("utf-8"))))
    return texts


def render(code: str, language: str = "en", **params: Any) -> str:
    """The text for ``code``; the code itself where the catalogue has none (a newer server's)."""
    template = catalogue(language if language in LANGUAGES else "en").get(code)
    if template is None:
        return code
    return _Formatter(language).vformat(template, (), params)


def pick_language(accept: str | None) -> str:
    """The best of our languages for an ``Accept-Language`` header."""
    wanted: list[tuple[float, str]] = []
    for part in (accept or "").split(","):
        tag, _, weight = part.strip().partition(";q=")
        try:
            wanted.append((float(weight or 1), tag.split("-")[0].lower()))
        except ValueError:
            continue
    for _, tag in sorted(wanted, key=lambda item: -item[0]):
        if tag in LANGUAGES:
            return tag
    return "en"


class _Formatter(string.Formatter):
    def __init__(self, language: str) -> None:
        self._language = language

    def get_value(self, key: int | str, args: Any, kwargs: Any) -> Any:
        return kwargs.get(key, f"{{{key}}}")

    def format_field(self, value: Any, format_spec: str) -> str:
        make = _FORMATS.get(format_spec)
        if make is None or isinstance(value, str):
            return str(value)
        return make(value, self._language)


def _hours(value: float, language: str) -> str:
    words = {"en": ("hours", "days"), "id": ("jam", "hari")}[language]
    amount, word = (value, words[0]) if value < 72 else (value / 24, words[1])
    return f"{format_decimal(round(amount), locale=language)} {word}"


def _shares(value: Any, language: str) -> str:
    percent = _FORMATS["percent"]
    parts = [f"{_name(names, language)} {percent(share, language)}" for names, share in value]
    return ", ".join(parts) or "–"


def _name(value: Any, language: str) -> str:
    return str(value.get(language) or value["en"])


_FORMATS: Mapping[str, Callable[[Any, str], str]] = {
    "number": lambda v, lang: format_decimal(v, format="#,##0.##", locale=lang),
    "percent": lambda v, lang: format_percent(v, locale=lang),
    "hours": _hours,
    "money": lambda v, lang: format_currency(v[0], v[1], locale=lang),
    "date": lambda v, lang: format_date(to_datetime(v), format="medium", locale=lang),
    "time": lambda v, lang: format_datetime(to_datetime(v), "d MMM y, HH:mm 'UTC'", locale=lang),
    "name": _name,
    "shares": _shares,
}


def _flat(table: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for key, value in table.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value
