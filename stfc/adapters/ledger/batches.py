"""Batches as people see and steer them (ports.BatchLedger)."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from stfc.adapters.ledger import schema
from stfc.adapters.ledger.approvals import spend
from stfc.adapters.ledger.database import Database, bump, confirm_snapshot, refuse_closed
from stfc.adapters.ledger.records import ENDED, audit, load, log_all, refresh_batch, value_id
from stfc.adapters.ledger.reversal import reverse_items
from stfc.adapters.ledger.sets import among, records, rows
from stfc.adapters.ledger.tallies import Tallies, Tally
from stfc.domain.approval import reversal_subject
from stfc.domain.competence import Competence
from stfc.domain.eligibility import Rule
from stfc.domain.forecast import BatchForecast, Forecast
from stfc.domain.money import Centavos
from stfc.domain.outcome import DONE_OUTCOMES, LIVE_OUTCOMES, ItemOutcome
from stfc.errors import NotFoundError, NotPossibleError
from stfc.services.ports import Actor, BatchSummary, ItemRow, LogLine, OpenedBatch, RecentWork

items, batches, logs = schema.items, schema.batches, schema.logs

_CREDENTIALS = "SUM-401"
_EXPECTED = ("expected", "expected_low", "expected_high")
_RETRIABLE = (ItemOutcome.FAILED, ItemOutcome.WAITING_FILE)


class SqlBatchLedger:
    """``ports.BatchLedger`` over SQL."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._tallies = Tallies()

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
        forecasts: Mapping[str, Forecast] | None = None,
    ) -> OpenedBatch:
        """Open a batch, at most once per ``request_key``."""
        with self._database.write() as connection:
            if request_key and (again := _opened(connection, request_key)):
                return again
            refuse_closed(connection, competence)
            confirm_snapshot(connection, snapshot)
            taken = _taken(connection, competence)
            wanted = sorted(set(contracts))
            refused = {c: taken[c].key for c in wanted if c in taken}
            accepted = [c for c in wanted if c not in taken]
            if not accepted:
                return OpenedBatch(None, 0, refused)
            known = {c: forecasts[c] for c in accepted if c in forecasts} if forecasts else {}
            batch = connection.execute(
                sa.insert(batches)
                .values(
                    competence=str(competence),
                    snapshot=snapshot,
                    request_key=request_key,
                    created_at=now,
                    created_by=actor.name,
                    status="waiting",
                    **_expected(known.values()),
                )
                .returning(batches.c.batch)
            ).scalar_one()
            _enqueue(connection, batch, competence, accepted, known)
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
            return self._summaries(connection, connection.execute(query).all())

    def active(self) -> list[BatchSummary]:
        """The batches that are not done, newest first."""
        query = sa.select(batches).where(batches.c.status.not_in(ENDED))
        with self._database.read() as connection:
            return self._summaries(connection, connection.execute(query.order_by(batches.c.batch.desc())).all())

    def show(self, batch: int) -> BatchSummary:
        """One batch with its counts."""
        with self._database.read() as connection:
            return self._summaries(connection, [_batch(connection, batch)])[0]

    def items(
        self,
        batch: int,
        *,
        outcomes: Sequence[str] = (),
        codes: Sequence[str] = (),
        search: str = "",
        contracts: Collection[str] | None = None,
        offset: int = 0,
        limit: int | None = None,
    ) -> tuple[int, list[ItemRow]]:
        """A page of a batch's items, by contract."""
        query = sa.select(items).where(items.c.batch == batch)
        if outcomes:
            query = query.where(_stands_at(outcomes))
        if codes:
            query = query.where(items.c.code.in_(codes), _needs_a_look())
        if search:
            query = query.where(items.c.contract.icontains(search, autoescape=True))
        if contracts is not None:
            query = query.where(among(items.c.contract, contracts))
        with self._database.read() as connection:
            _batch(connection, batch)
            return _item_page(connection, query, [items.c.contract], offset, limit)

    def causes(self, batch: int) -> list[tuple[str, str, int]]:
        """The codes of a batch's items with outcome and count, most first."""
        count = sa.func.count()
        query = (
            sa.select(items.c.code, items.c.outcome, count)
            .where(items.c.batch == batch, _needs_a_look())
            .group_by(items.c.code, items.c.outcome)
            .order_by(count.desc(), items.c.code, items.c.outcome)
        )
        with self._database.read() as connection:
            return [tuple(row) for row in connection.execute(query)]

    def recent(self, batch: int, since: datetime) -> RecentWork | None:
        """What the batch came to since ``since``."""
        query = sa.select(sa.func.count(), sa.func.min(items.c.started_at, type_=schema.Instant)).where(
            items.c.batch == batch, items.c.ended_at >= since, items.c.outcome != ItemOutcome.CANCELLED
        )
        with self._database.read() as connection:
            ended, begun = connection.execute(query).one()
            return RecentWork(ended, begun) if begun else None

    def next_tries(self, batch: int) -> dict[str, datetime]:
        """When the next of the contracts that wait after a failure is tried again, by code."""
        query = (
            sa.select(items.c.code, sa.func.min(items.c.next_try_at, type_=schema.Instant))
            .where(
                items.c.batch == batch,
                schema.is_outcome(ItemOutcome.WAITING),
                items.c.code.is_not(None),
                items.c.next_try_at.is_not(None),
            )
            .group_by(items.c.code)
        )
        with self._database.read() as connection:
            return dict(connection.execute(query).all())

    def sent(
        self,
        *,
        competence: Competence | None,
        search: str,
        outcomes: Sequence[str],
        offset: int,
        limit: int | None,
        contracts: Collection[str] | None = None,
        batches: Collection[int] | None = None,
    ) -> tuple[int, list[ItemRow]]:
        """A page of every contract sent to billing, newest batch first."""
        query = sa.select(items)
        if competence:
            query = query.where(items.c.competence == str(competence))
        if outcomes:
            query = query.where(_stands_at(outcomes))
        if search:
            query = query.where(items.c.contract.icontains(search, autoescape=True))
        if contracts is not None:
            query = query.where(among(items.c.contract, contracts))
        if batches is not None:
            query = query.where(among(items.c.batch, batches))
        with self._database.read() as connection:
            return _item_page(connection, query, [items.c.batch.desc(), items.c.contract], offset, limit)

    def holding(self, contracts: Collection[str]) -> set[int]:
        """The batches that have an item of any of ``contracts``."""
        found = sa.exists().where(items.c.batch == batches.c.batch, among(items.c.contract, contracts))
        with self._database.read() as connection:
            return set(connection.execute(sa.select(batches.c.batch).where(found)).scalars())

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

    def _summaries(self, connection: Connection, found: Sequence[sa.Row[Any]]) -> list[BatchSummary]:
        """Summaries in the order of ``found``."""
        months = schema.months
        revisions = dict(connection.execute(sa.select(months.c.competence, months.c.revision)).all())
        tallies = self._tallies.of(connection, {row.batch: revisions[row.competence] for row in found})
        return [_summary(row, tallies[row.batch]) for row in found]

    # --- Steering

    def retry(
        self, batch: int, *, items: Sequence[int] | None, codes: Sequence[str], actor: Actor, now: datetime
    ) -> int:
        """Set failed and ``waiting_file`` items waiting again and lift the batch's pause."""
        table = schema.items
        chosen = [table.c.batch == batch, table.c.outcome.in_(_RETRIABLE), ~table.c.reversed, ~_is_taken()]
        if items is not None:
            chosen.append(among(table.c.item, items))
        if codes:
            chosen.append(table.c.code.in_(codes))
        with self._database.write() as connection:
            row = _batch(connection, batch)
            refuse_closed(connection, Competence.parse(row.competence))
            values = {"tries": 0, "slow": False, "next_try_at": None, "ended_at": None}
            line = LogLine(now, "ok", "queue", "retried", {"who": actor.name})
            count = _set_all(connection, chosen, {"outcome": ItemOutcome.WAITING, **values}, line)
            lifted = _lift(connection, row)
            if count or row.pause_code:
                audit(connection, actor, now, "batch.retry", f"batch {batch}", facts={"contracts": count})
                for one in lifted:
                    refresh_batch(connection, one.batch, now)
                bump(connection, *(Competence.parse(one.competence) for one in lifted))
            return count

    def cancel(self, batch: int, *, actor: Actor, now: datetime) -> int:
        """Cancel the items that no worker holds and that are not done: waiting ones and those waiting for a file."""
        chosen = [items.c.batch == batch, items.c.outcome.in_((ItemOutcome.WAITING, ItemOutcome.WAITING_FILE))]
        with self._database.write() as connection:
            row = _batch(connection, batch)
            refuse_closed(connection, Competence.parse(row.competence))
            values = {"outcome": ItemOutcome.CANCELLED, "next_try_at": None, "ended_at": now}
            line = LogLine(now, "warning", "queue", "cancelled", {"who": actor.name})
            count = _set_all(connection, chosen, values, line)
            if count:
                audit(connection, actor, now, "batch.cancel", f"batch {batch}", facts={"contracts": count})
                refresh_batch(connection, batch, now)
                bump(connection, Competence.parse(row.competence))
            return count

    def reverse(
        self,
        batch: int,
        *,
        contracts: Sequence[str] | None,
        invoiced: Iterable[str],
        reason: str,
        actor: Actor,
        now: datetime,
        snapshot: int | None = None,
        approval: int | None = None,
        may_decide: bool = True,
    ) -> int:
        """Reverse what a batch charged: all of it, or of ``contracts`` only (PRODUCT 5, estorno).

        The value is deleted softly or the event reversed, the calls are excluded, the history stays and the contract
        is listed again. ``invoiced`` are value ids that the ERP has invoiced: those cannot be reversed any more.
        Who may not decide holds (``may_decide``) reverses none either: a rejected hold ends as a reversal.
        """
        chosen = [items.c.batch == batch, items.c.outcome.in_(sorted(DONE_OUTCOMES)), ~items.c.reversed]
        if contracts is not None:
            chosen.append(among(items.c.contract, contracts))
        invoiced = frozenset(invoiced)
        with self._database.write() as connection:
            if snapshot is not None:
                confirm_snapshot(connection, snapshot)
            row = _batch(connection, batch)
            refuse_closed(connection, Competence.parse(row.competence))
            if approval is not None:
                spend(connection, approval, "batch.reverse", reversal_subject(batch, contracts), actor, now)
            found = connection.execute(sa.select(items).where(*chosen).order_by(items.c.contract)).all()
            locked = [i.contract for i in found if value_id(i.item) in invoiced]
            if locked:
                raise NotPossibleError(cause="invoiced", contracts=locked)
            waiting = [i.contract for i in found if i.outcome == ItemOutcome.HELD]
            if waiting and not may_decide:
                raise NotPossibleError(cause="held_reversal", contracts=waiting)
            missing = sorted(set(contracts or ()) - {i.contract for i in found})
            if missing:
                raise NotPossibleError(cause="nothing_to_reverse", contracts=missing)
            line = LogLine(now, "warning", "result", "reversed", {"who": actor.name, "reason": reason})
            reverse_items(connection, found, line, status="reversed")
            if found:
                facts = {"contracts": len(found), "amount": sum(i.amount or 0 for i in found)}
                audit(connection, actor, now, "batch.reverse", f"batch {batch}", reason=reason, facts=facts)
                bump(connection, Competence.parse(row.competence))
            return len(found)


