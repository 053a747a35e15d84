"""Parameters that people changed (ports.ParameterLedger)."""

from collections.abc import Mapping
from datetime import datetime

import sqlalchemy as sa

from stfc.adapters.ledger import schema
from stfc.adapters.ledger.approvals import spend
from stfc.adapters.ledger.database import Database, bump
from stfc.adapters.ledger.records import audit
from stfc.domain.approval import parameter_subject
from stfc.domain.parameter import Parameter
from stfc.services.ports import Actor, ChangedParameter

parameters = schema.parameters


class SqlParameterLedger:
    """``ports.ParameterLedger`` over SQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def changed(self) -> Mapping[Parameter, ChangedParameter]:
        """Those that anybody ever set; one that this version does not know is left alone."""
        with self._database.read() as connection:
            found = connection.execute(sa.select(parameters)).all()
        return {
            Parameter(row.name): ChangedParameter(int(row.value), row.changed_at, row.changed_by)
            for row in found
            if row.name in list(Parameter)
        }

    def set(
        self,
        parameter: Parameter,
        value: int,
        *,
        before: int,
        reason: str,
        actor: Actor,
        now: datetime,
        approval: int | None = None,
    ) -> None:
        """Set one, audited, in one transaction."""
        values = {"value": str(value), "changed_at": now, "changed_by": actor.name}
        with self._database.write() as connection:
            if approval is not None:
                spend(connection, approval, "parameter.set", parameter_subject(parameter, value), actor, now)
            of_name = sa.update(parameters).where(parameters.c.name == parameter.value)
            if not connection.execute(of_name.values(**values)).rowcount:
                connection.execute(sa.insert(parameters).values(name=parameter.value, **values))
            facts = {"before": before, "after": value}
            audit(connection, actor, now, "parameter.set", parameter.value, reason=reason, facts=facts)
            bump(connection)
