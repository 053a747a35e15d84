"""The ledger looked at without trusting its own constraints (ports.LedgerDoctor).

What is read does not grow with history: queues and leases by their partial indexes, the rest of a few months, see
``Depth``. That no older month was charged twice follows from the unique indexes, as long as they are there; where one
is missing, all history is looked at instead. Without a ``Depth`` all of it is, always.
"""

import random
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from stfc.adapters.ledger import schema, unfinished
from stfc.adapters.ledger.audit import verified
from stfc.adapters.ledger.database import Database
from stfc.adapters.ledger.images import as_arrow
from stfc.adapters.ledger.months import broken_closings
from stfc.adapters.ledger.parts import read_listed_paths, read_live_calls, read_rollup
from stfc.adapters.ledger.records import claim_id, load
from stfc.adapters.ledger.sets import among
from stfc.adapters.ledger.snapshots import kept
from stfc.domain.competence import Competence
from stfc.domain.outcome import LIVE_OUTCOMES, ItemOutcome
from stfc.services.ports import Depth, LedgerHealth, LiveCalls, Observation, Rollup, SnapshotRow

items, charges, values, events = schema.items, schema.charges, schema.eventual_values, schema.zero_events
batches, workers = schema.batches, schema.workers

_EXAMPLES = 5
_LARGE_FILE = 256 << 20
"""Bytes from which on SQLite's check of the whole file is left to those who ask for all."""
_GUARDS = {"items": "one_live_item", "charges": "one_live_charge"}
"""The unique indexes that hold *never twice*, by what they hold it for."""
_LIVE_CHARGES = ("live", "held")
_BILLED = (ItemOutcome.CHARGED, ItemOutcome.HELD)
_CLAIMS = pa.schema(
    [
        ("claim", pa.int64()),
        ("contract", pa.string()),
        ("competence", pa.string()),
        ("calls", pa.int64()),
        ("amount", pa.int64()),
    ]
)


class SqlLedgerDoctor:
    """``ports.LedgerDoctor`` over SQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def examine(self, now: datetime, ledger_now: datetime, depth: Depth | None) -> LedgerHealth:
        """Everything that the ledger alone can tell, in one read transaction."""
        with self._database.read() as connection:
            months = list(connection.execute(_by_revision()).scalars())
            chosen = months if depth is None else _chosen(connection, months, depth)
            paused = sa.select(batches.c.batch, batches.c.pause_code).where(batches.c.pause_code.is_not(None))
            registered = connection.execute(sa.select(workers).order_by(workers.c.owner)).all()
            dead = [row for row in registered if row.noted_at + _lease(row) < ledger_now]
            unguarded = _unguarded(connection)
            return LedgerHealth(
                findings=(
                    *(_damage(connection, whole=depth is None) if self._database.is_sqlite else ()),
                    *(Observation("never_twice", "DOC-IDX", {"index": _GUARDS[what]}) for what in unguarded),
                    *_twice(connection, chosen, unguarded),
                    *_disagreements(connection, chosen),
                    *(Observation("amounts", "DOC-FEC", {"month": m}) for m in broken_closings(connection, chosen)),
                    *_unowned(connection),
                    *_out_of_step([row for row in registered if row not in dead]),
                    *unfinished.examine(connection, now),
                    *_broken_trail(connection, None if depth is None else depth.lines),
                ),
                snapshot=_current_snapshot(connection),
                snapshots=kept(connection),
                waiting=_waiting(connection),
                paused={row.batch: row.pause_code for row in connection.execute(paused.order_by(batches.c.batch))},
                dead=len(dead),
                newest=_newest(connection),
                listed=read_listed_paths(connection),
                parts=read_live_calls(connection).parts,
                calls=_calls_of(connection, chosen),
                claims=_claims(connection, chosen),
                rollups=_rollups_of(connection, chosen),
                examined=len(chosen),
                months=len(months),
            )


def _by_revision() -> sa.Select[Any]:
    months = schema.months
    return sa.select(months.c.competence).order_by(months.c.revision.desc(), months.c.competence.desc())


def _chosen(connection: Connection, months: list[str], depth: Depth) -> list[str]:
    """The first of ``months`` that ``depth`` allows, and one of the others, another at each revision."""
    parts = schema.parts
    query = sa.select(parts.c.competence, sa.func.sum(parts.c.rows)).where(parts.c.live).group_by(parts.c.competence)
    weights = {competence: int(rows) for competence, rows in connection.execute(query)}
    chosen: list[str] = []
    for month in months[: depth.months]:
        if chosen and sum(weights.get(one, 0) for one in (*chosen, month)) > depth.calls:
            break
        chosen.append(month)
    revision = connection.execute(sa.select(schema.state.c.revision)).scalar_one()
    return chosen + random.Random(revision).sample(months[len(chosen) :], min(1, len(months) - len(chosen)))


def _calls_of(connection: Connection, months: Collection[str]) -> LiveCalls:
    found = [read_live_calls(connection, Competence.parse(month)) for month in months]
    return LiveCalls(
        revision=connection.execute(sa.select(schema.state.c.revision)).scalar_one(),
        parts=tuple(part for one in found for part in one.parts),
        excluded=frozenset(claim for one in found for claim in one.excluded),
    )


def _rollups_of(connection: Connection, months: Collection[str]) -> dict[Competence, Rollup]:
    found = {competence: read_rollup(connection, competence) for competence in map(Competence.parse, months)}
    return {competence: rollup for competence, rollup in found.items() if rollup is not None}


def _current_snapshot(connection: Connection) -> SnapshotRow | None:
    table = schema.snapshots
    query = sa.select(table).join(schema.state, schema.state.c.snapshot == table.c.snapshot)
    row = connection.execute(query).first()
    return SnapshotRow(row.snapshot, row.imported_at, load(row.rows)) if row else None


def _newest(connection: Connection) -> datetime | None:
    """The instant of the last line of the audit trail and of the logs."""
    last = [
        connection.execute(sa.select(table.c.at).order_by(key.desc()).limit(1)).scalar()
        for table, key in ((schema.audit, schema.audit.c.seq), (schema.logs, schema.logs.c.log))
    ]
    return max((at for at in last if at is not None), default=None)


def _unguarded(connection: Connection) -> list[str]:
    """What has no unique index over contract and competence any more."""
    inspector = sa.inspect(connection)
    return [
        what
        for what, name in _GUARDS.items()
        if not any(index["name"] == name and index["unique"] for index in inspector.get_indexes(what))
    ]


def _damage(connection: Connection, *, whole: bool) -> Iterator[Observation]:
    """What SQLite's own check says, and rows that name others which do not exist; not of a large file unless asked."""
    pages, size = (connection.exec_driver_sql(f"PRAGMA {name}").scalar_one() for name in ("page_count", "page_size"))
    if pages * size > _LARGE_FILE and not whole:
        return
    for (message,) in connection.exec_driver_sql(f"PRAGMA quick_check({_EXAMPLES})"):
        if message != "ok":
            yield Observation("ledger", "DOC-INT", {"detail": message})
    broken = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
    for table in sorted({str(row[0]) for row in broken}):
        yield Observation("ledger", "DOC-INT", {"detail": f"foreign key: {table}"})


