"""Held charges and the decisions of managers (ports.HoldLedger)."""

from collections.abc import Collection, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from stfc.adapters.ledger import schema
from stfc.adapters.ledger.approvals import spend
from stfc.adapters.ledger.database import Database, bump, refuse_closed
from stfc.adapters.ledger.records import audit_all, load, log_all
from stfc.adapters.ledger.reversal import reverse_items
from stfc.adapters.ledger.sets import among, rows
from stfc.domain.approval import release_subject
from stfc.domain.competence import Competence
from stfc.domain.money import Centavos, centavos_from_decimal, plain
from stfc.domain.outcome import Finding, ItemOutcome
from stfc.errors import NotFoundError, NotPossibleError
from stfc.services.ports import Actor, HoldDecision, HoldRow, LogLine

charges, items, values = schema.charges, schema.items, schema.eventual_values

_HELD = charges.c.status == "held"
_RELEASED = "hold.release"
_REJECTED = "hold.reject"


class SqlHoldLedger:
    """``ports.HoldLedger`` over SQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def pending(
        self,
        *,
        competence: Competence | None = None,
        batch: int | None = None,
        contracts: Collection[str] | None = None,
    ) -> list[HoldRow]:
        """The held charges, the largest amount first."""
        query = _holds().where(_HELD)
        if competence:
            query = query.where(charges.c.competence == str(competence))
        if batch is not None:
            query = query.where(charges.c.batch == batch)
        if contracts is not None:
            query = query.where(among(charges.c.contract, contracts))
        with self._database.read() as connection:
            found = connection.execute(query.order_by(charges.c.amount.desc(), charges.c.charge))
            return [_hold_row(row) for row in found]

    def decisions(self, *, limit: int) -> list[HoldDecision]:
        """The last decisions, newest first."""
        table = schema.audit
        query = sa.select(table).where(table.c.action.in_([_RELEASED, _REJECTED]))
        with self._database.read() as connection:
            found = connection.execute(query.order_by(table.c.seq.desc()).limit(limit))
            return [_decision(row) for row in found]

    def release(
        self, holds: Collection[int], *, reason: str, actor: Actor, now: datetime, approval: int | None = None
    ) -> list[HoldRow]:
        """Let the charges and their values through, all or none; the findings stay with the items, as history."""
        with self._database.write() as connection:
            if approval is not None:
                spend(connection, approval, _RELEASED, release_subject(holds), actor, now)
            found = _decidable(connection, holds)
            ids = [row.item for row in found]
            connection.execute(sa.update(charges).where(among(charges.c.item, ids)).values(status="live"))
            connection.execute(sa.update(values).where(among(values.c.item, ids)).values(held=False))
            connection.execute(
                sa.update(items).where(among(items.c.item, ids)).values(outcome=ItemOutcome.CHARGED.value)
            )
            line = LogLine(now, "ok", "check", "hold_released", {"who": actor.name, "reason": reason})
            log_all(connection, rows(ids, sa.BigInteger), line)
            return _noted(connection, found, _RELEASED, reason, actor, now)

    def reject(self, holds: Collection[int], *, reason: str, actor: Actor, now: datetime) -> list[HoldRow]:
        """Reverse the charges, all or none: nothing is charged and the contracts are listed again."""
        with self._database.write() as connection:
            found = _decidable(connection, holds)
            line = LogLine(now, "warning", "check", "hold_rejected", {"who": actor.name, "reason": reason})
            reverse_items(connection, found, line, status="rejected")
            return _noted(connection, found, _REJECTED, reason, actor, now)


def _decision(row: sa.Row[Any]) -> HoldDecision:
    facts = load(row.facts)
    return HoldDecision(
        contract=facts["contract"],
        competence=Competence.parse(facts["competence"]),
        amount=centavos_from_decimal(Decimal(facts["amount"])),
        code=facts["code"],
        released=row.action == _RELEASED,
        reason=row.reason,
        who=row.who,
        at=row.at,
    )


def _holds() -> sa.Select[Any]:
    return sa.select(
        charges.c.charge,
        charges.c.status,
        charges.c.batch,
        charges.c.contract,
        charges.c.competence,
        charges.c.amount,
        charges.c.calls,
        charges.c.created_at,
        items.c.item,
        items.c.attempt,
        items.c.code,
        items.c.facts,
    ).join(items, items.c.item == charges.c.item)


def _decidable(connection: Connection, holds: Collection[int]) -> Sequence[sa.Row[Any]]:
    """The rows of ``holds``, every one of which still waits, under the write lock; else what keeps them from it.

    Rules 1-5 are not asked again: the charge has been live since it was held, a decision only tells whether its value
    goes on to the ERP. Whatever else may forbid a decision belongs here.
    """
    query = _holds().where(among(charges.c.charge, sorted(set(holds)))).order_by(charges.c.charge)
    found = connection.execute(query).all()
    refuse_closed(connection, *(Competence.parse(row.competence) for row in found))
    unknown = set(holds) - {row.charge for row in found}
    if unknown:
        raise NotFoundError(kind="hold", key=str(min(unknown)))
    decided = [row for row in found if row.status != "held"]
    if decided:
        raise NotPossibleError(
            cause="hold_decided", holds=[row.charge for row in decided], contracts=[row.contract for row in decided]
        )
    return found


def _noted(
    connection: Connection, found: Sequence[sa.Row[Any]], action: str, reason: str, actor: Actor, now: datetime
) -> list[HoldRow]:
    """An audit line for each decision, and a new revision of every month in it; gives what was decided."""
    decided = [(f"charge {row.charge}", _decided(row)) for row in found]
    audit_all(connection, actor, now, action, decided, reason=reason)
    if found:
        bump(connection, *(Competence.parse(row.competence) for row in found))
    return [_hold_row(row) for row in found]


def _decided(row: sa.Row[Any]) -> dict[str, Any]:
    facts = {name: row._mapping[name] for name in ("contract", "competence", "batch", "code")}
    return facts | {"amount": plain(row.amount)}


def _hold_row(row: sa.Row[Any]) -> HoldRow:
    findings = load(row.facts).get("findings", ())
    return HoldRow(
        hold=row.charge,
        item=row.item,
        batch=row.batch,
        contract=row.contract,
        competence=Competence.parse(row.competence),
        amount=Centavos(row.amount),
        calls=row.calls,
        code=row.code,
        findings=tuple(Finding(one["code"], {k: v for k, v in one.items() if k != "code"}) for one in findings),
        held_at=row.created_at,
    )
