"""Which parts and rollups of calls are live, and the one transaction that swaps them (ports.PartLedger).

A rollup's number marks, in ``parts`` and ``exclusions``, what it stands for. What a worker adds has no number yet: it
came after the rollup, and readers add or subtract it.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from stfc.adapters.ledger import schema
from stfc.adapters.ledger.database import Database, bump, is_closed, refuse_closed
from stfc.adapters.ledger.records import insert
from stfc.adapters.ledger.schema import is_outcome
from stfc.adapters.ledger.sets import among
from stfc.domain.competence import Competence
from stfc.domain.outcome import ItemOutcome
from stfc.services.ports import Growth, ListedCalls, LiveCalls, Part, Rollup

parts, rollups, exclusions = schema.parts, schema.rollups, schema.exclusions
_KEPT_CAUSE = "reversed"
"""Records that were once charged stay on disk for as long as records are retained (PRODUCT 9)."""


class SqlPartLedger:
    """``ports.PartLedger`` and ``ports.PartCatalogue`` over SQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def listed_paths(self, *, retired_since: datetime) -> frozenset[str]:
        """The paths of all parts and rollups that are live, or were at ``retired_since``."""
        with self._database.read() as connection:
            return read_listed_paths(connection, retired_since=retired_since)

    def growth(self) -> list[Growth]:
        """What came to every competence with live parts since its last compaction."""
        is_new = parts.c.rollup.is_(None)
        sums = sa.select(
            parts.c.competence,
            sa.func.sum(sa.case((is_new, 0), else_=parts.c.rows)).label("calls"),
            sa.func.sum(sa.case((is_new, parts.c.rows), else_=0)).label("new_calls"),
            sa.func.sum(sa.case((is_new, 1), else_=0)).label("new_parts"),
        )
        counted = sa.select(exclusions.c.competence, sa.func.count().label("claims")).where(
            exclusions.c.rollup.is_(None)
        )
        months, is_frozen = schema.months, schema.months.c.closed_at.is_not(None)
        running = sa.select(schema.items.c.competence).where(is_outcome(ItemOutcome.RUNNING)).distinct()
        with self._database.read() as connection:
            rows = connection.execute(sums.where(parts.c.live).group_by(parts.c.competence)).all()
            claims = connection.execute(counted.group_by(exclusions.c.competence)).all()
            busy = set(connection.execute(running).scalars())
            closed = set(connection.execute(sa.select(months.c.competence).where(is_frozen)).scalars())
        excluded = {row.competence: row.claims for row in claims}
        return [
            Growth(
                competence=Competence.parse(row.competence),
                calls=int(row.calls),
                new_calls=int(row.new_calls),
                new_parts=int(row.new_parts),
                new_exclusions=excluded.get(row.competence, 0),
                is_running=row.competence in busy,
                is_closed=row.competence in closed,
            )
            for row in sorted(rows, key=lambda row: row.competence)
        ]

    def listed(self, competence: Competence) -> ListedCalls:
        """The competence's live parts, exclusions and rollup, of one moment."""
        month = exclusions.c.competence == str(competence)
        refused = sa.select(exclusions.c.claim, exclusions.c.rollup).where(month, exclusions.c.cause != _KEPT_CAUSE)
        with self._database.read() as connection:
            live = read_live_calls(connection, competence)
            rollup = read_rollup(connection, competence)
            dropped = {row.claim: row.rollup for row in connection.execute(refused)}
            frozen = is_closed(connection, competence)
        is_merged = rollup is not None and {part.path for part in live.parts} == rollup.parts
        return ListedCalls(
            competence=competence,
            live=live,
            rollup=rollup,
            dropped=frozenset(dropped),
            is_merged=is_merged and None not in dropped.values(),
            is_closed=frozen,
        )

    def swap(self, source: ListedCalls, new: Sequence[Part], rollup: str, *, now: datetime) -> bool:
        """One transaction; False when the parts or the rollup of ``source`` are not those that are live any more.

        ``NotPossibleError`` when the parts of a closed month would change; its sums may be made anew.
        """
        old, kept = {part.path for part in source.live.parts}, {part.path for part in new}
        with self._database.write() as connection:
            if old != kept:
                refuse_closed(connection, source.competence)
            if not _are_live(connection, old) or read_rollup(connection, source.competence) != source.rollup:
                return False
            number = _replace_rollup(connection, source.competence, rollup, now)
            retired = sa.update(parts).where(among(parts.c.path, old - kept))
            connection.execute(retired.values(live=False, retired_at=now))
            connection.execute(sa.update(parts).where(among(parts.c.path, old & kept)).values(rollup=number))
            insert(connection, parts, [_row(part, number, now) for part in new if part.path not in old])
            claims = among(exclusions.c.claim, source.live.excluded)
            connection.execute(sa.update(exclusions).where(claims).values(rollup=number))
            bump(connection, source.competence)
            return True


