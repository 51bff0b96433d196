"""Plays one call of every operation on a furnished plant and keeps what was said.

``python -m tests.api.examples > api/examples.json`` makes the examples of the OpenAPI description.
"""

from __future__ import annotations

import json
import re
import sys
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

from api.app import create_app
from api.auth import Users
from purna.core.clock import ManualClock
from tests.api.conftest import PASSWORD, cheap_users, made
from tests.api.plant import NOW, Plant
from tests.api.server import Server, Visitor

SECRETS = {"csrf_token", "token", "password", "key"}


class Call(NamedTuple):
    """One call: operation, method, address and body."""

    operation: str
    method: str
    address: str
    body: dict[str, Any] | None = None


CALLS = [
    Call("read_session", "GET", "/api/v1/session"),
    Call(
        "set_up",
        "POST",
        "/api/v1/setup",
        {"token": "…", "username": "ada", "name": "Ada Lovelace", "password": PASSWORD},
    ),
    Call("sign_in", "POST", "/api/v1/session", {"username": "ada", "password": PASSWORD}),
    Call(
        "add_user",
        "POST",
        "/api/v1/users",
        {
            "username": "rini",
            "name": "Rini Wulandari",
            "password": PASSWORD,
            "roles": ["technician"],
            "technician": "tec-03",
        },
    ),
    Call("list_users", "GET", "/api/v1/users"),
    Call(
        "change_user", "PATCH", "/api/v1/users/usr_000002", {"roles": ["dispatcher", "technician"]}
    ),
    Call("add_key", "POST", "/api/v1/keys", {"name": "erp", "roles": ["dispatcher"]}),
    Call("list_keys", "GET", "/api/v1/keys"),
    Call("list_devices", "GET", "/api/v1/devices?limit=2"),
    Call("read_device", "GET", "/api/v1/devices/pump-01"),
    Call(
        "read_series",
        "GET",
        "/api/v1/devices/pump-01/readings?quantity=vib_rms&points=3&start=2026-02-28T06:00:00Z",
    ),
    Call("list_waveforms", "GET", "/api/v1/devices/pump-01/waveforms?limit=2"),
    Call(
        "read_waveform",
        "GET",
        "/api/v1/devices/pump-01/waveforms/vib@1772323200000000?points=3",
    ),
    Call("read_assessments", "GET", "/api/v1/devices/pump-01/assessments?points=3"),
    Call("list_events", "GET", "/api/v1/devices/pump-01/events"),
    Call(
        "add_device",
        "POST",
        "/api/v1/devices",
        {"id": "pump-42", "product": "cp-200", "site": "site-01", "serial": "SN0042"},
    ),
    Call(
        "import_devices",
        "POST",
        "/api/v1/devices/import",
        {
            "csv": "device,product,site,gateway\n"
            "pump-43,cp-200,site-01,pump-42\npump-44,cp-200,site-99,\n",
            "skip_bad": True,
        },
    ),
    Call("change_device", "PATCH", "/api/v1/devices/pump-43", {"serial": "SN0043"}),
    Call("read_credential", "GET", "/api/v1/devices/pump-42/credential"),
    Call("renew_secret", "POST", "/api/v1/devices/pump-42/secret"),
    Call("revoke_device", "POST", "/api/v1/devices/pump-43/revoke"),
    Call(
        "add_claim_keys",
        "POST",
        "/api/v1/claim-keys",
        {"product": "cp-200", "site": "site-01", "count": 1, "days": 90},
    ),
    Call(
        "claim_device",
        "POST",
        "/api/v1/claims",
        {"key": "…", "device": "pump-45", "serial": "SN0045"},
    ),
    Call("list_claim_keys", "GET", "/api/v1/claim-keys"),
    Call("drop_claim_key", "DELETE", "/api/v1/claim-keys/clk_000001"),
    Call(
        "send_command",
        "POST",
        "/api/v1/devices/pump-42/commands",
        {"name": "sample.faster", "arguments": {"seconds": 60}},
    ),
    Call("list_commands", "GET", "/api/v1/devices/pump-42/commands"),
    Call("read_command", "GET", "/api/v1/devices/pump-42/commands/cmd_000001"),
    Call("list_gaps", "GET", "/api/v1/devices/pump-01/gaps"),
    Call("list_alerts", "GET", "/api/v1/alerts?limit=1"),
    Call("list_orders", "GET", "/api/v1/orders?state=open&limit=1"),
    Call("read_order", "GET", "/api/v1/orders/{visit}"),
    Call(
        "accept_order",
        "POST",
        "/api/v1/orders/{visit}/accept",
        {"technician": "tec-03", "planned_start": "2026-03-02T08:00:00Z", "note": "Bring oil"},
    ),
    Call(
        "reschedule_order",
        "POST",
        "/api/v1/orders/{visit}/reschedule",
        {"planned_start": "2026-03-03T08:00:00Z", "note": "The customer asked for it"},
    ),
    Call(
        "complete_order",
        "POST",
        "/api/v1/orders/{visit}/complete",
        {"outcome": "confirmed", "serial": "B-7731", "note": "Outer race worn"},
    ),
    Call(
        "reject_order",
        "POST",
        "/api/v1/orders/{shipment}/reject",
        {"reason": "not_needed", "note": "Replaced last week"},
    ),
    Call("cancel_order", "POST", "/api/v1/orders/{other}/cancel", {"note": "The pump was sold"}),
    Call("list_sites", "GET", "/api/v1/sites?limit=1"),
    Call(
        "add_site",
        "POST",
        "/api/v1/sites",
        {
            "id": "site-07",
            "name": "Semarang",
            "customer": "cus-1",
            "timezone": "Asia/Jakarta",
        },
    ),
    Call("list_technicians", "GET", "/api/v1/technicians"),
    Call("list_parts", "GET", "/api/v1/parts"),
    Call("list_products", "GET", "/api/v1/products"),
    Call("list_models", "GET", "/api/v1/models"),
    Call("list_rejected", "GET", "/api/v1/quarantine?limit=1"),
    Call("count_rejected", "GET", "/api/v1/quarantine/counts"),
    Call("replay_rejected", "POST", "/api/v1/quarantine/replay", {"code": "device.unknown"}),
    Call("read_summary", "GET", "/api/v1/summary"),
    Call("remove_key", "DELETE", "/api/v1/keys/key_000001"),
    Call("sign_out", "DELETE", "/api/v1/session"),
    Call("read_health", "GET", "/healthz"),
]


