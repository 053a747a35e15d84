"""A ledger for tests, over each store that the product runs on, and what must hold of it whatever happened.

``ledger`` runs a test on SQLite and on PostgreSQL; ``assert_sound`` reads the raw tables and trusts no adapter.
"""

import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa
from psycopg import sql

from stfc.adapters.ledger import schema
from stfc.adapters.ledger.audit import SqlAuditLedger
from stfc.adapters.ledger.batches import SqlBatchLedger
from stfc.adapters.ledger.corrections import SqlCorrectionLedger
from stfc.adapters.ledger.database import Database
from stfc.adapters.ledger.health import SqlLedgerDoctor
from stfc.adapters.ledger.holds import SqlHoldLedger
from stfc.adapters.ledger.images import SqlLedgerReader
from stfc.adapters.ledger.late_files import SqlLateFileLedger
from stfc.adapters.ledger.provisionings import SqlProvisioningLedger
from stfc.adapters.ledger.records import claim_id
from stfc.adapters.ledger.snapshots import SqlSnapshotLedger
from stfc.adapters.ledger.work import SqlWorkLedger
from stfc.domain.competence import Competence
from stfc.domain.eligibility import Rule
from stfc.domain.money import Centavos
from stfc.domain.outcome import LIVE_OUTCOMES, Charged, Failed, Finding, Held, Outcome, Zero
from stfc.services.ports import (
    Actor,
    AuditFilter,
    AuditLine,
    ChunkResult,
    Claim,
    Evaluation,
    ItemResult,
    ItemRow,
    LogLine,
    Part,
    RetryPolicy,
)
from tests.postgres import PostgresCluster

OCTOBER = Competence(2026, 10)
NOVEMBER = OCTOBER.plus(1)
NOW = datetime(2026, 11, 10, 15, 0, tzinfo=UTC)
ANA = Actor("ana", "operator", "tela")
LEASE = timedelta(seconds=10)
_BIG = 256 * 1024


def charged(amount: int = 1234, *, calls: int = 3, dropped: int = 0) -> Charged:
    """A contract to be charged ``amount`` centavos."""
    return Charged(Centavos(amount), calls, dropped, "ab" * 32)


def held(amount: int = 1234, *codes: str, calls: int = 3) -> Held:
    """A contract whose charge waits for a manager."""
    findings = tuple(Finding(code, {"line": 1}) for code in codes or ("ARQ-TOT",))
    return Held(Centavos(amount), calls, 0, "ab" * 32, findings)


def zero(*, calls: int = 0) -> Zero:
    """A contract whose month came to nothing."""
    return Zero(calls, 0, "ab" * 32)


def transient(code: str = "SUM-5XX", *, retry_after: float | None = None) -> Failed:
    """A failure worth another try."""
    return Failed(code, {"status": 503}, is_transient=True, retry_after=retry_after)


def final(code: str = "SUM-SUB") -> Failed:
    """A failure for good."""
    return Failed(code, {"contract": "?"})


def part_of(competence: Competence, contracts: Sequence[str]) -> Part:
    """A part with calls of ``contracts``, under a path of its own."""
    path = f"competence={competence}/part-{uuid4()}.parquet"
    return Part(path, competence, 3 * len(contracts), 4096, "cd" * 32, min(contracts), max(contracts))


def result_of(claim: Claim, outcomes: Mapping[str, Outcome], *, part: bool = True) -> ChunkResult:
    """What ``process_chunk`` gives for a claim; contracts not named are charged. A log line each."""
    results = tuple(
        ItemResult(
            item.item,
            item.claim,
            item.contract,
            outcomes.get(item.contract, charged()),
            (LogLine(NOW, "ok", "download", "fetched", {"bytes": 10}, 5),),
        )
        for item in claim.items
    )
    listed = part_of(claim.competence, [item.contract for item in claim.items]) if part else None
    return ChunkResult(results, listed)


