"""Small shared writings: facts as JSON text, log lines, audit lines, and a batch's status from its items."""

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from stfc.adapters.ledger import schema
from stfc.domain.outcome import ItemOutcome
from stfc.services.ports import Actor, LogLine

CLAIM_ATTEMPTS = 4096
"""A claim id is ``item * CLAIM_ATTEMPTS + attempt``: one integer names the item and the attempt that wrote a row."""


def claim_id(item: int, attempt: int) -> int:
    """The claim of an item's attempt."""
    return item * CLAIM_ATTEMPTS + attempt


def item_of(claim: int) -> int:
    """The item that a claim belongs to."""
    return claim // CLAIM_ATTEMPTS


def dump(facts: Mapping[str, Any]) -> str:
    """Facts as JSON text, keys sorted, dates and decimals as text."""
    return json.dumps(facts, ensure_ascii=False, sort_keys=True, default=str)


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


def insert(connection: Connection, table: sa.Table, rows: Iterable[Mapping[str, Any]]) -> None:
    """Insert all rows in one statement's batch; nothing when there are none."""
    listed = list(rows)
    if listed:
        connection.execute(sa.insert(table), listed)


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
    connection.execute(
        sa.insert(schema.audit).values(
            at=now,
            who=actor.name,
            role=actor.role,
            surface=actor.surface,
            action=action,
            target=target,
            reason=reason,
            facts=dump(facts or {}),
        )
    )


def refresh_batch(connection: Connection, batch: int, now: datetime) -> None:
    """Set a batch's status and end from its items; a pause stands until it is lifted."""
    items, batches = schema.items, schema.batches
    counts: dict[str, int] = dict(
        connection.execute(
            sa.select(items.c.outcome, sa.func.count()).where(items.c.batch == batch).group_by(items.c.outcome)
        )
        .tuples()
        .all()
    )
    row = connection.execute(sa.select(batches).where(batches.c.batch == batch)).one()
    status = _status(counts, started=row.started_at is not None, paused=row.pause_code is not None)
    ended = status in ("done", "cancelled")
    values: dict[str, Any] = {"status": status, "ended_at": (row.ended_at or now) if ended else None}
    if ended:
        values |= {"pause_code": None, "paused_at": None}
    connection.execute(sa.update(batches).where(batches.c.batch == batch).values(**values))


def _status(counts: Mapping[str, int], *, started: bool, paused: bool) -> str:
    is_open = counts.get(ItemOutcome.WAITING, 0) + counts.get(ItemOutcome.RUNNING, 0) > 0
    if not is_open:
        return "cancelled" if set(counts) == {ItemOutcome.CANCELLED} else "done"
    if paused:
        return "paused"
    return "running" if started else "waiting"
