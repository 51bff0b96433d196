"""Why a message is refused: stable codes, and for each a hint that says what to do about it.

The hints stand in the message catalogue (``purna/core/messages/*/ingest.toml``) under
``reject.<code>``; ``docs/firmware-contract.md`` lists them all.
"""

from __future__ import annotations

from collections.abc import Mapping

from purna.core.errors import BadPayload
from purna.core.texts import catalogue, render

_PREFIX = "reject."


def hints(language: str = "en") -> Mapping[str, str]:
    """All codes with their hints, parameters not yet filled in."""
    return {
        code.removeprefix(_PREFIX): hint
        for code, hint in catalogue(language).items()
        if code.startswith(_PREFIX)
    }


def bad(code: str, *, field: str = "", **params: object) -> BadPayload:
    """The error for a refused message; its detail is the hint in English."""
    hint = render(_PREFIX + code, "en", field=field, **params)
    return BadPayload(code, hint, field=field, **params)
