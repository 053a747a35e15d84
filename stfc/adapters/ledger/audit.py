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
from stfc.services.ports import EVERY_LINE, Actor, AuditFilter, AuditLine, AuditVerdict, Person

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

    def page(
        self, *, search: str = "", chosen: AuditFilter = EVERY_LINE, offset: int = 0, limit: int | None = None
    ) -> tuple[int, list[AuditLine]]:
        """How many lines of ``chosen`` hold ``search``, and a page of them, newest first."""
        query = sa.select(lines).where(*_chosen(chosen))
        if search:
            query = query.where(sa.or_(*(lines.c[name].icontains(search, autoescape=True) for name in _SEARCHED)))
        with self._database.read() as connection:
            total = connection.execute(sa.select(sa.func.count()).select_from(query.subquery())).scalar_one()
            found = connection.execute(query.order_by(lines.c.seq.desc()).offset(offset).limit(limit))
            return total, [_line(row) for row in found]

    def people(self) -> list[Person]:
        """Everybody who ever acted, a row a role, the last act first."""
        first, last = sa.func.min(lines.c.at), sa.func.max(lines.c.at)
        query = sa.select(lines.c.who, lines.c.role, lines.c.surface, sa.func.count().label("acts"))
        query = query.add_columns(first.label("first_at"), last.label("last_at"))
        with self._database.read() as connection:
            rows = connection.execute(query.group_by(lines.c.who, lines.c.role, lines.c.surface)).all()
        groups: dict[tuple[str, str], list[sa.Row[Any]]] = {}
        for row in rows:
            groups.setdefault((row.who, row.role), []).append(row)
        found = [_person(name, role, group) for (name, role), group in groups.items()]
        return sorted(found, key=lambda one: (one.last_at, one.name, one.role), reverse=True)

    def actions(self) -> list[str]:
        """The names of all acts in the trail, in order."""
        with self._database.read() as connection:
            return sorted(connection.execute(sa.select(lines.c.action).distinct()).scalars())

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


def _chosen(chosen: AuditFilter) -> list[sa.ColumnElement[bool]]:
    found = [
        column == value for column, value in ((lines.c.who, chosen.who), (lines.c.surface, chosen.surface)) if value
    ]
    if chosen.action:
        found.append(lines.c.action.startswith(chosen.action, autoescape=True))
    if chosen.target:
        found.append(lines.c.target.icontains(chosen.target, autoescape=True))
    if chosen.since:
        found.append(lines.c.at >= chosen.since)
    if chosen.until:
        found.append(lines.c.at < chosen.until)
    return found


def _person(name: str, role: str, group: list[sa.Row[Any]]) -> Person:
    return Person(
        name=name,
        role=role,
        surfaces=tuple(sorted(row.surface for row in group)),
        acts=sum(row.acts for row in group),
        first_at=min(row.first_at for row in group),
        last_at=max(row.last_at for row in group),
    )


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
