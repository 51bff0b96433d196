"""The fleet table, the device page and registration."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import event

from api.v1.devices.roster import Roster
from purna.core.assessments import Assessment, FailureRisk
from purna.core.clock import DAY, HOUR, MINUTE, to_iso
from purna.core.devices import Device
from tests.api.plant import NOW, SITES, START, Plant
from tests.api.server import Visitor

DEVICES = "/api/v1/devices"


def ids(page: dict[str, Any]) -> list[str]:
    return [item["id"] for item in page["items"]]


def test_the_fleet_table_shows_the_worst_first(glance: Visitor) -> None:
    page = glance.get(DEVICES).json()
    assert page["total"] == 8
    assert page["next_cursor"] is None
    assert [(item["id"], item["health"]) for item in page["items"]] == [
        ("pump-01", "act"),
        ("pump-02", "act"),
        ("pump-03", "watch"),
        ("pump-08", "unknown"),
        ("pump-04", "good"),
        ("pump-05", "good"),
        ("pump-06", "good"),
        ("pump-07", "good"),
    ]


def test_a_line_tells_all_that_the_table_needs(glance: Visitor) -> None:
    line = glance.get(DEVICES, params={"limit": 1}).json()["items"][0]
    assert line == {
        "id": "pump-01",
        "serial": "SN0001",
        "product": {"id": "cp-200", "name": "Coolant pump"},
        "site": {"id": "site-02", "name": "Surabaya"},
        "customer": {"id": "cus-1", "name": "Tirta Jaya"},
        "installed_at": to_iso(START - 400 * DAY).replace(".000", ""),
        "warranty_until": "2026-06-09T06:00:00Z",
        "last_seen": "2026-03-01T05:55:00Z",
        "online": True,
        "health": "act",
        "anomaly_score": 1.6,
        "top_risk": {
            "component": {"id": "bearing", "name": "Bearing"},
            "probability": pytest.approx(0.95),
            "horizon_hours": 24,
        },
        "life": {
            "component": {"id": "bearing", "name": "Bearing"},
            "low": 20.0,
            "median": 40.0,
            "high": 80.0,
            "level": 0.9,
        },
        "open_orders": 1,
    }


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({"sort": "id", "limit": "3"}, ["pump-01", "pump-02", "pump-03"]),
        ({"health": "watch"}, ["pump-03"]),
        ({"site": "site-01", "sort": "id"}, ["pump-02", "pump-04", "pump-06", "pump-08"]),
        ({"q": "PUMP-05"}, ["pump-05"]),
        ({"q": "sn0007"}, ["pump-07"]),
        ({"q": "bandung", "health": "good"}, ["pump-04", "pump-06"]),
        ({"q": "tirta", "limit": "2"}, ["pump-01", "pump-02"]),
        ({"product": "none"}, []),
    ],
)
def test_the_table_is_filtered_and_sorted_on_the_server(
    glance: Visitor, params: dict[str, str], expected: list[str]
) -> None:
    assert ids(glance.get(DEVICES, params=params).json()) == expected


@pytest.mark.parametrize("sort", ["health", "id"])
def test_pages_of_the_table_show_every_device_once(glance: Visitor, sort: str) -> None:
    whole = ids(glance.get(DEVICES, params={"sort": sort}).json())
    shown: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = glance.get(DEVICES, params={"sort": sort, "limit": 3, "cursor": cursor}).json()
        assert page["total"] == 8
        shown += ids(page)
        cursor = page["next_cursor"]
    assert shown == whole


def test_a_cursor_of_another_list_is_refused(glance: Visitor) -> None:
    cursor = glance.get(DEVICES, params={"sort": "id", "limit": 1}).json()["next_cursor"]
    answer = glance.get(DEVICES, params={"sort": "health", "cursor": cursor})
    assert answer.status_code == 422
    assert answer.json()["code"] == "request.cursor"
    assert answer.json()["errors"][0]["field"] == "cursor"


def test_a_newer_assessment_moves_a_device_at_once_and_a_late_one_does_not(
    console: Visitor, plant: Plant
) -> None:
    assert console.get(f"{DEVICES}/pump-05").json()["health"] == "good"
    late = Assessment("pump-05", NOW - 30 * HOUR, risks=[FailureRisk("seal", {24: 0.5})])
    plant.assessments.put([late])
    assert console.get(f"{DEVICES}/pump-05").json()["health"] == "good"
    newer = Assessment("pump-05", NOW + HOUR, risks=[FailureRisk("seal", {24: 0.5})])
    plant.assessments.put([newer])
    assert console.get(f"{DEVICES}/pump-05").json()["health"] == "watch"
    corrected = Assessment("pump-05", NOW + HOUR, risks=[FailureRisk("seal", {24: 0.1})])
    plant.assessments.put([corrected])
    assert console.get(f"{DEVICES}/pump-05").json()["health"] == "good"


def test_the_number_of_queries_does_not_grow_with_the_page(console: Visitor, plant: Plant) -> None:
    statements: list[str] = []
    event.listen(
        plant.database.engine,
        "before_cursor_execute",
        lambda *arguments: statements.append(arguments[2]),
    )

    def count(limit: int) -> int:
        statements.clear()
        assert console.get(DEVICES, params={"limit": limit}).status_code == 200
        return len(statements)

    count(1)
    assert count(8) == count(1)


def test_the_device_page_tells_all(glance: Visitor) -> None:
    device = glance.get(f"{DEVICES}/pump-01").json()
    assert device["attributes"] == {"model": "B", "age_years": 3.0}
    assert [(q["quantity"], q["unit"], q["alarm"]) for q in device["quantities"][:2]] == [
        ("vib_rms", "mm/s", 7.1),
        ("load", "%", None),
    ]
    computed = {q["quantity"]: q for q in device["quantities"] if q["waveform"] == "vib"}
    assert computed["vib.rms_velocity"]["alarm"] == 4.5
    assert computed["vib.de.bpfo"]["value"] > 3.3
    assert len(computed) == len(device["quantities"]) - 2
    assert device["quantities"][0]["ts"] == "2026-03-01T05:55:00Z"
    assert device["quantities"][0]["value"] == pytest.approx(3.0 + 0.01 * 575)
    assert [risk["component"]["id"] for risk in device["risks"]] == ["bearing", "seal"]
    assert [life["median"] for life in device["lives"]] == [40.0]
    (alert,) = device["alerts"]
    assert alert["failure_mode"] == {"id": "bearing-wear", "name": "Bearing wear"}
    (order,) = device["orders"]
    assert alert["order"] == order["id"]
    assert [(m["component"]["name"], m["failed"]) for m in device["maintenance"]] == [
        ("Bearing", True)
    ]
    assert device["assessed_at"] == "2026-03-01T06:00:00Z"
    assert device["models"]["failure"] == "failure-cp-200-1"


def test_the_device_page_speaks_the_readers_language(glance: Visitor) -> None:
    device = glance.get(f"{DEVICES}/pump-01", headers={"Accept-Language": "id"}).json()
    assert device["product"]["name"] == "Pompa pendingin"
    assert device["quantities"][0]["name"] == "Getaran"
    assert device["top_risk"]["component"]["name"] == "Bantalan"


def test_a_device_without_readings_or_assessment_is_shown_too(glance: Visitor) -> None:
    device = glance.get(f"{DEVICES}/pump-08").json()
    assert device["last_seen"] is None
    assert device["online"] is False
    assert device["assessed_at"] is None
    assert {q["value"] for q in device["quantities"]} == {None}


def test_a_device_whose_product_left_the_catalogue_is_shown_by_ids(
    console: Visitor, plant: Plant
) -> None:
    plant.registry.add([Device("old-1", "gone", SITES[0])])
    assert console.get(f"{DEVICES}/old-1").json()["product"] == {"id": "gone", "name": "gone"}
    assert "old-1" in ids(console.get(DEVICES).json())


def test_a_device_that_signed_off_is_offline(glance: Visitor) -> None:
    online = {d["id"]: d["online"] for d in glance.get(DEVICES).json()["items"]}
    assert online["pump-05"] is True
    assert online["pump-06"] is False
    assert online["pump-07"] is False


@pytest.mark.parametrize("path", ["", "/readings?quantity=vib_rms", "/assessments", "/events"])
def test_an_unknown_device_is_not_found(glance: Visitor, path: str) -> None:
    answer = glance.get(f"{DEVICES}/pump-99{path}")
    assert answer.status_code == 404
    assert "pump-99" in answer.json()["detail"]


def test_a_series_is_raw_where_it_fits_and_buckets_where_not(glance: Visitor) -> None:
    url = f"{DEVICES}/pump-01/readings"
    hour = {"quantity": "vib_rms", "start": to_iso(NOW - HOUR), "end": to_iso(NOW)}
    raw = glance.get(url, params=hour).json()
    assert raw["step_seconds"] == 0
    assert len(raw["ts"]) == 12
    assert raw["low"] == raw["mean"] == raw["high"]
    assert raw["ts"][0] == (NOW - HOUR) // 1000
    assert (raw["name"], raw["unit"], raw["alarm"]) == ("Vibration", "mm/s", 7.1)

    days = {"quantity": "vib_rms", "start": to_iso(START), "end": to_iso(NOW), "points": 48}
    reduced = glance.get(url, params=days).json()
    assert reduced["step_seconds"] == 3600
    assert len(reduced["ts"]) == 48
    assert reduced["low"][0] == pytest.approx(3.0)
    assert reduced["high"][-1] == pytest.approx(3.0 + 0.01 * 575)


def test_without_a_period_the_last_thirty_days_are_shown(glance: Visitor) -> None:
    answer = glance.get(f"{DEVICES}/pump-01/readings", params={"quantity": "load"}).json()
    assert len(answer["ts"]) == 576


@pytest.mark.parametrize(
    ("params", "field"),
    [
        ({"quantity": "none"}, "quantity"),
        ({"quantity": "load", "points": "4001"}, "points"),
        ({"quantity": "load", "points": "0"}, "points"),
        ({"quantity": "load", "start": "yesterday"}, "start"),
        ({"quantity": "load", "start": "2026-03-01T06:00:00Z"}, "end"),
        ({"quantity": "load", "end": "2026-03-01T06:00:00+99:00"}, "end"),
        ({}, "quantity"),
    ],
)
def test_a_wrong_question_about_readings_names_the_field(
    glance: Visitor, params: dict[str, str], field: str
) -> None:
    answer = glance.get(f"{DEVICES}/pump-01/readings", params=params)
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == [field]


def test_the_history_of_assessments_shows_curves_and_anomaly_spans(glance: Visitor) -> None:
    history = glance.get(f"{DEVICES}/pump-01/assessments", params={"end": to_iso(NOW + 1000)})
    shown = history.json()
    assert len(shown["ts"]) == 25
    assert shown["horizon_hours"] == 24
    assert shown["ts"][-1] == NOW // 1000
    bearing = next(r for r in shown["risks"] if r["component"]["id"] == "bearing")
    assert bearing["probability"][-1] == pytest.approx(0.95)
    assert shown["lives"][0]["median"] == [40.0] * 25
    (span,) = shown["anomaly_spans"]
    assert span["end"] == "2026-03-01T06:00:00Z"


def test_a_long_history_is_reduced_to_the_worst_of_each_stretch(glance: Visitor) -> None:
    params = {"points": 5, "end": to_iso(NOW + 1000)}
    shown = glance.get(f"{DEVICES}/pump-01/assessments", params=params).json()
    assert len(shown["ts"]) == 5
    assert max(shown["anomaly"]) == pytest.approx(1.6)
    assert len(shown["anomaly_spans"]) == 1


def test_events_are_paged_newest_first(glance: Visitor) -> None:
    url = f"{DEVICES}/pump-01/events"
    first = glance.get(url, params={"limit": 2}).json()
    assert [e["code"] for e in first["items"]] == ["E17", "E16"]
    assert first["total"] == 4
    rest = glance.get(url, params={"limit": 2, "cursor": first["next_cursor"]}).json()
    assert [(e["kind"], e["code"], e["text"]) for e in rest["items"]] == [
        ("quality", "stuck:load", "40 for 600 s"),
        ("status", "online", "2.4.1"),
    ]
    assert rest["next_cursor"] is None


NEW = {"id": "pump-42", "product": "cp-200", "site": "site-01", "serial": "S-42"}


def test_a_registered_device_gets_credentials_and_stands_in_the_table(
    console: Visitor, plant: Plant
) -> None:
    answer = console.post(DEVICES, json=NEW)
    assert answer.status_code == 201
    credential = answer.json()
    assert credential["device"] == "pump-42"
    assert credential["topic"] == "purna/v1/pump-42/telemetry"
    assert credential["password"]
    device = plant.registry.get("pump-42")
    assert device.installed_at == NOW
    assert device.warranty_until - NOW == pytest.approx(730.5 * DAY, abs=MINUTE)
    assert "pump-42" in ids(console.get(DEVICES).json())
    assert "password" not in console.get(f"{DEVICES}/pump-42").text


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"id": "pump-01"}, 409, "device.exists"),
        ({"id": "pump 42"}, 422, "request.invalid"),
        ({"id": "a" * 65}, 422, "request.invalid"),
        ({"product": "none"}, 422, "product.unknown"),
        ({"site": "none"}, 422, "site.unknown"),
        ({"colour": "red"}, 422, "request.invalid"),
    ],
)
def test_a_device_that_can_not_be_registered_is_refused(
    console: Visitor, plant: Plant, change: dict[str, str], status: int, code: str
) -> None:
    answer = console.post(DEVICES, json={**NEW, **change})
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert len(plant.registry.all()) == 8


def test_the_roster_is_read_anew_after_ten_seconds_or_a_registration(plant: Plant) -> None:
    now = 0.0
    roster = Roster(plant.registry, lambda: now)
    assert len(roster.all()) == 0
    plant.registry.add([Device("a", "cp-200", SITES[0])])
    assert len(roster.all()) == 0
    now = 10.1
    assert len(roster.all()) == 1
    plant.registry.add([Device("b", "cp-200", SITES[0])])
    roster.forget()
    assert len(roster.all()) == 2
