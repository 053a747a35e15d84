"""Tariff plans, a row a version (ports.PlanLedger)."""

import json
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from stfc.adapters.ledger import schema
from stfc.adapters.ledger.database import Database, bump
from stfc.adapters.ledger.records import audit, dump
from stfc.adapters.ledger.schema import is_outcome
from stfc.domain import text
from stfc.domain.outcome import ItemOutcome
from stfc.domain.plan import PlanVersion
from stfc.domain.plan_file import document, version_of
from stfc.errors import PlanProblem, PlansRefusedError
from stfc.services.ports import Actor, PlanRow

plans, items = schema.plans, schema.items


class SqlPlanLedger:
    """``ports.PlanLedger`` over SQL. A version is kept as the JSON of its document, equal where the meaning is."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def store(self, versions: Sequence[PlanVersion], actor: Actor, *, now: datetime) -> None:
        """Keep ``versions``, all or none; those that are there unchanged change nothing."""
        with self._database.write() as connection:
            known = {(row.code, row.valid_from): row for row in connection.execute(sa.select(plans))}
            written = [(one, dump(document(one)), known.get((one.code, one.valid_from))) for one in versions]
            changed = [(one, content, row) for one, content, row in written if row is None or row.content != content]
            is_running = any(row for *_, row in changed) and _is_running(connection)
            problems = [
                PlanProblem(f"plan[{number}]", text.plan_cause(cause, code=one.code, day=text.day(one.valid_from)))
                for number, (one, content, row) in enumerate(written, start=1)
                if row is not None and row.content != content and (cause := _refusal(row, is_running))
            ]
            if problems:
                raise PlansRefusedError(problems=problems)
            for one, content, row in changed:
                imported = {"content": content, "imported_at": now, "imported_by": actor.name}
                if row is None:
                    key = {"code": one.code, "valid_from": one.valid_from}
                    connection.execute(sa.insert(plans).values(**key, **imported, used=False))
                else:
                    connection.execute(sa.update(plans).where(plans.c.plan == row.plan).values(**imported))
                before = None if row is None else json.loads(row.content)
                audit(connection, actor, now, "plan.import", f"plan {one.key}", facts={"before": before})
            if changed:
                bump(connection)

    def rows(self) -> list[PlanRow]:
        """Every version, by code and first day."""
        with self._database.read() as connection:
            found = connection.execute(_in_order(plans))
            return [PlanRow(_version(row.content), row.used, row.imported_at, row.imported_by) for row in found]


def read_versions(connection: Connection) -> tuple[PlanVersion, ...]:
    """Every version, inside the caller's transaction."""
    return tuple(map(_version, connection.execute(_in_order(plans.c.content)).scalars()))


def first_days(connection: Connection) -> dict[str, date]:
    """The day on which each plan begins, by code, inside the caller's transaction."""
    query = sa.select(plans.c.code, sa.func.min(plans.c.valid_from, type_=sa.Date())).group_by(plans.c.code)
    return {row[0]: row[1] for row in connection.execute(query)}


def mark_used(connection: Connection, keys: Iterable[str]) -> None:
    """Let the versions of these keys (``PlanVersion.key``) never change again: a charge was priced by them."""
    for key in sorted(keys):
        code, _, day = key.rpartition("@")
        of_key = sa.and_(plans.c.code == code, plans.c.valid_from == date.fromisoformat(day))
        connection.execute(sa.update(plans).where(of_key, ~plans.c.used).values(used=True))


def _in_order(what: sa.Table | sa.Column[Any]) -> sa.Select[Any]:
    return sa.select(what).order_by(plans.c.code, plans.c.valid_from)


def _is_running(connection: Connection) -> bool:
    """Whether a worker may be pricing calls by the versions as they were."""
    running = sa.select(items.c.item).where(is_outcome(ItemOutcome.RUNNING)).limit(1)
    return connection.execute(running).first() is not None


def _refusal(row: sa.Row[Any], is_running: bool) -> str | None:
    if row.used:
        return "version_used"
    return "version_running" if is_running else None


@lru_cache(maxsize=1_024)
def _version(content: str) -> PlanVersion:
    return version_of(json.loads(content))
