"""Other versions of files of months already charged (ports.CorrectionLedger)."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from stfc.adapters.ledger import schema
from stfc.adapters.ledger.database import Database, bump
from stfc.adapters.ledger.records import insert
from stfc.adapters.ledger.sets import among
from stfc.domain.billing_file import Descriptor
from stfc.domain.competence import Competence
from stfc.domain.money import Centavos, cut
from stfc.domain.outcome import DONE_OUTCOMES, ItemOutcome
from stfc.services.ports import CorrectionRow

corrections, items, charges, events = schema.corrections, schema.items, schema.charges, schema.zero_events

_OPEN, _REPLACED = "open", "replaced"


class SqlCorrectionLedger:
    """``ports.CorrectionLedger`` over SQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def charged_months(self) -> list[Competence]:
        """The competences, newest first, in which anything is charged or came out at zero."""
        query = (
            sa.select(items.c.competence)
            .where(items.c.outcome.in_(sorted(DONE_OUTCOMES)), ~items.c.reversed)
            .distinct()
        )
        with self._database.read() as connection:
            found = connection.execute(query.order_by(items.c.competence.desc())).scalars()
            return [Competence.parse(one) for one in found]

    def note(self, competence: Competence, listing: Mapping[str, Descriptor], *, now: datetime) -> int:
        """Remember what ``listing`` announces of another version than was charged; gives how many are new."""
        with self._database.read() as connection:
            if not _changes(connection, competence, listing, now):
                return 0
        with self._database.write() as connection:
            # Read again under the write lock: of several that saw the same listing one writes.
            changes = _changes(connection, competence, listing, now)
            insert(connection, corrections, changes.new)
            _set(connection, changes.replaced, _REPLACED)
            _set(connection, changes.again, _OPEN)
            if changes:
                bump(connection, competence)
            return len(changes.new) + len(changes.again)

    def pending(self, competence: Competence | None = None) -> list[CorrectionRow]:
        """The open ones whose charge still stands, newest month first, then by contract."""
        query = (
            sa.select(corrections, items.c.batch, items.c.amount, items.c.outcome)
            .join(items, items.c.item == corrections.c.item)
            .where(corrections.c.status == sa.literal(_OPEN, literal_execute=True), ~items.c.reversed)
            .order_by(corrections.c.competence.desc(), corrections.c.contract)
        )
        if competence:
            query = query.where(corrections.c.competence == str(competence))
        with self._database.read() as connection:
            return [_row(one) for one in connection.execute(query)]


class _Changes:
    """What a listing changes: rows to add, and the keys of those that another version replaced or that came again."""

    def __init__(self) -> None:
        self.new: list[dict[str, Any]] = []
        self.replaced: list[int] = []
        self.again: list[int] = []

    def __bool__(self) -> bool:
        return bool(self.new or self.replaced or self.again)


def _changes(
    connection: Connection, competence: Competence, listing: Mapping[str, Descriptor], now: datetime
) -> _Changes:
    known: dict[int, list[sa.Row[Any]]] = {}
    for row in connection.execute(sa.select(corrections).where(corrections.c.competence == str(competence))):
        known.setdefault(row.item, []).append(row)
    changes = _Changes()
    for charged in _charged(connection, competence):
        announced = listing.get(charged.contract)
        if announced is None or not announced.available or announced.sha256 is None:
            continue
        seen = known.get(charged.item, [])
        changes.replaced += [r.correction for r in seen if r.status == _OPEN and r.sha256 != announced.sha256]
        if announced.sha256 == charged.source_sha256:
            continue
        same = [row for row in seen if row.sha256 == announced.sha256]
        changes.again += [row.correction for row in same if row.status == _REPLACED]
        if not same:
            changes.new.append(_new(charged, competence, announced, now))
    return changes


def _charged(connection: Connection, competence: Competence) -> Sequence[sa.Row[Any]]:
    """contract, item and source_sha256 of all that stands charged, held or at zero in the competence."""
    live = sa.select(charges.c.contract, charges.c.item, charges.c.source_sha256).where(
        charges.c.competence == str(competence), charges.c.status.in_(["held", "live"])
    )
    zero = sa.select(events.c.contract, events.c.item, events.c.source_sha256).where(
        events.c.competence == str(competence), ~events.c.reversed
    )
    return connection.execute(sa.union_all(live, zero)).all()


def _new(charged: sa.Row[Any], competence: Competence, announced: Descriptor, now: datetime) -> dict[str, Any]:
    return {
        "item": charged.item,
        "contract": charged.contract,
        "competence": str(competence),
        "sha256": announced.sha256,
        "charged_sha256": charged.source_sha256,
        "announced": None if announced.amount is None else cut(announced.amount),
        "records": announced.records,
        "seen_at": now,
        "status": _OPEN,
    }


def _set(connection: Connection, keys: Sequence[int], status: str) -> None:
    if keys:
        connection.execute(sa.update(corrections).where(among(corrections.c.correction, keys)).values(status=status))


def _row(row: sa.Row[Any]) -> CorrectionRow:
    return CorrectionRow(
        correction=row.correction,
        item=row.item,
        batch=row.batch,
        contract=row.contract,
        competence=Competence.parse(row.competence),
        sha256=row.sha256,
        charged_sha256=row.charged_sha256,
        charged=Centavos(row.amount or 0),
        announced=None if row.announced is None else Centavos(row.announced),
        is_held=row.outcome == ItemOutcome.HELD,
        seen_at=row.seen_at,
    )
