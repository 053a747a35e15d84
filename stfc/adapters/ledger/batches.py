"""Batches as people see and steer them (ports.BatchLedger)."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from stfc.adapters.ledger import schema
from stfc.adapters.ledger.database import Database, bump
from stfc.adapters.ledger.records import audit, claim_id, insert, load, log_row, refresh_batch
from stfc.domain.competence import Competence
from stfc.domain.eligibility import Rule
from stfc.domain.money import Centavos
from stfc.domain.outcome import LIVE_OUTCOMES, ItemOutcome
from stfc.errors import NotFoundError, NotPossibleError, StaleSnapshotError
from stfc.services.ports import Actor, BatchSummary, ItemRow, LogLine, OpenedBatch

items, batches, logs = schema.items, schema.batches, schema.logs

_RETRIABLE = (ItemOutcome.FAILED, ItemOutcome.WAITING_FILE)
_LOOKUP = 5_000
"""Ids per ``IN`` list: below SQLite's limit on variables."""


class SqlBatchLedger:
    """``ports.BatchLedger`` over SQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    # --- Opening

    def open(
        self,
        competence: Competence,
        contracts: Sequence[str],
        *,
        snapshot: int,
        actor: Actor,
        now: datetime,
        request_key: str | None,
    ) -> OpenedBatch:
        """Open a batch, at most once per ``request_key``."""
        with self._database.write() as connection:
            if request_key and (again := _opened(connection, request_key)):
                return again
            current = connection.execute(sa.select(schema.state.c.snapshot)).scalar_one()
            if current != snapshot:
                raise StaleSnapshotError(evaluated=snapshot, current=current)
            taken = _taken(connection, competence)
            wanted = sorted(set(contracts))
            refused = {c: taken[c].key for c in wanted if c in taken}
            accepted = [c for c in wanted if c not in taken]
            if not accepted:
                return OpenedBatch(None, 0, refused)
            batch = connection.execute(
                sa.insert(batches)
                .values(
                    competence=str(competence),
                    snapshot=snapshot,
                    request_key=request_key,
                    created_at=now,
                    created_by=actor.name,
                    status="waiting",
                )
                .returning(batches.c.batch)
            ).scalar_one()
            row = {"batch": batch, "competence": str(competence), "outcome": ItemOutcome.WAITING.value}
            insert(connection, items, [row | {"contract": contract} for contract in accepted])
            facts = {"competence": str(competence), "contracts": len(accepted)}
            audit(connection, actor, now, "batch.open", f"batch {batch}", facts=facts)
            bump(connection, competence)
            return OpenedBatch(batch, len(accepted), refused)

    # --- Reading

    def newest(self, *, competence: Competence | None = None, limit: int | None = None) -> list[BatchSummary]:
        """Batches, newest first, each with its counts."""
        query = sa.select(batches).order_by(batches.c.batch.desc()).limit(limit)
        if competence:
            query = query.where(batches.c.competence == str(competence))
        with self._database.read() as connection:
            return _summaries(connection, connection.execute(query).all())

    def active(self) -> list[BatchSummary]:
        """The batches that are not done, newest first."""
        query = sa.select(batches).where(batches.c.status.in_(("waiting", "running", "paused")))
        with self._database.read() as connection:
            return _summaries(connection, connection.execute(query.order_by(batches.c.batch.desc())).all())

    def show(self, batch: int) -> BatchSummary:
        """One batch with its counts."""
        with self._database.read() as connection:
            return _summaries(connection, [_batch(connection, batch)])[0]

    def items(
        self,
        batch: int,
        *,
        outcomes: Sequence[str] = (),
        codes: Sequence[str] = (),
        search: str = "",
        offset: int = 0,
        limit: int | None = None,
    ) -> tuple[int, list[ItemRow]]:
        """A page of a batch's items, by contract."""
        query = sa.select(items).where(items.c.batch == batch)
        if outcomes:
            query = query.where(items.c.outcome.in_(outcomes))
        if codes:
            query = query.where(items.c.code.in_(codes))
        if search:
            query = query.where(items.c.contract.contains(search, autoescape=True))
        with self._database.read() as connection:
            _batch(connection, batch)
            return _item_page(connection, query, [items.c.contract], offset, limit)

    def causes(self, batch: int) -> list[tuple[str, str, int]]:
        """The codes of a batch's items with outcome and count, most first."""
        count = sa.func.count()
        query = (
            sa.select(items.c.code, items.c.outcome, count)
            .where(items.c.batch == batch, items.c.code.is_not(None))
            .group_by(items.c.code, items.c.outcome)
            .order_by(count.desc(), items.c.code)
        )
        with self._database.read() as connection:
            return [tuple(row) for row in connection.execute(query)]

    def sent(
        self,
        *,
        competence: Competence | None,
        search: str,
        outcomes: Sequence[str],
        offset: int,
        limit: int,
    ) -> tuple[int, list[ItemRow]]:
        """A page of every contract sent to billing, newest batch first."""
        query = sa.select(items)
        if competence:
            query = query.where(items.c.competence == str(competence))
        if outcomes:
            query = query.where(items.c.outcome.in_(outcomes))
        if search:
            query = query.where(items.c.contract.contains(search, autoescape=True))
        with self._database.read() as connection:
            return _item_page(connection, query, [items.c.batch.desc(), items.c.contract], offset, limit)

    def of_contract(self, contract: str) -> list[ItemRow]:
        """Every item of a contract, newest first."""
        query = sa.select(items).where(items.c.contract == contract)
        with self._database.read() as connection:
            return _item_page(connection, query, [items.c.item.desc()], 0, None)[1]

    def log(self, item: int) -> list[LogLine]:
        """An item's log in order."""
        with self._database.read() as connection:
            rows = connection.execute(sa.select(logs).where(logs.c.item == item).order_by(logs.c.log))
            return [_log_line(row) for row in rows]

    def logs(self, batch: int) -> dict[int, list[LogLine]]:
        """Every item's log of a batch, by item."""
        query = sa.select(logs).join(items, items.c.item == logs.c.item).where(items.c.batch == batch)
        found: dict[int, list[LogLine]] = {}
        with self._database.read() as connection:
            for row in connection.execute(query.order_by(logs.c.log)):
                found.setdefault(row.item, []).append(_log_line(row))
        return found

    # --- Steering

    def retry(
        self, batch: int, *, items: Sequence[int] | None, codes: Sequence[str], actor: Actor, now: datetime
    ) -> int:
        """Set failed and ``waiting_file`` items waiting again and lift the batch's pause."""
        table = schema.items
        other = table.alias()
        taken = sa.exists().where(
            other.c.contract == table.c.contract,
            other.c.competence == table.c.competence,
            other.c.item != table.c.item,
            ~other.c.reversed,
            other.c.outcome.in_(sorted(LIVE_OUTCOMES)),
        )
        chosen = [table.c.batch == batch, table.c.outcome.in_(_RETRIABLE), ~table.c.reversed, ~taken]
        if items is not None:
            chosen.append(table.c.item.in_(items))
        if codes:
            chosen.append(table.c.code.in_(codes))
        with self._database.write() as connection:
            row = _batch(connection, batch)
            again = connection.execute(
                sa.update(table)
                .where(*chosen)
                .values(outcome=ItemOutcome.WAITING, tries=0, slow=False, next_try_at=None, ended_at=None)
                .returning(table.c.item)
            ).scalars()
            lines = [log_row(item, LogLine(now, "ok", "queue", "retried", {"who": actor.name})) for item in again]
            insert(connection, logs, lines)
            connection.execute(
                sa.update(batches).where(batches.c.batch == batch).values(pause_code=None, paused_at=None)
            )
            if lines or row.pause_code:
                audit(connection, actor, now, "batch.retry", f"batch {batch}", facts={"contracts": len(lines)})
                refresh_batch(connection, batch, now)
                bump(connection, Competence.parse(row.competence))
            return len(lines)

    def cancel(self, batch: int, *, actor: Actor, now: datetime) -> int:
        """Cancel the items that no worker holds and that are not done: waiting ones and those waiting for a file."""
        open_ = (ItemOutcome.WAITING, ItemOutcome.WAITING_FILE)
        with self._database.write() as connection:
            row = _batch(connection, batch)
            gone = connection.execute(
                sa.update(items)
                .where(items.c.batch == batch, items.c.outcome.in_(open_))
                .values(outcome=ItemOutcome.CANCELLED, next_try_at=None, ended_at=sa.literal(now, schema.Instant))
                .returning(items.c.item)
            ).scalars()
            lines = [log_row(item, LogLine(now, "warning", "queue", "cancelled", {"who": actor.name})) for item in gone]
            insert(connection, logs, lines)
            if lines:
                audit(connection, actor, now, "batch.cancel", f"batch {batch}", facts={"contracts": len(lines)})
                refresh_batch(connection, batch, now)
                bump(connection, Competence.parse(row.competence))
            return len(lines)

    def reverse(
        self,
        batch: int,
        *,
        contracts: Sequence[str] | None,
        invoiced: Iterable[str],
        reason: str,
        actor: Actor,
        now: datetime,
    ) -> int:
        """Reverse what a batch charged: all of it, or of ``contracts`` only (PRODUCT 5, estorno).

        The value is deleted softly or the event reversed, the calls are excluded, the history stays and the contract
        is listed again. ``invoiced`` are value ids that the ERP has invoiced: those cannot be reversed any more.
        """
        done = (ItemOutcome.CHARGED, ItemOutcome.ZERO, ItemOutcome.HELD)
        chosen = [items.c.batch == batch, items.c.outcome.in_(done), ~items.c.reversed]
        if contracts is not None:
            chosen.append(items.c.contract.in_(contracts))
        with self._database.write() as connection:
            row = _batch(connection, batch)
            found = connection.execute(sa.select(items).where(*chosen)).all()
            locked = sorted(i.contract for i in found if f"STFC-{i.item}" in set(invoiced))
            if locked:
                raise NotPossibleError(cause="invoiced", contracts=locked)
            missing = sorted(set(contracts or ()) - {i.contract for i in found})
            if missing:
                raise NotPossibleError(cause="nothing_to_reverse", contracts=missing)
            _reverse_items(connection, found, reason, actor, now)
            if found:
                facts = {"contracts": len(found), "amount": sum(i.amount or 0 for i in found)}
                audit(connection, actor, now, "batch.reverse", f"batch {batch}", reason=reason, facts=facts)
                bump(connection, Competence.parse(row.competence))
            return len(found)


