"""Small hand-written stand-ins for ports, for the unit tests of services. Each remembers what was asked of it."""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa

from stfc.domain.billing_file import Descriptor
from stfc.domain.competence import Competence
from stfc.domain.eligibility import Rule
from stfc.domain.forecast import Forecast
from stfc.domain.money import Centavos
from stfc.domain.outcome import Charged, Outcome
from stfc.errors import StaleSnapshotError, StfcError
from stfc.services.ports import (
    Arrived,
    Assessment,
    ChunkSpec,
    Evaluation,
    HoldDecision,
    HoldRow,
    OpenedBatch,
    Part,
    PlatformHealth,
    PlatformInvoice,
    StagedSnapshot,
    Subscriber,
)

OCTOBER = Competence(2026, 10)
NOW = datetime(2026, 11, 10, 15, 0, tzinfo=UTC)


def clock() -> datetime:
    """Always the same instant."""
    return NOW


def a_descriptor(contract: str, *, available: bool = True, amount: int | None = 10_000, records: int = 1) -> Descriptor:
    """What the platform announces; ``amount`` in micros."""
    return Descriptor(contract, OCTOBER, available, f"/{contract}", records=records, amount=amount)  # type: ignore[arg-type]


@dataclass
class FakeGateway:
    """A platform: ``faults`` by contract are raised, ``stalls`` never answer, ``down`` fails everything, ``rest`` is
    for how long it wants no request; faults after the ``spent`` first of a contract do not happen."""

    descriptors: dict[str, Descriptor] = field(default_factory=dict)
    faults: dict[str, StfcError] = field(default_factory=dict)
    stalls: frozenset[str] = frozenset()
    down: StfcError | None = None
    rest: float = 0.0
    spent: int = 1_000
    asked: list[str] = field(default_factory=list)

    async def __aenter__(self) -> "FakeGateway":
        return self

    async def __aexit__(self, *exc: object) -> None:
        return None

    def _check(self, what: str) -> None:
        self.asked.append(what)
        if self.down:
            raise self.down

    def resting(self) -> float:
        return self.rest

    async def health(self) -> PlatformHealth:
        self._check("health")
        return PlatformHealth("1", 3.0)

    async def month(self, competence: Competence) -> dict[str, Descriptor]:
        self._check("month")
        return dict(self.descriptors)

    async def descriptor(self, contract: str, competence: Competence) -> Descriptor:
        self._check(f"descriptor {contract}")
        if contract in self.faults and self.asked.count(f"descriptor {contract}") <= self.spent:
            raise self.faults[contract]
        return self.descriptors.get(contract) or a_descriptor(contract)

    async def fetch(self, descriptor: Descriptor) -> bytes:
        self._check(f"fetch {descriptor.contract}")
        if descriptor.contract in self.stalls:
            await asyncio.Event().wait()
        return b"file"

    async def provision(self, subscriber: Subscriber) -> str:
        self._check(f"provision {subscriber.contract}")
        if subscriber.contract in self.faults:
            raise self.faults[subscriber.contract]
        return "active"

    async def invoices(self, contract: str, since: Competence, until: Competence) -> list[PlatformInvoice]:
        return []


@dataclass
class FakeAssessor:
    """Charges what arrived; ``outcomes`` by contract say otherwise."""

    outcomes: Mapping[str, Outcome] = field(default_factory=dict)
    seen: list[str] = field(default_factory=list)

    def assess(self, spec: ChunkSpec, arrived: Mapping[int, Arrived]) -> Assessment:
        names = {item.item: item.contract for item in spec.items}
        self.seen = [names[item] for item in arrived]
        usual = Charged(Centavos(100), 1, 0, "ab" * 32)
        outcomes = {item: self.outcomes.get(names[item], usual) for item in arrived}
        charged = [item for item, outcome in outcomes.items() if isinstance(outcome, Charged)]
        return Assessment(outcomes, {}, pa.table({"claim": pa.array(charged, pa.int64())}))


@dataclass
class FakeCallStore:
    """Keeps written tables."""

    written: list[pa.Table] = field(default_factory=list)
    error: StfcError | None = None

    def write(self, competence: Competence, table: pa.Table) -> Part:
        if self.error:
            raise self.error
        self.written.append(table)
        return Part("part", competence, table.num_rows, 1, "cd" * 32, "1", "9")


