"""The maintenance log in the service database."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from alerts.repository import insert_into, table_of
from alerts.tables import MaintenanceRow
from purna.core.devices import Maintenance
from purna.db.engine import Database


class SqlMaintenanceLog:
    """The :class:`~purna.core.ports.MaintenanceLog` port over a SQL database."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def add(self, records: Iterable[Maintenance]) -> int:
        """Adds what is not there yet, by (device, component, ts); returns how many were new."""
        with self._db.write() as session:
            return add_records(session, records)

    def records(
        self, devices: Sequence[str] | None = None, known_before: int | None = None
    ) -> list[Maintenance]:
        """Sorted by (ts, device, component); ``known_before`` hides what was learnt later."""
        row = MaintenanceRow
        query = select(row).order_by(row.ts, row.device, row.component)
        if devices is not None:
            query = query.where(row.device.in_(list(devices)))
        if known_before is not None:
            query = query.where(row.known_at < known_before)
        with self._db.read() as session:
            return [record_of(found) for found in session.scalars(query)]


def add_records(session: Session, records: Iterable[Maintenance]) -> int:
    """The same within a transaction of the caller's."""
    rows = [
        {
            "device": record.device,
            "component": record.component,
            "ts": record.ts,
            "failed": record.failed,
            "known_at": record.known_at,
            "source": record.source,
            "applied": False,
        }
        for record in records
    ]
    if not rows:
        return 0
    statement = (
        insert_into(session, table_of(MaintenanceRow))
        .on_conflict_do_nothing(index_elements=["device", "component", "ts"])
        .returning(MaintenanceRow.id)
    )
    return len(session.execute(statement, rows).all())


def record_of(row: MaintenanceRow) -> Maintenance:
    return Maintenance(row.device, row.component, row.ts, row.failed, row.known_at, row.source)