def _twice(connection: Connection, months: Collection[str], unguarded: Collection[str]) -> Iterator[Observation]:
    """A contract that has two of what there may be one of in one of ``months`` (PRODUCT 5, *Never twice*), or in any
    where it is ``unguarded``."""
    sources: tuple[tuple[str, sa.Table, sa.ColumnElement[bool]], ...] = (
        ("items", items, ~items.c.reversed & items.c.outcome.in_(sorted(LIVE_OUTCOMES))),
        ("charges", charges, charges.c.status.in_(_LIVE_CHARGES)),
        ("values", values, ~values.c.deleted & values.c.service.is_not(None) & (values.c.kind == "addition")),
        ("events", events, ~events.c.reversed),
    )
    for what, table, live in sources:
        query = (
            sa.select(table.c.contract, table.c.competence)
            .where(live, sa.true() if what in unguarded else among(table.c.competence, months))
            .group_by(table.c.contract, table.c.competence)
            .having(sa.func.count() > 1)
        )
        yield from _observed(connection, query, "never_twice", "DOC-DUP", what=what)


def _disagreements(connection: Connection, months: Collection[str]) -> Iterator[Observation]:
    """Items, charges, values and events of ``months`` that do not say the same of one contract."""
    value_of_item = values.c.value_id == sa.literal("STFC-") + sa.cast(items.c.item, sa.String)
    is_live = charges.c.status.in_(_LIVE_CHARGES)
    is_held = items.c.outcome == ItemOutcome.HELD
    billed = (
        sa.select(items.c.contract, items.c.competence)
        .select_from(items.outerjoin(charges, charges.c.item == items.c.item).outerjoin(values, value_of_item))
        .where(
            among(items.c.competence, months),
            items.c.outcome.in_(_BILLED),
            sa.or_(
                charges.c.charge.is_(None),
                values.c.value_id.is_(None),
                _differ(charges, items, "contract", "competence", "amount", "calls"),
                _differ(values, charges, "contract", "competence", "amount", "source_sha256"),
                is_live == items.c.reversed,
                values.c.deleted != items.c.reversed,
                sa.and_(~items.c.reversed, (charges.c.status == "held") != is_held),
                sa.and_(~items.c.reversed, values.c.held != is_held),
            ),
        )
    )
    yield from _observed(connection, billed, "amounts", "DOC-VAL", what="items")
    for what, table in (("charges", charges), ("values", values)):
        stray = (
            sa.select(table.c.contract, table.c.competence)
            .select_from(table.outerjoin(items, items.c.item == table.c.item))
            .where(among(table.c.competence, months), sa.or_(items.c.item.is_(None), items.c.outcome.not_in(_BILLED)))
        )
        yield from _observed(connection, stray, "amounts", "DOC-VAL", what=what)
    zero = (
        sa.select(items.c.contract, items.c.competence)
        .select_from(items.outerjoin(events, events.c.item == items.c.item))
        .where(
            among(items.c.competence, months),
            items.c.outcome == ItemOutcome.ZERO,
            sa.or_(
                events.c.event.is_(None),
                events.c.reversed != items.c.reversed,
                items.c.amount != 0,
                _differ(events, items, "contract", "competence"),
            ),
        )
    )
    yield from _observed(connection, zero, "amounts", "DOC-VAL", what="zero")
    stray_events = (
        sa.select(events.c.contract, events.c.competence)
        .select_from(events.outerjoin(items, items.c.item == events.c.item))
        .where(among(events.c.competence, months), sa.or_(items.c.item.is_(None), items.c.outcome != ItemOutcome.ZERO))
    )
    yield from _observed(connection, stray_events, "amounts", "DOC-VAL", what="events")


