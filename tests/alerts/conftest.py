from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.alerts.fleet import Plant, sqlite_url


@pytest.fixture
def plant(tmp_path: Path) -> Iterator[Plant]:
    """Three pumps, parts in stock and a technician, on SQLite."""
    plant = Plant(sqlite_url(tmp_path)).stocked()
    yield plant
    plant.db.close()
