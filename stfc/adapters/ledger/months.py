"""The life of a competence: closed, frozen with a checksum, reopened (PRODUCT 11; ports.MonthLedger)."""

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from stfc.adapters.ledger import schema
from stfc.adapters.ledger.database import Database, bump, refuse_closed
from stfc.adapters.ledger.records import audit, dump, load
from stfc.domain.competence import Competence
from stfc.domain.money import Centavos, plain
from stfc.domain.outcome import ItemOutcome
from stfc.errors import NotPossibleError
from stfc.services.ports import Actor, Closing, MonthRow

months, items, charges, parts = schema.months, schema.items, schema.charges, schema.parts

_UNSETTLED = (ItemOutcome.WAITING, ItemOutcome.RUNNING, ItemOutcome.WAITING_FILE, ItemOutcome.HELD)
_AT_ONCE = 1_000
_FROZEN: tuple[tuple[sa.Table, tuple[str, ...]], ...] = (
    (items, ("item", "batch", "contract", "outcome", "reversed", "attempt", "code", "rule", "amount", "calls")),
    (charges, ("charge", "item", "contract", "service", "amount", "calls", "dropped", "status", "source_sha256")),
    (
        schema.eventual_values,
        ("value_id", "item", "contract", "service", "kind", "amount", "held", "deleted", "source_sha256"),
    ),
    (schema.zero_events, ("event", "item", "contract", "at", "reversed", "source_sha256")),
    (schema.exclusions, ("claim", "contract", "cause")),
    (parts, ("part", "path", "rows", "size", "sha256")),
)
"""What closing freezes: of each table the columns that say what was charged, from which calls and files."""