@dataclass
class FakeSnapshots:
    """The snapshot ledger and store in one; ``moves`` is how often an import comes between."""

    number: int | None = 1
    moves: int = 0
    last: int = 1
    given_back: list[int] = field(default_factory=list)
    discarded: list[int] = field(default_factory=list)
    staged: list[tuple[int, int | None]] = field(default_factory=list)
    refuses: StfcError | None = None

    def current(self) -> int | None:
        return self.number

    def next_number(self) -> int:
        self.last += 1
        return self.last

    def give_back(self, number: int) -> None:
        self.given_back.append(number)

    def switch(self, number: int, *, previous: int | None, **_: object) -> None:
        if self.moves:
            self.moves -= 1
            self.last += 1
            self.number = self.last
        if previous != self.number:
            raise StaleSnapshotError(evaluated=previous, current=self.number)
        self.number = number

    def discard_old(self, keep: int) -> Sequence[int]:
        return []

    def stage(self, source: Path, number: int, previous: int | None) -> StagedSnapshot:
        if self.refuses:
            raise self.refuses
        self.staged.append((number, previous))
        return StagedSnapshot(source, {"contracts": 1}, ())

    def folder(self, number: int) -> Path:
        return Path(str(number))

    def discard(self, numbers: Sequence[int]) -> None:
        self.discarded += numbers


@dataclass
class FakeBatches:
    """Opens one batch; ``stale`` says how often the snapshot has moved on first."""

    stale: int = 0
    calls: list[tuple[str, dict[str, object]]] = field(default_factory=list)

    def _note(self, name: str, facts: dict[str, object]) -> None:
        self.calls.append((name, facts))
        if self.stale:
            self.stale -= 1
            raise StaleSnapshotError(evaluated=1, current=2)

    def open(self, competence: Competence, contracts: Sequence[str], **facts: object) -> OpenedBatch:
        self._note("open", {"contracts": list(contracts), **facts})
        return OpenedBatch(1 if contracts else None, len(contracts), {})

    def retry(self, batch: int, **facts: object) -> int:
        self._note("retry", facts)
        return 1

    def cancel(self, batch: int, **facts: object) -> int:
        self._note("cancel", facts)
        return 1

    def reverse(self, batch: int, **facts: object) -> int:
        self._note("reverse", facts)
        return 1


@dataclass
class FakeHolds:
    """Nothing is held; decisions are noted."""

    calls: list[tuple[str, list[int], dict[str, object]]] = field(default_factory=list)

    def pending(self, **_: object) -> list[HoldRow]:
        return []

    def decisions(self, *, limit: int) -> list[HoldDecision]:
        return []

    def release(self, holds: Collection[int], **facts: object) -> list[HoldRow]:
        self.calls.append(("release", list(holds), facts))
        return []

    def reject(self, holds: Collection[int], **facts: object) -> list[HoldRow]:
        self.calls.append(("reject", list(holds), facts))
        return []


@dataclass
class FakeReadModel:
    """Knows ``known`` contracts; ``failed`` of them break a rule."""

    known: Sequence[str] = ("1", "2", "3")
    failed: Mapping[str, Rule] = field(default_factory=dict)
    usual: Sequence[object] = ()

    def eligible(self, competence: Competence) -> list[str]:
        return [c for c in self.known if c not in self.failed]

    def evaluate(self, snapshot: int, competence: Competence, contracts: Sequence[str]) -> Evaluation:
        known = [c for c in contracts if c in self.known]
        return Evaluation(snapshot, {c: self.failed.get(c) for c in known}, {c: f"S-{c}" for c in known})

    def forecasts(self, competence: Competence, contracts: Sequence[str]) -> dict[str, Forecast]:
        return {c: Forecast(Centavos(10), Centavos(5), Centavos(15)) for c in contracts}

    def expectations(self, competence: Competence, contracts: Sequence[str]) -> Sequence[object]:
        return self.usual

    def invoiced_values(self) -> set[str]:
        return {"STFC-9"}
