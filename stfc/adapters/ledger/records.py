"""Small shared writings: facts as JSON text, log lines, audit lines, and a batch's status from its items."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cache, partial
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Dialect

from stfc.adapters.ledger import schema
from stfc.domain.outcome import ItemOutcome
from stfc.services.ports import Actor, LogLine

CLAIM_ATTEMPTS = 1 << 20
"""A claim id is ``item * CLAIM_ATTEMPTS + attempt``: one integer names the item and the attempt that wrote a row.

A million attempts: an item may be handed back every few seconds for a month without reaching its neighbour's claims.
"""


# Made once: ``json.dumps`` with options makes an encoder for each of the thousand log lines of a chunk.
_encode = json.JSONEncoder(ensure_ascii=False, sort_keys=True, default=str).encode

AUDITED = ("seq", "at", "who", "role", "surface", "action", "target", "reason", "facts")
"""What a line of the audit trail says, in the order in which it is hashed."""
ENDED = ("done", "cancelled")
"""The states of a batch in which no item waits or runs."""


def claim_id(item: int, attempt: int) -> int:
    """The claim of an item's attempt."""
    return item * CLAIM_ATTEMPTS + attempt


def item_of(claim: int) -> int:
    """The item that a claim belongs to."""
    return claim // CLAIM_ATTEMPTS


def value_id(item: int) -> str:
    """The key, in the ERP too, of the eventual value that an item's charge writes."""
    return f"STFC-{item}"


def correction_value_id(correction: int, time: int = 1) -> str:
    """The key, in the ERP too, of the complement or the refund that settles a corrected file for the ``time``-th time:
    one that was taken back keeps its own."""
    return f"STFC-C{correction}" if time == 1 else f"STFC-C{correction}-{time}"


def event_id(item: int) -> str:
    """The key, in the ERP too, of the zero-billing event that an item writes."""
    return f"STFC-Z{item}"


def dump(facts: Mapping[str, Any]) -> str:
    """Facts as JSON text, keys sorted, dates and decimals as text."""
    return _encode(facts) if facts else "{}"


def load(text: str | None) -> dict[str, Any]:
    """Facts again; empty when there are none."""
    facts: dict[str, Any] = json.loads(text) if text else {}
    return facts


def log_row(item: int, line: LogLine) -> dict[str, Any]:
    """A log line as a row of ``logs``."""
    return {
        "item": item,
        "at": line.at,
        "level": line.level,
        "step": line.step,
        "event": line.event,
        "facts": dump(line.facts),
        "duration_ms": line.duration_ms,
    }


def log_all(connection: Connection, of: sa.Select[Any], line: LogLine) -> None:
    """Write the same log line to every item that ``of`` gives, one id a row."""
    row = log_row(0, line)
    del row["item"]
    (item,) = of.selected_columns
    values = [sa.literal(value, schema.logs.c[name].type) for name, value in row.items()]
    lines = of.with_only_columns(item, *values).order_by(item)
    connection.execute(sa.insert(schema.logs).from_select(["item", *row], lines))


_Insertion = tuple[str, list[str] | None, dict[str, Callable[[Any], Any] | None]]
"""The statement, the order of its values where they have no names, and how each column's values are written."""


