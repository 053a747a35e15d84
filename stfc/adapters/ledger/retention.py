"""Lets the calls of old, closed competences go (ports.RetentionLedger)."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from stfc.adapters.ledger import schema
from stfc.adapters.ledger.database import Database, bump
from stfc.adapters.ledger.records import audit_all
from stfc.domain.competence import Competence
from stfc.errors import NotPossibleError
from stfc.services.ports import Actor, KeptMonth

months, parts, rollups = schema.months, schema.parts, schema.rollups


class SqlRetentionLedger:
    """``ports.RetentionLedger`` over SQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def kept(self) -> list[KeptMonth]:
        """Every competence that has live calls, oldest first."""
        with self._database.read() as connection:
            return _kept(connection)

    def purge(
        self, competences: Collection[Competence], *, before: Competence, reason: str, actor: Actor, now: datetime
    ) -> list[KeptMonth]:
        """Retire all parts and sums of ``competences``; the sweep of orphans then removes their files."""
        with self._database.write() as connection:
            by_month = {one.competence: one for one in _kept(connection)}
            gone = [_goes(by_month.get(one), one, before) for one in sorted(set(competences))]
            for one in gone:
                _retire(connection, one.competence, now)
            targets = [(f"competence {one.competence}", _facts(one)) for one in gone]
            audit_all(connection, actor, now, "retention.purge", targets, reason=reason)
            if gone:
                bump(connection, *(one.competence for one in gone))
            return gone


def _kept(connection: Connection) -> list[KeptMonth]:
    sums = (sa.func.count().label("parts"), sa.func.sum(parts.c.rows).label("calls"), sa.func.sum(parts.c.size))
    query = (
        sa.select(parts.c.competence, months.c.closed_at, *sums[:2], sums[2].label("octets"))
        .select_from(parts.outerjoin(months, months.c.competence == parts.c.competence))
        .where(parts.c.live)
        .group_by(parts.c.competence, months.c.closed_at)
        .order_by(parts.c.competence)
    )
    return [
        KeptMonth(Competence.parse(row.competence), row.parts, int(row.calls), int(row.octets), row.closed_at)
        for row in connection.execute(query)
    ]


def _goes(month: KeptMonth | None, competence: Competence, before: Competence) -> KeptMonth:
    if competence >= before:
        raise NotPossibleError(cause="retention_young", competence=str(competence), before=str(before))
    if month is None:
        raise NotPossibleError(cause="retention_empty", competence=str(competence))
    if month.closed_at is None:
        raise NotPossibleError(cause="retention_open", competence=str(competence))
    return month


def _retire(connection: Connection, competence: Competence, now: datetime) -> None:
    of_month = parts.c.competence == str(competence)
    retired = sa.update(parts).where(of_month, parts.c.live)
    connection.execute(retired.values(live=False, purged=True, retired_at=now))
    live = sa.update(rollups).where(rollups.c.competence == str(competence), rollups.c.retired_at.is_(None))
    connection.execute(live.values(retired_at=now))
    connection.execute(sa.update(months).where(months.c.competence == str(competence)).values(purged_at=now))


def _facts(month: KeptMonth) -> dict[str, Any]:
    return {"parts": month.parts, "calls": month.calls, "bytes": month.size}
