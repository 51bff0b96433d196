"""The dispatcher's queue, what is done with an order, and what a technician sees of it."""

from __future__ import annotations

from typing import Any

import pytest

from api.auth import Users
from api.v1.session.schemas import Role
from purna.core.clock import DAY, to_iso
from tests.api.conftest import PASSWORD
from tests.api.plant import NOW, Plant
from tests.api.server import Visitor

ORDERS = "/api/v1/orders"


def numbers(page: dict[str, Any]) -> list[str]:
    return [item["number"] for item in page["items"]]


def test_the_queue_shows_what_is_to_be_done_with_its_reason(glance: Visitor) -> None:
    page = glance.get(ORDERS, params={"state": "open"}).json()
    assert page["total"] == 2
    assert [item["rank"] for item in page["items"]] == sorted(
        (item["rank"] for item in page["items"]), reverse=True
    )
    visit = next(item for item in page["items"] if item["kind"] == "visit")
    assert visit["device"] == {"id": "pump-01", "name": "pump-01"}
    assert visit["customer"]["name"] == "Tirta Jaya"
    assert visit["failure_mode"]["name"] == "Bearing wear"
    assert visit["component"] == {"id": "bearing", "name": "Bearing"}
    assert visit["probability"] == pytest.approx(0.95)
    assert visit["warranty"] == {"covered": True, "until": "2026-06-09T06:00:00Z"}
    assert "%" in visit["reason"]["text"]
    assert [part["number"] for part in visit["parts"]] == ["BRG-1"]
    assert visit["saving"]["amount"] > 0
    shipment = next(item for item in page["items"] if item["kind"] == "shipment")
    assert shipment["device"]["id"] == "pump-02"


@pytest.mark.parametrize(
    ("params", "devices"),
    [
        ({}, {"pump-01", "pump-02"}),
        ({"kind": "visit"}, {"pump-01"}),
        ({"state": "proposed"}, {"pump-01", "pump-02"}),
        ({"state": "completed"}, set()),
        ({"q": "pump-02"}, {"pump-02"}),
        ({"q": "S-0000"}, {"pump-02"}),
        ({"device": "pump-01"}, {"pump-01"}),
        ({"site": "site-01"}, {"pump-02"}),
        ({"technician": "nobody"}, set()),
        ({"overdue": "true"}, set()),
    ],
)
def test_the_queue_is_filtered(glance: Visitor, params: dict[str, str], devices: set[str]) -> None:
    page = glance.get(ORDERS, params=params).json()
    assert {item["device"]["id"] for item in page["items"]} == devices
    assert page["total"] == len(devices)


def test_the_queue_is_paged(glance: Visitor) -> None:
    first = glance.get(ORDERS, params={"limit": 1}).json()
    second = glance.get(ORDERS, params={"limit": 1, "cursor": first["next_cursor"]}).json()
    assert second["next_cursor"] is None
    assert numbers(first) + numbers(second) == numbers(glance.get(ORDERS).json())
    wrong = glance.get(ORDERS, params={"cursor": "x"})
    assert (wrong.status_code, wrong.json()["code"]) == (422, "request.cursor")


def test_the_order_page_shows_evidence_options_and_history(console: Visitor, plant: Plant) -> None:
    order = console.get(f"{ORDERS}/{plant.order_of('pump-01')}").json()
    (vibration,) = order["evidence"]
    assert (vibration["name"], vibration["unit"]) == ("Vibration", "mm/s")
    assert vibration["start"] < vibration["end"]
    assert [e["name"] for e in order["evidence_events"]] == ["event E17", "age of Bearing"]
    assert len([option for option in order["options"] if option["chosen"]]) == 1
    assert {option["action"] for option in order["options"]} >= {"wait", "visit"}
    assert [entry["action"] for entry in order["history"]] == ["open"]
    assert order["history"][0]["text"]
    assert set(order["actions"]) == {"accept", "reject"}
    assert order["models"]["failure"] == "failure-cp-200-1"
    assert order["outcome"] is None


def test_reasons_are_told_in_indonesian(console: Visitor, plant: Plant) -> None:
    url = f"{ORDERS}/{plant.order_of('pump-01')}"
    english = console.get(url).json()
    other = console.get(url, headers={"Accept-Language": "id-ID,en;q=0.5"}).json()
    assert other["reason"]["code"] == english["reason"]["code"]
    assert other["reason"]["text"] != english["reason"]["text"]
    assert "Getaran" in other["reason"]["text"]


def test_a_visit_goes_from_proposal_to_outcome(console: Visitor, plant: Plant) -> None:
    url = f"{ORDERS}/{plant.order_of('pump-01')}"
    start = to_iso(NOW + DAY)
    accepted = console.post(
        f"{url}/accept", json={"technician": "tec-03", "planned_start": start, "note": "Bring oil"}
    ).json()
    assert accepted["state"] == "scheduled"
    assert accepted["technician"] == {"id": "tec-03", "name": "Rini"}
    assert accepted["planned_start"] == "2026-03-02T06:00:00Z"
    assert "accept" not in accepted["actions"]

    moved = console.post(f"{url}/reschedule", json={"planned_start": to_iso(NOW + 2 * DAY)}).json()
    assert moved["planned_start"] == "2026-03-03T06:00:00Z"

    plant.clock.set(NOW + 2 * DAY)
    done = console.post(
        f"{url}/complete", json={"outcome": "confirmed", "serial": "B-7", "note": "Race worn"}
    ).json()
    assert done["state"] == "completed"
    assert done["outcome"] == {
        "kind": "confirmed",
        "component": {"id": "bearing", "name": "Bearing"},
        "note": "Race worn",
        "serial": "B-7",
    }
    assert done["actions"] == []
    assert {entry["actor"] for entry in done["history"]} == {"purna", "ada"}
    assert "Bring oil" in " ".join(entry["text"] for entry in done["history"])
    replaced = plant.maintenance.records(["pump-01"])[-1]
    assert (replaced.component, replaced.ts) == ("bearing", NOW + 2 * DAY)


