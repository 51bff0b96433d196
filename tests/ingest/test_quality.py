"""What is taken of a message, and what the platform thinks of it."""

from __future__ import annotations

import pytest

from ingest.quality import Checked, TimeWindow, check, check_event, ranges_of
from purna.core.clock import DAY, HOUR, MINUTE
from purna.core.readings import DeviceEvent, Telemetry
from tests.ingest.kit import CATALOGUE

NOW = 1_780_000_000_000_000
RANGES = ranges_of(CATALOGUE["pump"])
TIMES = TimeWindow.around(NOW, 5 * MINUTE, 30 * DAY)


def checked(*rows: tuple[int, dict[str, float]], **given: object) -> Checked:
    return check(Telemetry("d1", rows, "b1", 7, **given), RANGES, TIMES)  # type: ignore[arg-type]


def codes(result: Checked) -> list[tuple[str, str]]:
    return [(why.code, why.field) for why in result.rejects]


def test_a_plain_message_passes_as_it_is() -> None:
    message = Telemetry("d1", [(NOW, {"temp": 20.0, "vib": 1.0})], "b1", 7)
    result = check(message, RANGES, TIMES)
    assert result.accepted == (message,)
    assert result.accepted[0] is message
    assert result.rejects == ()


def test_units_are_converted_to_the_catalogues() -> None:
    result = checked((NOW, {"temp": 300.0, "vib": 1.0}), units={"temp": "K", "vib": "in/s"})
    [accepted] = result.accepted
    assert dict(accepted.rows[0][1]) == {
        "temp": pytest.approx(26.85),
        "vib": pytest.approx(25.4),
    }
    assert accepted.units == {}


def test_the_plausible_range_is_that_of_the_converted_value() -> None:
    assert checked((NOW, {"temp": 300.0}), units={"temp": "K"}).accepted[0].quality == {}
    assert checked((NOW, {"temp": 300.0})).accepted[0].quality == {"temp": 1}


def test_only_the_implausible_row_is_suspect() -> None:
    result = checked((NOW, {"temp": 20.0, "vib": 1.0}), (NOW + 1, {"temp": 999.0, "vib": 2.0}))
    good, suspect = result.accepted
    assert list(good.rows) == [(NOW, {"temp": 20.0, "vib": 1.0}), (NOW + 1, {"vib": 2.0})]
    assert good.quality == {}
    assert list(suspect.rows) == [(NOW + 1, {"temp": 999.0})]
    assert suspect.quality == {"temp": 1}
    assert (suspect.boot, suspect.seq) == ("b1", 7)


def test_the_devices_own_flag_counts_when_it_is_worse() -> None:
    result = checked((NOW, {"temp": 999.0, "vib": 1.0}), quality={"temp": 2, "vib": 1})
    assert {q: flag for part in result.accepted for q, flag in part.quality.items()} == {
        "temp": 2,
        "vib": 1,
    }


def test_one_bad_quantity_does_not_cost_the_others() -> None:
    result = checked((NOW, {"temp": 20.0, "typo": 1.0}), (NOW + 1, {"typo": 2.0, "vib": 1.0}))
    assert [list(part.rows) for part in result.accepted] == [
        [(NOW, {"temp": 20.0}), (NOW + 1, {"vib": 1.0})]
    ]
    assert codes(result) == [("quantity.unknown", "typo")]


@pytest.mark.parametrize(("unit", "code"), [("parsec", "unit.unknown"), ("V", "unit.mismatch")])
def test_an_impossible_unit_is_refused_by_name(unit: str, code: str) -> None:
    result = checked((NOW, {"temp": 20.0, "vib": 1.0}), units={"temp": unit})
    assert codes(result) == [(code, "temp")]
    assert unit in result.rejects[0].detail
    assert [list(part.rows) for part in result.accepted] == [[(NOW, {"vib": 1.0})]]


def test_a_unit_of_a_quantity_that_is_not_sent_does_not_matter() -> None:
    assert checked((NOW, {"temp": 1.0}), units={"vib": "V"}).rejects == ()


@pytest.mark.parametrize(
    ("ts", "code"),
    [
        (NOW + 5 * MINUTE, None),
        (NOW + 5 * MINUTE + 1, "ts.future"),
        (NOW - 30 * DAY, None),
        (NOW - 30 * DAY - 1, "ts.old"),
    ],
)
def test_times_are_believed_within_their_window(ts: int, code: str | None) -> None:
    result = checked((ts, {"temp": 1.0}), (NOW - HOUR, {"temp": 2.0}))
    assert codes(result) == ([(code, "ts")] if code else [])
    assert sum(len(part.rows) for part in result.accepted) == (1 if code else 2)
    wrong = check_event(DeviceEvent("d1", ts, "event", "E1"), TIMES)
    assert (wrong.code if wrong else None) == code


def test_without_retention_the_past_has_no_end() -> None:
    times = TimeWindow.around(NOW, MINUTE, 0)
    assert check(Telemetry("d1", [(1, {"temp": 1.0})]), RANGES, times).rejects == ()


def test_a_conversion_that_leaves_the_numbers_is_refused() -> None:
    result = checked((NOW, {"vib": 1.7e308}), units={"vib": "m/s"})
    assert codes(result) == [("value.not_finite", "vib")]
    assert result.accepted == ()


def test_the_same_reason_is_told_once() -> None:
    result = checked(*((NOW + DAY + n, {"temp": 1.0}) for n in range(9)))
    assert codes(result) == [("ts.future", "ts")]
    assert result.accepted == ()


def test_of_many_wrong_names_the_first_few_are_told() -> None:
    result = checked((NOW, {f"x{number}": 1.0 for number in range(200)} | {"temp": 1.0}))
    assert len(result.rejects) == 16
    assert [dict(values) for _, values in result.accepted[0].rows] == [{"temp": 1.0}]
