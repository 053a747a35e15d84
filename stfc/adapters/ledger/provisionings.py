"""Results of provisioning (ports.ProvisioningLedger)."""

import sqlalchemy as sa

from stfc.adapters.ledger import schema
from stfc.adapters.ledger.database import Database, bump
from stfc.adapters.ledger.records import audit, dump, load
from stfc.services.ports import Actor, Provisioning


class SqlProvisioningLedger:
    """``ports.ProvisioningLedger`` over SQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def record(self, provisioning: Provisioning, actor: Actor) -> None:
        """Append a result; its revision is remembered apart, for it belongs to no month."""
        with self._database.write() as connection:
            connection.execute(
                sa.insert(schema.provisionings).values(
                    contract=provisioning.contract,
                    at=provisioning.at,
                    by=provisioning.by,
                    ok=provisioning.ok,
                    code=provisioning.code,
                    facts=dump(provisioning.facts),
                )
            )
            outcome = {"ok": provisioning.ok, "code": provisioning.code}
            target = f"contract {provisioning.contract}"
            audit(connection, actor, provisioning.at, "subscriber.provision", target, facts=outcome)
            revision = bump(connection)
            connection.execute(sa.update(schema.state).values(provisioning_revision=revision))

    def history(self, contract: str) -> list[Provisioning]:
        """A contract's results, newest first."""
        table = schema.provisionings
        query = sa.select(table).where(table.c.contract == contract).order_by(table.c.provisioning.desc())
        with self._database.read() as connection:
            return [
                Provisioning(row.contract, row.at, row.by, row.ok, row.code, load(row.facts))
                for row in connection.execute(query)
            ]