def _expected(known: Collection[Forecast]) -> dict[str, int]:
    """The columns of a batch that say what it was expected to bring; none where nothing was known.

    The range is the sum of the contracts' ranges: a holiday moves them all one way, so they do not even each other out.
    """
    if not known:
        return {}
    sums = (sum(one.value for one in known), sum(one.low for one in known), sum(one.high for one in known))
    return dict(zip(_EXPECTED, sums, strict=True))


def _enqueue(
    connection: Connection,
    batch: int,
    competence: Competence,
    contracts: Sequence[str],
    forecasts: Mapping[str, Forecast],
) -> None:
    known = ((c, one.value, one.low, one.high) for c in contracts if (one := forecasts.get(c)))
    unknown = [c for c in contracts if c not in forecasts]
    same = {"batch": batch, "competence": str(competence), "outcome": ItemOutcome.WAITING.value}
    values = [sa.literal(value, items.c[name].type) for name, value in same.items()]
    if unknown:
        (contract,) = (chosen := rows(unknown, sa.String)).selected_columns
        queued = chosen.with_only_columns(contract, *values)
        connection.execute(sa.insert(items).from_select(["contract", *same], queued))
    if forecasts:
        foreseen = records(known, (sa.String, *3 * (sa.BigInteger,))).add_columns(*values)
        connection.execute(sa.insert(items).from_select(["contract", *_EXPECTED, *same], foreseen))


