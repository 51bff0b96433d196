"""What to do when the service database can't be asked: try later."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import OperationalError

from purna.core.errors import RetryLater


@contextmanager
def asked() -> Iterator[None]:
    """Turns the database's refusal to answer into :class:`~purna.core.errors.RetryLater`."""
    try:
        yield
    except OperationalError as error:
        raise RetryLater(
            "database.unavailable", f"the service database can't be asked now: {error.orig}"
        ) from error