def read_live_calls(
    connection: Connection, competence: Competence | None = None, *, contracts: tuple[str, str] | None = None
) -> LiveCalls:
    """The live parts and excluded claims, inside the caller's transaction: of one month or of all, and of all contracts
    or only what concerns those from the first to the last of ``contracts``, both inclusive."""
    listed = sa.select(parts).where(parts.c.live).order_by(parts.c.part)
    claims = sa.select(exclusions.c.claim)
    if competence:
        listed = listed.where(parts.c.competence == str(competence))
        claims = claims.where(exclusions.c.competence == str(competence))
    if contracts:
        first, last = contracts
        listed = listed.where(parts.c.contract_first <= last, parts.c.contract_last >= first)
        # Not BETWEEN: PostgreSQL takes no COLLATE inside it.
        claims = claims.where(exclusions.c.contract >= first, exclusions.c.contract <= last)
    revision = connection.execute(sa.select(schema.state.c.revision)).scalar_one()
    return LiveCalls(
        revision=revision,
        parts=tuple(_part(row) for row in connection.execute(listed)),
        excluded=frozenset(connection.execute(claims).scalars()),
    )


def read_rollup(connection: Connection, competence: Competence) -> Rollup | None:
    """The competence's rollup and what it stands for, inside the caller's transaction; None when there is none."""
    live = sa.select(rollups).where(rollups.c.competence == str(competence), rollups.c.retired_at.is_(None))
    row = connection.execute(live).first()
    if row is None:
        return None
    covered = sa.select(parts.c.path).where(
        parts.c.competence == str(competence), parts.c.live, parts.c.rollup == row.rollup
    )
    claims = sa.select(exclusions.c.claim).where(
        exclusions.c.competence == str(competence), exclusions.c.rollup == row.rollup
    )
    return Rollup(
        path=row.path,
        parts=frozenset(connection.execute(covered).scalars()),
        excluded=frozenset(connection.execute(claims).scalars()),
    )


def _part(row: sa.Row[Any]) -> Part:
    return Part(
        path=row.path,
        competence=Competence.parse(row.competence),
        rows=row.rows,
        size=row.size,
        sha256=row.sha256,
        contract_first=row.contract_first,
        contract_last=row.contract_last,
    )


def read_listed_paths(connection: Connection, *, retired_since: datetime | None = None) -> frozenset[str]:
    """The paths of all parts and rollups that the ledger ever listed, inside the caller's transaction; with
    ``retired_since`` only of those that are live or were then."""
    found: set[str] = set()
    for table in (parts, rollups):
        query = sa.select(table.c.path)
        if retired_since is not None:
            query = query.where(sa.or_(table.c.retired_at.is_(None), table.c.retired_at >= retired_since))
        found.update(connection.execute(query).scalars())
    return frozenset(found)


def _are_live(connection: Connection, paths: Collection[str]) -> bool:
    count = sa.select(sa.func.count()).select_from(parts).where(parts.c.live, among(parts.c.path, paths))
    return bool(connection.execute(count).scalar_one() == len(paths))


def _replace_rollup(connection: Connection, competence: Competence, path: str, now: datetime) -> int:
    old = sa.update(rollups).where(rollups.c.competence == str(competence), rollups.c.retired_at.is_(None))
    connection.execute(old.values(retired_at=now))
    row = sa.insert(rollups).values(competence=str(competence), path=path, created_at=now)
    return int(connection.execute(row.returning(rollups.c.rollup)).scalar_one())


def _row(part: Part, rollup: int, now: datetime) -> dict[str, object]:
    row = {name: getattr(part, name) for name in ("path", "rows", "size", "sha256", "contract_first", "contract_last")}
    return row | {"competence": str(part.competence), "created_at": now, "live": True, "rollup": rollup}
