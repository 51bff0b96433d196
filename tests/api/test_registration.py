"""Registration, credentials, claim keys and sites over the API."""

from __future__ import annotations

import pytest

from api.auth import Users
from api.v1.session.schemas import Role
from purna.core.clock import DAY
from tests.api.plant import NOW, START, Plant
from tests.api.server import Visitor

DEVICES = "/api/v1/devices"
NEW = {"id": "pump-42", "product": "cp-200", "site": "site-01"}


def test_a_registered_device_gets_in_and_may_stand_behind_a_gateway(
    console: Visitor, plant: Plant
) -> None:
    made = console.post(DEVICES, json={**NEW, "gateway": "pump-01"}).json()
    assert plant.credentials.verify("pump-42", made["password"])
    assert plant.registry.behind("pump-01") == {"pump-42"}


def test_an_account_of_the_platform_is_no_device(console: Visitor) -> None:
    answer = console.post(DEVICES, json={**NEW, "id": "fleet"})
    assert (answer.status_code, answer.json()["code"]) == (422, "device.reserved")


def test_a_new_secret_replaces_the_old_one_and_revoking_takes_it(
    console: Visitor, plant: Plant
) -> None:
    url = f"{DEVICES}/pump-01"
    before = console.get(f"{url}/credential").json()
    assert before["password"]
    assert before["issued_at"] == "2026-02-27T06:00:00Z"
    assert plant.clock.now() == NOW > START
    secret = console.post(f"{url}/secret").json()
    assert plant.credentials.verify("pump-01", secret["password"])
    assert console.post(f"{url}/revoke").status_code == 204
    assert not plant.credentials.verify("pump-01", secret["password"])
    after = console.get(f"{url}/credential").json()
    assert not after["password"]
    assert after["revoked_at"] == "2026-03-01T06:00:00Z"


def test_certificates_are_listed(console: Visitor, plant: Plant) -> None:
    plant.credentials.add_certificate("pump-01", "ab" * 32, NOW + DAY, NOW)
    (one,) = console.get(f"{DEVICES}/pump-01/credential").json()["certificates"]
    assert one["fingerprint"] == "ab" * 32
    assert one["revoked_at"] is None


@pytest.mark.parametrize("call", ["credential", "secret", "revoke", "gaps", "commands"])
def test_a_device_that_is_not_there_is_not_found(console: Visitor, call: str) -> None:
    method = "POST" if call in ("secret", "revoke") else "GET"
    assert console.request(method, f"{DEVICES}/pump-99/{call}").status_code == 404


def test_a_change_keeps_what_it_does_not_name(console: Visitor, plant: Plant) -> None:
    before = plant.registry.get("pump-01")
    assert console.patch(f"{DEVICES}/pump-01", json={"serial": "new"}).status_code == 204
    attributes = {"gateway": "pump-02", "age_years": 4}
    console.patch(f"{DEVICES}/pump-01", json={"attributes": attributes, "site": "site-01"})
    after = plant.registry.get("pump-01")
    assert (after.serial, after.site.id, after.attributes) == ("new", "site-01", attributes)
    assert after.installed_at == before.installed_at
    assert console.get(f"{DEVICES}/pump-01").json()["serial"] == "new"
    answer = console.patch(f"{DEVICES}/pump-01", json={"site": "none"})
    assert answer.json()["code"] == "site.unknown"
    assert console.patch(f"{DEVICES}/pump-99", json={}).status_code == 404


FILE = (
    "device,product,site\npump-43,cp-200,site-01\npump-44,cp-300,site-01\npump 45,cp-200,site-01\n"
)


def test_a_file_with_wrong_lines_registers_nothing_and_names_them_all(
    console: Visitor, plant: Plant
) -> None:
    for language, text in (("en", "no product cp-300"), ("id", "produk cp-300")):
        answer = console.post(
            f"{DEVICES}/import", json={"csv": FILE}, headers={"Accept-Language": language}
        )
        problem = answer.json()
        assert (answer.status_code, problem["code"]) == (422, "csv.bad")
        assert [(e["line"], e["field"]) for e in problem["errors"]] == [
            (3, "product"),
            (4, "device"),
        ]
        assert text in problem["errors"][0]["reason"]
    assert len(plant.registry.all()) == 8


