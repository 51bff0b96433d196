"""The assessment log in the service database."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from models.tables import AssessmentPosition, AssessmentRow
from purna.core.assessments import Assessment
from purna.db.engine import Database

_ROWS_PER_STATEMENT = 1_000
_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder(Assessment)


class SqlAssessmentLog:
    """Keeps assessments by (device, window end), newest wording only.

    Positions rise with every write in the order of commits: writers take turns on one counter
    row, so whoever reads after a position never misses one that is committed later.
    """

    def __init__(self, db: Database) -> None:
        self._db = db

    def put(self, assessments: Sequence[Assessment]) -> None:
        """Add or replace; of two for the same window the last counts. One transaction."""
        latest = {(a.device, a.window_end): a for a in assessments}
        if not latest:
            return
        with self._db.write() as session:
            last = _advance(session, len(latest))
            rows = [
                {
                    "device": a.device,
                    "window_end": a.window_end,
                    "position": last - len(latest) + 1 + offset,
                    "payload": _ENCODER.encode(a).decode(),
                }
                for offset, a in enumerate(latest.values())
            ]
            statement = _upsert(session)
            for at in range(0, len(rows), _ROWS_PER_STATEMENT):
                session.execute(statement, rows[at : at + _ROWS_PER_STATEMENT])

    def latest(self, devices: Sequence[str] | None = None) -> dict[str, Assessment]:
        """The assessment of the latest window of each device, by device."""
        newest = select(AssessmentRow.device, func.max(AssessmentRow.window_end).label("newest"))
        if devices is not None:
            newest = newest.where(AssessmentRow.device.in_(devices))
        found = newest.group_by(AssessmentRow.device).subquery()
        wanted = select(AssessmentRow.payload).join(
            found,
            (AssessmentRow.device == found.c.device) & (AssessmentRow.window_end == found.c.newest),
        )
        with self._db.read() as session:
            decoded = [_DECODER.decode(payload) for payload in session.scalars(wanted)]
        return {a.device: a for a in sorted(decoded, key=lambda a: a.device)}

    def between(self, device: str, start: int, end: int) -> list[Assessment]:
        """With ``start <= window_end < end``, in time order."""
        wanted = (
            select(AssessmentRow.payload)
            .where(
                AssessmentRow.device == device,
                AssessmentRow.window_end >= start,
                AssessmentRow.window_end < end,
            )
            .order_by(AssessmentRow.window_end)
        )
        with self._db.read() as session:
            return [_DECODER.decode(payload) for payload in session.scalars(wanted)]

    def pending(self, after: int, limit: int) -> list[tuple[int, Assessment]]:
        """Up to ``limit`` (position, assessment) put after ``after``, in the order of positions."""
        wanted = (
            select(AssessmentRow.position, AssessmentRow.payload)
            .where(AssessmentRow.position > after)
            .order_by(AssessmentRow.position)
            .limit(limit)
        )
        with self._db.read() as session:
            return [(position, _DECODER.decode(text)) for position, text in session.execute(wanted)]

    def last_window(self, devices: Sequence[str]) -> int | None:
        """End of the newest window of any of these devices; None before the first."""
        newest = select(func.max(AssessmentRow.window_end)).where(AssessmentRow.device.in_(devices))
        with self._db.read() as session:
            return session.scalar(newest)

    def position(self) -> int:
        """The position of the newest write, 0 before the first."""
        with self._db.read() as session:
            return session.scalar(select(AssessmentPosition.last)) or 0

    def prune(self, before: int, keep_after: int) -> int:
        """Delete windows that ended before ``before``; returns how many.

        Spared are each device's latest window, and positions above ``keep_after``, which
        somebody has still to read.
        """
        newest = (
            select(AssessmentRow.device, func.max(AssessmentRow.window_end).label("newest"))
            .group_by(AssessmentRow.device)
            .subquery()
        )
        latest = (
            select(newest.c.newest).where(newest.c.device == AssessmentRow.device).scalar_subquery()
        )
        old = delete(AssessmentRow).where(
            AssessmentRow.window_end < before,
            AssessmentRow.position <= keep_after,
            AssessmentRow.window_end < latest,
        )
        with self._db.write() as session:
            done: Any = session.execute(old, execution_options={"synchronize_session": False})
            return int(done.rowcount)


def _advance(session: Session, count: int) -> int:
    """Reserve ``count`` positions; returns the last of them."""
    make = sqlite.insert if _dialect(session) == "sqlite" else postgresql.insert
    session.execute(make(AssessmentPosition).values(id=1, last=0).on_conflict_do_nothing())
    return session.execute(
        update(AssessmentPosition)
        .where(AssessmentPosition.id == 1)
        .values(last=AssessmentPosition.last + count)
        .returning(AssessmentPosition.last)
    ).scalar_one()


def _upsert(session: Session) -> Any:
    insert: Any = (sqlite.insert if _dialect(session) == "sqlite" else postgresql.insert)(
        AssessmentRow
    )
    return insert.on_conflict_do_update(
        index_elements=["device", "window_end"],
        set_={"position": insert.excluded.position, "payload": insert.excluded.payload},
    )


def _dialect(session: Session) -> str:
    return session.get_bind().dialect.name
