"""What the simulators send is what ingest reads, though neither knows the other's code."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray

from ingest.payloads import Decoders
from ingest.quality import TimeWindow, check, ranges_of
from purna.core.clock import DAY, from_iso
from purna.core.readings import DeviceEvent, Quality, Telemetry
from purna.core.waveforms import Waveform
from simulators import encode
from simulators.catalogue import load_catalogue
from simulators.encode import Message
from simulators.fleet import Fleet

NOW = from_iso("2026-03-01T00:00:00Z")

times = st.integers(from_iso("2001-01-01"), from_iso("2096-01-01"))
values = st.dictionaries(
    st.sampled_from(["load", "vib_rms", "flow"]), st.floats(-1e6, 1e6), min_size=1
)


def decode(message: Message) -> object:
    [decoded] = Decoders().decode(message.topic, message.payload)
    return decoded


@given(st.lists(st.tuples(times, values), min_size=1, max_size=5), st.integers(0, 2**40))
def test_telemetry_comes_back_as_it_was(rows: list[tuple[int, dict[str, float]]], seq: int) -> None:
    message = encode.telemetry("pump-1", "b7", seq, rows, {"load": 1})
    assert decode(message) == Telemetry("pump-1", rows, "b7", seq, {}, {"load": 1})
    assert message.ts == max(ts for ts, _ in rows)


@given(times, st.text(min_size=1, max_size=8).filter(str.isalnum), st.text(max_size=50))
def test_events_come_back_as_they_were(ts: int, code: str, text: str) -> None:
    message = encode.event("pump-1", ts, code, text)
    assert decode(message) == DeviceEvent("pump-1", ts, "event", code, text)


@given(
    times,
    arrays.arrays(np.int16, st.integers(64, 300)),
    st.floats(1, 1e5),
    st.floats(1e-6, 1e3),
    st.floats(0, 1e3),
)
def test_waveforms_come_back_as_they_were(
    ts: int, samples: NDArray[np.int16], rate: float, scale: float, speed: float
) -> None:
    message = encode.waveform("pump-1", "vib_de", ts, rate, "g", samples, scale, speed)
    found = decode(message)
    assert isinstance(found, Waveform)
    expected = Waveform("pump-1", "vib_de", ts, rate, "g", found.samples, scale, speed)
    assert found == expected
    assert found.samples.tolist() == samples.tolist()


def test_ingest_takes_all_that_a_fleet_says_and_suspects_only_machines_at_standstill() -> None:
    fleet = Fleet(1, NOW - 30 * DAY)
    ranges = {d.id: ranges_of(load_catalogue()[d.product]) for d in fleet.devices()}
    window = TimeWindow.around(NOW + 3 * DAY, 0, 0)
    kinds = set()
    for message in [*fleet.history(NOW), *fleet.advance(NOW + 2 * DAY)]:
        decoded = decode(message)
        kinds.add(type(decoded).__name__)
        if isinstance(decoded, Telemetry):
            checked = check(decoded, ranges[decoded.device], window)
            assert checked.rejects == ()
            expected = Quality.SUSPECT if decoded.quality else Quality.GOOD
            for part in checked.accepted:
                assert all(part.quality.get(q, 0) == expected for _, row in part.rows for q in row)
        if isinstance(decoded, Waveform):
            source = load_catalogue()["cp-200"].waveform(decoded.quantity)
            assert source is not None
            assert source.unit == decoded.unit
            assert np.abs(decoded.values).max() < source.full_scale
    assert kinds == {"Telemetry", "DeviceEvent", "Status", "Waveform"}
