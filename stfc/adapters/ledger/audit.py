"""The audit trail for acts that write nothing else (ports.AuditLedger)."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from stfc.adapters.ledger.database import Database, bump
from stfc.adapters.ledger.records import audit
from stfc.services.ports import Actor


class SqlAuditLedger:
    """``ports.AuditLedger`` over SQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def append(
        self, actor: Actor, now: datetime, action: str, target: str, *, reason: str, facts: Mapping[str, Any]
    ) -> None:
        """Add a line in a transaction of its own."""
        with self._database.write() as connection:
            audit(connection, actor, now, action, target, reason=reason, facts=facts)
            bump(connection)
