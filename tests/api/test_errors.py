"""Every error is a problem (RFC 9457) in the reader's language."""

from __future__ import annotations

import re

import pytest
from fastapi import APIRouter

from api import errors
from api.app import build_routes
from api.v1.session.schemas import SetUp
from purna.core.errors import AskOperator, BadInput, Conflict, Denied, NotFound, RetryLater
from purna.core.texts import catalogue
from tests.api.plant import Plant
from tests.api.server import Server, Visitor


def test_a_problem_has_all_members_and_says_its_language(visitor: Visitor) -> None:
    answer = visitor.get("/api/v1/none")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["content-language"] == "en"
    assert answer.headers["vary"] == "Accept-Language"
    assert answer.json() == {
        "type": "https://purna.dev/problems/http.404",
        "title": "Not found",
        "status": 404,
        "detail": "There is nothing at /api/v1/none.",
        "code": "http.404",
        "errors": [],
    }


@pytest.mark.parametrize(
    ("accept", "detail"),
    [
        (None, "Please sign in."),
        ("en-GB", "Please sign in."),
        ("id-ID,id;q=0.9", "Silakan masuk."),
        ("de", "Please sign in."),
    ],
)
def test_the_text_is_in_the_readers_language(
    visitor: Visitor, accept: str | None, detail: str
) -> None:
    headers = {"Accept-Language": accept} if accept else {}
    answer = visitor.get("/api/v1/devices", headers=headers)
    assert (answer.status_code, answer.json()["detail"]) == (401, detail)


@pytest.mark.parametrize(("method", "path"), [("PUT", "/api/v1/session"), ("POST", "/healthz")])
def test_a_method_that_does_not_exist_is_a_problem_too(
    visitor: Visitor, method: str, path: str
) -> None:
    answer = visitor.request(method, path)
    assert (answer.status_code, answer.json()["code"]) == (405, "http.405")
    assert answer.headers["allow"]


def test_wrong_fields_are_named_with_their_reason_in_both_languages(visitor: Visitor) -> None:
    body = {"token": "t", "username": "a b", "name": "", "password": "short", "colour": "red"}
    english = visitor.post("/api/v1/setup", json=body).json()
    assert english["code"] == "request.invalid"
    assert english["errors"] == [
        {
            "field": "username",
            "in": "body",
            "reason": "does not fit the pattern ^[A-Za-z0-9_.@-]+$",
        },
        {"field": "name", "in": "body", "reason": "needs at least 1 characters"},
        {"field": "password", "in": "body", "reason": "needs at least 12 characters"},
        {"field": "colour", "in": "body", "reason": "is not known here"},
    ]
    other = visitor.post("/api/v1/setup", json=body, headers={"Accept-Language": "id"}).json()
    assert other["errors"][2]["reason"] == "minimal 12 karakter"
    assert "password" in other["detail"]


def test_what_was_sent_is_not_told_again(visitor: Visitor) -> None:
    body = {"token": "t", "username": "ada", "name": "Ada", "password": "secret"}
    assert "secret" not in visitor.post("/api/v1/setup", json=body).text


@pytest.mark.parametrize("content", ["{", "[1", "\x00", '{"username": 1e999}', "null", '"a"'])
def test_a_body_that_is_no_such_json_is_refused(visitor: Visitor, content: str) -> None:
    answer = visitor.post(
        "/api/v1/session", content=content, headers={"Content-Type": "application/json"}
    )
    assert answer.status_code == 422
    assert answer.json()["errors"]


ERRORS = [
    (RetryLater("service.busy"), 503),
    (BadInput("request.period", field="end"), 422),
    (NotFound("error.not_found", kind="device", id="d"), 404),
    (Conflict("order.state"), 409),
    (Denied("auth.right", right="x"), 403),
    (AskOperator("no.such.code", "the disk is full"), 500),
    (ZeroDivisionError("a bug"), 500),
]


@pytest.mark.parametrize(("error", "status"), ERRORS)
def test_every_error_of_ours_has_its_status_and_a_bug_tells_nothing(
    server: Server, visitor: Visitor, plant: Plant, error: Exception, status: int
) -> None:
    router = APIRouter()

    @router.get("/fails")
    def fails() -> None:
        raise error

    app = build_routes()
    app.include_router(router)
    server.app = app
    answer = visitor.get("/fails")
    assert answer.status_code == status
    assert answer.json()["status"] == status
    assert "a bug" not in answer.text
    assert ("retry-after" in answer.headers) == (status == 503)


def test_a_kind_of_thing_is_named_in_the_readers_language(server: Server, visitor: Visitor) -> None:
    router = APIRouter()

    @router.get("/fails")
    def fails() -> None:
        raise NotFound("error.not_found", kind="device", id="pump-1")

    app = build_routes()
    app.include_router(router)
    server.app = app
    answer = visitor.get("/fails", headers={"Accept-Language": "id"})
    assert answer.json()["detail"] == "Tidak ada perangkat pump-1."


def test_every_status_that_routes_document_has_a_title_and_an_example_text() -> None:
    document = build_routes().openapi()
    for path, methods in document["paths"].items():
        for operation in methods.values():
            for status, response in operation["responses"].items():
                content = response.get("content", {}).get(errors.PROBLEM_JSON)
                if content is None:
                    continue
                example = content["example"]
                assert example["status"] == int(status), path
                assert example["detail"] != example["code"], (path, status)
                assert not re.search(r"\{\w+\}", example["detail"]), (path, status)
                assert f"problem.title.{status}" in catalogue("id")


def test_reasons_for_all_constraints_that_we_use_are_translated() -> None:
    """What pydantic may say of the shapes that take input stands in both languages."""
    used = {"missing", "extra_forbidden", "string_too_short", "string_too_long", "literal_error"}
    used |= {"string_pattern_mismatch", "int_parsing", "greater_than_equal", "less_than_equal"}
    used |= {"enum", "datetime_from_date_parsing", "bool_type", "bool_parsing", "too_short"}
    assert SetUp.model_config["extra"] == "forbid"
    for language in ("en", "id"):
        assert {f"validation.{name}" for name in used} <= set(catalogue(language))
