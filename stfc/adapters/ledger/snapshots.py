"""Which snapshot is current, and which old ones are kept (ports.SnapshotLedger)."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from stfc.adapters.ledger import schema
from stfc.adapters.ledger.database import Database, bump, confirm_snapshot
from stfc.adapters.ledger.records import audit, dump
from stfc.services.ports import Actor

snapshots, state = schema.snapshots, schema.state


class SqlSnapshotLedger:
    """``ports.SnapshotLedger`` over SQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def current(self) -> int | None:
        """The snapshot that everything is read from; None before the first import."""
        with self._database.read() as connection:
            number: int | None = connection.execute(sa.select(state.c.snapshot)).scalar_one()
            return number

    def next_number(self) -> int:
        """A number above every one given so far, and nobody else's: two imports at once write to two folders."""
        taken = sa.update(state).values(last_number=state.c.last_number + 1).returning(state.c.last_number)
        with self._database.write() as connection:
            number: int = connection.execute(taken).scalar_one()
            return number

    def give_back(self, number: int) -> None:
        """Undo ``next_number`` where nothing came of it and no later number was taken."""
        with self._database.write() as connection:
            connection.execute(sa.update(state).where(state.c.last_number == number).values(last_number=number - 1))

    def switch(self, number: int, *, previous: int | None, rows: dict[str, int], actor: Actor, now: datetime) -> None:
        """Make ``number`` the current snapshot, in one transaction."""
        with self._database.write() as connection:
            confirm_snapshot(connection, previous)
            connection.execute(
                sa.insert(snapshots).values(
                    snapshot=number, imported_at=now, imported_by=actor.name, rows=dump(rows), discarded=False
                )
            )
            connection.execute(sa.update(state).values(snapshot=number, imported_at=now))
            audit(connection, actor, now, "snapshot.import", f"snapshot {number}", facts=dict(rows))
            bump(connection)

    def kept(self) -> frozenset[int]:
        """All snapshots that are not discarded (ports.SnapshotCatalogue)."""
        with self._database.read() as connection:
            return kept(connection)

    def discard_old(self, keep: int) -> Sequence[int]:
        """Mark as discarded all but the newest ``keep`` and those that a batch names; gives their numbers."""
        named = sa.select(schema.batches.c.snapshot)
        newest = sa.select(snapshots.c.snapshot).order_by(snapshots.c.snapshot.desc()).limit(keep)
        old: Any = (
            sa.update(snapshots)
            .where(~snapshots.c.discarded, snapshots.c.snapshot.not_in(named), snapshots.c.snapshot.not_in(newest))
            .values(discarded=True)
            .returning(snapshots.c.snapshot)
        )
        with self._database.write() as connection:
            return sorted(connection.execute(old).scalars())


def kept(connection: Connection) -> frozenset[int]:
    """The snapshots that are not discarded, inside the caller's transaction."""
    return frozenset(connection.execute(sa.select(snapshots.c.snapshot).where(~snapshots.c.discarded)).scalars())
