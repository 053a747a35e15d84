"""Charges that give way to others of the same calls, priced anew (ports.RerateLedger).

A new charge is an item of its own in a batch of its own. Its items are reserved first, as cancelled ones, for the calls
must name them; what a kill leaves reserved stays cancelled, and the next run under the same key takes it up.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from stfc.adapters.ledger import schema
from stfc.adapters.ledger.approvals import spend
from stfc.adapters.ledger.database import Database, bump, confirm_snapshot, refuse_closed
from stfc.adapters.ledger.parts import read_live_calls
from stfc.adapters.ledger.plans import read_versions
from stfc.adapters.ledger.records import audit, claim_id, load, refresh_batch, value_id
from stfc.adapters.ledger.reversal import reverse_items
from stfc.adapters.ledger.sets import among
from stfc.adapters.ledger.work import Settlement, read_history, read_undecided
from stfc.domain.competence import Competence
from stfc.domain.money import Centavos, plain
from stfc.domain.outcome import DONE_OUTCOMES, Finding, ItemOutcome
from stfc.domain.plan import PlanVersion
from stfc.domain.rerating import Repriced
from stfc.errors import NotPossibleError
from stfc.services.ports import (
    Actor,
    ChargedItem,
    ChargedMonth,
    ChunkResult,
    Confirmed,
    Evaluation,
    ItemResult,
    LogLine,
    Part,
    Replacement,
    Reserved,
    RetryPolicy,
)

items, batches, charges, events = schema.items, schema.batches, schema.charges, schema.zero_events

_FIRST_ATTEMPT = 1


class SqlRerateLedger:
    """``ports.RerateLedger`` over SQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def charged(self, competence: Competence, contracts: Collection[str] | None) -> ChargedMonth:
        """The live items that are done, with what they were charged from, in one read transaction."""
        query = _live(competence)
        if contracts is not None:
            query = query.where(among(items.c.contract, contracts))
        with self._database.read() as connection:
            found = connection.execute(query.order_by(items.c.contract)).all()
            named = [row.contract for row in found]
            history = read_history(connection, competence, named)
            undecided = read_undecided(connection, named)
            return ChargedMonth(
                competence=competence,
                items=tuple(_charged(row, history, undecided) for row in found),
                calls=read_live_calls(connection),
                plans=read_versions(connection),
            )

    def opened(self, request_key: str) -> int | None:
        """The batch that was opened under this key."""
        with self._database.read() as connection:
            return _of_key(connection, request_key)

    def reserve(
        self,
        competence: Competence,
        contracts: Sequence[str],
        *,
        batch: int | None,
        snapshot: int,
        request_key: str,
        actor: Actor,
        now: datetime,
        confirmed: Confirmed | None = None,
    ) -> Reserved:
        """Items for ``contracts`` that are not live yet; those that a killed run left are taken again."""
        with self._database.write() as connection:
            confirm_snapshot(connection, snapshot)
            refuse_closed(connection, competence)
            if confirmed:
                spend(connection, confirmed.approval, "charge.rerate", confirmed.subject, actor, now)
            number = batch or _of_key(connection, request_key)
            if number is None:
                number = _open(connection, competence, snapshot, request_key, actor, now)
            known = _reserved(connection, number, contracts)
            row = {
                "batch": number,
                "competence": str(competence),
                "outcome": ItemOutcome.CANCELLED.value,
                "attempt": _FIRST_ATTEMPT,
            }
            new = [row | {"contract": contract} for contract in contracts if contract not in known]
            if new:
                connection.execute(sa.insert(items), new)
                known = _reserved(connection, number, contracts)
            bump(connection, competence)
            return Reserved(number, {c: (item, claim_id(item, attempt)) for c, (item, attempt) in known.items()})

    def replace(
        self,
        competence: Competence,
        batch: int,
        replacements: Sequence[Replacement],
        part: Part | None,
        evaluation: Evaluation,
        *,
        invoiced: Collection[str],
        plans: Sequence[PlanVersion],
        reason: str,
        actor: Actor,
        now: datetime,
    ) -> frozenset[str]:
        """Old charges out and new ones in, with their part, in one transaction."""
        with self._database.write() as connection:
            confirm_snapshot(connection, evaluation.snapshot)
            refuse_closed(connection, competence)
            if read_versions(connection) != tuple(plans):
                raise NotPossibleError(cause="rerate_plans_changed", competence=str(competence))
            old = _unchanged(connection, competence, [one.old for one in replacements], frozenset(invoiced))
            new = _waiting(connection, [one.item for one in replacements])
            done = [one for one in replacements if one.old.item in old and one.item in new]
            if not done:
                return frozenset()
            line = LogLine(now, "warning", "result", "reversed", {"who": actor.name, "reason": reason})
            reverse_items(connection, [old[one.old.item] for one in done], line, status="reversed")
            settlement = Settlement(competence, evaluation, now, RetryPolicy(), lambda: 0.0)
            kept = {one.item for one in done}
            for one in replacements:
                # What has changed meanwhile is settled as lost: its calls in the part are excluded.
                row = new[one.item] if one.item in kept else None
                settlement.add(_result(one, batch, reason, actor, now), row, None)
            settlement.write(connection, ChunkResult((), part))
            _audit(connection, competence, batch, done, reason, actor, now)
            refresh_batch(connection, batch, now)
            bump(connection, competence)
            return frozenset(one.old.contract for one in done)


