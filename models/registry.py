"""Which model versions there are, and which one speaks for a product."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import msgspec
from sqlalchemy import select

from models.artifacts import load, save
from models.tables import ModelVersion
from models.training import Artifact, Artifacts, Card
from purna.core.errors import Conflict, NotFound
from purna.db.engine import Database


class Stage(StrEnum):
    """Where a version stands."""

    CANDIDATE = "candidate"
    CHAMPION = "champion"
    RETIRED = "retired"


TRANSITIONS: Mapping[Stage, frozenset[Stage]] = {
    Stage.CANDIDATE: frozenset({Stage.CHAMPION, Stage.RETIRED}),
    Stage.CHAMPION: frozenset({Stage.RETIRED}),
    Stage.RETIRED: frozenset({Stage.CHAMPION}),  # a rollback
}
"""The lifecycle of a version: which stage may follow which."""


@dataclass(frozen=True, slots=True)
class Version:
    """A registered model: when it was made and last staged, in micros."""

    version: str
    product: str
    kind: str
    stage: Stage
    created: int
    staged: int
    card: Card


class ModelRegistry:
    """Versions in the service database, files in a folder, signed with the instance key.

    Parameters
    ----------
    folder
        Where the files of all versions are kept.
    key
        The instance key; a file signed with another one is not loaded.
    """

    def __init__(self, db: Database, folder: Path, key: bytes) -> None:
        self._db = db
        self._folder = folder
        self._key = key
        self._loaded: dict[str, Artifact] = {}

    def add(self, artifacts: Artifacts, now: int) -> list[str]:
        """Save each model as a candidate; returns the versions, by kind.

        Training on the same data with the same seed gives the same version, which is kept as it
        is, with its stage.
        """
        for artifact in artifacts.by_kind.values():
            save(artifact, self._folder, self._key)
        with self._db.write() as session:
            for artifact in artifacts.by_kind.values():
                card = artifact.card
                if session.get(ModelVersion, card.version) is None:
                    session.add(
                        ModelVersion(
                            version=card.version,
                            product=card.product,
                            kind=card.kind,
                            stage=Stage.CANDIDATE,
                            created=now,
                            staged=now,
                            card=msgspec.json.encode(card).decode(),
                        )
                    )
        return [a.card.version for a in artifacts.by_kind.values()]

    def promote(self, version: str, now: int) -> None:
        """Make this version the champion of its product and kind; the one before it retires.

        Raises
        ------
        NotFound
            ``model.missing`` when there is no such version.
        """
        with self._db.write() as session:
            row = _row(session.get(ModelVersion, version, with_for_update=True), version)
            if row.stage == Stage.CHAMPION:
                return
            before = session.scalars(
                select(ModelVersion)
                .where(
                    ModelVersion.product == row.product,
                    ModelVersion.kind == row.kind,
                    ModelVersion.stage == Stage.CHAMPION,
                )
                .with_for_update()
            ).one_or_none()
            if before is not None:
                _move(before, Stage.RETIRED, now)
                session.flush()
            _move(row, Stage.CHAMPION, now)

    def retire(self, version: str, now: int) -> None:
        """Take a version out of use; raises as :meth:`promote` does."""
        with self._db.write() as session:
            row = _row(session.get(ModelVersion, version, with_for_update=True), version)
            _move(row, Stage.RETIRED, now)

    def versions(self, product: str = "", kind: str = "") -> list[Version]:
        """Newest first."""
        wanted = select(ModelVersion).order_by(
            ModelVersion.created.desc(), ModelVersion.version.desc()
        )
        if product:
            wanted = wanted.where(ModelVersion.product == product)
        if kind:
            wanted = wanted.where(ModelVersion.kind == kind)
        with self._db.read() as session:
            return [_version(row) for row in session.scalars(wanted)]

    def champion_versions(self, product: str) -> dict[str, str]:
        """Versions of the champions by kind, without loading them."""
        wanted = select(ModelVersion).where(
            ModelVersion.product == product, ModelVersion.stage == Stage.CHAMPION
        )
        with self._db.read() as session:
            return {row.kind: row.version for row in session.scalars(wanted)}

    def champions(self, product: str) -> Artifacts:
        """The champions of a product, loaded and verified; kept in memory while they reign.

        Raises
        ------
        Denied
            ``model.signature`` or ``model.types``, see :func:`models.artifacts.load`.
        """
        versions = self.champion_versions(product)
        for kind, version in versions.items():
            if version not in self._loaded:
                self._loaded[version] = load(self._folder, version, self._key)
                for other in self._outdated(product, kind, version):
                    del self._loaded[other]
        return Artifacts(product, {k: self._loaded[v] for k, v in sorted(versions.items())})

    def _outdated(self, product: str, kind: str, version: str) -> Sequence[str]:
        return [
            v
            for v, artifact in self._loaded.items()
            if (artifact.card.product, artifact.card.kind) == (product, kind) and v != version
        ]


def _row(row: ModelVersion | None, version: str) -> ModelVersion:
    if row is None:
        raise NotFound("model.missing", f"no model version {version!r}", version=version)
    return row


def _move(row: ModelVersion, stage: Stage, now: int) -> None:
    if stage not in TRANSITIONS[Stage(row.stage)]:
        raise Conflict(
            "model.stage",
            f"model {row.version} is {row.stage} and can't become {stage}",
            version=row.version,
            stage=str(row.stage),
        )
    row.stage = stage
    row.staged = now


def _version(row: ModelVersion) -> Version:
    card = msgspec.json.decode(row.card, type=Card)
    return Version(
        row.version, row.product, row.kind, Stage(row.stage), row.created, row.staged, card
    )
