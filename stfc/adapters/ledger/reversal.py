"""What a reversal writes, whoever asks for it: an operator who reverses or a manager who rejects (PRODUCT 5, 7)."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from stfc.adapters.ledger import schema
from stfc.adapters.ledger.records import claim_id, insert, log_all
from stfc.adapters.ledger.sets import among, rows
from stfc.adapters.ledger.work import hand_back
from stfc.errors import NotPossibleError
from stfc.services.ports import LogLine

items, charges, values, events = schema.items, schema.charges, schema.eventual_values, schema.zero_events


def reverse_items(connection: Connection, found: Sequence[sa.Row[Any]], line: LogLine, *, status: str) -> None:
    """Undo what the items wrote: values are deleted softly, events reversed, calls excluded, and the history stays.

    What workers hold of these contracts goes back to the queue, to be read anew without the calls that are gone.

    Args:
        found: rows with item, attempt, competence, contract and calls of items that are done and not reversed.
        line: what each item's log says of it.
        status: what the charges end as, ``reversed`` or ``rejected``.

    Raises:
        NotPossibleError: a complement or a refund in another month hangs on one of the charges.
    """
    ids = [row.item for row in found]
    _refuse_adjusted(connection, ids)
    connection.execute(sa.update(charges).where(among(charges.c.item, ids)).values(status=status))
    connection.execute(sa.update(values).where(among(values.c.item, ids)).values(deleted=True))
    connection.execute(sa.update(events).where(among(events.c.item, ids)).values(reversed=True))
    connection.execute(sa.update(items).where(among(items.c.item, ids)).values(reversed=True))
    claims = [
        {
            "claim": claim_id(row.item, row.attempt),
            "competence": row.competence,
            "contract": row.contract,
            "cause": "reversed",
        }
        for row in found
        if row.calls
    ]
    insert(connection, schema.exclusions, claims)
    log_all(connection, rows(ids, sa.BigInteger), line)
    # What runs for another month set out when the calls of these were still live, and would drop them as seen before.
    hand_back(
        connection, among(items.c.contract, [row["contract"] for row in claims]), line.at, event="reversed_meanwhile"
    )


def _refuse_adjusted(connection: Connection, ids: Sequence[int]) -> None:
    query = sa.select(values.c.contract).where(among(values.c.item, ids), values.c.service.is_(None), ~values.c.deleted)
    contracts = connection.execute(query.distinct().order_by(values.c.contract)).scalars().all()
    if contracts:
        raise NotPossibleError(cause="correction_adjusted", contracts=contracts)
