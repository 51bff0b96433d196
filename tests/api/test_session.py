"""Signing in and out, the one-time set-up, and what protects them."""

from __future__ import annotations

import httpx
import pytest

from api.auth import SESSION_LIFE, Users
from api.errors import SignInRequired, TooManyAttempts
from api.v1.session.schemas import Role
from purna.core.clock import HOUR, MINUTE, SECOND, ManualClock
from purna.core.errors import Conflict, Denied
from tests.api.conftest import PASSWORD
from tests.api.server import Visitor

FIRST = {"username": "Ada", "name": "Ada Lovelace", "password": PASSWORD}


def test_before_the_set_up_everybody_learns_that_it_is_needed(visitor: Visitor) -> None:
    session = visitor.get("/api/v1/session").json()
    assert session["setup_required"] is True
    assert session["user"] is None
    assert session["csrf_token"] == ""
    assert session["clock"] == {"now": "2026-03-01T06:00:00Z", "speed": 60.0}
    assert session["mode"] == "suggest"
    assert session["version"] == "1.2.3"


def test_the_set_up_token_makes_one_administrator_who_is_signed_in(
    visitor: Visitor, users: Users
) -> None:
    token = users.create_setup_token()
    answer = visitor.post("/api/v1/setup", json={**FIRST, "token": token})
    assert answer.status_code == 201
    assert answer.json()["user"]["username"] == "ada"
    assert set(answer.json()["user"]["roles"]) == {role.value for role in Role}
    assert answer.json()["setup_required"] is False
    visitor.use_session(answer.json())
    assert visitor.get("/api/v1/users").json()["total"] == 1

    again = visitor.post("/api/v1/setup", json={**FIRST, "username": "eve", "token": token})
    assert again.status_code == 403
    assert again.json()["code"] == "auth.setup_token"


def test_a_newer_set_up_token_voids_the_older(users: Users) -> None:
    old, new = users.create_setup_token(), users.create_setup_token()
    with pytest.raises(Denied):
        users.set_up(old, "ada", "Ada", PASSWORD)
    assert users.set_up(new, "ada", "Ada", PASSWORD).roles


def test_a_refused_set_up_leaves_the_token_valid(users: Users) -> None:
    users.add_user("ada", "Ada", PASSWORD, [Role.ADMIN])
    token = users.create_setup_token()
    with pytest.raises(Conflict):
        users.set_up(token, "ada", "Ada", PASSWORD)
    assert users.set_up(token, "bea", "Bea", PASSWORD)


def test_signing_in_sets_a_cookie_that_scripts_and_other_sites_do_not_get(
    visitor: Visitor, users: Users
) -> None:
    users.add_user("ada", "Ada", PASSWORD, [Role.DISPATCHER])
    answer = visitor.sign_in("ADA", PASSWORD)
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert answer.json()["user"] == {
        "id": "usr_000001",
        "username": "ada",
        "name": "Ada",
        "roles": ["dispatcher"],
    }
    assert visitor.get("/api/v1/session").json()["user"]["username"] == "ada"


def test_signing_out_ends_the_session_on_the_server(admin: Visitor) -> None:
    cookie = {"Cookie": f"purna_session={admin.cookies['purna_session']}"}
    assert admin.delete("/api/v1/session").status_code == 204
    assert "purna_session" not in admin.cookies
    assert admin.get("/api/v1/users", headers=cookie).status_code == 401


def test_a_wrong_password_and_an_unknown_or_disabled_user_get_the_same_answer(
    visitor: Visitor, users: Users
) -> None:
    users.add_user("ada", "Ada", PASSWORD, [Role.ADMIN])
    gone = users.add_user("bea", "Bea", PASSWORD, [Role.DISPATCHER])
    users.change_user(gone.id, disabled=True)
    answers = [
        visitor.sign_in("ada", "wrong"),
        visitor.sign_in("nobody", "wrong"),
        visitor.sign_in("bea", PASSWORD),
    ]
    assert {answer.status_code for answer in answers} == {401}
    assert len({answer.text for answer in answers}) == 1
    assert not any("set-cookie" in answer.headers for answer in answers)


def test_guessing_is_slowed_down_for_that_account_and_says_how_long(
    visitor: Visitor, users: Users, wall: ManualClock
) -> None:
    users.add_user("ada", "Ada", PASSWORD, [Role.ADMIN])
    for _ in range(5):
        assert visitor.sign_in("ada", "wrong").status_code == 401
    refused = visitor.sign_in("ada", PASSWORD)
    assert refused.status_code == 429
    assert refused.headers["retry-after"] == "1"
    assert visitor.sign_in("bea", PASSWORD).status_code == 401
    wall.advance(2 * SECOND)
    assert visitor.sign_in("ada", PASSWORD).status_code == 200


def test_one_client_can_not_try_many_accounts(users: Users) -> None:
    for number in range(50):
        with pytest.raises(SignInRequired):
            users.sign_in(f"user{number}", "wrong", "10.0.0.1")
    with pytest.raises(TooManyAttempts):
        users.sign_in("another", "wrong", "10.0.0.1")
    with pytest.raises(SignInRequired):
        users.sign_in("another", "wrong", "10.0.0.2")


def test_a_session_ends_twelve_hours_after_its_last_use(users: Users, wall: ManualClock) -> None:
    user = users.add_user("ada", "Ada", PASSWORD, [Role.ADMIN])
    token = users.open_session(user.id)
    for _ in range(3):
        wall.advance(SESSION_LIFE - MINUTE)
        assert users.user_of_session(token) == user
    wall.advance(SESSION_LIFE)
    with pytest.raises(SignInRequired):
        users.user_of_session(token)


def test_opening_a_session_removes_those_that_have_ended(users: Users, wall: ManualClock) -> None:
    user = users.add_user("ada", "Ada", PASSWORD, [Role.ADMIN])
    ended = users.open_session(user.id)
    wall.advance(SESSION_LIFE + HOUR)
    users.open_session(user.id)
    wall.set(wall.now() - SESSION_LIFE - HOUR)
    with pytest.raises(SignInRequired):
        users.user_of_session(ended)


@pytest.mark.parametrize("sent", [None, "", "0" * 64, "ü"])
def test_a_change_with_a_cookie_needs_the_csrf_token_of_that_session(
    admin: Visitor, sent: str | None
) -> None:
    del admin.headers["X-CSRF-Token"]
    headers = {} if sent is None else {"X-CSRF-Token": sent.encode()}
    answer = admin.post(
        "/api/v1/keys",
        json={"name": "erp", "roles": ["admin"]},
        headers=headers,  # type: ignore[arg-type]
    )
    assert answer.status_code == 403
    assert answer.json()["code"] == "auth.csrf"
    assert admin.get("/api/v1/keys").json()["total"] == 0


def test_a_key_needs_no_csrf_token_and_no_cookie(admin: Visitor, address: str) -> None:
    token = admin.post("/api/v1/keys", json={"name": "erp", "roles": ["admin"]}).json()["token"]
    headers = {"Authorization": f"Bearer {token}"}
    answer = httpx.post(
        f"{address}/api/v1/keys", json={"name": "bi", "roles": ["dispatcher"]}, headers=headers
    )
    assert answer.status_code == 201
    assert answer.json()["created_by"] == "key:erp"


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer purna_wrong"},
        {"Authorization": "Basic YTpi"},
        {"Cookie": "purna_session=wrong"},
    ],
)
def test_without_a_valid_session_or_key_nothing_opens(
    visitor: Visitor, headers: dict[str, str]
) -> None:
    answer = visitor.get("/api/v1/users", headers=headers)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