def test_good_lines_of_a_file_are_registered_where_wanted(console: Visitor, plant: Plant) -> None:
    done = console.post(f"{DEVICES}/import", json={"csv": FILE, "skip_bad": True}).json()
    (made,) = done["devices"]
    assert plant.credentials.verify("pump-43", made["password"])
    assert [line["line"] for line in done["skipped"]] == [3, 4]
    assert len(plant.registry.all()) == 9


def test_a_device_claims_itself_without_signing_in(
    console: Visitor, plant: Plant, address: str
) -> None:
    (key,) = console.post(
        "/api/v1/claim-keys", json={"product": "cp-200", "site": "site-02"}
    ).json()
    with Visitor(base_url=address) as firmware:
        claim = {"key": key["key"], "device": "pump-42", "serial": "S1"}
        made = firmware.post("/api/v1/claims", json=claim)
        assert made.status_code == 201
        assert plant.credentials.verify("pump-42", made.json()["password"])
        other = firmware.post("/api/v1/claims", json={**claim, "device": "pump-43"})
        assert (other.status_code, other.json()["code"]) == (403, "claim.key")
    (listed,) = console.get("/api/v1/claim-keys").json()["items"]
    assert (listed["device"], listed["hint"]) == ("pump-42", key["key"][:5])
    assert "key" not in listed


def test_a_dropped_key_is_worth_nothing(console: Visitor) -> None:
    keys = console.post("/api/v1/claim-keys", json={"product": "cp-200", "count": 2}).json()
    assert console.delete(f"/api/v1/claim-keys/{keys[0]['id']}").status_code == 204
    claim = {"key": keys[0]["key"], "device": "pump-42", "site": "site-01"}
    assert console.post("/api/v1/claims", json=claim).status_code == 403
    assert console.post("/api/v1/claims", json={**claim, "key": keys[1]["key"]}).status_code == 201


def test_who_guesses_keys_has_to_wait(console: Visitor) -> None:
    wrong = {"key": "AAAAA", "device": "pump-42", "site": "site-01"}

    def tries() -> list[int]:
        return [console.post("/api/v1/claims", json=wrong).status_code for _ in range(20)]

    assert tries() == [403] * 20
    refused = console.post("/api/v1/claims", json=wrong)
    assert refused.status_code == 429
    assert int(refused.headers["Retry-After"]) >= 1


def test_a_right_key_with_a_wrong_site_is_no_guess(console: Visitor) -> None:
    (key,) = console.post("/api/v1/claim-keys", json={"product": "cp-200"}).json()
    for _ in range(25):
        answer = console.post("/api/v1/claims", json={"key": key["key"], "device": "pump-42"})
        assert answer.json()["code"] == "site.unknown"


def test_a_site_is_added_and_devices_stand_there(console: Visitor) -> None:
    site = {"id": "site-07", "name": "Semarang", "customer": "new", "customer_name": "PT Baru"}
    made = console.post("/api/v1/sites", json=site)
    assert made.status_code == 201
    assert made.json()["customer"] == {"id": "new", "name": "PT Baru"}
    assert console.post("/api/v1/sites", json=site).json()["code"] == "site.exists"
    wrong = {**site, "id": "site-08", "timezone": "Mars"}
    assert console.post("/api/v1/sites", json=wrong).json()["code"] == "site.timezone"
    assert console.post(DEVICES, json={**NEW, "site": "site-07"}).status_code == 201
    assert console.get("/api/v1/sites").json()["total"] == 3


def test_gaps_are_paged_those_opened_last_first(console: Visitor) -> None:
    first = console.get(f"{DEVICES}/pump-01/gaps?limit=1").json()
    assert first["total"] == 2
    (gap,) = first["items"]
    assert (gap["boot"], gap["first"], gap["last"], gap["missing"]) == ("b7", 4711, 4713, 3)
    assert gap["closed_at"] is None
    rest = console.get(f"{DEVICES}/pump-01/gaps?cursor={first['next_cursor']}").json()
    assert rest["items"][0]["closed_at"] is not None
    assert rest["next_cursor"] is None


def test_a_dispatcher_registers_nothing(console: Visitor, users: Users, address: str) -> None:
    _, key = users.add_key("desk", [Role.DISPATCHER], "ada")
    with Visitor(base_url=address, headers={"Authorization": f"Bearer {key}"}) as desk:
        assert desk.post(DEVICES, json=NEW).status_code == 403
        assert desk.post(f"{DEVICES}/pump-01/secret").status_code == 403
        assert desk.get(f"{DEVICES}/pump-01/credential").status_code == 200
