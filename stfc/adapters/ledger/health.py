"""The ledger looked at without trusting its own constraints (ports.LedgerDoctor)."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pyarrow as pa
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from stfc.adapters.ledger import schema
from stfc.adapters.ledger.database import Database
from stfc.adapters.ledger.images import as_arrow, read_live_calls
from stfc.adapters.ledger.parts import read_listed_paths
from stfc.adapters.ledger.records import claim_id
from stfc.domain.outcome import LIVE_OUTCOMES, ItemOutcome
from stfc.services.ports import LedgerHealth, Observation

items, charges, values, events = schema.items, schema.charges, schema.eventual_values, schema.zero_events
batches, workers = schema.batches, schema.workers

_EXAMPLES = 5
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

    def examine(self, now: datetime) -> LedgerHealth:
        """Everything that the ledger alone can tell, in one read transaction."""
        with self._database.read() as connection:
            paused = sa.select(batches.c.batch, batches.c.pause_code).where(batches.c.pause_code.is_not(None))
            dead = sa.select(sa.func.count()).select_from(workers).where(workers.c.lease_until < now)
            return LedgerHealth(
                findings=(
                    *(_damage(connection) if self._database.is_sqlite else ()),
                    *_twice(connection),
                    *_disagreements(connection),
                    *_unowned(connection),
                ),
                snapshot=connection.execute(sa.select(schema.state.c.snapshot)).scalar_one(),
                waiting=_waiting(connection),
                paused={row.batch: row.pause_code for row in connection.execute(paused.order_by(batches.c.batch))},
                dead=connection.execute(dead).scalar_one(),
                listed=read_listed_paths(connection),
                calls=read_live_calls(connection),
                claims=_claims(connection),
            )


def _damage(connection: Connection) -> Iterator[Observation]:
    """What SQLite's own check says, and rows that name others which do not exist."""
    for (message,) in connection.exec_driver_sql(f"PRAGMA quick_check({_EXAMPLES})"):
        if message != "ok":
            yield Observation("ledger", "DOC-INT", {"detail": message})
    broken = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
    for table in sorted({str(row[0]) for row in broken}):
        yield Observation("ledger", "DOC-INT", {"detail": f"foreign key: {table}"})


def _twice(connection: Connection) -> Iterator[Observation]:
    """A contract that has two of what there may be one of in a competence (PRODUCT 5, *Never twice*)."""
    sources: tuple[tuple[str, sa.Table, sa.ColumnElement[bool]], ...] = (
        ("items", items, ~items.c.reversed & items.c.outcome.in_(sorted(LIVE_OUTCOMES))),
        ("charges", charges, charges.c.status.in_(_LIVE_CHARGES)),
        ("values", values, ~values.c.deleted & values.c.service.is_not(None) & (values.c.kind == "addition")),
        ("events", events, ~events.c.reversed),
    )
    for what, table, live in sources:
        query = (
            sa.select(table.c.contract, table.c.competence)
            .where(live)
            .group_by(table.c.contract, table.c.competence)
            .having(sa.func.count() > 1)
        )
        yield from _observed(connection, query, "never_twice", "DOC-DUP", what=what)


def _disagreements(connection: Connection) -> Iterator[Observation]:
    """Items, charges, values and events that do not say the same of one contract."""
    value_of_item = values.c.value_id == sa.literal("STFC-") + sa.cast(items.c.item, sa.String)
    is_live = charges.c.status.in_(_LIVE_CHARGES)
    is_held = items.c.outcome == ItemOutcome.HELD
    billed = (
        sa.select(items.c.contract, items.c.competence)
        .select_from(items.outerjoin(charges, charges.c.item == items.c.item).outerjoin(values, value_of_item))
        .where(
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
            .where(sa.or_(items.c.item.is_(None), items.c.outcome.not_in(_BILLED)))
        )
        yield from _observed(connection, stray, "amounts", "DOC-VAL", what=what)
    zero = (
        sa.select(items.c.contract, items.c.competence)
        .select_from(items.outerjoin(events, events.c.item == items.c.item))
        .where(
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
        .where(sa.or_(items.c.item.is_(None), items.c.outcome != ItemOutcome.ZERO))
    )
    yield from _observed(connection, stray_events, "amounts", "DOC-VAL", what="events")


def _differ(one: sa.Table, other: sa.Table, *names: str) -> sa.ColumnElement[bool]:
    return sa.or_(*(one.c[name].is_distinct_from(other.c[name]) for name in names))


def _unowned(connection: Connection) -> Iterator[Observation]:
    """Items that run in the hands of nobody: no lease would ever free them."""
    query = (
        sa.select(items.c.contract, items.c.competence)
        .select_from(items.outerjoin(workers, workers.c.owner == items.c.owner))
        .where(items.c.outcome == ItemOutcome.RUNNING, workers.c.owner.is_(None))
    )
    yield from _observed(connection, query, "worker", "DOC-PRE")


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


def _claims(connection: Connection) -> pa.Table:
    done = (*_BILLED, ItemOutcome.ZERO)
    query = (
        sa.select(items.c.item, items.c.attempt, items.c.contract, items.c.competence, items.c.calls, items.c.amount)
        .where(items.c.outcome.in_(done), ~items.c.reversed, items.c.calls > 0)
        .order_by(items.c.item)
    )
    rows = [
        (claim_id(row.item, row.attempt), row.contract, row.competence, row.calls, row.amount)
        for row in connection.execute(query)
    ]
    return as_arrow(rows, _CLAIMS)
