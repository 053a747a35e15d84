"""The durable queue: claims under a lease, and the one transaction that settles a chunk (ports.WorkLedger)."""

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any, assert_never

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from stfc.adapters.ledger import schema
from stfc.adapters.ledger.database import Database, bump
from stfc.adapters.ledger.images import read_live_calls
from stfc.adapters.ledger.records import claim_id, dump, insert, log_row, refresh_batch
from stfc.domain.competence import Competence, local_day
from stfc.domain.eligibility import Rule
from stfc.domain.money import plain
from stfc.domain.outcome import (
    Charged,
    Failed,
    Held,
    ItemOutcome,
    NotAvailable,
    Outcome,
    Refused,
    Unfinished,
    Zero,
)
from stfc.errors import StaleSnapshotError
from stfc.services.ports import (
    ChunkResult,
    Claim,
    ClaimedItem,
    Evaluation,
    ItemResult,
    LogLine,
    PlatformState,
    RetryPolicy,
    WorkerRow,
)

items, batches, workers = schema.items, schema.batches, schema.workers


class SqlWorkLedger:
    """``ports.WorkLedger`` over SQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    # --- Workers and leases

    def heartbeat(self, owner: str, *, host: str, pid: int, now: datetime, lease_until: datetime) -> None:
        """Renew the lease of ``owner`` and hand back what workers without a lease still hold."""
        with self._database.write() as connection:
            renewed = connection.execute(
                sa.update(workers).where(workers.c.owner == owner).values(lease_until=lease_until)
            )
            if not renewed.rowcount:
                row = {"owner": owner, "host": host, "pid": pid, "started_at": now, "lease_until": lease_until}
                connection.execute(sa.insert(workers).values(**row))
            dead = workers.c.lease_until < now
            lost = sa.select(workers.c.owner).where(dead)
            _hand_back(connection, items.c.owner.in_(lost), now, event="lease_expired")
            connection.execute(sa.delete(workers).where(dead))

    def leave(self, owner: str, *, now: datetime) -> None:
        """Hand back all that ``owner`` holds, at once, and forget it."""
        with self._database.write() as connection:
            _hand_back(connection, items.c.owner == owner, now, event="worker_stopped")
            connection.execute(sa.delete(workers).where(workers.c.owner == owner))

    def release(self, owner: str, items: Sequence[int], *, now: datetime) -> None:
        """Hand back some of what ``owner`` holds, no attempt spent."""
        table = schema.items
        with self._database.write() as connection:
            _hand_back(connection, sa.and_(table.c.owner == owner, table.c.item.in_(items)), now, event="released")

    def workers(self, now: datetime) -> list[WorkerRow]:
        """The workers whose lease has not run out, each with how many items it holds."""
        held = (
            sa.select(sa.func.count())
            .where(items.c.outcome == ItemOutcome.RUNNING, items.c.owner == workers.c.owner)
            .scalar_subquery()
        )
        query = sa.select(workers, held.label("running")).where(workers.c.lease_until >= now)
        with self._database.read() as connection:
            return [WorkerRow(**row._mapping) for row in connection.execute(query.order_by(workers.c.started_at))]

    # --- Claims

    def claim(self, owner: str, *, now: datetime, limit: int, batch: int | None, slow: bool) -> Claim | None:
        """Hold up to ``limit`` due items of the oldest batch that has any, in contract order.

        A contract that another batch is billing for another month has to wait: its files are settled one after the
        other, so that a record which both carry is seen by the second.
        """
        with self._database.write() as connection:
            found = connection.execute(_due(now, batch, slow).order_by(items.c.batch).limit(1)).first()
            if found is None:
                return None
            rows = connection.execute(
                _due(now, found.batch, slow)
                .add_columns(items.c.item, items.c.contract, items.c.attempt, items.c.tries)
                .order_by(items.c.contract)
                .limit(limit)
            ).all()
            month = connection.execute(sa.select(batches).where(batches.c.batch == found.batch)).one()
            _hold(connection, owner, [row.item for row in rows], now)
            _start(connection, month, now)
            bump(connection, Competence.parse(month.competence))
            waiting = connection.execute(
                sa.select(sa.func.count()).where(items.c.batch == found.batch, items.c.outcome == ItemOutcome.WAITING)
            ).scalar_one()
            return Claim(
                batch=found.batch,
                competence=Competence.parse(month.competence),
                snapshot=month.snapshot,
                items=tuple(
                    ClaimedItem(row.item, claim_id(row.item, row.attempt + 1), row.contract, row.tries) for row in rows
                ),
                waiting=waiting,
                calls=read_live_calls(connection),
            )

    def next_due(self, *, batch: int | None) -> datetime | None:
        """When the next waiting item of a batch that is not paused may be tried."""
        due = sa.func.coalesce(items.c.next_try_at, batches.c.created_at, type_=schema.Instant)
        query = (
            sa.select(sa.func.min(due, type_=schema.Instant))
            .select_from(items.join(batches))
            .where(items.c.outcome == ItemOutcome.WAITING, batches.c.pause_code.is_(None))
        )
        if batch is not None:
            query = query.where(items.c.batch == batch)
        with self._database.read() as connection:
            return connection.execute(query).scalar()

    def is_running(self, *, batch: int | None) -> bool:
        """Whether any worker holds an item."""
        query = sa.select(items.c.item).where(items.c.outcome == ItemOutcome.RUNNING).limit(1)
        if batch is not None:
            query = query.where(items.c.batch == batch)
        with self._database.read() as connection:
            return connection.execute(query).first() is not None

    # --- Settling

    def settle(
        self,
        owner: str,
        competence: Competence,
        result: ChunkResult,
        evaluation: Evaluation,
        *,
        now: datetime,
        retry: RetryPolicy,
        jitter: Callable[[], float],
    ) -> dict[str, int]:
        """Write a chunk, all or nothing (ARCHITECTURE, *The ledger is the catalogue*)."""
        with self._database.write() as connection:
            current = connection.execute(sa.select(schema.state.c.snapshot)).scalar_one()
            if current != evaluation.snapshot:
                raise StaleSnapshotError(evaluated=evaluation.snapshot, current=current)
            held = _still_held(connection, owner, result.results)
            taken = _taken(connection, competence, [r.contract for r in result.results])
            settlement = _Settlement(competence, evaluation, now, retry, jitter)
            for one in result.results:
                settlement.add(one, held.get(one.item), taken.get(one.contract))
            settlement.write(connection, result)
            bump(connection, competence)
            for batch in settlement.batches:
                refresh_batch(connection, batch, now)
            return dict(settlement.counts)

    # --- Pauses and the platform

    def pause(self, batch: int, code: str, *, now: datetime) -> None:
        """Stop claiming from the batch, with the code that says why."""
        with self._database.write() as connection:
            paused = connection.execute(
                sa.update(batches)
                .where(batches.c.batch == batch, batches.c.pause_code.is_(None), batches.c.ended_at.is_(None))
                .values(pause_code=code, paused_at=now, status="paused")
                .returning(batches.c.competence)
            ).scalar()
            if paused:
                bump(connection, Competence.parse(paused))

    def resume(self, codes: Sequence[str], *, now: datetime) -> list[int]:
        """Lift the pauses that carry one of ``codes``."""
        with self._database.write() as connection:
            rows = connection.execute(
                sa.update(batches)
                .where(batches.c.pause_code.in_(codes))
                .values(pause_code=None, paused_at=None)
                .returning(batches.c.batch, batches.c.competence)
            ).all()
            for row in rows:
                refresh_batch(connection, row.batch, now)
            if rows:
                bump(connection, *(Competence.parse(row.competence) for row in rows))
            return [row.batch for row in rows]

    def platform(self) -> PlatformState | None:
        """The last contact with the platform."""
        table = schema.platform
        with self._database.read() as connection:
            row = connection.execute(sa.select(table)).first()
        if row is None:
            return None
        return PlatformState(row.up, row.code, row.since, row.latency_ms, row.checked_at, row.next_check_at)

    def set_platform(self, state: PlatformState) -> None:
        """Remember a contact; ``since`` stands while the platform stays up or down."""
        table = schema.platform
        values = {
            "up": state.up,
            "code": state.code,
            "latency_ms": state.latency_ms,
            "checked_at": state.checked_at,
            "next_check_at": state.next_check_at,
        }
        with self._database.write() as connection:
            before = connection.execute(sa.select(table)).first()
            if before is None:
                connection.execute(sa.insert(table).values(id=1, since=state.since, **values))
                return
            since = before.since if before.up == state.up else state.since
            connection.execute(sa.update(table).values(since=since, **values))


class _Settlement:
    """The rows that a chunk's results turn into, gathered first and written set by set."""

    def __init__(
        self,
        competence: Competence,
        evaluation: Evaluation,
        now: datetime,
        retry: RetryPolicy,
        jitter: Callable[[], float],
    ) -> None:
        self._competence = competence
        self._evaluation = evaluation
        self._now = now
        self._retry = retry
        self._jitter = jitter
        self.counts: Counter[str] = Counter()
        self.batches: set[int] = set()
        self._updates: list[dict[str, Any]] = []
        self._charges: list[dict[str, Any]] = []
        self._values: list[dict[str, Any]] = []
        self._events: list[dict[str, Any]] = []
        self._logs: list[dict[str, Any]] = []
        self._excluded: list[dict[str, Any]] = []

    def add(self, one: ItemResult, held: sa.Row[Any] | None, taken: Rule | None) -> None:
        """Decide one item: ``held`` is its row if it is still ours, ``taken`` a ledger rule that fails by now."""
        if held is None:
            self._exclude(one.claim, "lost")
            self.counts["lost"] += 1
            return
        self.batches.add(held.batch)
        self._logs += [log_row(one.item, line) for line in one.log]
        rule = self._evaluation.failed.get(one.contract, Rule.APPROVED)
        refusal = min((r for r in (rule, taken) if r), key=lambda r: r.number, default=None)
        outcome: Outcome = one.outcome
        if refusal and not isinstance(outcome, Unfinished):
            outcome = Refused(refusal)
        self._decide(one, held, outcome)

    def _decide(self, one: ItemResult, held: sa.Row[Any], outcome: Outcome) -> None:
        match outcome:
            case Charged() | Held():
                self._charge(one, held, outcome)
            case Zero():
                self._zero(one, held, outcome)
            case NotAvailable():
                self._end(one, held, ItemOutcome.WAITING_FILE, code="SUM-404", facts={"contract": one.contract})
                self._result(one, "warning", "waiting_file", {})
            case Refused():
                self._exclude(one.claim, "refused")
                self._end(one, held, ItemOutcome.REFUSED, code="REG-ELG", rule=outcome.rule.key)
                self._result(one, "error", "refused", {"rule": outcome.rule.key})
            case Failed():
                self._fail(one, held, outcome)
            case Unfinished():
                self._wait(one, held, tries=held.tries, slow=True, code=held.code, facts=None, seconds=0)
            case _:
                assert_never(outcome)

    def _charge(self, one: ItemResult, held: sa.Row[Any], outcome: Charged | Held) -> None:
        is_held = isinstance(outcome, Held)
        service = self._evaluation.services[one.contract]
        findings = [{"code": f.code, **f.facts} for f in outcome.findings] if isinstance(outcome, Held) else []
        self._charges.append(
            self._row(one, held)
            | {
                "service": service,
                "amount": outcome.amount,
                "calls": outcome.calls,
                "dropped": outcome.dropped,
                "status": "held" if is_held else "live",
                "source_sha256": outcome.source_sha256,
                "created_at": self._now,
            }
        )
        self._values.append(
            self._row(one, held)
            | {
                "value_id": f"STFC-{one.item}",
                "service": service,
                "kind": "addition",
                "amount": outcome.amount,
                "held": is_held,
                "deleted": False,
                "reason": None,
                "source_sha256": outcome.source_sha256,
                "created_at": self._now,
            }
        )
        self._end(
            one,
            held,
            ItemOutcome.HELD if is_held else ItemOutcome.CHARGED,
            code=outcome.code if isinstance(outcome, Held) else None,
            facts={"findings": findings} if findings else None,
            amount=outcome.amount,
            calls=outcome.calls,
        )
        facts = {"amount": plain(outcome.amount), "calls": outcome.calls, "value_id": f"STFC-{one.item}"}
        if isinstance(outcome, Held):
            facts["code"] = outcome.code
        self._result(one, "warning" if is_held else "ok", "held" if is_held else "charged", facts)

    def _zero(self, one: ItemResult, held: sa.Row[Any], outcome: Zero) -> None:
        event = f"STFC-Z{one.item}"
        self._events.append(
            self._row(one, held)
            | {"event": event, "at": local_day(self._now), "reversed": False, "source_sha256": outcome.source_sha256}
        )
        self._end(one, held, ItemOutcome.ZERO, amount=0, calls=outcome.calls)
        self._result(one, "ok", "zero", {"calls": outcome.calls, "event": event})

    def _fail(self, one: ItemResult, held: sa.Row[Any], outcome: Failed) -> None:
        if outcome.code == "SUM-401":
            # The whole batch pauses: refused credentials say nothing about this contract, so no attempt is spent.
            self._wait(one, held, tries=held.tries, slow=held.slow, code=outcome.code, facts=outcome.facts, seconds=0)
            return
        tries = held.tries + 1
        if outcome.is_transient and tries < self._retry.tries:
            backoff = min(self._retry.most, self._retry.first * 2 ** (tries - 1)) * (0.5 + self._jitter())
            seconds = max(outcome.retry_after or 0.0, backoff)
            self._wait(one, held, tries=tries, slow=held.slow, code=outcome.code, facts=outcome.facts, seconds=seconds)
            self._result(
                one,
                "warning",
                "retry",
                {"code": outcome.code, "try": tries, "seconds": round(seconds), **outcome.facts},
            )
            return
        self._end(one, held, ItemOutcome.FAILED, code=outcome.code, facts=outcome.facts)
        self._result(one, "error", "failed", {"code": outcome.code, "try": tries, **outcome.facts})

    def _row(self, one: ItemResult, held: sa.Row[Any]) -> dict[str, Any]:
        return {
            "item": one.item,
            "batch": held.batch,
            "contract": one.contract,
            "competence": str(self._competence),
        }

    def _end(self, one: ItemResult, held: sa.Row[Any], outcome: ItemOutcome, **values: Any) -> None:
        self._update(one, outcome, {"ended_at": self._now, "tries": held.tries + 1, "slow": held.slow, **values})

    def _wait(
        self,
        one: ItemResult,
        held: sa.Row[Any],
        *,
        tries: int,
        slow: bool,
        code: str | None,
        facts: dict[str, Any] | None,
        seconds: float,
    ) -> None:
        due = self._now + timedelta(seconds=seconds)
        values = {"tries": tries, "slow": slow, "code": code, "facts": facts, "next_try_at": due}
        self._update(one, ItemOutcome.WAITING, values)

    def _update(self, one: ItemResult, outcome: ItemOutcome, values: dict[str, Any]) -> None:
        facts = values.pop("facts", None)
        row = dict.fromkeys(("code", "rule", "amount", "calls", "next_try_at", "ended_at")) | values
        self._updates.append(
            row | {"b_item": one.item, "outcome": outcome.value, "owner": None, "facts": dump(facts) if facts else None}
        )
        self.counts[outcome.value] += 1

    def _result(self, one: ItemResult, level: str, event: str, facts: dict[str, Any]) -> None:
        self._logs.append(log_row(one.item, LogLine(self._now, level, "result", event, facts)))

    def _exclude(self, claim: int, cause: str) -> None:
        self._excluded.append({"claim": claim, "competence": str(self._competence), "cause": cause})

    def write(self, connection: Connection, result: ChunkResult) -> None:
        """Write everything, set by set, inside the caller's transaction."""
        if self._updates:
            # Through Core's executemany; every row names the same columns.
            names = [name for name in self._updates[0] if name != "b_item"]
            statement = sa.update(items).where(items.c.item == sa.bindparam("b_item"))
            connection.execute(statement.values({name: sa.bindparam(name) for name in names}), self._updates)
        insert(connection, schema.charges, self._charges)
        insert(connection, schema.eventual_values, self._values)
        insert(connection, schema.zero_events, self._events)
        insert(connection, schema.logs, self._logs)
        if result.part:
            part = result.part
            insert(connection, schema.exclusions, self._excluded)
            insert(
                connection,
                schema.parts,
                [
                    {
                        "competence": str(part.competence),
                        "path": part.path,
                        "rows": part.rows,
                        "size": part.size,
                        "sha256": part.sha256,
                        "contract_first": part.contract_first,
                        "contract_last": part.contract_last,
                        "created_at": self._now,
                        "live": True,
                    }
                ],
            )


