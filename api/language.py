"""The reader's language, from ``Accept-Language``."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Header

from purna.core.texts import pick_language


def language_of(
    accept_language: Annotated[
        str | None, Header(max_length=200, examples=["id"], description="`en` or `id`")
    ] = None,
) -> str:
    """``en`` or ``id``."""
    return pick_language(accept_language)


LanguageParam = Annotated[str, Depends(language_of)]
