"""A replay publishes step by step and moves the platform's clock only over what is stored."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest

from purna.core.clock import HOUR
from purna.core.devices import Maintenance
from purna.core.errors import RetryLater
from simulators.encode import Message
from simulators.replay import Replayed, replay


class Record:
    """A history of one message every 20 minutes and one replacement."""

    step = HOUR

    def messages(self, start: int, end: int) -> Iterator[tuple[int, str, bytes]]:
        for ts in range(0, 5 * HOUR, HOUR // 3):
            if start <= ts < end:
                yield ts, "purna/v1/d/telemetry", b"%d" % ts

    def maintenance_between(self, start: int, end: int) -> Sequence[Maintenance]:
        at = 2 * HOUR + 1
        record = Maintenance("d", "bearing", 2 * HOUR, True, at)
        return [record] if start <= at < end else []


class Log:
    """Notes what happens in which order."""

    def __init__(self, silent_after: int = 10**9) -> None:
        self.lines: list[tuple[str, int]] = []
        self._left = silent_after

    def publish(self, message: Message) -> None:
        self._left -= 1
        if self._left < 0:
            raise RetryLater("platform.silent")
        self.lines.append(("publish", message.ts))

    def wait_stored(self) -> None:
        self.lines.append(("stored", 0))

    def move_clock(self, ts: int) -> None:
        self.lines.append(("clock", ts))

    def on_maintenance(self, records: Sequence[Maintenance]) -> None:
        self.lines += [("maintenance", record.ts) for record in records]


def test_the_clock_reaches_the_end_of_a_step_when_all_of_it_is_stored() -> None:
    log = Log()
    done = replay(Record(), log, 2 * HOUR, 3 * HOUR, log.move_clock, log.on_maintenance)
    assert log.lines == [
        ("clock", 3 * HOUR - 1),
        ("publish", 2 * HOUR),
        ("publish", 2 * HOUR + HOUR // 3),
        ("publish", 2 * HOUR + 2 * HOUR // 3),
        ("stored", 0),
        ("maintenance", 2 * HOUR),
        ("clock", 3 * HOUR),
    ]
    assert done == Replayed(3 * HOUR, steps=1, messages=3, maintenance=1)


def test_nothing_is_published_before_the_clock_has_come_so_far() -> None:
    log, clock = Log(), 0
    replay(Record(), log, 0, 5 * HOUR, log.move_clock)
    for kind, ts in log.lines:
        clock = ts if kind == "clock" else clock
        assert kind != "publish" or ts <= clock
    assert [ts for kind, ts in log.lines if kind == "publish"] == list(
        range(0, 5 * HOUR, HOUR // 3)
    )


def test_a_replay_in_two_parts_equals_one() -> None:
    whole, parts = Log(), Log()
    replay(Record(), whole, 0, 5 * HOUR, whole.move_clock, whole.on_maintenance)
    replay(Record(), parts, 0, 2 * HOUR, parts.move_clock, parts.on_maintenance)
    replay(Record(), parts, 2 * HOUR, 5 * HOUR, parts.move_clock, parts.on_maintenance)
    assert parts.lines == whole.lines


def test_a_silent_platform_stops_the_clock() -> None:
    log = Log(silent_after=4)
    with pytest.raises(RetryLater):
        replay(Record(), log, 0, 5 * HOUR, log.move_clock)
    assert max(ts for kind, ts in log.lines if kind == "clock") < 2 * HOUR


def test_a_chosen_speed_is_kept() -> None:
    seen: list[Replayed] = []
    replay(Record(), Log(), 0, 5 * HOUR, lambda _: None, progress=seen.append, speed=5 * 3600 / 0.2)
    assert [so_far.steps for so_far in seen] == [1, 2, 3, 4, 5]
