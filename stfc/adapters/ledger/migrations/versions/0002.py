"""The second ledger, one function a subject. What tables and columns are for stands in ``stfc.adapters.ledger.schema``.

Rows that version 0001 wrote keep their meaning.
"""

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add what the ledger has learnt since 0001."""
