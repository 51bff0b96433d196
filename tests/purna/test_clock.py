"""The clock file makes all processes agree on one virtual time that survives stops."""

from pathlib import Path

import pytest

from purna.core.clock import HOUR, SECOND, SystemClock, from_iso, to_iso
from purna.run import clock as module
from purna.run.clock import FileClock

T = from_iso("2026-03-01T00:00:00Z")


@pytest.fixture
def real(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """Real time, moved by hand."""
    time = {"now": T}
    monkeypatch.setattr(SystemClock, "now", lambda self: time["now"])
    monkeypatch.setattr(module.time, "monotonic_ns", lambda: time["now"] * 1000)
    return time


def test_without_a_file_time_is_real(tmp_path: Path, real: dict[str, int]) -> None:
    clock = FileClock(tmp_path / "clock.json")
    assert clock.now() == T
    assert clock.speed == 1.0


def test_virtual_time_runs_at_its_speed_in_every_process(
    tmp_path: Path, real: dict[str, int]
) -> None:
    writer, reader = FileClock(tmp_path / "clock.json"), FileClock(tmp_path / "clock.json")
    writer.set(T - 100 * HOUR, speed=300)
    real["now"] += 12 * SECOND
    assert writer.now() == reader.now() == T - 99 * HOUR
    assert reader.speed == 300


def test_a_replay_moves_time_by_hand(tmp_path: Path, real: dict[str, int]) -> None:
    clock = FileClock(tmp_path / "clock.json")
    clock.set(T - HOUR)
    real["now"] += HOUR
    assert clock.now() == T - HOUR


def test_after_a_stop_time_goes_on_where_it_was_noted(tmp_path: Path, real: dict[str, int]) -> None:
    clock = FileClock(tmp_path / "clock.json")
    clock.set(T - 100 * HOUR, speed=300)
    real["now"] += 12 * SECOND
    clock.hold()
    real["now"] += 1000 * HOUR
    again = FileClock(tmp_path / "clock.json")
    again.resume(300)
    assert again.now() == T - 99 * HOUR
    real["now"] += SECOND
    assert again.now() == T - 99 * HOUR + 300 * SECOND


def test_times_are_written_in_utc() -> None:
    assert to_iso(T) == "2026-03-01T00:00:00.000Z"
    assert from_iso("2026-03-01T07:00:00+07:00") == T
