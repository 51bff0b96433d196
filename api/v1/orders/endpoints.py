"""Orders: the dispatcher's queue and what is done with an order."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query

from api.access import CallerParam, needs
from api.roles import Right
from api.errors import problems
from api.paging import CursorParam, PageLimit
from api.v1.common import Page
from api.v1.orders.schemas import (
    Accept,
    Cancel,
    Complete,
    Kind,
    OrderDetail,
    OrderSummary,
    Priority,
    Reject,
    Reschedule,
    State,
)

router = APIRouter(prefix="/orders", tags=["orders"])
_READ = [needs(Right.ORDERS_READ_OWN)]
_ACT = [needs(Right.ORDERS_ACT)]
_COMPLETE = [needs(Right.ORDERS_COMPLETE_OWN)]


@router.get("", dependencies=_READ, responses=problems())
def list_orders(
    caller: CallerParam,
    state: Annotated[
        State | Literal["open"] | None,
        Query(description="`open`: all that is still to be done; default: all"),
    ] = None,
    kind: Kind | None = None,
    priority: Priority | None = None,
    q: Annotated[
        str, Query(max_length=100, description="Part of number, device, site or customer")
    ] = "",
    device: Annotated[str, Query(max_length=80)] = "",
    technician: Annotated[str, Query(max_length=80)] = "",
    cursor: CursorParam = None,
    limit: PageLimit = 50,
) -> Page[OrderSummary]:
    """The queue, the most pressing first. A technician sees the orders given to him."""
    raise NotImplementedError


@router.get("/{order_id}", dependencies=_READ, responses=problems(404))
def read_order(order_id: str, caller: CallerParam) -> OrderDetail:
    """One order with its evidence, the options weighed and its history."""
    raise NotImplementedError


@router.post("/{order_id}/accept", dependencies=_ACT, responses=problems(404, 409))
def accept_order(order_id: str, body: Accept, caller: CallerParam) -> OrderDetail:
    """Take the proposal, with another technician or time where given."""
    raise NotImplementedError


@router.post("/{order_id}/reject", dependencies=_ACT, responses=problems(404, 409))
def reject_order(order_id: str, body: Reject, caller: CallerParam) -> OrderDetail:
    """Turn the proposal down."""
    raise NotImplementedError


@router.post("/{order_id}/reschedule", dependencies=_ACT, responses=problems(404, 409))
def reschedule_order(order_id: str, body: Reschedule, caller: CallerParam) -> OrderDetail:
    """Move the visit to another time or technician."""
    raise NotImplementedError


@router.post("/{order_id}/complete", dependencies=_COMPLETE, responses=problems(404, 409))
def complete_order(order_id: str, body: Complete, caller: CallerParam) -> OrderDetail:
    """Report what was found; it becomes a label that the models learn from."""
    raise NotImplementedError


@router.post("/{order_id}/cancel", dependencies=_ACT, responses=problems(404, 409))
def cancel_order(order_id: str, body: Cancel, caller: CallerParam) -> OrderDetail:
    """Call off an accepted order."""
    raise NotImplementedError
