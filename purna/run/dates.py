"""Dates as people give them on the command line."""

from __future__ import annotations

from purna.core.clock import from_iso
from purna.core.errors import BadInput


def date_given(text: str, field: str) -> int:
    """Micros of an ISO 8601 date or time, UTC unless it says otherwise.

    Raises
    ------
    BadInput
        When it is none.
    """
    try:
        return from_iso(text)
    except ValueError as error:
        raise BadInput(
            "date.invalid",
            f"--{field}: {text!r} is no date; give it as 2026-03-01 or 2026-03-01T06:00:00Z",
            field=field,
        ) from error
