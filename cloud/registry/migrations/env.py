"""Run by Alembic. ``cloud.registry.database`` hands over an open connection."""

from alembic import context
from sqlalchemy import Connection

from cloud.registry.schema import METADATA

connection: Connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=METADATA, render_as_batch=True, transactional_ddl=True)
with context.begin_transaction():
    context.run_migrations()
