"""A small house to bill in: a real ledger and real parts of calls, without ERP files and without a platform."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from stfc.adapters.calls.store import ParquetCallStore
from stfc.adapters.ledger.batches import SqlBatchLedger
from stfc.adapters.ledger.database import Database
from stfc.adapters.ledger.snapshots import SqlSnapshotLedger
from stfc.adapters.ledger.work import SqlWorkLedger
from stfc.domain.competence import Competence
from stfc.domain.money import Centavos, cut
from stfc.domain.outcome import Charged, Finding, Held, NotAvailable, Outcome, Zero
from stfc.services.ports import Actor, ChunkResult, Claim, Evaluation, ItemResult, RetryPolicy
from tests.builders import a_call, calls_table

OCTOBER = Competence(2026, 10)
NOW = datetime(2026, 11, 3, 12, 0, 0, 250_000, tzinfo=UTC)
ANA = Actor("ana", "operator", "terminal")
_OWNER = "worker"
_SHA = "0123456789abcdef" * 4

Calls = Sequence[Mapping[str, Any]]
"""What changes in each call of a contract, see ``builders.a_call``."""


@dataclass(frozen=True)
class House:
    """``bill`` settles chunks as the worker does; the rest is there to look at and to break."""

    database: Database
    store: ParquetCallStore
    batches: SqlBatchLedger
    work: SqlWorkLedger

    def bill(
        self,
        contracts: Mapping[str, Calls],
        *,
        competence: Competence = OCTOBER,
        held: Sequence[str] = (),
        unavailable: Sequence[str] = (),
        now: datetime = NOW,
    ) -> int:
        """A batch that charges the sum of each contract's calls, zero where there is none; gives its number."""
        opened = self.batches.open(competence, list(contracts), snapshot=1, actor=ANA, now=now, request_key=None)
        assert opened.batch is not None
        self.work.heartbeat(_OWNER, host="here", pid=1, now=now, lease_until=now + timedelta(seconds=10))
        claim = self.work.claim(_OWNER, now=now, limit=1000, batch=opened.batch, slow=False)
        assert claim is not None
        rows = _rows(claim, contracts, unavailable)
        part = self.store.write(competence, calls_table(rows)) if rows else None
        results = tuple(
            ItemResult(item.item, item.claim, item.contract, _outcome(item.contract, rows, held, unavailable), ())
            for item in claim.items
        )
        self.settle(claim, ChunkResult(results, part), now)
        self.work.leave(_OWNER, now=now)
        return opened.batch

    def settle(self, claim: Claim, result: ChunkResult, now: datetime = NOW) -> None:
        """Settle with every contract eligible on service ``S-CONTRACT``."""
        contracts = [one.contract for one in result.results]
        evaluation = Evaluation(1, dict.fromkeys(contracts), {one: f"S-{one}" for one in contracts})
        self.work.settle(_OWNER, claim.competence, result, evaluation, now=now, retry=RetryPolicy(), jitter=lambda: 0.5)

    def reverse(self, batch: int, *contracts: str) -> None:
        """Reverse what the batch charged."""
        chosen = list(contracts) or None
        self.batches.reverse(batch, contracts=chosen, invoiced=(), reason="engano", actor=ANA, now=NOW)

    def do(self, statement: Any) -> None:
        """Change the ledger behind its own back."""
        with self.database.write() as connection:
            connection.execute(statement)


def a_house(url: str, folder: Path) -> House:
    """A house whose snapshot 1 is current."""
    database = Database(url)
    database.upgrade()
    SqlSnapshotLedger(database).switch(1, previous=None, rows={"contracts": 3}, actor=ANA, now=NOW)
    return house_at(database, folder)


def house_at(database: Database, folder: Path) -> House:
    """The house over a ledger that is there already."""
    return House(database, ParquetCallStore(folder), SqlBatchLedger(database), SqlWorkLedger(database))


def _rows(claim: Claim, contracts: Mapping[str, Calls], unavailable: Sequence[str]) -> list[dict[str, Any]]:
    return [
        a_call(f"c-{item.contract}-{number}", item.contract, **{"claim": item.claim, **changes})
        for item in claim.items
        if item.contract not in unavailable
        for number, changes in enumerate(contracts[item.contract])
    ]


def _outcome(
    contract: str, rows: Sequence[Mapping[str, Any]], held: Sequence[str], unavailable: Sequence[str]
) -> Outcome:
    mine = [row for row in rows if row["contract"] == contract]
    amount: Centavos = cut(sum(row["amount"] for row in mine))
    if contract in unavailable:
        return NotAvailable()
    if contract in held:
        return Held(amount, len(mine), 0, _SHA, (Finding("ARQ-TOT", {}),))
    return Charged(amount, len(mine), 0, _SHA) if amount else Zero(len(mine), 0, _SHA)
