"""All settings as rows of text, for ``purna config`` and the documentation."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel

from purna.run.settings import Settings

_SECRET = ("password", "secret", "token")


def rows(settings: Settings) -> Iterator[tuple[str, str, str, str]]:
    """``(environment variable, value, default, meaning)`` of every setting; secrets are hidden."""
    yield from _rows(settings, "PURNA_")


def _rows(section: BaseModel, prefix: str) -> Iterator[tuple[str, str, str, str]]:
    for name, spec in type(section).model_fields.items():
        value = getattr(section, name)
        variable = f"{prefix}{name.upper()}"
        if isinstance(value, BaseModel):
            yield from _rows(value, f"{variable}__")
            continue
        default = spec.get_default(call_default_factory=True, validated_data={})
        yield variable, _shown(name, value), _shown(name, default), spec.description or ""


def _shown(name: str, value: Any) -> str:
    if value and any(word in name for word in _SECRET):
        return "(hidden)"
    return "" if value is None else str(value)