def _reverse_items(
    connection: Connection, found: Sequence[sa.Row[Any]], reason: str, actor: Actor, now: datetime
) -> None:
    ids = [row.item for row in found]
    for start in range(0, len(ids), _LOOKUP):
        some = ids[start : start + _LOOKUP]
        values, events, charges = schema.eventual_values, schema.zero_events, schema.charges
        connection.execute(sa.update(items).where(items.c.item.in_(some)).values(reversed=True))
        connection.execute(sa.update(charges).where(charges.c.item.in_(some)).values(status="reversed"))
        connection.execute(sa.update(values).where(values.c.item.in_(some)).values(deleted=True))
        connection.execute(sa.update(events).where(events.c.item.in_(some)).values(reversed=True))
    insert(
        connection,
        schema.exclusions,
        [
            {"claim": claim_id(row.item, row.attempt), "competence": row.competence, "cause": "reversed"}
            for row in found
            if row.calls
        ],
    )
    facts = {"who": actor.name, "reason": reason}
    insert(connection, logs, [log_row(i, LogLine(now, "warning", "result", "reversed", facts)) for i in ids])


def _opened(connection: Connection, request_key: str) -> OpenedBatch | None:
    batch = connection.execute(sa.select(batches.c.batch).where(batches.c.request_key == request_key)).scalar()
    if batch is None:
        return None
    count = connection.execute(sa.select(sa.func.count()).where(items.c.batch == batch)).scalar_one()
    return OpenedBatch(batch, count, {})


