"""The audit trail: appended to, read, and verified line by line (ports.AuditLedger, ports.AuditTrail)."""

from collections.abc import Generator, Mapping
from contextlib import closing
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from stfc.adapters.ledger import schema
from stfc.adapters.ledger.database import Database, bump
from stfc.adapters.ledger.records import AUDITED, audit, audit_hash, load
from stfc.services.ports import Actor, AuditLine, AuditVerdict

lines, state = schema.audit, schema.state

_AT_ONCE = 1_000
_SEARCHED = ("who", "role", "surface", "action", "target", "reason", "facts")


class SqlAuditLedger:
    """``ports.AuditLedger`` and ``ports.AuditTrail`` over SQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def append(
        self, actor: Actor, now: datetime, action: str, target: str, *, reason: str, facts: Mapping[str, Any]
    ) -> None:
        """Add a line in a transaction of its own."""
        with self._database.write() as connection:
            audit(connection, actor, now, action, target, reason=reason, facts=facts)
            bump(connection)

    def page(self, *, search: str = "", offset: int = 0, limit: int | None = None) -> tuple[int, list[AuditLine]]:
        """How many lines hold ``search``, and a page of them, newest first."""
        query = sa.select(lines)
        if search:
            query = query.where(sa.or_(*(lines.c[name].icontains(search, autoescape=True) for name in _SEARCHED)))
        with self._database.read() as connection:
            total = connection.execute(sa.select(sa.func.count()).select_from(query.subquery())).scalar_one()
            found = connection.execute(query.order_by(lines.c.seq.desc()).offset(offset).limit(limit))
            return total, [_line(row) for row in found]

    def verify(self) -> AuditVerdict:
        """Whether every line is as it was written, none is missing and none was added; reads the whole trail."""
        with self._database.read() as connection:
            return verified(connection)


def verified(connection: Connection, last: int | None = None) -> AuditVerdict:
    """The verdict on the trail, or on its ``last`` lines, inside the caller's transaction and in constant memory."""
    head = connection.execute(sa.select(state.c.audit_lines, state.c.audit_hash)).one()
    skipped = 0 if last is None else max(0, head.audit_lines - last)
    previous = _hash_of(connection, skipped) if skipped else schema.AUDIT_START
    if previous is None:
        return AuditVerdict(0, schema.AUDIT_START, skipped, "missing")
    seq = skipped
    with closing(_stored(connection, skipped)) as stored:
        for line in stored:
            breach = _breach(line, seq + 1, head.audit_lines, previous)
            if breach:
                return AuditVerdict(seq - skipped, previous, line["seq"] if breach == "added" else seq + 1, breach)
            seq, previous = seq + 1, line["hash"]
    if seq < head.audit_lines:
        return AuditVerdict(seq - skipped, previous, seq + 1, "missing")
    if previous != head.audit_hash:
        return AuditVerdict(seq - skipped, previous, seq, "changed")
    return AuditVerdict(seq - skipped, previous)


def _breach(line: Mapping[str, Any], expected: int, most: int, previous: str) -> str | None:
    """What is wrong at the place of line ``expected``, where ``line`` was found; a key of ``text.AUDIT_BREACHES``."""
    if expected > most or line["seq"] < expected:
        return "added"
    if line["seq"] != expected:
        return "missing"
    return None if audit_hash(line, previous) == line["hash"] else "changed"


def _hash_of(connection: Connection, seq: int) -> str | None:
    return connection.execute(sa.select(lines.c.hash).where(lines.c.seq == seq)).scalar()


def _stored(connection: Connection, after: int) -> Generator[dict[str, Any], None, None]:
    """The lines after ``after`` as the store has them, whatever somebody made of them."""
    columns = [_raw(connection, lines.c[name]).label(name) for name in (*AUDITED, "hash")]
    query = sa.select(*columns).order_by(lines.c.seq)
    if after:
        query = query.where(lines.c.seq > after)
    with connection.execute(query, execution_options={"yield_per": _AT_ONCE}) as found:
        for row in found:
            yield {name: _decoded(value) for name, value in row._mapping.items()}


def _raw(connection: Connection, column: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    if not isinstance(column.type, sa.String):
        return sa.type_coerce(column, sa.BigInteger)
    # SQLite keeps any bytes in a text column, and its driver gives up on those that are no UTF-8.
    return sa.cast(column, sa.LargeBinary) if connection.dialect.name == "sqlite" else column


def _decoded(value: Any) -> Any:
    return value.decode("utf-8", "surrogateescape") if isinstance(value, bytes) else value


def _line(row: sa.Row[Any]) -> AuditLine:
    return AuditLine(
        seq=row.seq,
        at=row.at,
        who=row.who,
        role=row.role,
        surface=row.surface,
        action=row.action,
        target=row.target,
        reason=row.reason,
        facts=load(row.facts),
        hash=row.hash,
    )
