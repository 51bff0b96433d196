"""Managing users and keys."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from api.auth import Users
from api.errors import SignInRequired
from api.v1.session.schemas import Role
from purna.core.clock import HOUR, ManualClock
from purna.core.errors import Conflict
from purna.db.engine import Database
from tests.api.conftest import PASSWORD
from tests.api.server import Visitor

RINI = {"username": "Rini", "name": "Rini W", "password": PASSWORD, "roles": ["technician"]}


def test_an_administrator_adds_lists_and_changes_users(admin: Visitor) -> None:
    added = admin.post("/api/v1/users", json={**RINI, "technician": "tec-03"})
    assert added.status_code == 201
    user = added.json()
    assert user["username"] == "rini"
    assert user["technician"] == "tec-03"
    assert "password" not in added.text

    changed = admin.patch(
        f"/api/v1/users/{user['id']}", json={"roles": ["dispatcher", "firmware"], "technician": ""}
    ).json()
    assert changed == {**user, "roles": ["dispatcher", "firmware"], "technician": None}
    assert [u["username"] for u in admin.get("/api/v1/users").json()["items"]] == ["ada", "rini"]


def test_a_user_name_is_given_once_whatever_its_case(admin: Visitor) -> None:
    assert admin.post("/api/v1/users", json=RINI).status_code == 201
    again = admin.post("/api/v1/users", json={**RINI, "username": "RINI"})
    assert again.status_code == 409
    assert again.json()["code"] == "user.exists"


@pytest.mark.parametrize("change", [{"disabled": True}, {"roles": ["dispatcher"]}])
def test_the_last_administrator_stays_one(admin: Visitor, change: dict[str, object]) -> None:
    answer = admin.patch("/api/v1/users/usr_000001", json=change)
    assert answer.status_code == 409
    assert answer.json()["code"] == "user.last_admin"
    assert admin.get("/api/v1/users").json()["items"][0]["roles"] == ["admin"]


@pytest.mark.parametrize("change", [{"disabled": True}, {"password": "eight blue pumps"}])
def test_disabling_and_a_new_password_end_the_users_sessions(
    users: Users, change: dict[str, object]
) -> None:
    users.add_user("ada", "Ada", PASSWORD, [Role.ADMIN])
    user = users.add_user("rini", "Rini", PASSWORD, [Role.DISPATCHER])
    token = users.open_session(user.id)
    users.change_user(user.id, **change)  # type: ignore[arg-type]
    with pytest.raises(SignInRequired):
        users.user_of_session(token)


def test_a_new_password_replaces_the_old_one(users: Users) -> None:
    user = users.add_user("ada", "Ada", PASSWORD, [Role.ADMIN])
    users.change_user(user.id, password="eight blue pumps")
    assert users.sign_in("ada", "eight blue pumps", "").id == user.id
    with pytest.raises(SignInRequired):
        users.sign_in("ada", PASSWORD, "")


def test_a_keys_token_is_shown_once_and_works_until_it_is_revoked(
    admin: Visitor, wall: ManualClock
) -> None:
    made = admin.post("/api/v1/keys", json={"name": "erp", "roles": ["admin"]}).json()
    token = made.pop("token")
    listed = admin.get("/api/v1/keys")
    assert listed.json()["items"] == [made]
    assert token not in listed.text
    assert token.startswith(made["hint"])

    wall.advance(HOUR)
    program = {"Authorization": f"Bearer {token}"}
    assert admin.get("/api/v1/users", headers=program).status_code == 200
    assert admin.get("/api/v1/keys").json()["items"][0]["last_used_at"] == "2026-03-01T07:00:00Z"

    assert admin.delete(f"/api/v1/keys/{made['id']}").status_code == 204
    assert admin.get("/api/v1/users", headers=program).status_code == 401
    assert admin.delete(f"/api/v1/keys/{made['id']}").status_code == 404


def test_a_key_name_is_given_once(users: Users) -> None:
    users.add_key("erp", [Role.ADMIN], "ada")
    with pytest.raises(Conflict):
        users.add_key("erp", [Role.ADMIN], "ada")


def test_no_secret_is_kept_as_it_is(users: Users, database: Database) -> None:
    user = users.add_user("ada", "Ada", PASSWORD, [Role.ADMIN])
    secrets = [PASSWORD, users.open_session(user.id), users.create_setup_token()]
    secrets.append(users.add_key("erp", [Role.ADMIN], "ada")[1])
    with database.read() as session:
        kept = "".join(
            str(session.execute(text(f"select * from {table}")).all())
            for table in ("api_user", "api_session", "api_key", "api_setup_token")
        )
    assert "$argon2id$" in kept
    assert not [secret for secret in secrets if secret in kept]
