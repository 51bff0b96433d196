"""The fastest runs of the fault suite; `make faults` plays all of it."""

from __future__ import annotations

import asyncio

import pytest

from tests.faults.scenarios import kill, power_cut

pytestmark = pytest.mark.compiler


@pytest.mark.mosquitto
def test_nothing_the_broker_accepted_is_lost_or_doubled_by_kill_9() -> None:
    outcome = asyncio.run(kill("mosquitto", 1, 4))
    assert outcome.good, outcome
    assert outcome.audit.acknowledged > 500


@pytest.mark.mosquitto
def test_the_same_run_catches_a_build_that_acknowledges_on_arrival() -> None:
    outcome = asyncio.run(kill("mosquitto", 1, 3, "acknowledge_on_arrival"))
    assert outcome.audit.lost > 0


def test_nothing_acknowledged_is_lost_or_doubled_by_power_cuts() -> None:
    outcome = asyncio.run(power_cut("endpoint", 1, 4))
    assert outcome.good, outcome
    assert outcome.audit.acknowledged > 500


def test_the_same_run_catches_a_build_that_does_not_sync_its_commits() -> None:
    outcome = asyncio.run(power_cut("endpoint", 1, 3, "synchronous_normal"))
    assert outcome.audit.lost > 0
