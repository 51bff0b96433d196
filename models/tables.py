"""Tables of the models package: versions of models, and assessments."""

from __future__ import annotations

from sqlalchemy import BigInteger, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from purna.db.base import Base, Id, Micros


class ModelVersion(Base):
    """One trained model. A version never changes; only its stage does."""

    __tablename__ = "model_versions"
    __table_args__ = (
        Index(
            "uq_model_versions_champion",
            "product",
            "kind",
            unique=True,
            sqlite_where=text("stage = 'champion'"),
            postgresql_where=text("stage = 'champion'"),
        ),
    )

    version: Mapped[Id]
    product: Mapped[str] = mapped_column(String(80), index=True)
    kind: Mapped[str] = mapped_column(String(20))
    stage: Mapped[str] = mapped_column(String(20))
    created: Mapped[Micros]
    staged: Mapped[Micros]
    card: Mapped[str] = mapped_column(Text)


class AssessmentRow(Base):
    """What was said of a device at a window's end; the newest wording only."""

    __tablename__ = "assessments"

    device: Mapped[str] = mapped_column(String(80), primary_key=True)
    window_end: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    position: Mapped[int] = mapped_column(BigInteger, unique=True)
    payload: Mapped[str] = mapped_column(Text)


class AssessmentPosition(Base):
    """The last position given out: one row, whose lock puts writers in line."""

    __tablename__ = "assessment_position"

    id: Mapped[int] = mapped_column(primary_key=True)
    last: Mapped[Micros]
