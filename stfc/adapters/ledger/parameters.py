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
from stfc.errors import NotPossibleError
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
        """Set one, audited, in one transaction, which begins by looking whether it is still what it was."""
        values = {"value": str(value), "changed_at": now, "changed_by": actor.name}
        with self._database.write() as connection:
            if approval is not None:
                spend(connection, approval, "parameter.set", parameter_subject(parameter, value), actor, now)
            of_name = parameters.c.name == parameter.value
            found = connection.execute(sa.select(parameters).where(of_name)).one_or_none()
            if found is None:
                connection.execute(sa.insert(parameters).values(name=parameter.value, **values))
            else:
                if int(found.value) != before:
                    meanwhile = {"parameter": parameter.value, "value": int(found.value), "by": found.changed_by}
                    raise NotPossibleError(cause="parameter_changed", **meanwhile)
                connection.execute(sa.update(parameters).where(of_name).values(**values))
            facts = {"before": before, "after": value}
            audit(connection, actor, now, "parameter.set", parameter.value, reason=reason, facts=facts)
            bump(connection)
