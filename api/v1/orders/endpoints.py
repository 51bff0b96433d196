"""Orders: the dispatcher's queue and what is done with an order."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query

from alerts import lifecycle
from alerts import order as values
from alerts.order import Order
from alerts.views import OrderFilter
from api.access import CallerParam, needs
from api.errors import problems
from api.language import LanguageParam
from api.paging import CursorParam, PageLimit
from api.roles import Caller, Right
from api.services import Services, ServicesParam
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
from api.v1.orders.wire import order_detail, order_summary
from purna.core.clock import from_datetime
from purna.core.errors import NotFound

router = APIRouter(prefix="/orders", tags=["orders"])
_READ = [needs(Right.ORDERS_READ_OWN)]
_ACT = [needs(Right.ORDERS_ACT)]
_COMPLETE = [needs(Right.ORDERS_COMPLETE_OWN)]
_NOBODY = "\0"  # no technician has this id


@router.get("", dependencies=_READ, responses=problems())
def list_orders(
    caller: CallerParam,
    services: ServicesParam,
    language: LanguageParam,
    state: Annotated[
        State | Literal["open"] | None,
        Query(description="`open`: all that is still to be done; default: all"),
    ] = None,
    kind: Kind | None = None,
    priority: Priority | None = None,
    q: Annotated[str, Query(max_length=100, description="Part of number or device id")] = "",
    device: Annotated[str, Query(max_length=80)] = "",
    site: Annotated[str, Query(max_length=80)] = "",
    technician: Annotated[str, Query(max_length=80)] = "",
    overdue: Annotated[bool, Query(description="Only those that are past due")] = False,
    cursor: CursorParam = None,
    limit: PageLimit = 50,
) -> Page[OrderSummary]:
    """The queue, the most pressing first. A technician sees the orders given to him."""
    if not caller.may(Right.ORDERS_READ):
        technician = caller.technician or _NOBODY
    page = services.alerts.orders(
        OrderFilter(
            states=_states(state),
            kinds=(values.Kind(kind),) if kind else (),
            priorities=(values.Priority(priority),) if priority else (),
            device=device,
            site=site,
            technician=technician,
            overdue=overdue,
            text=q.strip(),
        ),
        cursor=cursor,
        limit=limit,
    )
    return Page(
        items=[order_summary(order, language) for order in page.items],
        next_cursor=page.next_cursor,
        total=page.total,
    )


@router.get("/{order_id}", dependencies=_READ, responses=problems(404))
def read_order(
    order_id: str, caller: CallerParam, services: ServicesParam, language: LanguageParam
) -> OrderDetail:
    """One order with its evidence, the options weighed and its history."""
    return _detail(_readable(order_id, caller, services), services, language)


@router.post("/{order_id}/accept", dependencies=_ACT, responses=problems(400, 404, 409))
def accept_order(
    order_id: str,
    body: Accept,
    caller: CallerParam,
    services: ServicesParam,
    language: LanguageParam,
) -> OrderDetail:
    """Take the proposal, with another technician or time where given."""
    order = services.alerts.accept(
        order_id,
        caller.name,
        technician=body.technician,
        planned_start=from_datetime(body.planned_start) if body.planned_start else None,
        note=body.note,
    )
    return _detail(order, services, language)


@router.post("/{order_id}/reject", dependencies=_ACT, responses=problems(400, 404, 409))
def reject_order(
    order_id: str,
    body: Reject,
    caller: CallerParam,
    services: ServicesParam,
    language: LanguageParam,
) -> OrderDetail:
    """Turn the proposal down."""
    reason = values.RejectReason(body.reason)
    order = services.alerts.reject(order_id, caller.name, reason, note=body.note)
    return _detail(order, services, language)


@router.post("/{order_id}/reschedule", dependencies=_ACT, responses=problems(400, 404, 409))
def reschedule_order(
    order_id: str,
    body: Reschedule,
    caller: CallerParam,
    services: ServicesParam,
    language: LanguageParam,
) -> OrderDetail:
    """Move the visit to another time or technician."""
    order = services.alerts.reschedule(
        order_id,
        caller.name,
        from_datetime(body.planned_start),
        technician=body.technician,
        note=body.note,
    )
    return _detail(order, services, language)


@router.post("/{order_id}/complete", dependencies=_COMPLETE, responses=problems(400, 404, 409))
def complete_order(
    order_id: str,
    body: Complete,
    caller: CallerParam,
    services: ServicesParam,
    language: LanguageParam,
) -> OrderDetail:
    """Report what was found; it becomes a label that the models learn from."""
    _readable(order_id, caller, services)
    order = services.alerts.complete(
        order_id,
        caller.name,
        values.OutcomeKind(body.outcome),
        component=body.component,
        serial=body.serial,
        note=body.note,
        done_at=from_datetime(body.done_at) if body.done_at else None,
        failed=body.failed,
    )
    return _detail(order, services, language)


@router.post("/{order_id}/cancel", dependencies=_ACT, responses=problems(400, 404, 409))
def cancel_order(
    order_id: str,
    body: Cancel,
    caller: CallerParam,
    services: ServicesParam,
    language: LanguageParam,
) -> OrderDetail:
    """Call off an accepted order."""
    order = services.alerts.cancel(order_id, caller.name, body.note)
    return _detail(order, services, language)


def _states(state: str | None) -> tuple[lifecycle.OrderState, ...]:
    if state is None:
        return ()
    return lifecycle.ACTIVE if state == "open" else (lifecycle.OrderState(state),)


def _readable(order_id: str, caller: Caller, services: Services) -> Order:
    """The order; for a technician one that is not his is not there."""
    order = services.alerts.order(order_id)
    own = order.technician is not None and order.technician.id == caller.technician
    if not (own or caller.may(Right.ORDERS_READ)):
        raise NotFound("order.unknown", f"order {order_id} is not {caller.name}'s", id=order_id)
    return order


def _detail(order: Order, services: Services, language: str) -> OrderDetail:
    return order_detail(order, services.alerts.history(order.id), language)
