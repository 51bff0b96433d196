"""What every request passes and every answer carries."""

from __future__ import annotations

import http.client

import pytest

from tests.api.server import Visitor


@pytest.mark.parametrize("path", ["/api/v1/session", "/api/v1/none", "/", "/healthz"])
def test_every_answer_carries_the_security_headers(visitor: Visitor, path: str) -> None:
    headers = visitor.get(path).headers
    assert "default-src 'self'" in headers["content-security-policy"]
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8700", "127.0.0.1.evil.example", ""]
)
def test_another_host_name_is_refused(visitor: Visitor, host: str) -> None:
    answer = visitor.get("/api/v1/session", headers={"Host": host})
    assert (answer.status_code, answer.json()["code"]) == (421, "request.host")


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost:8700", "LOCALHOST", "[::1]", "[::1]:8700"]
)
def test_our_own_names_are_answered(visitor: Visitor, host: str) -> None:
    assert visitor.get("/api/v1/session", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_a_change_from_a_foreign_page_is_refused(visitor: Visitor, site: str) -> None:
    body = {"username": "ada", "password": "x"}
    headers = {"Sec-Fetch-Site": site}
    refused = visitor.post("/api/v1/session", json=body, headers=headers)
    assert (refused.status_code, refused.json()["code"]) == (403, "request.origin")
    assert visitor.get("/api/v1/session", headers=headers).status_code == 200
    own = visitor.post("/api/v1/session", json=body, headers={"Sec-Fetch-Site": "same-origin"})
    assert own.status_code == 401


def test_a_form_of_a_foreign_page_is_no_json(visitor: Visitor) -> None:
    answer = visitor.post(
        "/api/v1/session",
        content='{"username": "ada", "password": "x"}',
        headers={"Content-Type": "text/plain"},
    )
    assert answer.status_code == 422


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_above_one_mebibyte_is_refused(visitor: Visitor, chunked: bool) -> None:
    body = b'{"username": "' + b"a" * 1_100_000
    answer = visitor.post(
        "/api/v1/session",
        content=iter([body[:600_000], body[600_000:]]) if chunked else body,
        headers={"Content-Type": "application/json"},
    )
    assert answer.status_code == 413
    assert answer.json()["code"] == "http.413"


def test_answers_of_the_api_are_not_kept_by_caches(visitor: Visitor) -> None:
    assert visitor.get("/api/v1/session").headers["cache-control"] == "no-store"


def test_a_request_that_is_no_http_does_not_disturb_the_next(visitor: Visitor) -> None:
    connection = http.client.HTTPConnection(visitor.base_url.host, visitor.base_url.port)
    connection.connect()
    connection.sock.sendall(b"\x16\x03\x01\x00\xa5\x01\x00\r\n\r\n")
    connection.close()
    assert visitor.get("/api/v1/session").status_code == 200
