"""The console's wire types are those of the API."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

from api.app import build_routes

UI = Path(__file__).parents[2] / "api/console/ui"


def load(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_types_of_the_console_are_those_of_the_api() -> None:
    made = load(UI / "wire_types.py").wire_types(build_routes().openapi())
    committed = (UI / "src/api/wire.ts").read_text()
    assert committed == made, "out of date: run `npm run types` in api/console/ui"


def test_the_lock_file_names_no_registry() -> None:
    assert '"resolved"' not in (UI / "package-lock.json").read_text()
