"""The ledger's versions on both stores, and what a full or read-only disk does to it (ENGINE 12)."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from stfc.adapters.ledger import schema
from stfc.adapters.ledger.database import Database
from stfc.errors import HomeVersionError, StorageError
from tests.ledgers import ANA, NOW, OCTOBER, Ledger

ROOT = Path(__file__).parents[2]
_CATALOGUE = {
    "sqlite": "SELECT type, name, tbl_name FROM sqlite_master WHERE name NOT LIKE '%alembic%'",
    "postgresql": "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' AND indexname !~ 'alembic'",
}
_COLUMNS = (
    "SELECT table_name, column_name, data_type, is_nullable, collation_name FROM information_schema.columns "
    "WHERE table_schema = 'public' AND table_name <> 'alembic_version'"
)


def _catalogue(url: str) -> set[tuple[object, ...]]:
    """Tables, indexes with their conditions, and in PostgreSQL every column with type and collation."""
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    with engine.connect() as connection:
        queries = [_CATALOGUE[engine.dialect.name]] + ([_COLUMNS] if engine.dialect.name == "postgresql" else [])
        found = {tuple(row) for query in queries for row in connection.execute(sa.text(query))}
        if engine.dialect.name == "sqlite":
            wheres = connection.execute(sa.text("SELECT name, sql FROM sqlite_master WHERE type = 'index'"))
            found |= {(row.name, "".join((row.sql or "").split())) for row in wheres if "alembic" not in row.name}
        return found


def _drop_all(url: str) -> None:
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    schema.metadata.drop_all(engine)


def test_the_versions_make_exactly_the_schema(ledger_url: str) -> None:
    database = Database(ledger_url)
    database.upgrade()
    with database.read() as connection:
        assert compare_metadata(MigrationContext.configure(connection), schema.metadata) == []
    database.dispose()
    migrated = _catalogue(ledger_url)
    _drop_all(ledger_url)
    schema.metadata.create_all(sa.create_engine(ledger_url, poolclass=sa.NullPool))
    assert migrated == _catalogue(ledger_url)


def test_upgrading_again_changes_nothing(ledger: Ledger) -> None:
    ledger.open("1")
    before = ledger.dump()
    ledger.database.upgrade()
    assert ledger.dump() == before


def test_several_that_upgrade_at_once_make_one_ledger(ledger_url: str) -> None:
    databases = [Database(ledger_url) for _ in range(4)]
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(Database.upgrade, databases))
    with databases[0].read() as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(schema.state)).scalar_one() == 1
    for database in databases:
        database.dispose()


def test_a_ledger_of_a_newer_version_is_refused_and_left_alone(ledger_url: str) -> None:
    database = Database(ledger_url)
    database.upgrade()
    with database.write() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(HomeVersionError) as caught:
        database.upgrade()
    assert (caught.value.facts["found"], caught.value.facts["expected"]) == ("9999", "0003")
    assert database.version() == "9999"
    database.dispose()


def test_a_file_that_is_no_ledger_is_named(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    path.write_bytes(b"not a database, whatever its name says" * 100)
    with pytest.raises(StorageError) as caught:
        Database(f"sqlite:///{path}").upgrade()
    assert caught.value.facts["place"] == str(path)


def test_a_place_that_takes_no_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StorageError):
        Database(f"sqlite:///{tmp_path / 'file' / 'ledger.db'}").upgrade()


_OPEN_MANY = """
import os, resource, sys
from datetime import UTC, datetime
import alembic.command
from stfc.adapters.ledger.batches import SqlBatchLedger
from stfc.adapters.ledger.database import Database
from stfc.domain.competence import Competence
from stfc.errors import StorageError
from stfc.services.ports import Actor
database = Database(sys.argv[1])
database.version()
if sys.argv[2] == "full":
    resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, resource.RLIM_INFINITY))
elif os.geteuid() == 0:
    os.setuid(65534)
try:
    if sys.argv[2] == "full":
        SqlBatchLedger(database).open(
            Competence(2026, 10), [f"{n:06d}" for n in range(50_000)], snapshot=1,
            actor=Actor("a", "operator", "terminal"), now=datetime.now(UTC), request_key=None)
    else:
        database.dispose()
        with Database(sys.argv[1]).write():
            pass
except StorageError as error:
    print(error.code)
"""


@pytest.mark.parametrize("disk", ["full", "read-only"])
def test_a_full_or_read_only_disk_is_a_storage_error_and_the_ledger_stays_as_it_was(
    sqlite_template: Path, tmp_path: Path, disk: str
) -> None:
    path = tmp_path / "ledger.db"
    path.write_bytes(sqlite_template.read_bytes())
    ledger = Ledger(Database(f"sqlite:///{path}"))
    before = ledger.dump()
    ledger.database.dispose()
    if disk == "read-only":
        # Root is let through everywhere, so the process below becomes nobody: the folder is closed to it.
        path.chmod(0o444)
        tmp_path.chmod(0o555)
    command = [sys.executable, "-c", _OPEN_MANY, f"sqlite:///{path}", disk]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
    tmp_path.chmod(0o755)
    path.chmod(0o644)
    assert (done.stdout.strip(), done.returncode) == ("ARM-ESC", 0), done.stderr
    assert ledger.dump() == before
    opened = ledger.batches.open(OCTOBER, ["1"], snapshot=1, actor=ANA, now=NOW, request_key=None)
    assert opened.items == 1
    ledger.database.dispose()