def _differ(one: sa.Table, other: sa.Table, *names: str) -> sa.ColumnElement[bool]:
    return sa.or_(*(one.c[name].is_distinct_from(other.c[name]) for name in names))


def _broken_trail(connection: Connection, last: int | None) -> Iterator[Observation]:
    """The first line of the audit trail, or of its ``last`` ones, that is not as it was written."""
    verdict = verified(connection, last)
    if verdict.broken is not None:
        yield Observation("audit", "DOC-AUD", {"line": verdict.broken, "what": verdict.breach})


def _unowned(connection: Connection) -> Iterator[Observation]:
    """Items that run in the hands of nobody: no lease would ever free them."""
    query = (
        sa.select(items.c.contract, items.c.competence)
        .select_from(items.outerjoin(workers, workers.c.owner == items.c.owner))
        .where(items.c.outcome == ItemOutcome.RUNNING, workers.c.owner.is_(None))
    )
    yield from _observed(connection, query, "worker", "DOC-PRE")


def _lease(worker: sa.Row[Any]) -> timedelta:
    lease: timedelta = worker.lease_until - worker.beat_at
    return lease


def _out_of_step(alive: Sequence[sa.Row[Any]]) -> Iterator[Observation]:
    """Workers whose clock differs from the ledger's by more than their lease: others take them for dead, or for alive
    long after their death."""
    for row in alive:
        off = abs(row.beat_at - row.noted_at)
        if off > _lease(row):
            facts = {"host": row.host, "pid": row.pid, "seconds": round(off.total_seconds())}
            yield Observation("clock", "DOC-RPR", facts)


def _observed(
    connection: Connection, query: sa.Select[Any], check: str, code: str, **facts: Any
) -> Iterator[Observation]:
    """One observation for all rows of ``query`` (contract, competence, …): how many, and the first few."""
    total = connection.execute(sa.select(sa.func.count()).select_from(query.subquery())).scalar_one()
    if total:
        rows = connection.execute(query.order_by(sa.literal_column("2"), sa.literal_column("1")).limit(_EXAMPLES))
        examples = [f"{row.contract} ({row.competence})" for row in rows]
        yield Observation(check, code, {"count": total, "contracts": examples, **facts})


def _waiting(connection: Connection) -> int:
    query = (
        sa.select(sa.func.count())
        .select_from(items.join(batches))
        .where(items.c.outcome == ItemOutcome.WAITING, batches.c.pause_code.is_(None))
    )
    return connection.execute(query).scalar_one()


def _claims(connection: Connection, months: Collection[str]) -> pa.Table:
    done = (*_BILLED, ItemOutcome.ZERO)
    # Where retention let the calls go, none can be compared.
    purged = sa.select(schema.months.c.competence).where(schema.months.c.purged_at.is_not(None))
    months = set(months) - set(connection.execute(purged).scalars())
    query = (
        sa.select(items.c.item, items.c.attempt, items.c.contract, items.c.competence, items.c.calls, items.c.amount)
        .where(among(items.c.competence, months), items.c.outcome.in_(done), ~items.c.reversed, items.c.calls > 0)
        .order_by(items.c.item)
    )
    rows = [
        (claim_id(row.item, row.attempt), row.contract, row.competence, row.calls, row.amount)
        for row in connection.execute(query)
    ]
    return as_arrow(rows, _CLAIMS)
