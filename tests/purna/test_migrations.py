"""Migrated databases have exactly the tables that the code means, on SQLite and PostgreSQL."""

from __future__ import annotations

from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect

from purna.db.engine import Database
from purna.run.migrate import current, newest, upgrade
from purna.run.tables import METADATA


def differences(db: Database) -> list[object]:
    with db.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return list(compare_metadata(context, METADATA))


def partial_unique_indexes(db: Database) -> set[str]:
    inspector = inspect(db.engine)
    return {
        str(index["name"])
        for table in inspector.get_table_names()
        for index in inspector.get_indexes(table)
        if index["unique"]
    }


def check(db: Database) -> None:
    assert current(db) is None
    upgrade(db)
    assert current(db) == newest()
    assert not differences(db)
    assert {"uq_alert_open", "uq_service_order_active"} <= partial_unique_indexes(db)
    upgrade(db)
    assert current(db) == newest()


def test_a_new_sqlite_database_gets_the_tables_of_the_code(tmp_path: Path) -> None:
    db = Database(f"sqlite:///{tmp_path}/service.sqlite")
    check(db)
    db.close()


@pytest.mark.postgres
def test_a_new_postgresql_database_gets_the_tables_of_the_code(postgres_url: str) -> None:
    db = Database(postgres_url)
    check(db)
    db.close()
