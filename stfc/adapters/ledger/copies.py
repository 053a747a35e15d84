"""Copies of a ledger in SQLite: made while everybody works, listed, and made ready to be worked on again."""

import sqlite3
from contextlib import closing
from datetime import datetime
from pathlib import Path

import sqlalchemy as sa

from stfc.adapters.ledger import schema
from stfc.adapters.ledger.database import Database, bump
from stfc.adapters.ledger.parts import read_live_calls
from stfc.adapters.ledger.records import audit
from stfc.adapters.ledger.snapshots import kept
from stfc.adapters.ledger.work import SqlWorkLedger
from stfc.errors import NotPossibleError, StorageError
from stfc.services.ports import Actor, LedgerCopy


class SqliteCopies:
    """``ports.LedgerCopies`` by SQLite's own backup: one moment of the ledger, and no writer waits for it."""

    def __init__(self, database: Database) -> None:
        """``database`` is the ledger itself; opened by its use only."""
        self._database = database

    def copy(self, target: Path) -> LedgerCopy:
        """Copy the ledger to the new file ``target``.

        Raises:
            NotPossibleError: the ledger is in PostgreSQL, which has tools of its own.
            StorageError: the disk refuses, or the copy is not sound.
        """
        if not self._database.is_sqlite:
            raise NotPossibleError(cause="backup_postgres")
        try:
            target.touch(mode=0o600, exist_ok=False)
            with closing(sqlite3.connect(self._database.place)) as original, closing(sqlite3.connect(target)) as copied:
                original.backup(copied)
                # One file, complete in itself: readers need no log beside it.
                copied.execute("PRAGMA journal_mode=DELETE")
        except (sqlite3.Error, OSError) as cause:
            raise StorageError(place=str(target), cause=str(cause)) from cause
        return self.listing(target)

    def listing(self, ledger: Path) -> LedgerCopy:
        """What the copy lists; ``StorageError`` when it is damaged."""
        database = Database(_address(ledger))
        try:
            with database.read() as connection:
                verdict = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar_one()
                if verdict != "ok":
                    raise StorageError(place=str(ledger), cause=verdict)
                live = read_live_calls(connection)
                rollups = sa.select(schema.rollups.c.path).where(schema.rollups.c.retired_at.is_(None))
                return LedgerCopy(
                    revision=live.revision,
                    parts=live.parts,
                    rollups=tuple(connection.execute(rollups.order_by(schema.rollups.c.path)).scalars()),
                    snapshots=tuple(sorted(kept(connection))),
                )
        finally:
            database.dispose()

    def revive(self, ledger: Path, actor: Actor, now: datetime, *, source: str) -> None:
        """Bring a copy up to date and forget the workers of its time: what they held is waiting again. Audited.

        Raises:
            HomeVersionError: a newer version of the product wrote it.
        """
        database = Database(_address(ledger))
        try:
            database.upgrade()
            with database.write() as connection:
                connection.execute(sa.delete(schema.workers))
                audit(connection, actor, now, "home.restore", source)
                bump(connection)
            SqlWorkLedger(database).free(now=now)
        finally:
            database.dispose()


def _address(ledger: Path) -> str:
    return f"sqlite:///{ledger.absolute()}"
