"""The second ledger, one function a subject. What tables and columns are for stands in ``stfc.adapters.ledger.schema``.

Rows that version 0001 wrote keep their meaning.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

INSTANT = sa.BigInteger()
KEY = sa.String().with_variant(sa.String(collation="C"), "postgresql")
SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Add what the ledger has learnt since 0001."""
    _parameters()
    _approvals()
    _retention()
    _undecided()
    _corrections()
    _file_periods()


def _parameters() -> None:
    op.create_table(
        "parameters",
        sa.Column("name", KEY, nullable=False),
        sa.Column("value", sa.String(), nullable=False),
        sa.Column("changed_at", INSTANT, nullable=False),
        sa.Column("changed_by", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )


def _approvals() -> None:
    op.create_table(
        "approvals",
        sa.Column("approval", SERIAL, nullable=False),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("requested_at", INSTANT, nullable=False),
        sa.Column("requested_by", sa.String(), nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.Column("decided_at", INSTANT, nullable=True),
        sa.Column("decided_by", sa.String(), nullable=True),
        sa.Column("decision_reason", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("approval"),
    )
    pending = sa.text("status = 'pending'")
    op.create_index("approvals_pending", "approvals", ["expires_at"], sqlite_where=pending, postgresql_where=pending)


def _retention() -> None:
    op.add_column("months", sa.Column("purged_at", INSTANT, nullable=True))
    op.add_column("parts", sa.Column("purged", sa.Boolean(), server_default=sa.false(), nullable=False))


def _undecided() -> None:
    held = sa.text("status = 'held'")
    op.create_index("held_charges", "charges", ["contract"], sqlite_where=held, postgresql_where=held)


def _corrections() -> None:
    op.create_table(
        "corrections",
        sa.Column("correction", SERIAL, nullable=False),
        sa.Column("item", sa.BigInteger(), nullable=False),
        sa.Column("contract", KEY, nullable=False),
        sa.Column("competence", KEY, nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("charged_sha256", sa.String(), nullable=False),
        sa.Column("announced", sa.BigInteger(), nullable=True),
        sa.Column("records", sa.BigInteger(), nullable=True),
        sa.Column("seen_at", INSTANT, nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["item"], ["items.item"]),
        sa.PrimaryKeyConstraint("correction"),
    )
    op.create_index("one_correction_a_version", "corrections", ["item", "sha256"], unique=True)
    op.create_index("corrections_of_month", "corrections", ["competence", "contract"])
    is_open = sa.text("status = 'open'")
    op.create_index("open_corrections", "corrections", ["competence"], sqlite_where=is_open, postgresql_where=is_open)


def _file_periods() -> None:
    op.add_column("items", sa.Column("period_from", sa.Date(), nullable=True))
    op.add_column("items", sa.Column("period_until", sa.Date(), nullable=True))
