"""Alembic's entry: runs the versions on the connection that ``Database.upgrade`` hands over."""

from alembic import context

from stfc.adapters.ledger.schema import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations()
