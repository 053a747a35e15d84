"""Opening the ledger: two engines, one writer at a time, migrations, and errors of the disk (ENGINE, 12 and pitfalls).

SQLite runs in WAL mode with ``synchronous=FULL``. A writing transaction begins with the write lock in both stores
(``BEGIN IMMEDIATE``; in PostgreSQL the first statement locks the row of ``state``), so that what it read stays true.
In PostgreSQL that needs READ COMMITTED, where every later statement sees what the writer before has committed. As all
writers take this one lock first, they never wait for each other in a circle.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine import Connection, Engine

from stfc.adapters.ledger import schema
from stfc.domain.competence import Competence
from stfc.errors import HomeVersionError, NotPossibleError, StaleSnapshotError, StorageError

MIGRATIONS = Path(__file__).parent / "migrations"
_BUSY_SECONDS = 30
_ABANDONED_SECONDS = 60
"""How long a writer whose machine went dark may hold PostgreSQL's lock; SQLite's ends with the process."""
_REFUSED_RIGHT = "42501"


class Database:
    """A ledger's two engines. ``url`` is ``sqlite:///PATH`` or ``postgresql+psycopg://…``."""

    def __init__(self, url: str) -> None:
        self.url = sa.make_url(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        self._writer = self._engine("BEGIN IMMEDIATE", read_only=False)
        self._reader = self._engine("BEGIN", read_only=True)

    def _engine(self, begin: str, *, read_only: bool) -> Engine:
        if not self.is_sqlite:
            return self._postgres_engine(read_only=read_only)
        engine = sa.create_engine(self.url, connect_args={"timeout": _BUSY_SECONDS, "check_same_thread": False})

        @event.listens_for(engine, "connect")
        def configure(connection: Any, _record: Any) -> None:
            connection.isolation_level = None
            cursor = connection.cursor()
            if not read_only:
                cursor.execute("PRAGMA journal_mode=WAL")
            cursor.execute("PRAGMA synchronous=FULL")
            cursor.execute("PRAGMA foreign_keys=ON")
            if read_only:
                cursor.execute("PRAGMA query_only=ON")
            cursor.close()

        @event.listens_for(engine, "begin")
        def start(connection: Connection) -> None:
            connection.exec_driver_sql(begin)

        return engine

    def _postgres_engine(self, *, read_only: bool) -> Engine:
        engine = sa.create_engine(self.url, pool_pre_ping=True)

        @event.listens_for(engine, "connect")
        def configure(connection: Any, _record: Any) -> None:
            connection.autocommit = True
            connection.execute(f"SET lock_timeout = '{_BUSY_SECONDS}s'")
            connection.execute(f"SET idle_in_transaction_session_timeout = '{_ABANDONED_SECONDS}s'")
            connection.autocommit = False

        # A page reads several tables of one moment. Said for the writer too: the server's default may be another.
        if read_only:
            return engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        return engine.execution_options(isolation_level="READ COMMITTED")

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A transaction that sees one moment and changes nothing."""
        with _disk_errors(self.place), self._reader.begin() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction that holds the write lock from its first statement to its commit: all or nothing."""
        with _disk_errors(self.place), self._writer.begin() as connection:
            if not self.is_sqlite:
                connection.execute(sa.select(schema.state.c.id).with_for_update())
            yield connection

    def upgrade(self) -> None:
        """Create the tables, or bring an older ledger up to date.

        Raises:
            HomeVersionError: a newer version of the product wrote this ledger.
            StorageError: it cannot be opened or written.
        """
        if self.is_sqlite and self.url.database:
            path = Path(self.url.database)
            with _disk_errors(self.place):
                path.parent.mkdir(parents=True, exist_ok=True)
        found = self.version()
        if found == _head():
            return
        if found is not None and found not in _known():
            raise HomeVersionError(home=self.place, found=found, expected=_head())
        self._migrate()

    def version(self) -> str | None:
        """The version that the ledger is of, None when it has no tables yet (``StorageError``)."""
        with self.read() as connection:
            if not sa.inspect(connection).has_table("alembic_version"):
                return None
            return connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()

    def _migrate(self) -> None:
        # Imported here: alembic costs a fifth of a second that no other command should pay.
        from alembic import command
        from alembic.config import Config

        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS))
        with _disk_errors(self.place), self._writer.begin() as connection:
            if not self.is_sqlite:
                connection.execute(sa.text("SELECT pg_advisory_xact_lock(7365746663)"))
            config.attributes["connection"] = connection
            command.upgrade(config, "head")

    @property
    def place(self) -> str:
        """Where the ledger stands, without any password."""
        return self.url.database or "" if self.is_sqlite else self.url.render_as_string(hide_password=True)

    def clock(self) -> datetime:
        """The present instant by the ledger's own clock: PostgreSQL's server, or this machine."""
        with self.read() as connection:
            now: datetime = connection.execute(sa.select(ledger_now(connection))).scalar_one()
            return now

    def dispose(self) -> None:
        """Close every connection."""
        self._writer.dispose()
        self._reader.dispose()


