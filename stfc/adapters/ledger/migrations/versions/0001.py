"""The first ledger."""

import sqlalchemy as sa
from alembic import op

from stfc.adapters.ledger.schema import metadata

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create every table and the row that holds revision and snapshot."""
    metadata.create_all(op.get_bind())
    op.execute(sa.text("INSERT INTO state (id, revision, provisioning_revision) VALUES (1, 0, 0)"))