def _due(now: datetime, batch: int | None, slow: bool) -> sa.Select[Any]:
    other = items.alias()
    busy = sa.exists().where(
        other.c.contract == items.c.contract,
        other.c.outcome == ItemOutcome.RUNNING,
        other.c.competence != items.c.competence,
    )
    query = (
        sa.select(items.c.batch)
        .select_from(items.join(batches))
        .where(
            items.c.outcome == ItemOutcome.WAITING,
            items.c.slow == slow,
            batches.c.pause_code.is_(None),
            sa.or_(items.c.next_try_at.is_(None), items.c.next_try_at <= now),
            ~busy,
        )
    )
    return query if batch is None else query.where(items.c.batch == batch)


def _hold(connection: Connection, owner: str, chosen: list[int], now: datetime) -> None:
    connection.execute(
        sa.update(items)
        .where(items.c.item.in_(chosen))
        .values(
            outcome=ItemOutcome.RUNNING,
            owner=owner,
            attempt=items.c.attempt + 1,
            next_try_at=None,
            started_at=sa.func.coalesce(items.c.started_at, sa.literal(now, schema.Instant)),
        )
    )


def _start(connection: Connection, batch: sa.Row[Any], now: datetime) -> None:
    if batch.started_at is None or batch.status != "running":
        connection.execute(
            sa.update(batches)
            .where(batches.c.batch == batch.batch)
            .values(status="running", ended_at=None, started_at=batch.started_at or now)
        )