def play(folder: Path) -> dict[str, dict[str, Any]]:
    """Request and answer by operation; what is secret or made at random is left out."""
    with made(folder) as database:
        users = cheap_users(database, ManualClock(NOW))
        return _play(Plant(folder, database, users), users, folder)


def _play(plant: Plant, users: Users, folder: Path) -> dict[str, dict[str, Any]]:
    plant.furnish()
    orders = {"visit": plant.order_of("pump-01"), "shipment": plant.order_of("pump-02")}
    plant.worsen("pump-04")
    orders["other"] = plant.order_of("pump-04")
    plant.alerts.accept(orders["other"], "ada")
    setup_token = users.create_setup_token()

    said: dict[str, dict[str, Any]] = {}
    claim_key = ""
    with Server() as server:
        server.app = create_app(plant.services, console=folder)
        with Visitor(base_url=server.address) as visitor:
            for call in CALLS:
                body = call.body
                if call.operation == "set_up":
                    body = {**(body or {}), "token": setup_token}
                if call.operation == "claim_device":
                    body = {**(body or {}), "key": claim_key}
                if call.operation == "complete_order":
                    plant.clock.set(NOW + 3 * 86_400_000_000)
                answer = visitor.request(call.method, call.address.format(**orders), json=body)
                assert answer.is_success, (call.operation, answer.text)
                if call.operation == "add_claim_keys":
                    claim_key = answer.json()[0]["key"]
                if call.operation in ("set_up", "sign_in"):
                    visitor.use_session(answer.json())
                said[call.operation] = {
                    "request": call.body,
                    "answer": _public(answer.json()) if answer.content else None,
                }
    plant.close()
    return said


def _public(value: Any, name: str = "") -> Any:
    if isinstance(value, dict):
        return {key: _public(inner, key) for key, inner in value.items()}
    if isinstance(value, list):
        return [_public(inner) for inner in value]
    if name in SECRETS and value:
        return "…"
    if name == "hint":
        return re.sub(r"^(purna_|)\w.*", r"\1…", value)
    return value


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        json.dump(play(Path(folder)), sys.stdout, indent=1, ensure_ascii=False)
        sys.stdout.write("\n")
