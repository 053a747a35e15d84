"""When to look again for files that the platform did not have (ports.LateFileLedger)."""

from collections.abc import Callable, Collection
from datetime import datetime, timedelta

import sqlalchemy as sa

from stfc.adapters.ledger import schema
from stfc.adapters.ledger.database import Database, bump
from stfc.adapters.ledger.records import log_all, refresh_batch
from stfc.adapters.ledger.schema import is_outcome
from stfc.adapters.ledger.sets import among, rows
from stfc.domain.competence import Competence
from stfc.domain.outcome import ItemOutcome
from stfc.services.ports import LateFiles, LogLine

items, batches = schema.items, schema.batches


class SqlLateFileLedger:
    """``ports.LateFileLedger`` over SQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def is_look_due(self, *, now: datetime, batch: int | None) -> bool:
        """Whether any look is due, or not set yet."""
        with self._database.read() as connection:
            return connection.execute(_due(now, batch).limit(1)).first() is not None

    def take_looks(self, *, now: datetime, batch: int | None, wait: Callable[[int], float]) -> list[LateFiles]:
        """The looks that are due; the next one of each is set before this returns, so that nobody else looks too."""
        taken = []
        with self._database.write() as connection:
            for row in connection.execute(_due(now, batch)).all():
                is_first = row.next_look_at is None
                looks = row.looks if is_first else row.looks + 1
                following = now + timedelta(seconds=wait(looks))
                connection.execute(
                    sa.update(batches).where(batches.c.batch == row.batch).values(looks=looks, next_look_at=following)
                )
                bump(connection, Competence.parse(row.competence))
                if is_first:
                    continue
                late = sa.select(items.c.contract).where(*_late(row.batch)).order_by(items.c.contract)
                contracts = tuple(connection.execute(late).scalars())
                taken.append(LateFiles(row.batch, Competence.parse(row.competence), contracts))
        return taken

    def arrived(self, batch: int, contracts: Collection[str], *, now: datetime) -> int:
        """Set late items whose file is there waiting; the batch goes on if it had ended."""
        with self._database.write() as connection:
            found = connection.execute(
                sa.update(items)
                .where(*_late(batch), among(items.c.contract, contracts))
                .values(outcome=ItemOutcome.WAITING, tries=0, slow=False, next_try_at=None, ended_at=None)
                .returning(items.c.item, items.c.competence)
            ).all()
            if found:
                line = LogLine(now, "ok", "queue", "file_arrived")
                log_all(connection, rows([row.item for row in found], sa.BigInteger), line)
                refresh_batch(connection, batch, now)
                bump(connection, Competence.parse(found[0].competence))
            return len(found)


def _late(batch: int) -> tuple[sa.ColumnElement[bool], ...]:
    return is_outcome(ItemOutcome.WAITING_FILE), items.c.batch == batch, ~items.c.reversed


def _due(now: datetime, batch: int | None) -> sa.Select[tuple[int, str, int, datetime | None]]:
    late = sa.exists().where(is_outcome(ItemOutcome.WAITING_FILE), items.c.batch == batches.c.batch, ~items.c.reversed)
    query = sa.select(batches.c.batch, batches.c.competence, batches.c.looks, batches.c.next_look_at).where(
        batches.c.pause_code.is_(None),
        sa.or_(batches.c.next_look_at.is_(None), batches.c.next_look_at <= now),
        late,
    )
    return (query if batch is None else query.where(batches.c.batch == batch)).order_by(batches.c.batch)
