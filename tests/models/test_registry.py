from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import update
from sqlalchemy.exc import IntegrityError

from models.registry import TRANSITIONS, ModelRegistry, Stage
from models.tables import ModelVersion
from models.training import QUICK, Artifacts, train
from purna.core.errors import Conflict, Denied, NotFound
from purna.db.base import Base
from purna.db.engine import Database
from tests.models.fleets import plant

KEY = b"k" * 32
SMALL = plant(count=2, days=12)


def trained(seed: int) -> Artifacts:
    """Two pumps without any failure: only the detector can be trained."""
    return train(
        SMALL.product, SMALL.devices, SMALL.store, [], SMALL.until, seed=seed, effort=QUICK
    )


FIRST, SECOND = trained(1), trained(2)
ONE, TWO = (a.by_kind["anomaly"].card.version for a in (FIRST, SECOND))


@pytest.fixture
def db(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    url = f"sqlite:///{tmp_path / 'service.db'}"
    if getattr(request, "param", "") == "postgres":
        url = request.getfixturevalue("postgres_url")
    db = Database(url)
    Base.metadata.create_all(db.engine)
    yield db
    db.close()


BOTH = pytest.mark.parametrize(
    "db", ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True
)


@BOTH
def test_a_new_version_is_a_candidate_until_it_is_promoted(db: Database, tmp_path: Path) -> None:
    registry = ModelRegistry(db, tmp_path, KEY)
    assert registry.add(FIRST, now=5) == [ONE]
    (version,) = registry.versions()
    assert (version.stage, version.created) == (Stage.CANDIDATE, 5)
    assert version.card == FIRST.by_kind["anomaly"].card
    assert registry.champions("pump").by_kind == {}
    registry.promote(ONE, now=6)
    assert registry.champions("pump").by_kind["anomaly"].card.version == ONE
    assert registry.champion_versions("pump") == {"anomaly": ONE}


@BOTH
def test_promoting_retires_the_champion_and_can_be_taken_back(db: Database, tmp_path: Path) -> None:
    registry = ModelRegistry(db, tmp_path, KEY)
    for artifacts in (FIRST, SECOND):
        registry.add(artifacts, now=1)
    for version, now in ((ONE, 2), (TWO, 3), (ONE, 4)):
        registry.promote(version, now)
        assert registry.champions("pump").by_kind["anomaly"].card.version == version
    stages = {v.version: (v.stage, v.staged) for v in registry.versions("pump", "anomaly")}
    assert stages == {ONE: (Stage.CHAMPION, 4), TWO: (Stage.RETIRED, 4)}


def test_adding_the_same_version_again_changes_nothing(db: Database, tmp_path: Path) -> None:
    registry = ModelRegistry(db, tmp_path, KEY)
    registry.add(FIRST, now=1)
    registry.promote(ONE, now=2)
    registry.add(FIRST, now=3)
    (version,) = registry.versions()
    assert (version.stage, version.created) == (Stage.CHAMPION, 1)


def test_the_database_allows_one_champion_per_product_and_kind(
    db: Database, tmp_path: Path
) -> None:
    registry = ModelRegistry(db, tmp_path, KEY)
    for artifacts in (FIRST, SECOND):
        registry.add(artifacts, now=1)
    with pytest.raises(IntegrityError), db.write() as session:
        session.execute(update(ModelVersion).values(stage="champion"))


def test_an_unknown_version_is_not_found(db: Database, tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        ModelRegistry(db, tmp_path, KEY).promote("pump-anomaly-0", now=1)


def test_stages_follow_the_table(db: Database, tmp_path: Path) -> None:
    registry = ModelRegistry(db, tmp_path, KEY)
    registry.add(FIRST, now=1)
    registry.retire(ONE, now=2)
    assert Stage.RETIRED not in TRANSITIONS[Stage.RETIRED]
    with pytest.raises(Conflict):
        registry.retire(ONE, now=3)


def test_a_champion_signed_with_another_key_is_not_loaded(db: Database, tmp_path: Path) -> None:
    registry = ModelRegistry(db, tmp_path, KEY)
    registry.add(FIRST, now=1)
    registry.promote(ONE, now=2)
    with pytest.raises(Denied):
        ModelRegistry(db, tmp_path, b"x" * 32).champions("pump")