def _taken(connection: Connection, competence: Competence) -> dict[str, Rule]:
    """The contracts that the ledger itself keeps out of the competence: rules 8, 7 and 6, the first one winning."""
    value, event = schema.eventual_values, schema.zero_events
    sources = (
        (Rule.NO_ZERO_EVENT, event, ~event.c.reversed),
        (Rule.NO_EVENTUAL_VALUE, value, ~value.c.deleted & value.c.service.is_not(None)),
        (Rule.NO_CHARGE, items, ~items.c.reversed & items.c.outcome.in_(sorted(LIVE_OUTCOMES))),
    )
    taken: dict[str, Rule] = {}
    for rule, table, live in sources:
        query = sa.select(table.c.contract).where(table.c.competence == str(competence), live)
        taken.update(dict.fromkeys(connection.execute(query).scalars(), rule))
    return taken


def _batch(connection: Connection, batch: int) -> sa.Row[Any]:
    row = connection.execute(sa.select(batches).where(batches.c.batch == batch)).first()
    if row is None:
        raise NotFoundError(kind="batch", key=str(batch))
    return row


def _summaries(connection: Connection, rows: Sequence[sa.Row[Any]]) -> list[BatchSummary]:
    numbers = [row.batch for row in rows]
    live = sa.case((items.c.reversed, 0), else_=1)
    query = (
        sa.select(
            items.c.batch,
            items.c.outcome,
            sa.func.count(),
            sa.func.coalesce(sa.func.sum(items.c.amount * live), 0),
            sa.func.coalesce(sa.func.sum(items.c.calls * live), 0),
            sa.func.sum(1 - live),
        )
        .where(items.c.batch.in_(numbers))
        .group_by(items.c.batch, items.c.outcome)
    )
    counts: dict[int, dict[str, int]] = {n: dict.fromkeys((o.value for o in ItemOutcome), 0) for n in numbers}
    sums: dict[int, list[int]] = {n: [0, 0, 0] for n in numbers}
    for batch, outcome, count, amount, calls, gone in connection.execute(query):
        counts[batch][outcome] = count
        sums[batch] = [a + int(b) for a, b in zip(sums[batch], (amount, calls, gone), strict=True)]
    return [
        BatchSummary(
            batch=row.batch,
            competence=Competence.parse(row.competence),
            snapshot=row.snapshot,
            status=row.status,
            pause_code=row.pause_code,
            paused_at=row.paused_at,
            created_at=row.created_at,
            created_by=row.created_by,
            started_at=row.started_at,
            ended_at=row.ended_at,
            outcomes=counts[row.batch],
            amount=Centavos(sums[row.batch][0]),
            calls=sums[row.batch][1],
            reversed=sums[row.batch][2],
        )
        for row in rows
    ]


def _item_page(
    connection: Connection, query: sa.Select[Any], order: Sequence[Any], offset: int, limit: int | None
) -> tuple[int, list[ItemRow]]:
    total = connection.execute(sa.select(sa.func.count()).select_from(query.subquery())).scalar_one()
    rows = connection.execute(query.order_by(*order).offset(offset).limit(limit))
    return total, [_item_row(row) for row in rows]


def _item_row(row: sa.Row[Any]) -> ItemRow:
    return ItemRow(
        item=row.item,
        batch=row.batch,
        competence=Competence.parse(row.competence),
        contract=row.contract,
        outcome=row.outcome,
        reversed=row.reversed,
        amount=row.amount,
        calls=row.calls,
        code=row.code,
        rule=row.rule,
        facts=load(row.facts),
        attempts=row.tries,
        next_try_at=row.next_try_at,
        started_at=row.started_at,
        ended_at=row.ended_at,
    )


def _log_line(row: sa.Row[Any]) -> LogLine:
    return LogLine(row.at, row.level, row.step, row.event, load(row.facts), row.duration_ms)
