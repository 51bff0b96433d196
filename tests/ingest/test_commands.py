"""The life of a command, step by step, without a database."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.commands import (
    COMMAND,
    EVENT_OF_RESULT,
    OPEN,
    Command,
    CommandEvent,
    CommandState,
    check_request,
    due_event,
    message_of,
    sources,
    target,
)
from ingest.payloads.command_result import ResultState
from purna.core.clock import SECOND
from purna.core.errors import BadInput

NEW = Command("cmd_1", "d1", "waveform.send", {"seconds": 2}, "ann", 0, 60 * SECOND, 10.0, 2)


def test_the_table_has_every_state_and_every_event_leads_to_one() -> None:
    assert set(COMMAND) == set(CommandState)
    for event in CommandEvent:
        assert sources(event)
        assert target(event) in CommandState


def test_only_open_commands_have_something_due_and_finished_ones_stay() -> None:
    timely = {CommandEvent.SEND, CommandEvent.RETRY, CommandEvent.TIME_OUT, CommandEvent.EXPIRE}
    for state, events in COMMAND.items():
        assert bool(timely & set(events)) == (state in OPEN), state
    assert not COMMAND[CommandState.SUCCESSFUL]
    assert not COMMAND[CommandState.FAILED]
    assert not COMMAND[CommandState.EXPIRED]


def test_every_result_of_the_contract_is_an_event() -> None:
    assert set(EVENT_OF_RESULT) == set(ResultState)


@given(
    state=st.sampled_from(sorted(OPEN)),
    attempts=st.integers(0, 12),
    retries=st.integers(0, 10),
    now=st.integers(0, 120 * SECOND),
)
def test_what_is_due_can_happen(state: CommandState, attempts: int, retries: int, now: int) -> None:
    if state is not CommandState.QUEUED and attempts == 0:
        attempts = 1  # what was sent was tried
    command = replace(NEW, state=state, attempts=attempts, retries=retries)
    event = due_event(command, now)
    assert event in COMMAND[state]
    sends = target(event) is CommandState.SENT
    assert not (sends and now >= command.expires_at)


@pytest.mark.parametrize(
    ("state", "attempts", "now", "event"),
    [
        (CommandState.QUEUED, 0, 59, CommandEvent.SEND),
        (CommandState.QUEUED, 0, 60, CommandEvent.EXPIRE),
        (CommandState.QUEUED, 1, 60, CommandEvent.TIME_OUT),
        (CommandState.SENT, 1, 59, CommandEvent.RETRY),
        (CommandState.SENT, 2, 59, CommandEvent.RETRY),
        (CommandState.SENT, 3, 59, CommandEvent.TIME_OUT),
        (CommandState.SENT, 1, 60, CommandEvent.TIME_OUT),
        (CommandState.DELIVERED, 1, 30, CommandEvent.RETRY),
        (CommandState.DELIVERED, 3, 30, CommandEvent.TIME_OUT),
    ],
)
def test_two_retries_make_three_attempts_and_none_after_the_end(
    state: CommandState, attempts: int, now: int, event: CommandEvent
) -> None:
    assert due_event(replace(NEW, state=state, attempts=attempts), now * SECOND) is event


def test_a_device_gets_id_name_arguments_and_end() -> None:
    topic, payload = message_of(NEW)
    assert topic == "purna/v1/d1/command"
    assert json.loads(payload) == {
        "id": "cmd_1",
        "name": "waveform.send",
        "args": {"seconds": 2},
        "expires": 60_000,
    }


@pytest.mark.parametrize(
    ("name", "arguments", "field"),
    [
        ("", {}, "name"),
        ("a b", {}, "name"),
        ("x" * 65, {}, "name"),
        ("x", {"a": "y" * 16_400}, "arguments"),
        ("x", {"a": "\0"}, "arguments"),
    ],
)
def test_what_no_device_could_take_is_refused(
    name: str, arguments: dict[str, object], field: str
) -> None:
    with pytest.raises(BadInput) as refused:
        check_request(name, arguments)
    assert refused.value.field == field