def ledger_now(connection: Connection) -> sa.ColumnElement[datetime]:
    """The present instant inside a statement, by the ledger's own clock."""
    # Not now(): in PostgreSQL that is the transaction's beginning.
    is_sqlite = connection.dialect.name == "sqlite"
    seconds = "(julianday('now') - 2440587.5) * 86400" if is_sqlite else "EXTRACT(EPOCH FROM clock_timestamp())"
    return sa.literal_column(f"CAST(({seconds}) * 1000000 AS BIGINT)", schema.Instant)


def bump(connection: Connection, *competences: Competence) -> int:
    """The next revision, also as that of ``competences``; call it in every transaction that screens may show."""
    revision = connection.execute(
        sa.update(schema.state).values(revision=schema.state.c.revision + 1).returning(schema.state.c.revision)
    ).scalar_one()
    for competence in dict.fromkeys(competences):
        touched = connection.execute(
            sa.update(schema.months).where(schema.months.c.competence == str(competence)).values(revision=revision)
        )
        if not touched.rowcount:
            connection.execute(sa.insert(schema.months).values(competence=str(competence), revision=revision))
    return int(revision)


def confirm_snapshot(connection: Connection, evaluated: int | None) -> None:
    """``StaleSnapshotError`` unless ``evaluated`` is, to the end of this writing transaction, the current snapshot."""
    current = connection.execute(sa.select(schema.state.c.snapshot)).scalar_one()
    if current != evaluated:
        raise StaleSnapshotError(evaluated=evaluated, current=current)


def is_closed(connection: Connection, competence: Competence) -> bool:
    """Whether the competence is closed, inside the caller's transaction: then nothing in it changes (PRODUCT 11)."""
    months = schema.months
    query = sa.select(months.c.competence).where(
        months.c.competence == str(competence), months.c.closed_at.is_not(None)
    )
    return connection.execute(query).first() is not None


def refuse_closed(connection: Connection, *competences: Competence) -> None:
    """``NotPossibleError`` when one of ``competences`` is closed, to the end of this writing transaction."""
    for competence in sorted(set(competences)):
        if is_closed(connection, competence):
            raise NotPossibleError(cause="month_closed", competence=str(competence))


@contextmanager
def _disk_errors(place: str) -> Iterator[None]:
    try:
        yield
    except sa.exc.TimeoutError as cause:
        raise StorageError(place=place, cause=str(cause).splitlines()[0]) from cause
    except (sa.exc.DatabaseError, sa.exc.InterfaceError) as cause:
        if _is_defect(cause):
            raise
        raise StorageError(place=place, cause=str(cause.orig).strip().splitlines()[0]) from cause
    except OSError as cause:
        raise StorageError(place=place, cause=cause.strerror or str(cause)) from cause


def _is_defect(error: sa.exc.DBAPIError) -> bool:
    """Whether the store complains of our statement, not of its disk, its locks or our rights."""
    ours = (sa.exc.IntegrityError, sa.exc.ProgrammingError, sa.exc.DataError, sa.exc.NotSupportedError)
    return isinstance(error, ours) and getattr(error.orig, "sqlstate", None) != _REFUSED_RIGHT


def _known() -> list[str]:
    return sorted(path.stem for path in (MIGRATIONS / "versions").glob("[0-9]*.py"))


def _head() -> str:
    return _known()[-1]
