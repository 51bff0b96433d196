"""The waveforms of a device, and what one says."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from purna.core.clock import HOUR
from tests.api.plant import NOW, Plant
from tests.api.server import Visitor

LIST = "/api/v1/devices/pump-01/waveforms"


def newest(visitor: Visitor, **params: Any) -> dict[str, Any]:
    listed = visitor.get(LIST).json()["items"][0]
    found: dict[str, Any] = visitor.get(f"{LIST}/{listed['id']}", params=params).json()
    return found


def test_the_list_tells_zone_and_fault_of_each(glance: Visitor) -> None:
    page = glance.get(LIST).json()
    assert (page["total"], page["next_cursor"]) == (4, None)
    assert [(i["state"], i["zone"], i["fault"]) for i in page["items"]] == [
        ("done", "A", "outer_race"),
        ("failed", None, None),
        ("done", "A", None),
        ("done", "A", None),
    ]
    first = page["items"][0]
    assert first == {
        "id": f"vib@{NOW - 6 * HOUR}",
        "source": {"id": "vib", "name": "Vibration, drive end"},
        "ts": "2026-03-01T00:00:00Z",
        "seconds": 1.0,
        "rate_hz": 12_000.0,
        "speed_hz": 29.95,
        "state": "done",
        "error": "",
        "rms_velocity": pytest.approx(first["rms_velocity"]),
        "zone": "A",
        "fault": "outer_race",
    }
    assert "64 finite samples" in page["items"][1]["error"]


def test_the_list_comes_in_pages_and_stretches(glance: Visitor) -> None:
    seen: list[str] = []
    cursor = None
    while True:
        page = glance.get(LIST, params={"limit": 3, **({"cursor": cursor} if cursor else {})})
        seen += [item["id"] for item in page.json()["items"]]
        cursor = page.json()["next_cursor"]
        if cursor is None:
            break
    assert seen == [f"vib@{NOW - hours * HOUR}" for hours in (6, 12, 18, 24)]
    one = glance.get(LIST, params={"start": "2026-02-28T12:00:00Z", "end": "2026-02-28T18:00:00Z"})
    assert [item["id"] for item in one.json()["items"]] == [seen[2]]
    assert glance.get(LIST, params={"source": "other"}).json()["total"] == 0


def test_a_waveform_is_shown_with_its_evidence(glance: Visitor) -> None:
    found = newest(glance, points=500)
    (verdict,) = found["verdicts"]
    assert verdict["bearing"] == {"id": "de", "name": "Drive-end bearing"}
    assert verdict["component"] == {"id": "bearing", "name": "Bearing"}
    assert (verdict["finding"], verdict["why"]) == ("outer_race", None)
    lines = {line["fault"]: line for line in verdict["lines"]}
    assert set(lines) == {"bpfo", "bpfi", "bsf", "ftf"}
    assert lines["bpfo"]["expected_hz"] == pytest.approx(3.5848 * 29.95, rel=1e-3)
    assert lines["bpfo"]["score"] > 1.2
    assert lines["bpfo"]["sidebands"] is None
    assert lines["bpfi"]["sidebands"] is not None
    assert found["zone_limits"] == [2.3, 4.5, 7.1]
    indicators = {i["quantity"]: i for i in found["indicators"]}
    assert indicators["vib.de.bpfo"]["value"] == pytest.approx(np.exp(lines["bpfo"]["score"]))
    assert indicators["vib.rms_velocity"]["alarm"] == 4.5


def test_curves_keep_their_extremes_in_as_many_points_as_asked_for(
    console: Visitor, plant: Plant
) -> None:
    few, many = newest(console, points=50), newest(console, points=4000)
    (key,) = [i.key for i in plant.waveforms.find("pump-01", "vib", NOW - 6 * HOUR, NOW)]
    samples = plant.waveforms.get(key).values
    for found in (few, many):
        assert max(found["signal"]["high"]) == pytest.approx(samples.max())
        assert min(found["signal"]["low"]) == pytest.approx(samples.min())
    assert len(few["signal"]["ts"]) == len(few["spectrum"]["hz"]) == 50
    assert max(few["spectrum"]["value"]) == max(many["spectrum"]["value"])
    assert few["spectrum"]["hz"] == sorted(few["spectrum"]["hz"])
    envelope = many["envelope"]
    assert len(envelope["hz"]) == len(envelope["value"]) > 500
    strongest = envelope["hz"][int(np.argmax(envelope["value"]))]
    turns = strongest / (3.5848 * 29.95)
    assert turns == pytest.approx(round(turns), rel=0.02)  # a multiple of the outer race's rate


def test_a_level_far_above_what_is_usual_is_told(console: Visitor, plant: Plant) -> None:
    (quiet,) = plant.waveforms.find("pump-01", "vib", NOW - 24 * HOUR, NOW - 23 * HOUR)
    loud = plant.waveforms.get(quiet.key)
    plant.waveforms.add([replace(loud, ts=NOW - HOUR, scale=5 * loud.scale)])
    assert not newest(console)["level_raised"]  # three waveforms do not tell what is usual
    for hours in (30, 36):
        plant.waveforms.add([replace(loud, ts=NOW - hours * HOUR)])
    plant.work_off_waveforms()
    found = newest(console)
    assert found["level_raised"]
    assert found["verdicts"][0]["finding"] == "raised"


@pytest.mark.parametrize(
    "wrong", ["vib@7", "vib", "other@1772323200000000", "vib@-1", "vib@1e9", "@1", f"vib@{10**30}"]
)
def test_what_is_not_there_is_said(glance: Visitor, wrong: str) -> None:
    answer = glance.get(f"{LIST}/{wrong}")
    assert answer.status_code == 404
    assert answer.json()["detail"] == f"There is no waveform {wrong}."


def test_one_that_can_not_be_analysed_says_why(glance: Visitor) -> None:
    answer = glance.get(f"{LIST}/vib@{NOW - 12 * HOUR}")
    assert answer.status_code == 422
    assert answer.json()["code"] == "waveform.samples"


def test_a_device_without_waveforms_has_none(glance: Visitor) -> None:
    assert glance.get("/api/v1/devices/pump-02/waveforms").json()["items"] == []
    assert glance.get("/api/v1/devices/pump-99/waveforms").status_code == 404
