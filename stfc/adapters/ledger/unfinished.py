"""Batches that stand still though they should not: what the doctor sees of them, and what mends them safely."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from stfc.adapters.ledger import schema
from stfc.adapters.ledger.database import Database, bump
from stfc.adapters.ledger.records import ENDED, refresh_batch
from stfc.domain.competence import Competence
from stfc.domain.outcome import ItemOutcome
from stfc.services.ports import Observation

batches, items, workers = schema.batches, schema.items, schema.workers

STILL = timedelta(minutes=15)
"""Without an item begun or ended for so long, a batch that has something to do and a worker is stuck: far longer than
the time that a file may take."""
FARTHEST = timedelta(hours=25)
"""No next try lies farther ahead: the platform may ask for a day at most. One that does was set by a wrong clock."""


class SqlUnfinished:
    """The repairs of what ``examine`` finds. Each says of how many it mended something; doing it again is harmless."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def refresh_batches(self, now: datetime) -> int:
        """Give every batch the status that its items make."""
        with self._database.write() as connection:
            found = connection.execute(_wrong_status()).all()
            for row in found:
                refresh_batch(connection, row.batch, now)
            if found:
                bump(connection, *(Competence.parse(row.competence) for row in found))
            return len(found)

    def bring_forward(self, now: datetime) -> int:
        """Let what waits for an instant that cannot be meant be tried at once."""
        with self._database.write() as connection:
            far = sa.update(items).where(_far_away(now)).values(next_try_at=now).returning(items.c.competence)
            found = connection.execute(far).scalars().all()
            if found:
                bump(connection, *(Competence.parse(competence) for competence in set(found)))
            return len(found)


def examine(connection: Connection, now: datetime) -> Iterator[Observation]:
    """Batches of another status than their items make, items that wait too long, batches that nobody works on though
    workers are alive. By partial indexes: what is done costs nothing."""
    wrong = [str(row.batch) for row in connection.execute(_wrong_status())]
    if wrong:
        yield Observation("worker", "DOC-LOT", {"count": len(wrong), "batches": wrong})
    far = connection.execute(sa.select(sa.func.count()).select_from(items).where(_far_away(now))).scalar_one()
    if far:
        yield Observation("worker", "DOC-FUT", {"count": far})
    if connection.execute(sa.select(workers.c.owner).where(workers.c.lease_until >= now).limit(1)).first():
        for row in connection.execute(_stuck(now)):
            yield Observation("worker", "DOC-PAR", {"batch": row.batch, "minutes": (now - row.moved) // _MINUTE})


_MINUTE = timedelta(minutes=1)


def _is(outcome: ItemOutcome) -> sa.ColumnElement[bool]:
    return sa.and_(items.c.batch == batches.c.batch, schema.is_outcome(outcome))


def _is_open() -> sa.ColumnElement[bool]:
    return sa.or_(*(sa.exists().where(_is(outcome)) for outcome in (ItemOutcome.WAITING, ItemOutcome.RUNNING)))


def _wrong_status() -> sa.Select[int, str]:
    ended = batches.c.status.in_(ENDED)
    return sa.select(batches.c.batch, batches.c.competence).where(ended == _is_open()).order_by(batches.c.batch)


def _far_away(now: datetime) -> sa.ColumnElement[bool]:
    return sa.and_(schema.is_outcome(ItemOutcome.WAITING), items.c.next_try_at > now + FARTHEST)


def _stuck(now: datetime) -> sa.Select[int, datetime]:
    """The batches, not paused, that have something due or running and in which nothing has moved for ``STILL``."""
    moved = (
        sa.select(sa.func.max(sa.func.coalesce(items.c.ended_at, items.c.started_at), type_=schema.Instant))
        .where(items.c.batch == batches.c.batch)
        .scalar_subquery()
    )
    last = sa.func.coalesce(moved, batches.c.created_at, type_=schema.Instant)
    is_due = sa.or_(items.c.next_try_at.is_(None), items.c.next_try_at < now - STILL)
    busy = sa.or_(sa.exists().where(_is(ItemOutcome.WAITING), is_due), sa.exists().where(_is(ItemOutcome.RUNNING)))
    return (
        sa.select(batches.c.batch, last.label("moved"))
        .where(batches.c.status.not_in(ENDED), batches.c.pause_code.is_(None), busy, last < now - STILL)
        .order_by(batches.c.batch)
    )