def evaluation_of(
    contracts: Sequence[str], failed: Mapping[str, Rule] | None = None, *, snapshot: int = 1
) -> Evaluation:
    """The snapshot's verdicts: nothing fails but ``failed``; the service of contract X is S-X."""
    verdicts = dict.fromkeys(contracts) | dict(failed or {})
    return Evaluation(snapshot, verdicts, {c: f"S-{c}" for c in contracts})


@dataclass
class Ledger:
    """Every side of one ledger, and short ways to bring it somewhere. Snapshot 1 is current."""

    database: Database
    batches: SqlBatchLedger = field(init=False)
    work: SqlWorkLedger = field(init=False)
    late_files: SqlLateFileLedger = field(init=False)
    snapshots: SqlSnapshotLedger = field(init=False)
    reader: SqlLedgerReader = field(init=False)
    provisionings: SqlProvisioningLedger = field(init=False)
    holds: SqlHoldLedger = field(init=False)
    corrections: SqlCorrectionLedger = field(init=False)

    def __post_init__(self) -> None:
        self.batches = SqlBatchLedger(self.database)
        self.work = SqlWorkLedger(self.database)
        self.late_files = SqlLateFileLedger(self.database)
        self.snapshots = SqlSnapshotLedger(self.database)
        self.reader = SqlLedgerReader(self.database)
        self.provisionings = SqlProvisioningLedger(self.database)
        self.holds = SqlHoldLedger(self.database)
        self.corrections = SqlCorrectionLedger(self.database)

    def start(self) -> None:
        """Bring the ledger up to date and import snapshot 1."""
        self.database.upgrade()
        self.import_next()

    def import_next(self) -> int:
        """Make another snapshot the current one."""
        number, previous = self.snapshots.next_number(), self.snapshots.current()
        self.snapshots.switch(number, previous=previous, rows={"contracts": 3}, actor=ANA, now=NOW)
        return number

    def open(self, *contracts: str, competence: Competence = OCTOBER) -> int:
        """A batch over all of ``contracts``."""
        opened = self.batches.open(competence, contracts, snapshot=1, actor=ANA, now=NOW, request_key=None)
        assert opened.batch is not None
        assert not opened.refused
        return opened.batch

    def beat(self, owner: str, *, now: datetime = NOW, lease: timedelta = LEASE) -> None:
        """A worker's heartbeat."""
        self.work.heartbeat(owner, host="host", pid=1, now=now, lease_until=now + lease)

    def claim(
        self,
        owner: str = "w1",
        *,
        now: datetime = NOW,
        limit: int = 100,
        batch: int | None = None,
        slow: bool = False,
    ) -> Claim:
        """A claim that is there."""
        claim = self.work.claim(owner, now=now, limit=limit, batch=batch, slow=slow)
        assert claim is not None
        return claim

    def claims_nothing(self, owner: str = "w1", *, now: datetime = NOW, slow: bool = False) -> bool:
        """Whether nothing is due."""
        return self.work.claim(owner, now=now, limit=100, batch=None, slow=slow) is None

    def settle(
        self,
        claim: Claim,
        outcomes: Mapping[str, Outcome] | None = None,
        *,
        owner: str = "w1",
        failed: Mapping[str, Rule] | None = None,
        snapshot: int = 1,
        now: datetime = NOW,
        part: bool = True,
        retry: RetryPolicy | None = None,
    ) -> dict[str, int]:
        """Settle a claim; contracts that ``outcomes`` does not name are charged 12.34."""
        return self.work.settle(
            owner,
            claim.competence,
            result_of(claim, outcomes or {}, part=part),
            evaluation_of([item.contract for item in claim.items], failed, snapshot=snapshot),
            now=now,
            retry=retry or RetryPolicy(),
            jitter=lambda: 0.5,
        )

    def bill(self, outcomes: Mapping[str, Outcome], *, competence: Competence = OCTOBER) -> int:
        """A batch whose contracts have come to ``outcomes``."""
        batch = self.open(*outcomes, competence=competence)
        self.settle(self.claim(batch=batch), outcomes)
        return batch

    def items(self, batch: int) -> dict[str, ItemRow]:
        """The items of a batch by contract."""
        return {item.contract: item for item in self.batches.items(batch)[1]}

    def events(self, item: ItemRow) -> list[str]:
        """What an item's log tells, in order."""
        return [line.event for line in self.batches.log(item.item)]

    def rows(self, table: sa.Table) -> list[sa.Row[Any]]:
        """A table as it is."""
        with self.database.read() as connection:
            return list(connection.execute(sa.select(table).order_by(*table.primary_key.columns)))

    def findings(self) -> list[str]:
        """The codes of what the doctor finds in the rows; the clocks of a test's workers are not its affair."""
        found = SqlLedgerDoctor(self.database).examine(NOW, NOW, None).findings
        return [one.code for one in found if one.check in ("never_twice", "amounts", "ledger")]

    def audit_lines(self, action: str) -> list[AuditLine]:
        """The trail's lines of one act, newest first."""
        return SqlAuditLedger(self.database).page(chosen=AuditFilter(action=action))[1]

    def dump(self) -> dict[str, list[sa.Row[Any]]]:
        """Every table as it is."""
        return {table.name: self.rows(table) for table in schema.metadata.sorted_tables}