def _stands_at(outcomes: Sequence[str]) -> sa.ColumnElement[bool]:
    """Whether an item is at one of ``outcomes`` now, of which ``reversed`` is one."""
    now = sa.case((items.c.reversed, "reversed"), else_=items.c.outcome)
    return now.in_(outcomes)


def _needs_a_look() -> sa.ColumnElement[bool]:
    """Whether an item carries a code that someone may still act on; that of a released hold is history."""
    return sa.and_(items.c.code.is_not(None), ~items.c.reversed, items.c.outcome != ItemOutcome.CHARGED)


def _is_taken() -> sa.ColumnElement[bool]:
    """Whether another item of the same contract and competence is on its way, done or held."""
    other = items.alias()
    return sa.exists().where(
        other.c.contract == items.c.contract,
        other.c.competence == items.c.competence,
        other.c.item != items.c.item,
        ~other.c.reversed,
        other.c.outcome.in_(sorted(LIVE_OUTCOMES)),
    )


def _lift(connection: Connection, batch: sa.Row[Any]) -> Sequence[sa.Row[Any]]:
    """Lift the pause of ``batch``; gives the batches concerned, itself among them.

    Refused credentials are the platform's answer to all of them: whoever goes on with one has seen to the token.
    """
    chosen = batches.c.batch == batch.batch
    if batch.pause_code == _CREDENTIALS:
        chosen = sa.or_(chosen, batches.c.pause_code == _CREDENTIALS)
    values = {"pause_code": None, "paused_at": None}
    lifted = sa.update(batches).where(chosen).values(**values).returning(batches.c.batch, batches.c.competence)
    return connection.execute(lifted).all()