def insert(connection: Connection, table: sa.Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert all rows, which name the same columns, in one statement's batch; nothing when there are none.

    The driver gets them directly: SQLAlchemy's own way takes half as long again for the thousand rows of a chunk.
    """
    if not rows:
        return
    text, order, kinds = _insertion(table, tuple(rows[0]), connection.dialect)
    # Column by column, which costs a third of what looking at each name of each row does.
    values = zip(*(_cells(rows, name, kinds[name]) for name in order or kinds), strict=True)
    connection.exec_driver_sql(text, list(values) if order else [dict(zip(kinds, row, strict=True)) for row in values])


@cache
def _insertion(table: sa.Table, names: tuple[str, ...], dialect: Dialect) -> _Insertion:
    columns = [table.c[name] for name in names]
    prepared = sa.insert(table).values({c.name: sa.bindparam(c.name) for c in columns}).compile(dialect=dialect)
    kinds: dict[str, Callable[[Any], Any] | None] = {
        c.name: c.type.dialect_impl(dialect).bind_processor(dialect) for c in columns
    }
    return prepared.string, prepared.positiontup, kinds


def _cells(rows: Sequence[Mapping[str, Any]], name: str, convert: Callable[[Any], Any] | None) -> list[Any]:
    return [row[name] for row in rows] if convert is None else [convert(row[name]) for row in rows]


def audit(
    connection: Connection,
    actor: Actor,
    now: datetime,
    action: str,
    target: str,
    *,
    reason: str | None = None,
    facts: Mapping[str, Any] | None = None,
) -> None:
    """Append a line to the audit trail, in the transaction of the act itself (PRODUCT 9)."""
    audit_all(connection, actor, now, action, [(target, facts or {})], reason=reason)


def audit_all(
    connection: Connection,
    actor: Actor,
    now: datetime,
    action: str,
    targets: Sequence[tuple[str, Mapping[str, Any]]],
    *,
    reason: str | None = None,
) -> None:
    """Append a line for each of ``targets``, which come with their facts: the same act on many things at once.

    Each line is bound to the one before by its hash. The caller holds the write lock, so that no two lines are bound to
    the same one, and what is rolled back leaves no gap.
    """
    state = schema.state
    head = connection.execute(sa.select(state.c.audit_lines, state.c.audit_hash)).one()
    said = {"who": actor.name, "role": actor.role, "surface": actor.surface, "action": action, "reason": reason}
    bound, lines = head.audit_hash, []
    for seq, (target, facts) in enumerate(targets, start=head.audit_lines + 1):
        line = {"seq": seq, "at": now, **said, "target": target, "facts": dump(facts)}
        bound = audit_hash({**line, "at": schema.micros(now)}, bound)
        lines.append({**line, "hash": bound})
    insert(connection, schema.audit, lines)
    connection.execute(sa.update(state).values(audit_lines=head.audit_lines + len(lines), audit_hash=bound))


def audit_hash(line: Mapping[str, Any], previous: str) -> str:
    """The sha256 that binds a line of the audit trail to the hash of the one before.

    Args:
        line: the columns of ``AUDITED`` as they are stored; the instant in microseconds, the facts as text.
        previous: ``schema.AUDIT_START`` for the first line.
    """
    return hashlib.sha256(json.dumps([*(line[name] for name in AUDITED), previous]).encode("ascii")).hexdigest()


def refresh_batch(connection: Connection, batch: int, now: datetime) -> None:
    """Set a batch's status and end from its items; a pause stands until it is lifted."""
    batches = schema.batches
    row = connection.execute(sa.select(batches).where(batches.c.batch == batch)).one()
    values: dict[str, Any] = {"status": _status(connection, row), "ended_at": None}
    if values["status"] in ENDED:
        values |= {"ended_at": row.ended_at or now, "pause_code": None, "paused_at": None}
    elif row.ended_at is not None:
        # Taken up again: the days that it lay done are no working time.
        values["idle_micros"] = row.idle_micros + max(0, (now - row.ended_at) // timedelta(microseconds=1))
    connection.execute(sa.update(batches).where(batches.c.batch == batch).values(**values))


def _status(connection: Connection, batch: sa.Row[Any]) -> str:
    # Asked one by one: counting the items of a large batch in every transaction would cost more than settling a chunk.
    is_any = partial(_is_any, connection, batch.batch)
    if is_any(schema.is_outcome(ItemOutcome.WAITING)) or is_any(schema.is_outcome(ItemOutcome.RUNNING)):
        if batch.pause_code is not None:
            return "paused"
        return "running" if batch.started_at is not None else "waiting"
    return "done" if is_any(schema.items.c.outcome != ItemOutcome.CANCELLED) else "cancelled"


def _is_any(connection: Connection, batch: int, condition: sa.ColumnElement[bool]) -> bool:
    query = sa.select(schema.items.c.item).where(schema.items.c.batch == batch, condition).limit(1)
    return connection.execute(query).first() is not None
