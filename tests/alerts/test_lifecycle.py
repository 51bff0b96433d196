from __future__ import annotations

import pytest

from alerts.lifecycle import (
    ACTIVE,
    ALERT,
    ORDER,
    AlertAction,
    AlertState,
    OrderAction,
    OrderState,
    step,
)
from purna.core.errors import Conflict


@pytest.mark.parametrize("state", OrderState)
@pytest.mark.parametrize("action", OrderAction)
def test_an_order_takes_exactly_the_steps_of_the_table(
    state: OrderState, action: OrderAction
) -> None:
    if action in ORDER[state]:
        assert step(state, action) is ORDER[state][action]
    else:
        with pytest.raises(Conflict) as refused:
            step(state, action)
        assert refused.value.code == "order.state"
        assert refused.value.params == {"state": state.value, "action": action.value}


@pytest.mark.parametrize("state", AlertState)
@pytest.mark.parametrize("action", AlertAction)
def test_an_alert_takes_exactly_the_steps_of_the_table(
    state: AlertState, action: AlertAction
) -> None:
    if action in ALERT[state]:
        assert step(state, action) is ALERT[state][action]
    else:
        with pytest.raises(Conflict):
            step(state, action)


def test_every_order_can_come_to_an_end_and_an_ended_one_stays_so() -> None:
    ended = {OrderState.COMPLETED, OrderState.REJECTED, OrderState.CANCELLED}
    assert set(ACTIVE) == set(OrderState) - ended
    reached = {OrderState.PROPOSED}
    while more := {after for state in reached for after in ORDER[state].values()} - reached:
        reached |= more
    assert reached == set(OrderState)
