"""The built console is served beside the API."""

from __future__ import annotations

from pathlib import Path

import pytest

from api.app import create_app
from tests.api.plant import Plant
from tests.api.server import Server, Visitor


@pytest.fixture
def built(tmp_path: Path, server: Server, plant: Plant, visitor: Visitor) -> Visitor:
    dist = tmp_path / "built"
    (dist / "assets").mkdir(parents=True)
    (dist / "index.html").write_text("<!doctype html><title>Purna</title>" + " " * 2000)
    (dist / "icon.svg").write_text("<svg/>")
    (dist / "assets" / "index-1a2b3c.js").write_text("console.log(1)" + " " * 2000)
    (tmp_path / "secret.txt").write_text("secret")
    server.app = create_app(plant.services, console=dist)
    return visitor


@pytest.mark.parametrize("path", ["/", "/orders", "/devices/pump-01", "/setup?token=x", "/a.b/c"])
def test_every_page_of_the_console_is_the_app(built: Visitor, path: str) -> None:
    answer = built.get(path)
    assert answer.status_code == 200
    assert "<title>Purna</title>" in answer.text
    assert answer.headers["content-type"].startswith("text/html")
    assert answer.headers["cache-control"] == "no-cache"
    assert answer.headers["content-encoding"] == "gzip"


def test_files_with_a_hash_in_their_name_are_kept_for_ever(built: Visitor) -> None:
    answer = built.get("/assets/index-1a2b3c.js")
    assert "immutable" in answer.headers["cache-control"]
    assert "javascript" in answer.headers["content-type"]


def test_other_files_are_served_as_they_are(built: Visitor) -> None:
    answer = built.get("/icon.svg")
    assert answer.headers["content-type"].startswith("image/svg+xml")
    assert answer.headers["cache-control"] == "no-cache"


@pytest.mark.parametrize(
    "path",
    [
        "/assets/index-old.js",
        "/assets/%2e%2e/%2e%2e/secret.txt",
        "/api/v1/none",
        "/api",
        "/openapi.json/none",
    ],
)
def test_what_is_not_there_is_not_found(built: Visitor, path: str) -> None:
    request = built.build_request("GET", "/")
    request.url = request.url.copy_with(raw_path=path.encode())
    answer = built.send(request)
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"


def test_no_path_leads_out_of_the_folder(built: Visitor) -> None:
    for path in (b"/../secret.txt", b"/%2e%2e/secret.txt", b"//etc/passwd", b"/..%5csecret.txt"):
        request = built.build_request("GET", "/")
        request.url = request.url.copy_with(raw_path=path)
        assert "secret" not in built.send(request).text


def test_a_change_at_a_page_is_not_possible(built: Visitor) -> None:
    answer = built.post("/orders")
    assert (answer.status_code, answer.json()["code"]) == (405, "http.405")


def test_head_asks_for_the_headers_only(built: Visitor) -> None:
    assert built.head("/").status_code == 200


def test_without_a_build_the_page_says_how_to_make_one(visitor: Visitor) -> None:
    answer = visitor.get("/")
    assert answer.status_code == 200
    assert "make console" in answer.text
    assert "script" not in answer.text


def test_the_openapi_description_is_open_and_the_docs_page_is_off(visitor: Visitor) -> None:
    assert visitor.get("/openapi.json").json()["info"]["title"] == "Purna"
    assert "swagger" not in visitor.get("/docs").text.lower()
