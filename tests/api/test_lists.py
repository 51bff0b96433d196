"""Sites, technicians, parts, products, models, quarantine and the overview."""

from __future__ import annotations

from purna.core.clock import DAY
from purna.core.devices import Maintenance
from purna.core.readings import Rejected
from tests.api.plant import NOW, Plant
from tests.api.server import Visitor


def test_sites_tell_their_customer_and_how_many_devices_stand_there(glance: Visitor) -> None:
    page = glance.get("/api/v1/sites").json()
    assert [(site["id"], site["name"], site["devices"]) for site in page["items"]] == [
        ("site-01", "Bandung", 4),
        ("site-02", "Surabaya", 4),
    ]
    assert page["items"][0]["customer"] == {"id": "cus-1", "name": "Tirta Jaya"}


def test_lists_are_paged(glance: Visitor) -> None:
    first = glance.get("/api/v1/sites", params={"limit": 1}).json()
    rest = glance.get("/api/v1/sites", params={"cursor": first["next_cursor"]}).json()
    assert [first["items"][0]["id"], rest["items"][0]["id"]] == ["site-01", "site-02"]
    assert first["total"] == rest["total"] == 2


def test_technicians_tell_their_skills_and_load(console: Visitor, plant: Plant) -> None:
    plant.alerts.accept(plant.order_of("pump-01"), "ada", technician="tec-03")
    assert console.get("/api/v1/technicians").json()["items"] == [
        {
            "id": "tec-03",
            "name": "Rini",
            "skills": ["mechanical"],
            "home_site": "Bandung",
            "open_orders": 1,
        }
    ]


def test_parts_tell_stock_and_what_is_held(glance: Visitor) -> None:
    page = glance.get("/api/v1/parts", headers={"Accept-Language": "id"}).json()
    assert [(p["number"], p["name"], p["stock"]) for p in page["items"]] == [
        ("BRG-1", "Bantalan 6205", 3),
        ("SEAL-1", "Set sil", 1),
    ]
    assert [part["reserved"] for part in page["items"]] == [1, 1]


def test_products_show_the_catalogue(glance: Visitor) -> None:
    (product,) = glance.get("/api/v1/products").json()["items"]
    assert (product["id"], product["name"], product["devices"]) == ("cp-200", "Coolant pump", 8)
    assert [q["id"] for q in product["quantities"]][:3] == ["vib_rms", "load", "vib.rms"]
    assert product["failure_modes"][0]["component"] == {"id": "bearing", "name": "Bearing"}
    assert product["failure_modes"][1]["remedy"] == "ship"


def test_models_show_their_card(glance: Visitor) -> None:
    (card,) = glance.get("/api/v1/models", params={"product": "cp-200"}).json()["items"]
    assert card["version"] == "failure-cp-200-1"
    assert card["stage"] == "champion"
    assert card["features"] == ["load.mean", "vib_rms.mean"]
    assert card["metrics"] == {"bearing": {"auc": 0.97}}
    assert card["data_end"] == "2026-02-01T00:00:00Z"
    assert glance.get("/api/v1/models", params={"kind": "life"}).json()["total"] == 0


def test_the_quarantine_shows_what_was_refused_newest_first(glance: Visitor) -> None:
    first = glance.get("/api/v1/quarantine", params={"limit": 1}).json()
    assert first["total"] == 2
    (binary,) = first["items"]
    assert (binary["device"], binary["payload"], binary["encoding"]) == (
        "pump-02",
        "/wA=",
        "base64",
    )
    rest = glance.get("/api/v1/quarantine", params={"cursor": first["next_cursor"]}).json()
    (text,) = rest["items"]
    assert (text["code"], text["payload"], text["encoding"]) == ("payload.json", "{", "utf-8")
    assert rest["next_cursor"] is None


def test_the_quarantine_is_filtered_by_device_and_code(glance: Visitor) -> None:
    for params in ({"device": "pump-02"}, {"code": "payload.json"}):
        page = glance.get("/api/v1/quarantine", params=params).json()
        assert page["total"] == len(page["items"]) == 1
    assert glance.get("/api/v1/quarantine", params={"device": "none"}).json()["total"] == 0


def test_the_quarantine_is_searched_and_counted(glance: Visitor) -> None:
    def seen(**params: str) -> list[str]:
        return [e["code"] for e in glance.get("/api/v1/quarantine", params=params).json()["items"]]

    assert seen(code="payload") == ["payload.json"]
    assert seen(q="PUMP-01") == ["payload.json"]
    assert seen(start="2026-03-01T05:30:00Z") == ["x"]
    assert seen(end="2026-03-01T05:30:00Z") == ["payload.json"]
    assert glance.get("/api/v1/quarantine/counts", params={"q": "pump-01"}).json() == [
        {"code": "payload.json", "count": 1}
    ]


def test_messages_are_asked_for_again_by_filter_or_by_name(console: Visitor, plant: Plant) -> None:
    asked = console.post("/api/v1/quarantine/replay", json={"device": "pump-02"})
    assert (asked.status_code, asked.json()) == (202, {"asked": 1})
    ((number, entry),) = plant.quarantine.asked(10)
    assert entry.device == "pump-02"
    plant.quarantine.settle([number], {})
    answer = console.post("/api/v1/quarantine/replay", json={"ids": [number, number - 1]})
    assert answer.json() == {"asked": 1}


def test_a_long_payload_is_cut_at_a_whole_character(console: Visitor, plant: Plant) -> None:
    payload = ("a" + "ü" * 3000).encode()
    plant.quarantine.add([Rejected(NOW, "t", payload, "size", "Hint")])
    entry = console.get("/api/v1/quarantine", params={"code": "size"}).json()["items"][0]
    assert entry["size"] == len(payload)
    assert entry["encoding"] == "utf-8"
    assert entry["payload"] == "a" + "ü" * 2047


def test_the_overview_counts_as_the_table_does(console: Visitor, plant: Plant) -> None:
    plant.maintenance.add([Maintenance("pump-04", "seal", NOW - DAY, True, NOW)])
    plant.alerts.accept(plant.order_of("pump-02"), "ada")
    assert console.get("/api/v1/summary").json() == {
        "proposed": 1,
        "accepted": 1,
        "overdue": 0,
        "devices": 8,
        "devices_online": 5,
        "devices_act": 2,
        "devices_watch": 1,
        "completed_90d": 0,
        "needless_90d": 0,
        "failures_90d": 1,
    }
