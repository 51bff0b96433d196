"""The check's parts: what is not judged, recordings, the fit of a drift, garbage."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.check import (
    Acknowledged,
    Closed,
    Grader,
    Observation,
    Opened,
    Published,
    Refused,
    Subscribed,
    Verdict,
)
from ingest.check.clocks import fit
from ingest.check.observations import from_line, to_line
from ingest.check.witness import Host, Witness
from purna.core.clock import SECOND
from purna.core.errors import BadInput
from tests.ingest.check.rig import DEVICE, PRODUCT, START


def telemetry(seq: int, at: int, **given: Any) -> Published:
    body = {"boot": "b1", "seq": seq, "ts": at / 1000, "m": {"temp": 60 + seq / 10}}
    return Published(at, f"purna/v1/{DEVICE}/telemetry", json.dumps(body | given).encode())


def verdicts(grader: Grader) -> dict[str, Verdict]:
    return {grade.code: grade.verdict for grade in grader.grades()}


def test_what_was_not_seen_is_not_judged() -> None:
    assert set(verdicts(Grader(DEVICE)).values()) == {Verdict.UNSEEN}


def test_behind_a_broker_connections_are_not_judged_and_without_a_product_units_are_not() -> None:
    grader = Grader(DEVICE)
    for seq in range(1, 41):
        grader.see(telemetry(seq, START + seq * SECOND, u={"temp": "nonsense"}))
    found = verdicts(grader)
    for code in ("qos.zero", "will.missing", "retain.status", "unit.unknown", "value.range"):
        assert found[code] is Verdict.UNSEEN, code
    for code in ("seq.gap", "clock.off", "json.syntax", "ack.ignored"):
        assert found[code] is Verdict.PASS, code


def test_the_first_example_is_kept_and_all_are_counted() -> None:
    grader = Grader(DEVICE, PRODUCT)
    for seq in range(1, 4):
        grader.see(telemetry(seq, START + seq * SECOND, ts=START // SECOND))
    [grade] = [grade for grade in grader.grades() if grade.verdict is Verdict.FAIL]
    assert (grade.code, grade.count, grade.at) == ("ts.seconds", 3, START + SECOND)
    assert grade.field == "ts"
    assert '"seq": 1' in grade.excerpt


def test_what_is_shown_of_a_device_does_nothing_to_a_terminal() -> None:
    grader = Grader(DEVICE, PRODUCT)
    grader.see(Subscribed(START, "\x1b[2J/#"))
    grader.see(Published(START, f"purna/v1/{DEVICE}/\x1b[31m", b"\x1b]0;title\x07"))
    shown = [grade for grade in grader.grades() if grade.count]
    assert {grade.code for grade in shown} == {"subscribe.wildcard", "topic.unknown"}
    for grade in shown:
        for text in (grade.topic, grade.excerpt, *map(str, grade.params.values())):
            assert text.isprintable()


def test_a_gap_that_has_just_opened_is_not_yet_a_finding() -> None:
    grader = Grader(DEVICE, PRODUCT)
    for seq in (1, 2, 5, 6):
        grader.see(telemetry(seq, START + seq * SECOND))
    assert verdicts(grader)["seq.gap"] is Verdict.PASS


OBSERVATIONS: list[Observation] = [
    Opened(START, DEVICE, 5, False, 30, DEVICE, "a/b", b"\x00\xff", True),
    Subscribed(START, "purna/v1/d1/ack"),
    Published(START, "purna/v1/d1/telemetry", b"\xff\x00", 0, True, True, "application/cbor"),
    Acknowledged(START, "b1", 7),
    Refused(START, "json.syntax"),
    Closed(START, True, ""),
]


def test_a_recording_gives_back_what_was_seen() -> None:
    for number, seen in enumerate(OBSERVATIONS):
        line = to_line(seen)
        assert line.count(b"\n") == 1
        assert from_line(line, number) == seen


def test_a_line_that_is_none_is_named() -> None:
    with pytest.raises(BadInput, match="line 12 "):
        from_line(b'{"see":"nothing"}', 12)


def test_a_drift_is_a_straight_line_and_a_step_is_none() -> None:
    seconds = [float(n) for n in range(100)]
    slope, straight = fit(seconds, [5 + 0.002 * s for s in seconds])
    assert slope == pytest.approx(0.002)
    assert straight == pytest.approx(1)
    assert fit(seconds, [float(s > 50) for s in seconds])[1] < 0.8
    assert fit(seconds, [7.0] * 100) == (0, 0)


@given(st.lists(st.binary(max_size=40), max_size=8), st.booleans())
def test_no_bytes_break_the_witness_and_no_message_the_grader(
    pieces: list[bytes], connected: bool
) -> None:
    grader = Grader(DEVICE, PRODUCT)
    witness = Witness(Host(DEVICE, grader.see))
    if connected:
        witness.receive(b"\x10\x0e\x00\x04MQTT\x04\x02\x00\x3c\x00\x02d1", START)
    for piece in pieces:
        witness.receive(piece, START)
        grader.see(Published(START, f"purna/v1/{DEVICE}/telemetry", piece))
    witness.lost(START)
    witness.outgoing()
    assert len(grader.grades()) > 30