@pytest.mark.parametrize("action", ["accept", "reschedule"])
def test_a_visit_is_not_planned_in_the_past(console: Visitor, plant: Plant, action: str) -> None:
    url = f"{ORDERS}/{plant.order_of('pump-01')}/{action}"
    refused = console.post(url, json={"planned_start": to_iso(NOW - DAY)})
    assert refused.status_code == 422
    problem = refused.json()
    assert problem["code"] == "order.start_past"
    assert "planned_start" in refused.text


def test_a_proposal_is_rejected_with_its_reason(console: Visitor, plant: Plant) -> None:
    url = f"{ORDERS}/{plant.order_of('pump-02')}"
    answer = console.post(f"{url}/reject", json={"reason": "not_needed", "note": "Seen last week"})
    assert answer.json()["state"] == "rejected"
    assert console.get(ORDERS, params={"state": "open"}).json()["total"] == 1


def test_an_accepted_order_is_cancelled_with_a_note(console: Visitor, plant: Plant) -> None:
    url = f"{ORDERS}/{plant.order_of('pump-01')}"
    console.post(f"{url}/accept", json={})
    assert console.post(f"{url}/cancel", json={"note": ""}).status_code == 422
    assert console.post(f"{url}/cancel", json={"note": "Sold"}).json()["state"] == "cancelled"


def test_what_the_state_does_not_allow_is_a_conflict(console: Visitor, plant: Plant) -> None:
    url = f"{ORDERS}/{plant.order_of('pump-01')}"
    answer = console.post(f"{url}/complete", json={"outcome": "confirmed"})
    assert answer.status_code == 409
    assert answer.json()["code"] == "order.state"
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("action", ["accept", "reject", "reschedule", "complete", "cancel"])
def test_an_unknown_order_is_not_found(console: Visitor, action: str) -> None:
    bodies: dict[str, dict[str, str]] = {
        "reject": {"reason": "other"},
        "reschedule": {"planned_start": to_iso(NOW)},
        "complete": {"outcome": "no_fault_found"},
        "cancel": {"note": "x"},
    }
    answer = console.post(f"{ORDERS}/none/{action}", json=bodies.get(action, {}))
    assert answer.status_code == 404
    assert answer.json()["detail"] == "There is no order none."


@pytest.fixture
def technician(console: Visitor, users: Users) -> Visitor:
    """Rini's browser; the plant is furnished."""
    users.add_user("rini", "Rini", PASSWORD, [Role.TECHNICIAN], "tec-03")
    console.sign_in("rini", PASSWORD)
    return console


def test_a_technician_sees_and_completes_only_what_is_his(
    technician: Visitor, plant: Plant
) -> None:
    his, other = plant.order_of("pump-01"), plant.order_of("pump-02")
    plant.alerts.accept(his, "ada", technician="tec-03")
    plant.alerts.accept(other, "ada")
    page = technician.get(ORDERS).json()
    assert [item["id"] for item in page["items"]] == [his]
    assert technician.get(f"{ORDERS}/{his}").status_code == 200
    assert technician.get(f"{ORDERS}/{other}").status_code == 404

    finding = {"outcome": "no_fault_found"}
    assert technician.post(f"{ORDERS}/{other}/complete", json=finding).status_code == 404
    assert technician.post(f"{ORDERS}/{his}/complete", json=finding).json()["state"] == "completed"
    assert technician.post(f"{ORDERS}/{his}/cancel", json={"note": "x"}).status_code == 403


def test_a_technician_can_not_ask_for_the_orders_of_another(
    technician: Visitor, plant: Plant
) -> None:
    plant.alerts.accept(plant.order_of("pump-01"), "ada", technician="tec-03")
    page = technician.get(ORDERS, params={"technician": "tec-99"}).json()
    assert [item["technician"]["id"] for item in page["items"]] == ["tec-03"]


def test_a_user_with_the_role_but_without_a_technician_sees_no_order(
    console: Visitor, users: Users
) -> None:
    users.add_user("budi", "Budi", PASSWORD, [Role.TECHNICIAN])
    console.sign_in("budi", PASSWORD)
    assert console.get(ORDERS).json()["total"] == 0


def test_alerts_tell_what_was_found_and_decided(console: Visitor, plant: Plant) -> None:
    page = console.get("/api/v1/alerts", params={"state": "open"}).json()
    assert {item["device"]["id"] for item in page["items"]} == {"pump-01", "pump-02"}
    alert = next(item for item in page["items"] if item["device"]["id"] == "pump-01")
    assert alert["order"]["id"] == plant.order_of("pump-01")
    assert alert["reason"]["text"]
    assert alert["decision"]["text"]
    assert alert["cleared_at"] is None
    one = console.get("/api/v1/alerts", params={"device": "pump-02"}).json()
    assert one["total"] == 1
    assert console.get("/api/v1/alerts", params={"state": "cleared"}).json()["total"] == 0
