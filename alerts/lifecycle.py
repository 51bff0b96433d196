"""The lifecycles of alert and order, as data: everything about their states stands here.

``docs/orders.md`` draws its diagrams from these tables.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, overload

from purna.core.errors import Conflict


class AlertState(StrEnum):
    """Where an alert stands."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"  # somebody has seen it, or dealt with its order
    CLEARED = "cleared"


class AlertAction(StrEnum):
    """What happens to an alert."""

    ACKNOWLEDGE = "acknowledge"
    CLEAR = "clear"
    REOPEN = "reopen"  # the same episode speaks up again before it has ended


class OrderState(StrEnum):
    """Where an order stands."""

    PROPOSED = "proposed"
    ACCEPTED = "accepted"
    SCHEDULED = "scheduled"
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    REJECTED = "rejected"
    CANCELLED = "cancelled"


class OrderAction(StrEnum):
    """What people and the platform do with an order."""

    ACCEPT = "accept"  # without a planned start
    SCHEDULE = "schedule"  # accept with technician and planned start
    REJECT = "reject"
    RESCHEDULE = "reschedule"
    START = "start"
    COMPLETE = "complete"
    CANCEL = "cancel"
    FULFIL = "fulfil"  # the component was replaced outside the console
    WITHDRAW = "withdraw"  # the finding has gone before anybody took the proposal


ALERT: Mapping[AlertState, Mapping[AlertAction, AlertState]] = {
    AlertState.OPEN: {
        AlertAction.ACKNOWLEDGE: AlertState.ACKNOWLEDGED,
        AlertAction.CLEAR: AlertState.CLEARED,
    },
    AlertState.ACKNOWLEDGED: {AlertAction.CLEAR: AlertState.CLEARED},
    AlertState.CLEARED: {AlertAction.REOPEN: AlertState.OPEN},
}

ORDER: Mapping[OrderState, Mapping[OrderAction, OrderState]] = {
    OrderState.PROPOSED: {
        OrderAction.ACCEPT: OrderState.ACCEPTED,
        OrderAction.SCHEDULE: OrderState.SCHEDULED,
        OrderAction.REJECT: OrderState.REJECTED,
        OrderAction.FULFIL: OrderState.COMPLETED,
        OrderAction.WITHDRAW: OrderState.CANCELLED,
    },
    OrderState.ACCEPTED: {
        OrderAction.RESCHEDULE: OrderState.SCHEDULED,
        OrderAction.START: OrderState.IN_PROGRESS,
        OrderAction.COMPLETE: OrderState.COMPLETED,
        OrderAction.CANCEL: OrderState.CANCELLED,
        OrderAction.FULFIL: OrderState.COMPLETED,
    },
    OrderState.SCHEDULED: {
        OrderAction.RESCHEDULE: OrderState.SCHEDULED,
        OrderAction.START: OrderState.IN_PROGRESS,
        OrderAction.COMPLETE: OrderState.COMPLETED,
        OrderAction.CANCEL: OrderState.CANCELLED,
        OrderAction.FULFIL: OrderState.COMPLETED,
    },
    OrderState.IN_PROGRESS: {
        OrderAction.COMPLETE: OrderState.COMPLETED,
        OrderAction.CANCEL: OrderState.CANCELLED,
        OrderAction.FULFIL: OrderState.COMPLETED,
    },
    OrderState.COMPLETED: {},
    OrderState.REJECTED: {},
    OrderState.CANCELLED: {},
}

ACTIVE = tuple(state for state, actions in ORDER.items() if actions)
"""Order states in which there is still something to do."""


@overload
def step(state: AlertState, action: AlertAction) -> AlertState: ...
@overload
def step(state: OrderState, action: OrderAction) -> OrderState: ...
def step(
    state: AlertState | OrderState, action: AlertAction | OrderAction
) -> AlertState | OrderState:
    """The state after ``action``.

    Raises
    ------
    Conflict
        ``alert.state`` or ``order.state`` when the action is not possible in this state.
    """
    kind = "alert" if isinstance(state, AlertState) else "order"
    table: Mapping[Any, Mapping[Any, Any]] = ALERT if kind == "alert" else ORDER
    after: AlertState | OrderState | None = table[state].get(action)
    if after is None:
        raise Conflict(
            f"{kind}.state",
            f"{action.value} is not possible while the {kind} is {state.value}",
            state=state.value,
            action=action.value,
        )
    return after


def possible(state: OrderState) -> tuple[OrderAction, ...]:
    """What may be done with an order in this state."""
    return tuple(ORDER[state])
