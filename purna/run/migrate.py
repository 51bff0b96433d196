"""Brings the service database to the newest version: one linear history for all packages."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from purna.db.engine import Database


def upgrade(db: Database) -> None:
    """Bring ``db`` to the newest version in one transaction; does nothing when it is there."""
    config = configuration()
    with db.engine.execution_options(purna_write=True).begin() as connection:
        config.attributes["connection"] = connection
        if MigrationContext.configure(connection).get_current_revision() != newest():
            command.upgrade(config, "head")


def current(db: Database) -> str | None:
    """The version that ``db`` is at; None when it has none yet."""
    with db.engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def newest() -> str | None:
    """The newest version there is."""
    return ScriptDirectory.from_config(configuration()).get_current_head()


def configuration() -> Config:
    """Where Alembic finds the versions; it still needs a connection among its attributes."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    return config