def _set_all(
    connection: Connection, chosen: Sequence[sa.ColumnElement[bool]], values: Mapping[str, Any], line: LogLine
) -> int:
    """Give the chosen items ``values`` and a log line each; gives how many they are."""
    changed = sa.update(items).where(*chosen).values(**values).returning(items.c.item)
    ids = connection.execute(changed).scalars().all()
    if ids:
        log_all(connection, rows(ids, sa.BigInteger), line)
    return len(ids)


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


def _summary(row: sa.Row[Any], tally: Tally) -> BatchSummary:
    outcomes = tally.outcomes
    _, amount, calls, gone, *_ = tally.whole
    return BatchSummary(
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
        outcomes=outcomes,
        live=tally.live,
        amount=Centavos(amount),
        calls=calls,
        reversed=gone,
        next_look_at=row.next_look_at if outcomes[ItemOutcome.WAITING_FILE] else None,
        idle=timedelta(microseconds=row.idle_micros),
        forecast=_forecast(row, tally.against_forecast),
    )


def _forecast(row: sa.Row[Any], facts: Sequence[int]) -> BatchForecast | None:
    if row.expected is None:
        return None
    contracts, settled, expected, amount, within = facts
    return BatchForecast(
        value=row.expected,
        low=row.expected_low,
        high=row.expected_high,
        contracts=contracts,
        settled=settled,
        settled_expected=Centavos(expected),
        settled_amount=Centavos(amount),
        within=within,
    )


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
        expected=row.expected,
        expected_low=row.expected_low,
        expected_high=row.expected_high,
    )


def _log_line(row: sa.Row[Any]) -> LogLine:
    return LogLine(row.at, row.level, row.step, row.event, load(row.facts), row.duration_ms)