def _live(competence: Competence) -> sa.Select[Any]:
    found = [items.c[name] for name in ("item", "contract", "attempt", "competence", "outcome", "amount", "calls")]
    found += [items.c[name] for name in ("facts", "period_from", "period_until")]
    source = sa.func.coalesce(charges.c.source_sha256, events.c.source_sha256).label("source_sha256")
    dropped = sa.func.coalesce(charges.c.dropped, 0).label("dropped")
    joined = items.outerjoin(charges, charges.c.item == items.c.item)
    joined = joined.outerjoin(events, events.c.item == items.c.item)
    return (
        sa.select(*found, source, dropped)
        .select_from(joined)
        .where(items.c.competence == str(competence), ~items.c.reversed, items.c.outcome.in_(sorted(DONE_OUTCOMES)))
    )


def _charged(
    row: sa.Row[Any], history: Mapping[str, Sequence[Centavos]], undecided: Mapping[str, Sequence[int]]
) -> ChargedItem:
    findings = load(row.facts).get("findings", ())
    outcome = ItemOutcome(row.outcome)
    return ChargedItem(
        item=row.item,
        claim=claim_id(row.item, row.attempt),
        contract=row.contract,
        outcome=outcome,
        amount=Centavos(row.amount or 0),
        calls=row.calls or 0,
        dropped=row.dropped,
        source_sha256=row.source_sha256,
        findings=tuple(Finding(one["code"], {k: v for k, v in one.items() if k != "code"}) for one in findings),
        released=outcome is ItemOutcome.CHARGED,
        value_id=value_id(row.item),
        period=(row.period_from, row.period_until) if row.period_from else None,
        history=tuple(history.get(row.contract, ())),
        undecided=frozenset(undecided.get(row.contract, ())),
    )


def _of_key(connection: Connection, request_key: str) -> int | None:
    return connection.execute(sa.select(batches.c.batch).where(batches.c.request_key == request_key)).scalar()


def _open(
    connection: Connection, competence: Competence, snapshot: int, request_key: str, actor: Actor, now: datetime
) -> int:
    row = {
        "competence": str(competence),
        "snapshot": snapshot,
        "request_key": request_key,
        "created_at": now,
        "created_by": actor.name,
        # Nothing of it runs: it is done with the first charge that is replaced.
        "status": "cancelled",
        "started_at": now,
        "ended_at": now,
    }
    return int(connection.execute(sa.insert(batches).values(**row).returning(batches.c.batch)).scalar_one())


def _reserved(connection: Connection, batch: int, contracts: Sequence[str]) -> dict[str, tuple[int, int]]:
    """Items of the batch that are reserved and nothing else, by contract, with their attempt."""
    query = sa.select(items.c.contract, items.c.item, items.c.attempt).where(
        items.c.batch == batch, items.c.outcome == ItemOutcome.CANCELLED, among(items.c.contract, contracts)
    )
    return {row.contract: (row.item, row.attempt) for row in connection.execute(query)}


def _waiting(connection: Connection, reserved: Sequence[int]) -> dict[int, sa.Row[Any]]:
    names = ("item", "batch", "tries", "slow", "code", "facts")
    query = sa.select(*(items.c[name] for name in names)).where(
        among(items.c.item, reserved), items.c.outcome == ItemOutcome.CANCELLED
    )
    return {row.item: row for row in connection.execute(query)}


def _unchanged(
    connection: Connection, competence: Competence, old: Sequence[ChargedItem], invoiced: frozenset[str]
) -> dict[int, sa.Row[Any]]:
    """The rows of ``old`` that still are what was rated, and may be reversed."""
    expected = {one.item: (one.outcome, one.amount, one.claim) for one in old}
    found = connection.execute(_live(competence).where(among(items.c.item, list(expected)))).all()
    return {
        row.item: row
        for row in found
        if (row.outcome, row.amount or 0, claim_id(row.item, row.attempt)) == expected[row.item]
        and value_id(row.item) not in invoiced
    }


def _result(one: Replacement, batch: int, reason: str, actor: Actor, now: datetime) -> ItemResult:
    repriced = one.repriced
    facts = {
        "who": actor.name,
        "reason": reason,
        "before": plain(repriced.charged),
        "calls": repriced.changed_calls,
        "plans": sorted(repriced.after),
    }
    line = LogLine(now, "ok", "rating", "rerated", facts)
    return ItemResult(one.item, one.claim, repriced.contract, repriced.outcome, (line,), repriced.after, one.old.period)


def _audit(
    connection: Connection,
    competence: Competence,
    batch: int,
    done: Sequence[Replacement],
    reason: str,
    actor: Actor,
    now: datetime,
) -> None:
    some: list[Repriced] = [one.repriced for one in done]
    facts = {
        "batch": batch,
        "contracts": len(some),
        "before": plain(sum(one.charged for one in some)),
        "after": plain(sum(one.amount for one in some)),
    }
    audit(connection, actor, now, "charge.rerate", f"competence {competence}", reason=reason, facts=facts)
