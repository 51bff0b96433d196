"""Spare parts: what is held for an order, used up or given back, by conditional writes."""

from __future__ import annotations

from typing import Any, cast

from sqlalchemy import CursorResult, update
from sqlalchemy.orm import Session

from alerts.tables import PartRow


def reserve(session: Session, number: str, quantity: int = 1) -> bool:
    """Hold free stock for an order; False when there is not enough of it."""
    return _change(
        session,
        number,
        PartRow.stock - PartRow.reserved >= quantity,
        reserved=PartRow.reserved + quantity,
    )


def release(session: Session, number: str, quantity: int = 1) -> None:
    """Give back what was held."""
    _change(session, number, PartRow.reserved >= quantity, reserved=PartRow.reserved - quantity)


def consume(session: Session, number: str, quantity: int = 1) -> None:
    """Take what was held out of stock: it is built in or sent."""
    _change(
        session,
        number,
        PartRow.reserved >= quantity,
        reserved=PartRow.reserved - quantity,
        stock=PartRow.stock - quantity,
    )


def take(session: Session, number: str, quantity: int = 1) -> bool:
    """Take free stock at once, without having held it; False when there is not enough of it."""
    return _change(
        session,
        number,
        PartRow.stock - PartRow.reserved >= quantity,
        stock=PartRow.stock - quantity,
    )


def _change(session: Session, number: str, condition: Any, **values: Any) -> bool:
    statement = update(PartRow).where(PartRow.number == number, condition).values(**values)
    statement = statement.execution_options(synchronize_session=False)
    return cast("CursorResult[Any]", session.execute(statement)).rowcount == 1