@pytest.fixture(params=["sqlite", "postgres"])
def ledger_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of each store with nothing in it, not even tables."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'ledger.db'}"
    url: str = request.getfixturevalue("postgres_url")
    return url


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite ledger with its tables and one import, to be copied."""
    path = tmp_path_factory.mktemp("ledger") / "template.db"
    ledger = Ledger(Database(f"sqlite:///{path}"))
    ledger.start()
    ledger.database.dispose()
    return path


# One engine a store for all tests: it compiles each statement once, which is most of what a short test costs.
@pytest.fixture(scope="session")
def fresh_sqlite(sqlite_template: Path) -> Callable[[], Database]:
    """Gives a SQLite ledger with one import and nothing else; the one given before is gone."""
    path = sqlite_template.with_name("ledger.db")
    database = Database(f"sqlite:///{path}")

    def fresh() -> Database:
        database.dispose()
        for old in path.parent.glob("ledger.db*"):
            old.unlink()
        shutil.copy(sqlite_template, path)
        return database

    return fresh


@pytest.fixture(scope="session")
def fresh_postgres(postgres_cluster: PostgresCluster) -> Iterator[Callable[[], Database]]:
    """The same in PostgreSQL: one database that is emptied, which takes a fraction of making another."""
    postgres_cluster.execute(sql.SQL("CREATE DATABASE template"))
    template = Database(postgres_cluster.url("template"))
    template.upgrade()
    template.dispose()
    database = Database(postgres_cluster.url("ledger"))

    def remake() -> tuple[int, ...]:
        database.dispose()
        postgres_cluster.execute(sql.SQL("DROP DATABASE IF EXISTS ledger WITH (FORCE)"))
        postgres_cluster.execute(sql.SQL("CREATE DATABASE ledger TEMPLATE template"))
        return _shape(database)

    whole = remake()

    def fresh() -> Database:
        if _shape(database) != whole:
            remake()
        empty(database)
        return database

    yield fresh
    database.dispose()


def _shape(database: Database) -> tuple[int, ...]:
    """How many indexes, triggers and constraints there are: a test may have taken some away."""
    counts = (
        "SELECT count(*) FROM pg_indexes WHERE schemaname = 'public'",
        "SELECT count(*) FROM pg_trigger WHERE tgenabled = 'O'",
        "SELECT count(*) FROM pg_constraint",
    )
    with database.read() as connection:
        return tuple(connection.execute(sa.text(f"SELECT ({'), ('.join(counts)})")).one())


@pytest.fixture(params=["sqlite", "postgres"])
def database(request: pytest.FixtureRequest) -> Database:
    """A ledger's database on each store, with one import and nothing else."""
    made: Database = request.getfixturevalue(f"fresh_{request.param}")()
    return made


@pytest.fixture
def ledger(database: Database) -> Iterator[Ledger]:
    """A ledger with one import, on each store; what must always hold is checked at the end."""
    ledger = Ledger(database)
    yield ledger
    assert_sound(ledger)


