"""The durable queue: claims under a lease, and the one transaction that settles a chunk (ports.WorkLedger)."""

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, assert_never

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from stfc.adapters.ledger import schema
from stfc.adapters.ledger.database import Database, bump, confirm_snapshot, is_closed, ledger_now
from stfc.adapters.ledger.parts import read_live_calls
from stfc.adapters.ledger.plans import mark_used, read_versions
from stfc.adapters.ledger.records import (
    ENDED,
    claim_id,
    dump,
    event_id,
    insert,
    load,
    log_all,
    log_row,
    refresh_batch,
    value_id,
)
from stfc.adapters.ledger.schema import is_outcome
from stfc.adapters.ledger.sets import among, rows
from stfc.domain.competence import Competence, local_day
from stfc.domain.eligibility import Rule
from stfc.domain.money import Centavos, plain
from stfc.domain.outcome import (
    DONE_OUTCOMES,
    LIFTED_BY_ITSELF,
    Charged,
    Failed,
    Held,
    ItemOutcome,
    NotAvailable,
    Outcome,
    Postponed,
    Refused,
    Unfinished,
    Zero,
)
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
_COUNTED = 1_000
_PAST_MONTHS = 12
_ENDINGS = ("code", "rule", "amount", "calls", "next_try_at", "ended_at", "period_from", "period_until")


