"""Alembic's entry: migrates on the connection that :mod:`purna.run.migrate` hands over."""

from alembic import context

from purna.run.tables import METADATA

connection = context.config.attributes["connection"]
context.configure(
    connection=connection, target_metadata=METADATA, render_as_batch=True, compare_type=True
)
with context.begin_transaction():
    context.run_migrations()
