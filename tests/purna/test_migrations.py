"""Migrated databases have exactly the tables that the code means, on SQLite and PostgreSQL."""

from __future__ import annotations

from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from argon2 import PasswordHasher
from sqlalchemy import inspect

from ingest.credentials import SqlCredentials
from ingest.registry import SqlDeviceRegistry
from purna.db.engine import Database
from purna.run.migrate import configuration, current, newest, upgrade
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


FIRST_VERSION = """
INSERT INTO customer (id, name, sla_hours) VALUES ('acme', 'Acme', 48);
INSERT INTO site (id, customer_id, name, address, timezone) VALUES ('n', 'acme', 'N', '', 'UTC');
INSERT INTO device (id, product, site_id, serial, installed_at, warranty_until, attributes)
    VALUES ('p1', 'pump', 'n', '', 1, 2, '{"gateway": "g1"}'),
           ('p2', 'pump', 'n', '', 1, 2, '{}');
INSERT INTO device_credential (device_id, password_hash) VALUES ('p1', '{argon2}')
"""


def check_from_the_first_version(db: Database) -> None:
    config = configuration()
    with db.engine.execution_options(purna_write=True).begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        argon2 = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash("an old password")
        for statement in FIRST_VERSION.replace("{argon2}", argon2).split(";"):
            connection.exec_driver_sql(statement)
    upgrade(db)
    assert not differences(db)
    assert SqlDeviceRegistry(db).behind("g1") == {"p1"}
    credentials = SqlCredentials(db)
    assert credentials.verify("p1", "an old password")
    assert credentials.of(["p1", "p2"])["p1"].has_password
    assert not credentials.of(["p1", "p2"])["p2"].has_password


def test_a_sqlite_database_of_the_first_version_keeps_what_is_in_it(tmp_path: Path) -> None:
    db = Database(f"sqlite:///{tmp_path}/service.sqlite")
    check_from_the_first_version(db)
    db.close()


@pytest.mark.postgres
def test_a_postgresql_database_of_the_first_version_keeps_what_is_in_it(postgres_url: str) -> None:
    db = Database(postgres_url)
    check_from_the_first_version(db)
    db.close()
