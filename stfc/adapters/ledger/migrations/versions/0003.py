"""The third ledger, one function a subject. What tables and columns are for stands in ``stfc.adapters.ledger.schema``.

Rows that earlier versions wrote keep their meaning.
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

INSTANT = sa.BigInteger()


def upgrade() -> None:
    """Add what the ledger has learnt since 0002."""
    _settled_corrections()
    _forecasts()


def _settled_corrections() -> None:
    op.add_column("corrections", sa.Column("remedy", sa.String(), nullable=True))
    op.add_column("corrections", sa.Column("decided_at", INSTANT, nullable=True))
    op.add_column("corrections", sa.Column("decided_by", sa.String(), nullable=True))
    op.add_column("corrections", sa.Column("decision_reason", sa.String(), nullable=True))
    op.add_column("corrections", sa.Column("value_id", sa.String(), nullable=True))
    op.add_column("corrections", sa.Column("new_batch", sa.BigInteger(), nullable=True))


def _forecasts() -> None:
    for table in ("batches", "items"):
        for column in ("expected", "expected_low", "expected_high"):
            op.add_column(table, sa.Column(column, sa.BigInteger(), nullable=True))