class SqlWorkLedger:
    """``ports.WorkLedger`` over SQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    # --- Workers and leases

    def heartbeat(self, owner: str, *, host: str, pid: int, now: datetime, lease_until: datetime) -> None:
        """Renew the lease of ``owner`` and hand back what workers without a lease still hold."""
        with self._database.write() as connection:
            beat = {"lease_until": lease_until, "beat_at": now, "noted_at": ledger_now(connection)}
            renewed = connection.execute(sa.update(workers).where(workers.c.owner == owner).values(**beat))
            if not renewed.rowcount:
                row = {"owner": owner, "host": host, "pid": pid, "started_at": now, **beat}
                connection.execute(sa.insert(workers).values(**row))
            _free(connection, now)

    def free(self, *, now: datetime) -> int:
        """Forget dead workers and hand back what nobody alive holds, as every heartbeat does; gives how many items.

        Also those whose clock was ahead, and whose lease therefore would not run out for long.
        """
        with self._database.write() as connection:
            connection.execute(sa.delete(workers).where(_was_ahead(connection)))
            return _free(connection, now)

    def leave(self, owner: str, *, now: datetime) -> None:
        """Hand back all that ``owner`` holds, at once, and forget it."""
        with self._database.write() as connection:
            hand_back(connection, items.c.owner == owner, now, event="worker_stopped")
            connection.execute(sa.delete(workers).where(workers.c.owner == owner))

    def release(self, owner: str, items: Sequence[int], *, now: datetime, event: str = "released") -> None:
        """Hand back some of what ``owner`` holds, no attempt spent."""
        table = schema.items
        with self._database.write() as connection:
            hand_back(connection, sa.and_(table.c.owner == owner, among(table.c.item, items)), now, event=event)

    def workers(self, now: datetime) -> list[WorkerRow]:
        """The workers whose lease has not run out, each with how many items it holds."""
        held = (
            sa.select(sa.func.count())
            .where(is_outcome(ItemOutcome.RUNNING), items.c.owner == workers.c.owner)
            .scalar_subquery()
        )
        shown = [workers.c[name] for name in ("owner", "host", "pid", "started_at", "lease_until")]
        query = sa.select(*shown, held.label("running")).where(workers.c.lease_until >= now)
        with self._database.read() as connection:
            return [WorkerRow(**row._mapping) for row in connection.execute(query.order_by(workers.c.started_at))]

    # --- Claims

    def claim(self, owner: str, *, now: datetime, limit: int, batch: int | None, slow: bool) -> Claim | None:
        """Hold up to ``limit`` due items of the oldest batch that has any, in contract order.

        A contract that another batch is billing for another month has to wait: its files are settled one after the
        other, so that a record which both carry is seen by the second.
        """
        with self._database.write() as connection:
            for open_ in connection.execute(_open_batches(batch)).all():
                found = connection.execute(_due(open_, now, slow).limit(limit)).all()
                if found:
                    return self._claimed(connection, owner, open_, found, now)
            return None

    def _claimed(
        self, connection: Connection, owner: str, batch: sa.Row[Any], found: Sequence[sa.Row[Any]], now: datetime
    ) -> Claim:
        competence = Competence.parse(batch.competence)
        _hold(connection, owner, [row.item for row in found], now)
        _start(connection, batch, now)
        bump(connection, competence)
        contracts = [row.contract for row in found]
        charged = read_history(connection, competence, contracts)
        undecided = read_undecided(connection, contracts)
        return Claim(
            batch=batch.batch,
            competence=competence,
            snapshot=batch.snapshot,
            items=tuple(
                ClaimedItem(
                    row.item,
                    claim_id(row.item, row.attempt + 1),
                    row.contract,
                    row.tries,
                    unfinished=max(0, row.attempt - row.tries),
                    charged=tuple(charged.get(row.contract, ())),
                    undecided=frozenset(undecided.get(row.contract, ())),
                )
                for row in found
            ),
            waiting=_count_waiting(connection, batch.batch),
            # The slow lane is not in contract order.
            calls=read_live_calls(connection, contracts=(min(contracts), max(contracts))),
            plans=read_versions(connection),
        )

    def next_due(self, *, batch: int | None) -> datetime | None:
        """When the next waiting item of a batch that is not paused may be tried."""
        open_ = _open_batches(batch).with_only_columns(batches.c.batch).order_by(None)
        waiting = [is_outcome(ItemOutcome.WAITING), items.c.batch.in_(open_)]
        # Of a large batch most have not been tried yet, and the first one of them answers.
        new = sa.select(batches.c.created_at).select_from(items.join(batches)).where(items.c.next_try_at.is_(None))
        again = sa.select(sa.func.min(items.c.next_try_at, type_=schema.Instant))
        with self._database.read() as connection:
            created: datetime | None = connection.execute(new.where(*waiting).limit(1)).scalar()
            return created or connection.execute(again.where(*waiting)).scalar()

    def is_running(self, *, batch: int | None) -> bool:
        """Whether any worker holds an item."""
        query = sa.select(items.c.item).where(is_outcome(ItemOutcome.RUNNING)).limit(1)
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
        """Write a chunk, all or nothing (ARCHITECTURE, *The ledger is the catalogue*).

        The same result again changes nothing and counts as lost: a caller who never heard of its commit may repeat it.
        """
        with self._database.write() as connection:
            confirm_snapshot(connection, evaluation.snapshot)
            claimed = _claimed_rows(connection, result.results)
            # No month is closed while an item of it runs: what comes for one that is was taken from its worker before.
            if is_closed(connection, competence) or _is_settled(connection, result, claimed):
                return {"lost": len(result.results)}
            held = {i: row for i, row in claimed.items() if (row.outcome, row.owner) == (ItemOutcome.RUNNING, owner)}
            taken = _taken(connection, competence, [r.contract for r in result.results])
            settlement = Settlement(competence, evaluation, now, retry, jitter)
            for one in result.results:
                settlement.add(one, held.get(one.item), taken.get(one.contract))
            settlement.write(connection, result)
            bump(connection, competence)
            for batch in settlement.batches:
                refresh_batch(connection, batch, now)
            return dict(settlement.counts)

    # --- Pauses and the platform

    def pause(self, batch: int | None, code: str, *, now: datetime) -> None:
        """Stop claiming from the batch, or from all that have not ended, with the code that says why.

        The first code stands, for it says since when; but a pause that only a person lifts is hidden by none that
        lifts itself.
        """
        gives_way = [] if code in LIFTED_BY_ITSELF else sorted(LIFTED_BY_ITSELF)
        chosen = [
            sa.or_(batches.c.pause_code.is_(None), batches.c.pause_code.in_(gives_way)),
            batches.c.ended_at.is_(None),
            *(() if batch is None else (batches.c.batch == batch,)),
        ]
        with self._database.write() as connection:
            paused = connection.execute(
                sa.update(batches)
                .where(*chosen)
                .values(pause_code=code, paused_at=now, status="paused")
                .returning(batches.c.competence)
            ).scalars()
            if months := set(paused):
                bump(connection, *map(Competence.parse, sorted(months)))

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
        names = ("up", "code", "since", "latency_ms", "checked_at", "next_check_at", "not_before")
        return PlatformState(**{name: row._mapping[name] for name in names})

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

    def throttle(self, until: datetime, *, now: datetime) -> None:
        """Remember until when the platform wants no request. It has answered, so that it is up."""
        table = schema.platform
        with self._database.write() as connection:
            before = connection.execute(sa.select(table)).first()
            if before is None:
                contact = {"up": True, "since": now, "checked_at": now}
                connection.execute(sa.insert(table).values(id=1, not_before=until, **contact))
            elif before.not_before is None or before.not_before < until:
                connection.execute(sa.update(table).values(not_before=until))


class Settlement:
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
        self._plans: set[str] = set()

    def add(self, one: ItemResult, held: sa.Row[Any] | None, taken: Rule | None) -> None:
        """Decide one item: ``held`` is its row if it is still ours, ``taken`` a ledger rule that fails by now."""
        if held is None:
            self._exclude(one, "lost")
            self.counts["lost"] += 1
            return
        self.batches.add(held.batch)
        self._logs += [log_row(one.item, line) for line in one.log]
        rule = self._evaluation.failed.get(one.contract, Rule.APPROVED)
        refusal = min((r for r in (rule, taken) if r), key=lambda r: r.number, default=None)
        outcome: Outcome = one.outcome
        if refusal and not isinstance(outcome, Unfinished | Postponed):
            outcome = Refused(refusal)
        self._decide(one, held, outcome)

    def _decide(self, one: ItemResult, held: sa.Row[Any], outcome: Outcome) -> None:
        match outcome:
            case Charged() | Held():
                self._plans |= one.plans
                self._charge(one, held, outcome)
            case Zero():
                self._plans |= one.plans
                self._zero(one, held, outcome)
            case NotAvailable():
                self._end(one, held, ItemOutcome.WAITING_FILE, code="SUM-404", facts={"contract": one.contract})
                self._result(one, "warning", "waiting_file", {})
            case Refused():
                self._exclude(one, "refused")
                self._end(one, held, ItemOutcome.REFUSED, code="REG-ELG", rule=outcome.rule.key)
                self._result(one, "error", "refused", {"rule": outcome.rule.key})
            case Failed():
                self._fail(one, held, outcome)
            case Unfinished():
                facts = load(held.facts)
                self._wait(one, held, tries=held.tries, slow=True, code=held.code, facts=facts, seconds=0)
            case Postponed(code=code, seconds=seconds):
                self._wait(one, held, tries=held.tries, slow=held.slow, code=code, facts=None, seconds=seconds)
                self._result(one, "warning", "postponed", {"code": code, "wait": round(seconds)})
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
                "value_id": value_id(one.item),
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
            **_period(one),
        )
        facts = {"amount": plain(outcome.amount), "calls": outcome.calls, "value_id": value_id(one.item)}
        if isinstance(outcome, Held):
            facts["code"] = outcome.code
        self._result(one, "warning" if is_held else "ok", "held" if is_held else "charged", facts)

    def _zero(self, one: ItemResult, held: sa.Row[Any], outcome: Zero) -> None:
        event = event_id(one.item)
        self._events.append(
            self._row(one, held)
            | {"event": event, "at": local_day(self._now), "reversed": False, "source_sha256": outcome.source_sha256}
        )
        self._end(one, held, ItemOutcome.ZERO, amount=0, calls=outcome.calls, **_period(one))
        self._result(one, "ok", "zero", {"calls": outcome.calls, "event": event})

    def _fail(self, one: ItemResult, held: sa.Row[Any], outcome: Failed) -> None:
        if outcome.code == "SUM-401":
            # The whole batch pauses: refused credentials say nothing about this contract, so no attempt is spent.
            self._wait(one, held, tries=held.tries, slow=held.slow, code=outcome.code, facts=outcome.facts, seconds=0)
            self._result(one, "error", "paused", {**outcome.facts, "code": outcome.code})
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
                {**outcome.facts, "code": outcome.code, "try": tries, "wait": round(seconds)},
            )
            return
        self._end(one, held, ItemOutcome.FAILED, code=outcome.code, facts=outcome.facts)
        self._result(one, "error", "failed", {**outcome.facts, "code": outcome.code, "try": tries})

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
        row = dict.fromkeys(_ENDINGS) | values
        self._updates.append(
            row | {"b_item": one.item, "outcome": outcome.value, "owner": None, "facts": dump(facts) if facts else None}
        )
        self.counts[outcome.value] += 1

    def _result(self, one: ItemResult, level: str, event: str, facts: dict[str, Any]) -> None:
        self._logs.append(log_row(one.item, LogLine(self._now, level, "result", event, facts)))

    def _exclude(self, one: ItemResult, cause: str) -> None:
        month = str(self._competence)
        self._excluded.append({"claim": one.claim, "competence": month, "contract": one.contract, "cause": cause})

    def _newly_excluded(self, connection: Connection) -> list[dict[str, Any]]:
        """What is not excluded yet: a lost chunk may have been done, and settled, twice under the same claims."""
        if not self._excluded:
            return []
        table = schema.exclusions
        query = sa.select(table.c.claim).where(among(table.c.claim, [row["claim"] for row in self._excluded]))
        known = set(connection.execute(query).scalars())
        return [row for row in self._excluded if row["claim"] not in known]

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
        mark_used(connection, self._plans)
        if result.part:
            part = result.part
            insert(connection, schema.exclusions, self._newly_excluded(connection))
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


def _period(one: ItemResult) -> dict[str, date | None]:
    first, last = one.period or (None, None)
    return {"period_from": first, "period_until": last}


def _open_batches(batch: int | None) -> sa.Select[Any]:
    """The batches that may be claimed from, oldest first; only ``batch`` if given."""
    query = sa.select(batches).where(batches.c.status.not_in(ENDED), batches.c.pause_code.is_(None))
    return (query if batch is None else query.where(batches.c.batch == batch)).order_by(batches.c.batch)


def _due(batch: sa.Row[Any], now: datetime, slow: bool) -> sa.Select[Any]:
    other = items.alias()
    busy = sa.select(other.c.contract).where(
        other.c.outcome == sa.literal(ItemOutcome.RUNNING.value, literal_execute=True),
        other.c.competence != batch.competence,
    )
    return (
        sa.select(items.c.item, items.c.contract, items.c.attempt, items.c.tries)
        .where(
            is_outcome(ItemOutcome.WAITING),
            items.c.batch == batch.batch,
            items.c.slow == slow,
            sa.or_(items.c.next_try_at.is_(None), items.c.next_try_at <= now),
            items.c.contract.not_in(busy),
        )
        # The slow lane takes few at a time: what has had fewer turns comes first.
        .order_by(*([items.c.attempt] if slow else []), items.c.contract)
    )


def read_history(
    connection: Connection, competence: Competence, contracts: Collection[str]
) -> Mapping[str, Sequence[Centavos]]:
    """The live charges of ``contracts`` in the months before, newest first: what a charge of ours is compared with."""
    table = schema.charges
    query = sa.select(table.c.contract, table.c.amount).where(
        table.c.status == "live",
        table.c.competence.in_([str(competence.plus(-back)) for back in range(1, _PAST_MONTHS + 1)]),
        among(table.c.contract, contracts),
    )
    found: dict[str, list[Centavos]] = {}
    for row in connection.execute(query.order_by(table.c.contract, table.c.competence.desc())):
        found.setdefault(row.contract, []).append(Centavos(row.amount))
    return found


def read_undecided(connection: Connection, contracts: Collection[str]) -> Mapping[str, Sequence[int]]:
    """The claims of the charges of ``contracts`` that wait for a manager."""
    table = schema.charges
    query = (
        sa.select(table.c.contract, items.c.item, items.c.attempt)
        .join(items, items.c.item == table.c.item)
        .where(table.c.status == sa.literal("held", literal_execute=True), among(table.c.contract, contracts))
    )
    found: dict[str, list[int]] = {}
    for row in connection.execute(query):
        found.setdefault(row.contract, []).append(claim_id(row.item, row.attempt))
    return found


def _count_waiting(connection: Connection, batch: int) -> int:
    """How many items of the batch wait, counted no further than ``_COUNTED``."""
    some = sa.select(items.c.item).where(items.c.batch == batch, is_outcome(ItemOutcome.WAITING)).limit(_COUNTED)
    return connection.execute(sa.select(sa.func.count()).select_from(some.subquery())).scalar_one()


def _hold(connection: Connection, owner: str, chosen: list[int], now: datetime) -> None:
    connection.execute(
        sa.update(items)
        .where(among(items.c.item, chosen))
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


def _was_ahead(connection: Connection) -> sa.ColumnElement[bool]:
    """Whether a worker's clock was off by more than its lease, and the lease is over by the ledger's clock."""
    until, beat, noted = (sa.type_coerce(workers.c[n], sa.BigInteger) for n in ("lease_until", "beat_at", "noted_at"))
    ledgers = sa.type_coerce(ledger_now(connection), sa.BigInteger)
    return sa.and_(beat - noted > until - beat, noted + until - beat < ledgers)


def _free(connection: Connection, now: datetime) -> int:
    connection.execute(sa.delete(workers).where(workers.c.lease_until < now))
    # Not of those just deleted alone: a worker given up by others may claim again before its next beat.
    unowned = sa.or_(items.c.owner.is_(None), items.c.owner.not_in(sa.select(workers.c.owner)))
    return hand_back(connection, unowned, now, event="lease_expired")


def hand_back(connection: Connection, whose: sa.ColumnElement[bool], now: datetime, *, event: str) -> int:
    """Set running items waiting again, no attempt spent; what their workers bring of them counts as lost."""
    found = connection.execute(
        sa.update(items)
        .where(is_outcome(ItemOutcome.RUNNING), whose)
        .values(outcome=ItemOutcome.WAITING, owner=None)
        .returning(items.c.item, items.c.competence)
    ).all()
    if found:
        log_all(connection, rows([row.item for row in found], sa.BigInteger), LogLine(now, "warning", "queue", event))
        bump(connection, *{Competence.parse(row.competence) for row in found})
    return len(found)


def _claimed_rows(connection: Connection, results: Sequence[ItemResult]) -> dict[int, sa.Row[Any]]:
    """The items of ``results`` whose last attempt is the very claim that the results are of."""
    claims = {one.item: one.claim for one in results}
    names = ("item", "batch", "outcome", "owner", "attempt", "tries", "slow", "code", "facts")
    query = sa.select(*(items.c[name] for name in names)).where(among(items.c.item, list(claims)))
    found: Sequence[sa.Row[Any]] = connection.execute(query).all()
    return {row.item: row for row in found if claim_id(row.item, row.attempt) == claims[row.item]}


def _is_settled(connection: Connection, result: ChunkResult, claimed: Mapping[int, sa.Row[Any]]) -> bool:
    """Whether a transaction of this very result has been committed: a claim of it charged, or its part is listed."""
    if any(row.outcome in DONE_OUTCOMES for row in claimed.values()):
        return True
    parts = schema.parts
    listed = sa.select(parts.c.part).where(parts.c.path == result.part.path) if result.part else None
    return listed is not None and connection.execute(listed).first() is not None


def _taken(connection: Connection, competence: Competence, contracts: list[str]) -> dict[str, Rule]:
    """The ledger's share of rules 7 and 8, the first one winning; rule 6 is held by the index on live items."""
    value, event = schema.eventual_values, schema.zero_events
    sources = (
        (Rule.NO_ZERO_EVENT, event, ~event.c.reversed),
        (Rule.NO_EVENTUAL_VALUE, value, ~value.c.deleted & value.c.service.is_not(None)),
    )
    taken: dict[str, Rule] = {}
    for rule, table, live in sources:
        query = sa.select(table.c.contract).where(
            table.c.competence == str(competence), live, among(table.c.contract, contracts)
        )
        taken.update(dict.fromkeys(connection.execute(query).scalars(), rule))
    return taken
