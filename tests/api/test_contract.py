"""The API keeps what its OpenAPI description says, whatever is sent to it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis import Case
from schemathesis.checks import (
    not_a_server_error,
    response_schema_conformance,
    status_code_conformance,
)

from api.app import build_routes, create_app
from api.v1.session.schemas import Role
from purna.core.clock import ManualClock
from tests.api.conftest import cheap_users, made
from tests.api.examples import play
from tests.api.plant import NOW, Plant
from tests.api.server import Server

DOCUMENT = build_routes().openapi()
schema = schemathesis.openapi.from_dict(DOCUMENT).exclude(path="/api/v1/stream")


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory, server: Server) -> Iterator[dict[str, str]]:
    """Headers of a program that may do everything, in front of a furnished plant."""
    folder: Path = tmp_path_factory.mktemp("contract")
    with made(folder) as database:
        users = cheap_users(database, ManualClock(NOW))
        plant = Plant(folder, database, users)
        plant.furnish()
        server.app = create_app(plant.services, console=folder)
        _, token = users.add_key("tests", list(Role), "ada")
        yield {"Authorization": f"Bearer {token}"}
        plant.close()


@schema.parametrize()
@settings(
    max_examples=5,
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_any_request_gets_an_answer_that_the_description_foresees(
    case: Case, key: dict[str, str], server: Server
) -> None:
    case.call_and_validate(
        base_url=server.address,
        headers=key,
        checks=(not_a_server_error, status_code_conformance, response_schema_conformance),
    )


def test_operation_ids_are_short_and_unique() -> None:
    ids = [o["operationId"] for methods in DOCUMENT["paths"].values() for o in methods.values()]
    assert len(ids) == len(set(ids))
    assert all(re.fullmatch(r"[a-z_]{4,20}", name) for name in ids)


def operations() -> Iterator[tuple[str, dict[str, Any]]]:
    for path, methods in DOCUMENT["paths"].items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path}", operation


def test_every_operation_says_what_it_does() -> None:
    assert [name for name, operation in operations() if not operation.get("description")] == []


def test_every_body_and_every_answer_has_an_example() -> None:
    missing = []
    for name, operation in operations():
        bodies = {"body": operation.get("requestBody", {})}
        bodies |= {s: r for s, r in operation["responses"].items() if s.startswith("2")}
        for where, described in bodies.items():
            content = described.get("content", {}).get("application/json")
            if content is not None and "example" not in content:
                missing.append((name, where))
    assert missing == []


def test_the_examples_are_what_the_api_really_says(tmp_path: Path) -> None:
    """Make them anew with ``python -m tests.api.examples > api/examples.json``."""

    def shape(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: shape(inner) for key, inner in value.items()}
        if isinstance(value, list):
            return [shape(inner) for inner in value[:1]]
        return type(value).__name__

    kept = json.loads((resources.files("api") / "examples.json").read_text("utf-8"))
    assert shape(play(tmp_path)) == shape(kept)