def _hand_back(connection: Connection, whose: sa.ColumnElement[bool], now: datetime, *, event: str) -> None:
    rows = connection.execute(
        sa.update(items)
        .where(items.c.outcome == ItemOutcome.RUNNING, whose)
        .values(outcome=ItemOutcome.WAITING, owner=None)
        .returning(items.c.item, items.c.competence)
    ).all()
    if rows:
        insert(connection, schema.logs, [log_row(r.item, LogLine(now, "warning", "queue", event)) for r in rows])
        bump(connection, *{Competence.parse(row.competence) for row in rows})


def _still_held(connection: Connection, owner: str, results: Sequence[ItemResult]) -> dict[int, sa.Row[Any]]:
    """The items that ``owner`` still holds under the claim that it works for; others are lost."""
    claims = {one.item: one.claim for one in results}
    rows = connection.execute(
        sa.select(items).where(
            items.c.item.in_(list(claims)), items.c.outcome == ItemOutcome.RUNNING, items.c.owner == owner
        )
    ).all()
    return {row.item: row for row in rows if claim_id(row.item, row.attempt) == claims[row.item]}


def _taken(connection: Connection, competence: Competence, contracts: list[str]) -> dict[str, Rule]:
    """The ledger's share of rules 7 and 8; rule 6 is held by the unique index on live items."""
    value, event = schema.eventual_values, schema.zero_events
    taken: dict[str, Rule] = {}
    events = connection.execute(
        sa.select(event.c.contract).where(
            event.c.competence == str(competence), ~event.c.reversed, event.c.contract.in_(contracts)
        )
    ).scalars()
    taken.update(dict.fromkeys(events, Rule.NO_ZERO_EVENT))
    values = connection.execute(
        sa.select(value.c.contract).where(
            value.c.competence == str(competence),
            ~value.c.deleted,
            value.c.service.is_not(None),
            value.c.contract.in_(contracts),
        )
    ).scalars()
    taken.update(dict.fromkeys(values, Rule.NO_EVENTUAL_VALUE))
    return taken
