"""What all tests share: markers for what a machine may lack.

A test marked ``mosquitto``, ``compiler``, ``postgres`` or ``browser`` skips where the programs are
missing; with ``PURNA_TEST_COMPLETE=1`` (as the CI script sets it) that is a failure instead.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

pytest_plugins = ["tests.postgres"]

PROGRAMS = {
    "mosquitto": lambda: shutil.which("mosquitto", path=f"{os.environ['PATH']}:/usr/sbin"),
    "compiler": lambda: shutil.which("gcc"),
    "postgres": lambda: next(iter(Path("/usr/lib/postgresql").glob("*/bin/initdb")), None),
    "browser": lambda: shutil.which("chromium"),
}
VARIABLES = {"influx": "PURNA_TEST_INFLUX_URL", "data": "PURNA_TEST_DATA"}


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The browser comes last: its event loop stays in the process, and no other may run then."""
    items.sort(key=lambda item: "/tests/browser/" in item.path.as_posix())


def pytest_runtest_setup(item: pytest.Item) -> None:
    for marker, variable in VARIABLES.items():
        if item.get_closest_marker(marker) and not os.environ.get(variable):
            pytest.skip(f"{variable} is not set")
    for marker, find in PROGRAMS.items():
        if item.get_closest_marker(marker) and not find():
            if os.environ.get("PURNA_TEST_COMPLETE"):
                pytest.fail(f"{marker} is missing, and this run is meant to be complete")
            pytest.skip(f"{marker} is not installed")


@pytest.fixture(scope="session")
def public_data() -> Path:
    """The folder of the public data sets; tests that use it are marked ``data``."""
    return Path(os.environ["PURNA_TEST_DATA"])