def empty(database: Database) -> None:
    """Bring a PostgreSQL ledger back to one import and nothing else."""
    names = [table.name for table in schema.metadata.sorted_tables]
    # What was big leaves pages that every scan would read; of small tables, new files cost more than their rows.
    largest = f"SELECT max(pg_relation_size(c.oid)) FROM pg_class c WHERE c.relname IN ({', '.join(map(repr, names))})"
    with database.write() as connection:
        # Only a superuser gets past the trigger that keeps the audit trail.
        connection.execute(sa.text("SET LOCAL session_replication_role = replica"))
        if connection.execute(sa.text(largest)).scalar_one() > _BIG:
            connection.execute(sa.text(f"TRUNCATE {', '.join(names)}"))
        else:
            deletions = "; ".join(f"DELETE FROM {name}" for name in names)
            connection.execute(sa.text(f"DO $$ BEGIN {deletions}; END $$"))
        sequences = "SELECT setval(c.oid::regclass, 1, false) FROM pg_class c WHERE c.relkind = 'S'"
        connection.execute(sa.text(sequences))
        start = {"id": 1, "revision": 0, "last_number": 0, "provisioning_revision": 0}
        head = {"audit_lines": 0, "audit_hash": schema.AUDIT_START}
        connection.execute(sa.insert(schema.state).values(**start, **head))
    Ledger(database).import_next()


def assert_sound(ledger: Ledger) -> None:
    """What holds after every transaction (PRODUCT 5, *Never twice*; ARCHITECTURE, *The ledger is the catalogue*)."""
    items = {row.item: row for row in ledger.rows(schema.items)}
    charges = ledger.rows(schema.charges)
    live = Counter((i.contract, i.competence) for i in items.values() if not i.reversed and i.outcome in LIVE_OUTCOMES)
    assert max(live.values(), default=0) <= 1, "two live items of one contract and month"
    live = Counter((charge.contract, charge.competence) for charge in charges if charge.status in ("live", "held"))
    assert max(live.values(), default=0) <= 1, "two live charges of one contract and month"
    _assert_money(ledger, items, charges)
    _assert_exclusions(ledger, items)
    for row in items.values():
        assert (row.owner is not None) == (row.outcome == "running"), "held by nobody, or by somebody for nothing"
    for batch in ledger.batches.newest():
        assert (batch.open_items == 0) == (batch.status in ("done", "cancelled")), "a batch's state is not its items'"
        assert (batch.ended_at is None) == (batch.open_items > 0)


def _assert_money(ledger: Ledger, items: Mapping[int, sa.Row[Any]], charges: Sequence[sa.Row[Any]]) -> None:
    status = {"charged": "live", "held": "held"}
    billed = [item for item in items.values() if item.outcome in status]
    expected = {i.item: ("reversed" if i.reversed else status[i.outcome], i.amount) for i in billed}
    # What was rejected by a manager ends as a reversal, and only what was held can be.
    assert all(items[c.item].outcome == "held" for c in charges if c.status == "rejected")
    said = {c.item: ("reversed" if c.status == "rejected" else c.status, c.amount) for c in charges}
    assert said == expected, "charges are not what the items say"
    values = {
        value.item: ("reversed" if value.deleted else "held" if value.held else "live", value.amount)
        for value in ledger.rows(schema.eventual_values)
        # Complements and refunds stand beside the charge, and have no service.
        if value.service is not None
    }
    assert values == expected, "eventual values are not the charges"
    events = {e.item: e.reversed for e in ledger.rows(schema.zero_events)}
    assert events == {i.item: i.reversed for i in items.values() if i.outcome == "zero"}


def _assert_exclusions(ledger: Ledger, items: Mapping[int, sa.Row[Any]]) -> None:
    excluded = {row.claim: row.cause for row in ledger.rows(schema.exclusions)}
    for row in items.values():
        if row.outcome not in ("charged", "held", "zero"):
            continue
        cause = excluded.get(claim_id(row.item, row.attempt))
        assert cause == ("reversed" if row.reversed and row.calls else None), "visible calls are not the charged ones"