class SqlMonthLedger:
    """``ports.MonthLedger`` over SQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def rows(self) -> list[MonthRow]:
        """Every competence that anything was billed in, newest first."""
        with self._database.read() as connection:
            known = connection.execute(sa.select(months).order_by(months.c.competence.desc())).all()
            found = [_month(connection, row) for row in known]
            return [row for row in found if row.standing]

    def close(self, competence: Competence, *, coverage: Mapping[str, Any], actor: Actor, now: datetime) -> MonthRow:
        """Freeze the competence, once nothing in it waits, runs or is held."""
        with self._database.write() as connection:
            refuse_closed(connection, competence)
            before = _of(connection, competence)
            unsettled = {outcome.value: before.standing.get(outcome, 0) for outcome in _UNSETTLED}
            if any(unsettled.values()):
                raise NotPossibleError(cause="month_busy", competence=str(competence), **unsettled)
            report = _report(connection, before) | {"coverage": dict(coverage)}
            closing = Closing(now, actor.name, checksum(connection, competence), report)
            _set(connection, competence, closing)
            facts = {"checksum": closing.checksum, "amount": report["amount"], "calls": before.calls}
            audit(connection, actor, now, "month.close", f"competence {competence}", facts=facts)
            bump(connection, competence)
            return _of(connection, competence)

    def reopen(self, competence: Competence, *, reason: str, actor: Actor, now: datetime) -> MonthRow:
        """Let the competence change again."""
        with self._database.write() as connection:
            closing = _of(connection, competence).closing
            if closing is None:
                raise NotPossibleError(cause="month_not_closed", competence=str(competence))
            if is_purged(connection, competence):
                raise NotPossibleError(cause="month_purged", competence=str(competence))
            _set(connection, competence, None)
            facts = {"checksum": closing.checksum, "closed_by": closing.by}
            audit(connection, actor, now, "month.reopen", f"competence {competence}", reason=reason, facts=facts)
            bump(connection, competence)
            return _of(connection, competence)


def checksum(connection: Connection, competence: Competence) -> str:
    """The sha256 of all that closing freezes of the competence, in constant memory."""
    digest = hashlib.sha256()
    for table, names in _FROZEN:
        query = sa.select(*(table.c[name] for name in names)).where(table.c.competence == str(competence))
        if table is parts:
            # What retention let go stays part of what was frozen.
            query = query.where(parts.c.live | parts.c.purged)
        query = query.order_by(*table.primary_key.columns)
        with connection.execute(query, execution_options={"yield_per": _AT_ONCE}) as found:
            for row in found:
                digest.update(json.dumps([table.name, *row], default=str).encode("ascii") + b"\n")
    return digest.hexdigest()


def broken_closings(connection: Connection, competences: list[str]) -> list[str]:
    """Those of ``competences`` that are closed and not what their closing froze."""
    query = sa.select(months.c.competence, months.c.checksum).where(months.c.closed_at.is_not(None))
    return [
        row.competence
        for row in connection.execute(query.order_by(months.c.competence)).all()
        if row.competence in competences and checksum(connection, Competence.parse(row.competence)) != row.checksum
    ]


def is_purged(connection: Connection, competence: Competence) -> bool:
    """Whether retention let the competence's calls go, inside the caller's transaction."""
    query = sa.select(months.c.competence).where(
        months.c.competence == str(competence), months.c.purged_at.is_not(None)
    )
    return connection.execute(query).first() is not None


def _of(connection: Connection, competence: Competence) -> MonthRow:
    row = connection.execute(sa.select(months).where(months.c.competence == str(competence))).first()
    month = None if row is None else _month(connection, row)
    if month is None or not month.standing:
        raise NotPossibleError(cause="month_empty", competence=str(competence))
    return month


def _month(connection: Connection, row: sa.Row[Any]) -> MonthRow:
    where = sa.case((items.c.reversed, "reversed"), else_=items.c.outcome).label("place")
    sums = [sa.func.coalesce(sa.func.sum(items.c[name]), 0).label(name) for name in ("amount", "calls")]
    query = sa.select(where, sa.func.count().label("contracts"), *sums).where(items.c.competence == row.competence)
    found = connection.execute(query.group_by(where)).all()
    counted = [one for one in found if one.place != "reversed"]
    closing = row.closed_at and Closing(row.closed_at, row.closed_by, row.checksum, load(row.report))
    return MonthRow(
        competence=Competence.parse(row.competence),
        standing={one.place: one.contracts for one in sorted(found, key=lambda one: one.place)},
        amount=Centavos(sum(int(one.amount) for one in counted)),
        calls=sum(int(one.calls) for one in counted),
        closing=closing or None,
    )


def _report(connection: Connection, month: MonthRow) -> dict[str, Any]:
    """Totals, files, holds and reversals of a competence; money as decimal text."""
    of_month = charges.c.competence == str(month.competence)
    ended = sa.select(charges.c.status, sa.func.count(), sa.func.sum(charges.c.amount)).where(of_month)
    by_status = {status: (n, int(amount)) for status, n, amount in connection.execute(ended.group_by(charges.c.status))}
    # A released hold keeps the code that it was held for.
    released = (
        sa.select(sa.func.count())
        .select_from(items)
        .where(
            items.c.competence == str(month.competence),
            items.c.outcome == ItemOutcome.CHARGED,
            items.c.code.is_not(None),
        )
    )
    files = sa.select(sa.func.count(charges.c.source_sha256.distinct())).where(of_month, charges.c.status == "live")
    undone, amount = by_status.get("reversed", (0, 0))
    return {
        "contracts": dict(month.standing),
        "amount": plain(month.amount),
        "calls": month.calls,
        "files": connection.execute(files).scalar_one(),
        "holds": {
            "released": connection.execute(released).scalar_one(),
            "rejected": by_status.get("rejected", (0, 0))[0],
        },
        "reversals": {"charges": undone, "amount": plain(Centavos(amount))},
    }


def _set(connection: Connection, competence: Competence, closing: Closing | None) -> None:
    values = {
        "closed_at": closing and closing.at,
        "closed_by": closing and closing.by,
        "checksum": closing and closing.checksum,
        "report": closing and dump(closing.report),
    }
    connection.execute(sa.update(months).where(months.c.competence == str(competence)).values(**values))
