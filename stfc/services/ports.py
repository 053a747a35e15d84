"""The ports: what the use cases need from the outside, said in values of the domain and Arrow tables.

Every adapter of a port passes the same contract tests (``tests/integration``).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol, Self

from stfc.domain.billing_file import Descriptor
from stfc.domain.competence import Competence
from stfc.domain.correction import FileDifference, Remedy
from stfc.domain.eligibility import Rule
from stfc.domain.forecast import BatchForecast, Forecast
from stfc.domain.money import Centavos
from stfc.domain.outcome import Finding, ItemOutcome, Outcome
from stfc.domain.parameter import Parameter
from stfc.domain.plan import PlanVersion
from stfc.domain.rerating import Repriced

if TYPE_CHECKING:
    import pyarrow as pa

Clock = Callable[[], datetime]
"""Gives the present instant, aware, in UTC."""


# --- The platform Summit -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class PlatformHealth:
    """The platform answered ``health``: its version of the interface and how long that took, in milliseconds.

    ``clock`` is what its own clock said, to the second; None where it has none.
    """

    version: str
    latency_ms: float
    clock: datetime | None = None


@dataclass(frozen=True)
class Subscriber:
    """What provisioning sends of a contract. ``document`` is CPF or CNPJ, digits and letters only."""

    contract: str
    name: str
    document: str
    closing_day: int
    lines: tuple[str, ...]
    plan: str | None


@dataclass(frozen=True)
class PlatformInvoice:
    """A bill that the platform itself issued for a contract's lines."""

    number: str
    competence: Competence
    issued_on: date
    due_on: date
    amount: Centavos
    status: str
    items: tuple[tuple[str, Centavos], ...]


class SummitGateway(Protocol):
    """The platform Summit. Errors are the ``PlatformError`` family and nothing else. Use inside one event loop.

    An instance is an async context manager; leaving it closes its connections.
    """

    async def __aenter__(self) -> SummitGateway: ...
    async def __aexit__(self, *exc: object) -> None: ...

    def resting(self) -> float:
        """For how many seconds the platform wants no request from anybody here; 0.0 when it may be asked."""
        ...

    async def health(self) -> PlatformHealth:
        """Whether the platform is up; needs no token."""
        ...

    async def month(self, competence: Competence) -> dict[str, Descriptor]:
        """All descriptors of the competence by contract, for planning a large batch with few requests.

        A repeated page of the listing is noticed and not followed twice.
        """
        ...

    async def descriptor(self, contract: str, competence: Competence) -> Descriptor:
        """One contract's descriptor; ``FileNotAvailableError`` or ``SubscriberUnknownError`` when there is none."""
        ...

    async def fetch(self, descriptor: Descriptor) -> bytes:
        """The file's decoded bytes, its sha256 checked where one is announced (``ChecksumError``)."""
        ...

    async def provision(self, subscriber: Subscriber) -> str:
        """Create or update the subscriber, idempotent; gives its status. ``ProvisioningRefusedError`` when refused."""
        ...

    async def invoices(self, contract: str, since: Competence, until: Competence) -> list[PlatformInvoice]:
        """The platform's own bills of the contract, both ends inclusive."""
        ...


# --- The ERP snapshot ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ImportWarning:
    """Something odd in a dump that stops nothing, e.g. a CPF with wrong check digits."""

    file: str
    line: int
    column: str
    cause: str


@dataclass(frozen=True)
class StagedSnapshot:
    """A validated dump, written to its folder but not yet current. ``rows`` is per table."""

    folder: Path
    rows: dict[str, int]
    warnings: tuple[ImportWarning, ...]


class SnapshotStore(Protocol):
    """Immutable folders of the ERP's six tables as Parquet, one per import."""

    def stage(self, source: Path, number: int, previous: int | None) -> StagedSnapshot:
        """Validate the dump in ``source`` whole and write it as snapshot ``number``; tables it lacks come from
        ``previous``. Raises ``ImportRefusedError`` with every problem, and then leaves nothing behind."""
        ...

    def folder(self, number: int) -> Path:
        """Where snapshot ``number`` stands."""
        ...

    def discard(self, numbers: Iterable[int]) -> None:
        """Remove old snapshots that nothing names any more."""
        ...


class SnapshotLedger(Protocol):
    """Which snapshot is current, and which are kept."""

    def current(self) -> int | None:
        """The snapshot that everything is read from; None before the first import."""
        ...

    def next_number(self) -> int:
        """A number above every one given so far; each caller gets its own."""
        ...

    def give_back(self, number: int) -> None:
        """Say that nothing came of ``number``, so that a refused import leaves the ledger as it was."""
        ...

    def switch(self, number: int, *, previous: int | None, rows: dict[str, int], actor: Actor, now: datetime) -> None:
        """Make ``number`` current, atomically; ``StaleSnapshotError`` when ``previous``, from which it took the tables
        that its dump lacked, is not the current one any more."""
        ...

    def discard_old(self, keep: int) -> Sequence[int]:
        """Forget all but the newest ``keep`` and those that a batch names; gives which."""
        ...


# --- The call store ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Part:
    """An immutable Parquet file of calls as the ledger lists it. ``path`` is relative to the calls' root."""

    path: str
    competence: Competence
    rows: int
    size: int
    sha256: str
    contract_first: str
    contract_last: str


@dataclass(frozen=True)
class LiveCalls:
    """Exactly what may be read: the live parts and the claims in them that are excluded, at one revision."""

    revision: int
    parts: tuple[Part, ...]
    excluded: frozenset[int]


@dataclass(frozen=True)
class Rollup:
    """Sums of a competence's calls, ready for charts: of the live parts ``parts`` (their paths), but for the claims
    ``excluded``. ``path`` is a folder relative to the calls' root.

    The competence's other parts, and the claims excluded since, are not in it: a reader adds and subtracts them.
    """

    path: str
    parts: frozenset[str]
    excluded: frozenset[int]


@dataclass(frozen=True)
class ListedCalls:
    """What a compaction of ``competence`` starts from, of one moment.

    ``dropped`` are excluded claims whose rows nobody will ever ask for again. ``is_merged``: the parts are what a
    compaction left, and no row of ``dropped`` can be in them. ``is_closed``: they are frozen.
    """

    competence: Competence
    live: LiveCalls
    rollup: Rollup | None
    dropped: frozenset[int]
    is_merged: bool
    is_closed: bool = False


# --- Batches -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class LogLine:
    """One step of one item. The sentence comes from ``text.log`` by ``step``, ``event`` and ``facts``.

    ``level`` is ``ok``, ``warning`` or ``error``; ``duration_ms`` is None where nothing was measured.
    """

    at: datetime
    level: str
    step: str
    event: str
    facts: Mapping[str, Any] = field(default_factory=dict)
    duration_ms: int | None = None


@dataclass(frozen=True)
class ClaimedItem:
    """A batch item that a worker holds. ``claim`` names item and attempt and marks every row of its calls.

    ``tries`` counts the attempts that failed so far, ``unfinished`` those that ended before anything was known, mostly
    because the file was slow. ``descriptor`` is what the month's listing said, if asked. ``charged`` are the contract's
    live charges of the twelve competences before, newest first. ``undecided`` are the claims of its charges that wait
    for a manager: their calls count as seen before, but not as what is usual.
    """

    item: int
    claim: int
    contract: str
    tries: int
    descriptor: Descriptor | None = None
    unfinished: int = 0
    charged: tuple[Centavos, ...] = ()
    undecided: frozenset[int] = frozenset()


@dataclass(frozen=True)
class ChunkSpec:
    """The work of one ``process_chunk``; picklable, needs no ledger.

    ``calls`` are the live calls of earlier files, for repeats. ``snapshot_folder`` holds the lines of the ERP.
    ``slow``: of files that were slow before. ``plans`` are all versions of all tariff plans; the snapshot says which
    contract names which.
    """

    batch: int
    competence: Competence
    items: tuple[ClaimedItem, ...]
    snapshot_folder: Path
    calls: LiveCalls
    slow: bool = False
    plans: tuple[PlanVersion, ...] = ()


@dataclass(frozen=True)
class ItemResult:
    """What ``process_chunk`` found for one item, before the ledger decides. ``plans`` are the keys of the plan versions
    that priced its calls, ``period`` the first and the last day of its file's."""

    item: int
    claim: int
    contract: str
    outcome: Outcome
    log: tuple[LogLine, ...]
    plans: frozenset[str] = frozenset()
    period: tuple[date, date] | None = None


@dataclass(frozen=True)
class ChunkResult:
    """A chunk's results, one per item of the spec, and the part that holds its calls (None when there are none).

    ``not_before`` is until when the platform wants no request from anybody, None when it may be asked.
    """

    results: tuple[ItemResult, ...]
    part: Part | None
    not_before: datetime | None = None


@dataclass(frozen=True)
class Arrived:
    """A file that arrived, its checksum verified where one is announced."""

    descriptor: Descriptor
    body: bytes


@dataclass(frozen=True)
class Assessment:
    """What the arrived files of a chunk come to, by item: outcome and log lines, and the calls of those items that may
    be charged (Arrow, the schema of a part; each row carries its item's claim). ``plans`` are the keys of the plan
    versions that priced calls, ``periods`` the first and last days of the files' periods."""

    outcomes: Mapping[int, Outcome]
    log: Mapping[int, Sequence[LogLine]]
    calls: pa.Table
    plans: Mapping[int, frozenset[str]] = field(default_factory=dict)
    periods: Mapping[int, tuple[date, date]] = field(default_factory=dict)


class CallAssessor(Protocol):
    """Reads files: parse, totals, repeats, classes, lines, amounts (PRODUCT 5-7)."""

    def assess(self, spec: ChunkSpec, arrived: Mapping[int, Arrived]) -> Assessment:
        """An outcome for every arrived item: Charged, Zero, Held, or Failed with ARQ-FMT."""
        ...


class PartCatalogue(Protocol):
    """Which parts the ledger knows."""

    def listed_paths(self, *, retired_since: datetime) -> frozenset[str]:
        """The paths, relative to the calls' root, of all parts and rollups that are live or were until lately."""
        ...


@dataclass(frozen=True)
class Growth:
    """What came to a competence since its last compaction.

    ``calls`` are the rows of the parts that the compaction left, ``new_calls`` and ``new_parts`` those that came since,
    ``new_exclusions`` the claims excluded since. ``is_running``: a worker holds an item of the competence.
    ``is_closed``: its parts are frozen.
    """

    competence: Competence
    calls: int
    new_calls: int
    new_parts: int
    new_exclusions: int
    is_running: bool
    is_closed: bool = False


class PartLedger(Protocol):
    """The ledger's side of compaction: which parts are live, and which rollup stands for them."""

    def growth(self) -> list[Growth]:
        """Every competence that has live parts, oldest first."""
        ...

    def listed(self, competence: Competence) -> ListedCalls:
        """The competence as it is now."""
        ...

    def swap(self, source: ListedCalls, parts: Sequence[Part], rollup: str, *, now: datetime) -> bool:
        """Put ``parts``, which hold the calls of ``source``, in the place of its parts (or leave those that are the
        same), and ``rollup`` in the place of the old one: one transaction. False, and nothing is changed, when another
        compaction came first; parts and exclusions that came meanwhile are kept."""
        ...


class CallCompactor(Protocol):
    """Rewrites a competence's calls, in constant memory; nobody sees what it writes before the ledger lists it.
    ``StorageError`` may leave orphans behind."""

    def merged(self, source: ListedCalls) -> Iterator[Part]:
        """The calls of ``source`` as few parts by contract and start, ranges of contracts that do not overlap, written
        one after the other; without the rows of its ``dropped`` claims."""
        ...

    def summed(self, competence: Competence, live: LiveCalls) -> str:
        """Write the rollup of ``live``; gives its path."""
        ...

    def holds(self, rollup: Rollup) -> bool:
        """Whether all of the rollup's files are there."""
        ...


class CallStore(Protocol):
    """Immutable parts of calls."""

    def write(self, competence: Competence, table: pa.Table) -> Part:
        """Write a part, on disk for good when this returns; nobody sees it before the ledger lists it.
        ``StorageError`` leaves nothing behind."""
        ...

    def orphans(self, listed: Iterable[str], *, older_than: datetime) -> list[str]:
        """Parts and rollups that no ledger row lists and that are older than any chunk can be."""
        ...

    def remove(self, paths: Iterable[str]) -> None:
        """Remove orphans."""
        ...


# --- What the ledger shows to the read model ------------------------------------------------------------------------


@dataclass(frozen=True)
class MonthImage:
    """All that the ledger knows of one competence, at one moment.

    ``revision`` is the last one that touched the competence. Arrow tables (strings, int64, bool; money in centavos):

    * ``items``: item, contract, batch, outcome, code (or null), rule (or null), amount, calls, reversed, late (bool),
      period_from, period_until (date32, of the file, null where it was not kept). Every item of the competence,
      reversed, refused and failed ones too.
    * ``values``: value_id, contract, service (or null), kind, amount, deleted, held: the product's own eventual values.
    * ``events``: event, contract, at (date32), reversed: the product's own zero-billing events.
    """

    competence: Competence
    revision: int
    items: pa.Table
    values: pa.Table
    events: pa.Table
    parts: tuple[Part, ...]
    excluded: frozenset[int]
    rollup: Rollup | None = None


@dataclass(frozen=True)
class LedgerState:
    """The counter that every visible change increments, the current snapshot, and what is not tied to a month.

    ``snapshot`` is None before the first import. ``months`` maps each competence the ledger knows to its revision.
    ``provisioning`` (Arrow): contract, at (timestamp UTC), ok (bool), code (or null); the last result per contract.
    ``plans`` maps the code of each tariff plan to the day on which its first version begins.
    """

    revision: int
    snapshot: int | None
    imported_at: datetime | None
    months: Mapping[Competence, int]
    provisioning: pa.Table
    plans: Mapping[str, date] = field(default_factory=dict)


class LedgerReader(Protocol):
    """The read side of the ledger that the read model lives on."""

    def state(self) -> LedgerState:
        """Revision and snapshot, cheap enough for every rerun."""
        ...

    def images(
        self, competences: Sequence[Competence], known: Mapping[Competence, MonthImage]
    ) -> tuple[LedgerState, dict[Competence, MonthImage]]:
        """State and month images of one moment, in one read transaction. Of a ``known`` image only what changed since
        is read; one of a month that did not change comes back as it is."""
        ...


# --- The ledger: batches and work ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Actor:
    """Who acts, in which role, from which surface (``tela`` or ``terminal``); goes into audit and batches."""

    name: str
    role: str
    surface: str


@dataclass(frozen=True)
class BatchSummary:
    """A batch and its counts. ``amount`` (centavos) and ``calls`` leave out what was reversed.

    ``status``: waiting, running, paused, done or cancelled. ``outcomes`` has every ``ItemOutcome`` as key and counts
    what was reversed too; ``live`` is the same without it.
    ``next_look_at`` is when files that were not there are looked for again; ``idle`` is how long it lay done between.
    """

    batch: int
    competence: Competence
    snapshot: int
    status: str
    pause_code: str | None
    paused_at: datetime | None
    created_at: datetime
    created_by: str
    started_at: datetime | None
    ended_at: datetime | None
    outcomes: Mapping[str, int]
    live: Mapping[str, int]
    amount: Centavos
    calls: int
    reversed: int
    next_look_at: datetime | None = None
    idle: timedelta = timedelta()
    forecast: BatchForecast | None = None

    def spent(self, now: datetime) -> timedelta:
        """How long the batch has been worked on, until its end, its pause or ``now``: without the time that it lay done
        before somebody, or a file that came, took it up again."""
        if self.started_at is None:
            return timedelta()
        return max(timedelta(), (self.ended_at or self.paused_at or now) - self.started_at - self.idle)

    @property
    def standing(self) -> Mapping[str, int]:
        """How many contracts stand where now: those not reversed by outcome, the others under ``reversed``."""
        return {**self.live, "reversed": self.reversed}

    @property
    def items(self) -> int:
        """How many contracts the batch has."""
        return sum(self.outcomes.values())

    @property
    def open_items(self) -> int:
        """How many items still wait or run."""
        return self.outcomes["waiting"] + self.outcomes["running"]


@dataclass(frozen=True)
class ItemRow:
    """One contract of a batch as it stands. ``facts`` fill the sentence of ``code``; ``expected`` is what was foreseen
    of it when the batch was opened, with its range, None without a past."""

    item: int
    batch: int
    competence: Competence
    contract: str
    outcome: str
    reversed: bool
    amount: Centavos | None
    calls: int | None
    code: str | None
    rule: str | None
    facts: Mapping[str, Any]
    attempts: int
    next_try_at: datetime | None
    started_at: datetime | None
    ended_at: datetime | None
    expected: Centavos | None = None
    expected_low: Centavos | None = None
    expected_high: Centavos | None = None


@dataclass(frozen=True)
class OpenedBatch:
    """What *Gerar Cobrança* made: ``batch`` is None when nothing is to be billed; ``refused`` maps contract to rule."""

    batch: int | None
    items: int
    refused: Mapping[str, str]


@dataclass(frozen=True)
class RecentWork:
    """What a batch came to lately: ``ended`` contracts, on which work began at ``begun`` at the earliest."""

    ended: int
    begun: datetime


class BatchLedger(Protocol):
    """Batches as people see and steer them."""

    def open(
        self,
        competence: Competence,
        contracts: Sequence[str],
        *,
        snapshot: int,
        actor: Actor,
        now: datetime,
        request_key: str | None,
        forecasts: Mapping[str, Forecast] | None = None,
    ) -> OpenedBatch:
        """Open a batch over ``contracts`` (already checked against ``snapshot``); those that have a live item, value or
        event in the ledger are refused. ``forecasts`` (unknown contracts in it
        do not matter) are kept with it. The same ``request_key`` again gives the same batch, whatever is clicked.
        Raises ``StaleSnapshotError`` when ``snapshot`` is not the current one any more."""
        ...

    def newest(self, *, competence: Competence | None = None, limit: int | None = None) -> list[BatchSummary]:
        """Batches, newest first."""
        ...

    def active(self) -> list[BatchSummary]:
        """The batches that wait, run or are paused, newest first."""
        ...

    def show(self, batch: int) -> BatchSummary:
        """One batch; ``NotFoundError``."""
        ...

    def items(
        self,
        batch: int,
        *,
        outcomes: Sequence[str] = (),
        codes: Sequence[str] = (),
        search: str = "",
        contracts: Collection[str] | None = None,
        offset: int = 0,
        limit: int | None = None,
    ) -> tuple[int, list[ItemRow]]:
        """How many items match, and a page of them by contract; ``contracts`` None for all.

        What was reversed is found under ``reversed``, not under its outcome; ``codes`` are those that ``causes``
        counts.
        """
        ...

    def causes(self, batch: int) -> list[tuple[str, str, int]]:
        """``(code, outcome, contracts)`` of the items that carry a code, most first; without what was reversed, and
        without what a manager released: nothing is left to do there."""
        ...

    def recent(self, batch: int, since: datetime) -> RecentWork | None:
        """What the batch came to since ``since``, without what was cancelled; None when nothing ended."""
        ...

    def next_tries(self, batch: int) -> dict[str, datetime]:
        """When the next of the contracts that wait after a failure is tried again, by the code they carry."""
        ...

    def sent(
        self,
        *,
        competence: Competence | None,
        search: str,
        outcomes: Sequence[str],
        offset: int,
        limit: int | None,
        contracts: Collection[str] | None = None,
        batches: Collection[int] | None = None,
    ) -> tuple[int, list[ItemRow]]:
        """Every contract sent to billing, over all batches, newest batch first; ``contracts`` and ``batches`` None for
        all, ``outcomes`` as for ``items``."""
        ...

    def holding(self, contracts: Collection[str]) -> set[int]:
        """The batches that have an item of any of ``contracts``."""
        ...

    def log(self, item: int) -> list[LogLine]:
        """An item's log in order."""
        ...

    def logs(self, batch: int) -> dict[int, list[LogLine]]:
        """Every item's log of a batch."""
        ...

    def retry(
        self, batch: int, *, items: Sequence[int] | None, codes: Sequence[str], actor: Actor, now: datetime
    ) -> int:
        """Set failed and ``waiting_file`` items waiting again (all, or the chosen) and lift a pause; gives how many."""
        ...

    def cancel(self, batch: int, *, actor: Actor, now: datetime) -> int:
        """Cancel what has not started; gives how many."""
        ...

    def reverse(
        self,
        batch: int,
        *,
        contracts: Sequence[str] | None,
        invoiced: Iterable[str],
        reason: str,
        actor: Actor,
        now: datetime,
        snapshot: int | None = None,
        approval: int | None = None,
        may_decide: bool = True,
    ) -> int:
        """Reverse what a batch charged, all or only ``contracts``; gives how many. ``invoiced`` are the value ids that
        the ERP has invoiced, as of ``snapshot`` (``StaleSnapshotError`` when that is not the current one any more).
        ``approval`` is the request that ``actor`` approves by it, see ``ApprovalLedger``; ``may_decide`` says whether
        held charges may go with the rest. ``NotPossibleError`` names what cannot be reversed, and then nothing is."""
        ...

    def of_contract(self, contract: str) -> list[ItemRow]:
        """Every item of a contract, newest first."""
        ...


# --- The ledger: held charges ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class FigureDifference:
    """One of the three figures of a file (``records``, ``seconds``, ``amount_micros``) that ``source`` (``trailer`` or
    ``descriptor``) declares otherwise than its records add up to."""

    source: str
    figure: str
    declared: int
    found: int


@dataclass(frozen=True)
class HoldRow:
    """A charge that was held for a manager (PRODUCT 7). ``hold`` is the charge's number; ``amount`` and ``calls`` are
    what it comes to when released; ``code`` is the first of those of ``findings``."""

    hold: int
    item: int
    batch: int
    contract: str
    competence: Competence
    amount: Centavos
    calls: int
    code: str
    findings: tuple[Finding, ...]
    held_at: datetime

    @property
    def differences(self) -> tuple[FigureDifference, ...]:
        """Declared against found, for each figure in which a total disagrees (ARQ-TOT); empty for other findings."""
        return tuple(
            FigureDifference(finding.facts["source"], figure, declared, finding.facts["found"][figure])
            for finding in self.findings
            if finding.code == "ARQ-TOT" and "source" in finding.facts
            for figure in ("records", "seconds", "amount_micros")
            if (declared := finding.facts["declared"].get(figure)) is not None
        )


@dataclass(frozen=True)
class HoldDecision:
    """What a manager decided of a held charge, as the audit trail has it; ``code`` is why it was held."""

    contract: str
    competence: Competence
    amount: Centavos
    code: str
    released: bool
    reason: str
    who: str
    at: datetime


class HoldLedger(Protocol):
    """Held charges and what managers decide of them."""

    def pending(
        self,
        *,
        competence: Competence | None = None,
        batch: int | None = None,
        contracts: Collection[str] | None = None,
    ) -> list[HoldRow]:
        """Those that wait, the largest amount first; None does not restrict."""
        ...

    def decisions(self, *, limit: int) -> list[HoldDecision]:
        """The last decisions, newest first."""
        ...

    def release(
        self, holds: Collection[int], *, reason: str, actor: Actor, now: datetime, approval: int | None = None
    ) -> list[HoldRow]:
        """End ``holds`` as charged, in one transaction, all or none; gives them as they were. ``approval`` is the
        request that ``actor`` approves by it, see ``ApprovalLedger``.

        ``NotFoundError`` names one that does not exist, ``NotPossibleError`` all that do not wait any more.
        """
        ...

    def reject(self, holds: Collection[int], *, reason: str, actor: Actor, now: datetime) -> list[HoldRow]:
        """End ``holds`` as a reversal; otherwise as ``release``."""
        ...


# --- Re-rating -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ChargedItem:
    """A live charge of a competence (or a month that came to nothing), as it is rated again.

    ``claim`` marks its calls, ``value_id`` names its eventual value in the ERP. ``findings`` are those that it is or
    was held for; ``released``: a manager let them pass. ``period`` is the file's, None where it was not kept.
    ``history`` is ``ClaimedItem.charged``, ``undecided`` as there.
    """

    item: int
    claim: int
    contract: str
    outcome: ItemOutcome
    amount: Centavos
    calls: int
    dropped: int
    source_sha256: str
    findings: tuple[Finding, ...]
    released: bool
    value_id: str
    period: tuple[date, date] | None
    history: tuple[Centavos, ...] = ()
    undecided: frozenset[int] = frozenset()


@dataclass(frozen=True)
class ChargedMonth:
    """What of a competence can be rated again, of one moment: by contract. ``calls`` are the live calls of all months,
    ``plans`` all versions of all plans."""

    competence: Competence
    items: tuple[ChargedItem, ...]
    calls: LiveCalls
    plans: tuple[PlanVersion, ...]


@dataclass(frozen=True)
class Replacement:
    """A charge that takes the place of ``old``: the new item, its outcome, and the plan versions that priced it."""

    old: ChargedItem
    item: int
    claim: int
    repriced: Repriced


@dataclass(frozen=True)
class Reserved:
    """The batch of a re-rating, and the new item and claim of each contract."""

    batch: int
    claims: Mapping[str, tuple[int, int]]


@dataclass(frozen=True)
class Confirmed:
    """A request that an act approves, and the subject that it must have been asked for (``ApprovalLedger``)."""

    approval: int
    subject: Mapping[str, Any]


@dataclass(frozen=True)
class Rerated:
    """``contracts`` in the order of the items; ``calls`` (Arrow, the schema of a part) under their old claims."""

    contracts: tuple[Repriced, ...]
    calls: pa.Table


class CallRerater(Protocol):
    """Prices stored calls again."""

    def rerate(self, month: ChargedMonth, items: Sequence[ChargedItem], snapshot: Path) -> Rerated:
        """What ``items`` of the month come to under its plans and those that the ERP's ``snapshot`` names, and their
        calls with the new rating. ``StorageError``."""
        ...

    def claimed(self, calls: pa.Table, claims: Mapping[int, int]) -> pa.Table:
        """Those of ``calls`` whose claim is a key of ``claims``, under the new one."""
        ...


class RerateLedger(Protocol):
    """Charges that give way to others of the same calls."""

    def charged(self, competence: Competence, contracts: Collection[str] | None) -> ChargedMonth:
        """What is charged, held or came to nothing in the competence; None for all contracts."""
        ...

    def opened(self, request_key: str) -> int | None:
        """The batch that was opened under this key."""
        ...

    def reserve(
        self,
        competence: Competence,
        contracts: Sequence[str],
        *,
        batch: int | None,
        snapshot: int,
        request_key: str,
        actor: Actor,
        now: datetime,
        confirmed: Confirmed | None = None,
    ) -> Reserved:
        """New items for ``contracts`` in ``batch`` (None: a new one, or that of the key), as good as cancelled until
        their charge is replaced. ``confirmed`` is the request that ``actor`` approves by it.

        ``NotPossibleError``: the competence is closed, or the request may not be approved. ``StaleSnapshotError``:
        another ``snapshot`` is current.
        """
        ...

    def replace(
        self,
        competence: Competence,
        batch: int,
        replacements: Sequence[Replacement],
        part: Part | None,
        evaluation: Evaluation,
        *,
        invoiced: Collection[str],
        plans: Sequence[PlanVersion],
        reason: str,
        actor: Actor,
        now: datetime,
    ) -> frozenset[str]:
        """Reverse the old charges and write the new ones, their part of calls among them, in one transaction: all of
        them or none, each once, audited. Gives the contracts that were replaced; the others have changed meanwhile.

        ``StaleSnapshotError``: another snapshot than the evaluation's is current. ``NotPossibleError``: the competence
        is closed, or other ``plans`` are in force than those that priced.
        """
        ...


# --- The ledger: the life of a month ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Closing:
    """A closed competence (PRODUCT 11): since when, by whom, the sha256 of all that it froze, and its report."""

    at: datetime
    by: str
    checksum: str
    report: Mapping[str, Any]


@dataclass(frozen=True)
class MonthRow:
    """A competence as the ledger knows it.

    ``standing`` counts contracts by where they stand: each ``ItemOutcome``, and ``reversed``. ``amount`` (centavos) and
    ``calls`` leave out what was reversed. ``closing`` is None while it is open.
    """

    competence: Competence
    standing: Mapping[str, int]
    amount: Centavos
    calls: int
    closing: Closing | None


class MonthLedger(Protocol):
    """Which competences are closed. Closed, nothing in one changes: every other act that would is refused with
    ``NotPossibleError``, in its own transaction."""

    def rows(self) -> list[MonthRow]:
        """Every competence that anything was billed in, newest first."""
        ...

    def close(self, competence: Competence, *, coverage: Mapping[str, Any], actor: Actor, now: datetime) -> MonthRow:
        """Freeze the competence's charges, calls and files, in one transaction, audited. ``coverage`` goes into the
        report as it is. ``NotPossibleError``: closed already, never billed, or items that wait, run or are held."""
        ...

    def reopen(self, competence: Competence, *, reason: str, actor: Actor, now: datetime) -> MonthRow:
        """Lift the closing, audited with its checksum. ``NotPossibleError``: not closed."""
        ...


# --- The ledger: retention, parameters, a second person --------------------------------------------------------------


@dataclass(frozen=True)
class KeptMonth:
    """The live calls of a competence as they stand on disk; ``closed_at`` is None while it is open."""

    competence: Competence
    parts: int
    calls: int
    size: int
    closed_at: datetime | None


class RetentionLedger(Protocol):
    """Lets the calls of old competences go; their charges and their closing stay what they were."""

    def kept(self) -> list[KeptMonth]:
        """Every competence that has live calls, oldest first."""
        ...

    def purge(
        self, competences: Collection[Competence], *, before: Competence, reason: str, actor: Actor, now: datetime
    ) -> list[KeptMonth]:
        """Retire all parts and sums of ``competences``, one transaction, an audit line each; gives what went. Their
        files go with the next sweep of orphans, so that a kill at any moment leaves nothing half done.

        ``NotPossibleError``: one is open, has no calls, or is not older than ``before``; nothing goes then.
        """
        ...


@dataclass(frozen=True)
class ChangedParameter:
    """A parameter's value as somebody set it."""

    value: int
    changed_at: datetime
    changed_by: str


class ParameterLedger(Protocol):
    """Parameters that were changed on a screen or by a command."""

    def changed(self) -> Mapping[Parameter, ChangedParameter]:
        """Those that anybody ever set."""
        ...

    def set(
        self,
        parameter: Parameter,
        value: int,
        *,
        before: int,
        reason: str,
        actor: Actor,
        now: datetime,
        approval: int | None = None,
    ) -> None:
        """Set one, audited with its value before. ``approval`` is the request that ``actor`` approves by it.

        ``NotPossibleError``: somebody set it to another value than ``before`` meanwhile; nothing is changed then.
        """
        ...


@dataclass(frozen=True)
class Approval:
    """A request for a second person (PRODUCT 9). ``action``: ``batch.reverse``, ``charge.rerate``,
    ``file.charge_again``, ``hold.release`` or ``parameter.set``.

    ``subject`` says what the act is about, as its service takes it; ``shown`` what it came to when it was asked for.
    ``status``: ``pending``, ``approved``, ``denied`` or ``expired``.
    """

    approval: int
    action: str
    subject: Mapping[str, Any]
    shown: Mapping[str, Any]
    reason: str
    status: str
    requested_at: datetime
    requested_by: str
    expires_at: datetime
    decided_at: datetime | None = None
    decided_by: str | None = None
    decision_reason: str | None = None


class ApprovalLedger(Protocol):
    """Requests for a second person, and what became of them.

    One is approved in the very transaction of its act (``BatchLedger.reverse``, ``HoldLedger.release``,
    ``ParameterLedger.set``): once, or not.
    """

    def request(
        self,
        action: str,
        subject: Mapping[str, Any],
        shown: Mapping[str, Any],
        *,
        reason: str,
        actor: Actor,
        now: datetime,
        expires_at: datetime,
    ) -> Approval:
        """Ask, audited. The same person asking for the same thing again gets the request that still waits."""
        ...

    def show(self, approval: int, *, now: datetime) -> Approval:
        """One request (``NotFoundError``)."""
        ...

    def newest(self, *, now: datetime, limit: int, pending: bool = False) -> list[Approval]:
        """Requests, newest first; with ``pending`` only those that wait at ``now``."""
        ...

    def deny(self, approval: int, *, reason: str, actor: Actor, now: datetime) -> Approval:
        """End it without the act, audited. ``NotPossibleError``: it does not wait any more, or is the actor's own."""
        ...


# --- The ledger: work ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Claim:
    """Items of one batch that a worker now holds.

    ``waiting`` is how many more of the batch wait, counted up to 1,000. ``calls`` are the live calls of the parts that
    may hold earlier ones of these contracts.
    """

    batch: int
    competence: Competence
    snapshot: int
    items: tuple[ClaimedItem, ...]
    waiting: int
    calls: LiveCalls
    slow: bool = False
    plans: tuple[PlanVersion, ...] = ()


@dataclass(frozen=True)
class Evaluation:
    """Rules 1-5 and the ERP's share of 7 and 8, evaluated on one snapshot: the first failing rule, and the service
    that the charge hangs on (of several live ones, the first by key)."""

    snapshot: int
    failed: Mapping[str, Rule | None]
    services: Mapping[str, str]


@dataclass(frozen=True)
class RetryPolicy:
    """Bounded retries (PRODUCT 10): ``tries`` in all, the first again after ``first`` seconds, doubling to ``most``."""

    tries: int = 5
    first: float = 1.0
    most: float = 30.0


@dataclass(frozen=True)
class WorkerRow:
    """A worker process as its heartbeat shows it."""

    owner: str
    host: str
    pid: int
    started_at: datetime
    lease_until: datetime
    running: int


@dataclass(frozen=True)
class PlatformState:
    """What the last contact with the platform was like; ``since`` is when it went up or down.

    ``not_before`` is until when it wants no request (``Retry-After``), whoever asks; it may lie in the past.
    """

    up: bool
    code: str | None
    since: datetime
    latency_ms: int | None
    checked_at: datetime
    next_check_at: datetime | None
    not_before: datetime | None = None


class WorkLedger(Protocol):
    """The durable queue that workers live on. ``owner`` and the claim's attempt are checked at commit."""

    def heartbeat(self, owner: str, *, host: str, pid: int, now: datetime, lease_until: datetime) -> None:
        """Say that ``owner`` is alive, and free what dead workers held."""
        ...

    def leave(self, owner: str, *, now: datetime) -> None:
        """Hand back all that ``owner`` holds and forget it."""
        ...

    def release(self, owner: str, items: Sequence[int], *, now: datetime, event: str = "released") -> None:
        """Hand back some of what ``owner`` holds, no attempt spent; ``event`` tells the items' log why."""
        ...

    def workers(self, now: datetime) -> list[WorkerRow]:
        """The workers whose lease has not run out."""
        ...

    def claim(self, owner: str, *, now: datetime, limit: int, batch: int | None, slow: bool) -> Claim | None:
        """Hold up to ``limit`` waiting items of one batch, in contract order; None when nothing is due."""
        ...

    def settle(
        self,
        owner: str,
        competence: Competence,
        result: ChunkResult,
        evaluation: Evaluation,
        *,
        now: datetime,
        retry: RetryPolicy,
        jitter: Callable[[], float],
    ) -> dict[str, int]:
        """One transaction: check snapshot, ownership and rules 6-8, then write charges, values, events, logs, outcomes,
        the part and its exclusions, all or nothing. Gives how many items ended with which outcome; ``lost`` counts
        those that another worker holds by now, and all of a result that was settled before."""
        ...

    def pause(self, batch: int | None, code: str, *, now: datetime) -> None:
        """Stop claiming from the batch, or from every one that has not ended; what runs is handed back by its worker,
        no attempt spent. A pause that stands keeps its code, but that none hides ``SUM-401``."""
        ...

    def resume(self, codes: Sequence[str], *, now: datetime) -> list[int]:
        """Lift the pauses that carry one of ``codes``; gives the batches."""
        ...

    def next_due(self, *, batch: int | None) -> datetime | None:
        """When the next waiting item may be tried; None when no unpaused batch has one."""
        ...

    def is_running(self, *, batch: int | None) -> bool:
        """Whether any worker holds an item (of ``batch``)."""
        ...

    def platform(self) -> PlatformState | None:
        """The last contact with the platform, None before the first."""
        ...

    def set_platform(self, state: PlatformState) -> None:
        """Remember a contact; ``since`` is kept while ``up`` does not change, ``not_before`` in any case."""
        ...

    def throttle(self, until: datetime, *, now: datetime) -> None:
        """Remember until when the platform wants no request; never sooner than what is remembered."""
        ...


@dataclass(frozen=True)
class LateFiles:
    """The contracts of a batch whose file the platform did not have, to be looked for in the month's listing."""

    batch: int
    competence: Competence
    contracts: tuple[str, ...]


class LateFileLedger(Protocol):
    """When to look again for files that were not there (PRODUCT 10, SUM-404)."""

    def is_look_due(self, *, now: datetime, batch: int | None) -> bool:
        """Whether a batch that is not paused (or ``batch``) has late files and its next look is due or not set."""
        ...

    def take_looks(self, *, now: datetime, batch: int | None, wait: Callable[[int], float]) -> list[LateFiles]:
        """The looks that are due, each moved on to ``now`` plus ``wait(looks so far)`` seconds before anybody looks, so
        that of several workers one looks. A first look is only set."""
        ...

    def arrived(self, batch: int, contracts: Collection[str], *, now: datetime) -> int:
        """Set those of ``contracts`` that still wait for their file waiting for a worker; gives how many."""
        ...


# --- Corrected files -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class CorrectionRow:
    """Another version of the file of a month already charged (PRODUCT 5).

    ``charged`` is what the item came to, from the file ``charged_sha256`` (centavos, 0 for a zero event); ``announced``
    is what the platform announces for ``sha256``, None where it announces nothing: it tells the size of the difference,
    not the amount that the new file comes to. ``is_held``: the charge still waits for a manager.
    """

    correction: int
    item: int
    batch: int
    contract: str
    competence: Competence
    sha256: str
    charged_sha256: str
    charged: Centavos
    announced: Centavos | None
    is_held: bool
    seen_at: datetime


@dataclass(frozen=True)
class CorrectionSource:
    """What an open correction is settled from. ``value_id`` is the charge's eventual value, ``claim`` marks the calls
    that were charged; ``settled`` (centavos, may be negative) is what complements and refunds of earlier versions have
    added to the charge; ``calls`` are the live calls near the contract, ``plans`` all versions of all plans."""

    row: CorrectionRow
    value_id: str
    claim: int
    settled: Centavos
    calls: LiveCalls
    plans: tuple[PlanVersion, ...]


@dataclass(frozen=True)
class ComparedFile:
    """What a corrected file comes to, without the charge that it corrects, and how its calls differ from that one's."""

    outcome: Outcome
    difference: FileDifference


class FileComparer(Protocol):
    """Sets a corrected file beside the calls that were charged."""

    def compare(self, spec: ChunkSpec, arrived: Arrived) -> ComparedFile:
        """``spec`` has one item, whose ``claim`` is that of the charge. ``StorageError``."""
        ...


@dataclass(frozen=True)
class CorrectionDecision:
    """How a correction was settled. ``batch`` will charge again; or ``value_id`` of ``amount`` centavos, in the month
    ``into``, is the complement or the refund."""

    correction: int
    contract: str
    competence: Competence
    remedy: Remedy
    batch: int | None = None
    value_id: str | None = None
    amount: Centavos | None = None
    into: Competence | None = None


@dataclass(frozen=True)
class SettledCorrection:
    """A correction that was settled: how, by whom and why. ``value_id`` of the decision is live unless ``is_over``: its
    charge was reversed since, or the value deleted."""

    row: CorrectionRow
    decision: CorrectionDecision
    at: datetime
    who: str
    reason: str
    is_over: bool


class CorrectionLedger(Protocol):
    """Which files the platform has replaced since they were charged, and how that was settled."""

    def charged_months(self) -> list[Competence]:
        """The competences in which anything is charged, held or came out at zero, newest first."""
        ...

    def note(self, competence: Competence, listing: Mapping[str, Descriptor], *, now: datetime) -> int:
        """Remember, in one transaction, each file of ``listing`` whose sha256 is not that of the contract's live charge
        or zero event; gives how many are new. The same listing again writes nothing. A version that another replaced,
        or that the platform took back, waits for nobody any more."""
        ...

    def pending(self, competence: Competence | None = None, *, contract: str | None = None) -> list[CorrectionRow]:
        """Those that wait for a decision and whose charge was not reversed, newest month first, then by contract."""
        ...

    def source(self, correction: int) -> CorrectionSource:
        """What it is settled from; ``NotFoundError``, and ``NotPossibleError`` where it does not wait any more or the
        month's calls were let go."""
        ...

    def settled(self, *, limit: int) -> list[SettledCorrection]:
        """Those that were settled, newest first."""
        ...

    def charge_again(
        self,
        correction: int,
        *,
        invoiced: Collection[str],
        snapshot: int,
        reason: str,
        actor: Actor,
        now: datetime,
        approval: int | None = None,
    ) -> CorrectionDecision:
        """Reverse the charge and queue its contract in a batch of its own, audited, in one transaction. ``invoiced``
        are the value ids that the ERP has invoiced, as of ``snapshot`` (``StaleSnapshotError``); ``NotPossibleError``
        for one of them, in a closed month, and where the correction does not wait any more. ``approval`` is the request
        that is approved by it."""
        ...

    def adjust(
        self,
        correction: int,
        *,
        amount: Centavos,
        settled: Centavos,
        into: Competence,
        invoiced: Collection[str],
        snapshot: int,
        reason: str,
        actor: Actor,
        now: datetime,
    ) -> CorrectionDecision:
        """Add ``amount`` (a complement, or a refund where it is negative) to the month ``into`` as an eventual value
        without a service, tied to the charge; otherwise as ``charge_again``, but only what is invoiced. ``settled`` is
        that of the source that ``amount`` comes from, which must still be so."""
        ...

    def dismiss(self, correction: int, *, reason: str, actor: Actor, now: datetime) -> CorrectionDecision:
        """Leave the charge as it is; ``NotPossibleError`` where the correction does not wait any more."""
        ...

    def undo(
        self, correction: int, *, invoiced: Collection[str], snapshot: int, reason: str, actor: Actor, now: datetime
    ) -> SettledCorrection:
        """Take back a complement, a refund or a dismissal, audited, in one transaction: the value is deleted softly and
        the correction waits again. ``NotPossibleError`` for a charge that was made again, a value that is invoiced or
        in a closed month, and where a later version was settled upon it."""
        ...


# --- Tariff plans ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class PlanRow:
    """A version of a plan as the ledger keeps it; ``used``: a charge was priced by it, so that it never changes."""

    version: PlanVersion
    used: bool
    imported_at: datetime
    imported_by: str


class PlanLedger(Protocol):
    """Where the versions of tariff plans are kept."""

    def store(self, versions: Sequence[PlanVersion], actor: Actor, *, now: datetime) -> None:
        """Keep ``versions``, audited, in one transaction, all or none; what is there unchanged changes nothing.

        ``PlansRefusedError`` names every version that differs from the one of its code and day which a charge has used,
        or which a running one may be using.
        """
        ...

    def rows(self) -> list[PlanRow]:
        """Every version, by code and first day."""
        ...


# --- Provisioning ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Provisioning:
    """One sending and its result; ``code`` and ``facts`` say why it failed."""

    contract: str
    at: datetime
    by: str
    ok: bool
    code: str | None
    facts: Mapping[str, Any]


class ProvisioningLedger(Protocol):
    """Where results of provisioning are kept."""

    def record(self, provisioning: Provisioning, actor: Actor) -> None:
        """Append a result and its audit line, in one transaction."""
        ...

    def history(self, contract: str) -> list[Provisioning]:
        """A contract's results, newest first."""
        ...


# --- Exports and reveals -------------------------------------------------------------------------------------------


SHEET_ROWS = 1_048_575
"""The rows that a sheet of a spreadsheet holds below its heading."""


class ExportFormat(StrEnum):
    """The form of an exported table, and the ending of its file's name."""

    CSV = "csv"
    PARQUET = "parquet"
    XLSX = "xlsx"


@dataclass(frozen=True)
class TableSource:
    """A table on its way into a file: ``batches`` of ``schema``, read once, in the order of the rows."""

    name: str
    schema: pa.Schema
    batches: Iterable[pa.Table]


@dataclass(frozen=True)
class WrittenFile:
    """An exported file: its rows and the sha256 of its bytes."""

    rows: int
    sha256: str


class TableWriter(Protocol):
    """Tables as files: streamed, the same bytes for the same rows, formulas neutralised."""

    def write(self, folder: Path, sources: Sequence[TableSource], form: ExportFormat) -> dict[str, WrittenFile]:
        """Write every table to ``folder``, all or none, replacing older files of those names; gives them by file name.
        ``StorageError`` when the disk refuses."""
        ...

    def encoded(self, source: TableSource, form: ExportFormat) -> bytes:
        """One table's file in memory, for a download."""
        ...

    def stream(self, sink: BinaryIO, source: TableSource, form: ExportFormat) -> int:
        """Write one table's file to ``sink`` while its batches come, in constant memory; gives its rows.
        ``StorageError`` when the disk refuses."""
        ...

    def bundle(self, sink: BinaryIO, sources: Sequence[TableSource], form: ExportFormat) -> None:
        """Write several tables to ``sink`` as the files ``NAME.FORM`` of one ZIP, the same bytes for the same rows.
        ``StorageError`` when the disk refuses."""
        ...


class ScratchFile(Protocol):
    """A file without a name, gone when it is closed or its process ends."""

    @property
    def sink(self) -> BinaryIO:
        """Where it is written."""
        ...

    @property
    def size(self) -> int:
        """Its bytes on disk; after a flush, all of them."""
        ...

    def chunks(self) -> Iterator[bytes]:
        """All its bytes, whether or not it is closed after this call; any number of readers at once."""
        ...

    def close(self) -> None:
        """Let it go."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(self, *exc: object) -> None: ...


class Scratch(Protocol):
    """Room on disk for what does not last."""

    def open(self) -> ScratchFile:
        """A new file; ``StorageError`` when the disk refuses."""
        ...


@dataclass(frozen=True)
class ExportImage:
    """What the ledger hands back to the ERP of one competence, at one moment.

    ``tables`` are complete but for the values' ``invoiced``, which the ERP alone knows. ``charged`` (Arrow: contract,
    claim, calls, amount in centavos, source_sha256) are the live charges, ``weights`` (contract, calls) the contracts
    that have calls, both by contract.
    """

    tables: Mapping[str, pa.Table]
    charged: pa.Table
    weights: Sequence[tuple[str, int]]
    calls: LiveCalls


class ExportLedger(Protocol):
    """The ledger's side of an export."""

    def image(self, competence: Competence) -> ExportImage:
        """Charges, eventual values, zero-billing events and batch items of the competence, as ERP_IMPORT names them."""
        ...


class CallExport(Protocol):
    """The calls' side of an export."""

    @property
    def schema(self) -> pa.Schema:
        """The columns of ``records``."""
        ...

    def records(
        self, competence: Competence, live: LiveCalls, weights: Sequence[tuple[str, int]]
    ) -> Iterable[pa.Table]:
        """All live calls of the competence by contract and start, some at a time, called numbers masked."""
        ...

    def by_class(self, live: LiveCalls) -> pa.Table:
        """contract, claim, class, calls, seconds, micros of Summit's amounts and ours of our prices (decimals, no
        fraction): live calls, by contract, claim and class."""
        ...


class AuditLedger(Protocol):
    """The append-only audit trail, for acts that write nothing else."""

    def append(
        self, actor: Actor, now: datetime, action: str, target: str, *, reason: str, facts: Mapping[str, Any]
    ) -> None:
        """Add a line, on disk for good when this returns."""
        ...


@dataclass(frozen=True)
class AuditLine:
    """A line of the audit trail: who did what to which target, in which role, from where and why.

    ``seq`` counts from 1 without gaps; ``hash`` binds the line to all before it.
    """

    seq: int
    at: datetime
    who: str
    role: str
    surface: str
    action: str
    target: str
    reason: str | None
    facts: Mapping[str, Any]
    hash: str


@dataclass(frozen=True)
class AuditVerdict:
    """What a look at the trail found: ``lines`` are whole, the last of them with ``hash``.

    ``broken`` is the first line that is not, None when all are; ``breach`` says what is wrong there, a key of
    ``text.AUDIT_BREACHES``.
    """

    lines: int
    hash: str
    broken: int | None = None
    breach: str | None = None


@dataclass(frozen=True)
class AuditFilter:
    """Which lines: all that is given must hold. ``who`` and ``surface`` are whole names, ``action`` the beginning of
    one (``month.``), ``target`` any part of it; ``since`` inclusive, ``until`` exclusive."""

    who: str = ""
    action: str = ""
    target: str = ""
    surface: str = ""
    since: datetime | None = None
    until: datetime | None = None


EVERY_LINE = AuditFilter()


@dataclass(frozen=True)
class Person:
    """Somebody as the audit trail saw them, in one role: how many acts, from which surfaces, the first and the last."""

    name: str
    role: str
    surfaces: tuple[str, ...]
    acts: int
    first_at: datetime
    last_at: datetime


class AuditTrail(Protocol):
    """The audit trail as people read it."""

    def page(
        self, *, search: str = "", chosen: AuditFilter = EVERY_LINE, offset: int = 0, limit: int | None = None
    ) -> tuple[int, list[AuditLine]]:
        """How many lines of ``chosen`` hold ``search`` (any case; empty for all), and a page of them, newest first."""
        ...

    def people(self) -> list[Person]:
        """Everybody who ever acted, a row a role, the last act first."""
        ...

    def actions(self) -> list[str]:
        """The names of all acts in the trail, in order."""
        ...

    def verify(self) -> AuditVerdict:
        """Whether every line is as it was written, none is missing and none was added; in constant memory."""
        ...


# --- The doctor ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Observation:
    """Something that the doctor saw; ``code`` is a key of ``text.DOCTOR`` or an error's; ``facts`` fill it."""

    check: str
    code: str
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class SnapshotRow:
    """A snapshot as the ledger remembers it; ``rows`` is per table."""

    number: int
    imported_at: datetime
    rows: Mapping[str, int]


@dataclass(frozen=True)
class LedgerHealth:
    """What the ledger says of itself at one moment.

    ``findings`` do not add up or are damaged. ``snapshot`` is the current one (None before the first import),
    ``snapshots`` are all that are kept. ``waiting`` items wait in batches that are not paused, ``paused`` maps the
    paused batches to their codes, ``dead`` counts workers silent for longer than their lease, ``newest`` is the last
    instant that was written. ``listed`` are the paths of all parts, ``parts`` the live ones. ``calls`` and ``claims``
    (Arrow: claim, contract, competence, calls, amount in centavos; the live items that have calls) are of the months
    that were examined: ``examined`` of ``months``; ``rollups`` are theirs.
    """

    findings: tuple[Observation, ...]
    snapshot: SnapshotRow | None
    snapshots: frozenset[int]
    waiting: int
    paused: Mapping[int, str]
    dead: int
    newest: datetime | None
    listed: frozenset[str]
    parts: tuple[Part, ...]
    calls: LiveCalls
    claims: pa.Table
    rollups: Mapping[Competence, Rollup]
    examined: int
    months: int


@dataclass(frozen=True)
class Depth:
    """How much history the doctor reads: the months that changed last, at most ``months`` of them and no more than
    hold ``calls`` records, but always one; and one of the older ones, another at each revision. Of the audit trail the
    last ``lines``."""

    months: int = 12
    calls: int = 5_000_000
    lines: int = 10_000


class LedgerDoctor(Protocol):
    """Looks at the ledger without trusting its own constraints."""

    def examine(self, now: datetime, ledger_now: datetime, depth: Depth | None) -> LedgerHealth:
        """Integrity, never twice, sums, leases, batches: all of one moment, which is ``now`` by our clock and
        ``ledger_now`` by the ledger's; ``depth`` None looks at all history."""
        ...


class CallDoctor(Protocol):
    """Looks at the parts of calls on disk."""

    def examine(
        self, parts: Sequence[Part], hashed: Sequence[Part], live: LiveCalls, claims: pa.Table
    ) -> list[Observation]:
        """``parts`` that are missing or of another size, ``hashed`` ones of other content, and ``claims`` whose calls
        or amounts differ from those of ``live``."""
        ...

    def examine_rollups(self, live: LiveCalls, rollups: Mapping[Competence, Rollup]) -> list[Observation]:
        """Rollups that are not on disk, and those that are not the sum of the parts of ``live`` that they name."""
        ...


class SnapshotDoctor(Protocol):
    """Looks at the snapshots on disk."""

    def examine(self, current: SnapshotRow | None, kept: Collection[int]) -> list[Observation]:
        """Snapshots that are gone, and tables of the current one that cannot be read or have lost rows."""
        ...

    def leftovers(self, kept: Collection[int], *, older_than: datetime) -> list[str]:
        """Folders of imports that were killed, by name: of no snapshot in ``kept``, untouched since ``older_than``."""
        ...

    def remove(self, names: Iterable[str]) -> None:
        """Remove leftovers by name (``StorageError``)."""
        ...


class SnapshotCatalogue(Protocol):
    """Which snapshots the ledger keeps."""

    def kept(self) -> frozenset[int]:
        """All that are not discarded."""
        ...


@dataclass(frozen=True)
class DiskState:
    """A folder's disk: ``free`` bytes, and why nothing can be written there (None when it can)."""

    place: Path
    free: int
    refusal: str | None


class DiskProbe(Protocol):
    """Looks at disks."""

    def look(self, folder: Path) -> DiskState:
        """Try to write a file in ``folder`` and remove it."""
        ...


# --- Backup --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class LedgerCopy:
    """What a copy of the ledger lists: the live parts and rollups (folders below the calls' root), the kept
    snapshots."""

    revision: int
    parts: tuple[Part, ...]
    rollups: tuple[str, ...]
    snapshots: tuple[int, ...]


class LedgerCopies(Protocol):
    """Copies of the ledger as single files."""

    def copy(self, target: Path) -> LedgerCopy:
        """Copy the ledger, as of one moment and while others write, to the new file ``target``.

        ``NotPossibleError`` where the store has tools of its own for that, ``StorageError``.
        """
        ...

    def listing(self, ledger: Path) -> LedgerCopy:
        """What a copy lists; ``StorageError`` when it is damaged."""
        ...

    def revive(self, ledger: Path, actor: Actor, now: datetime, *, source: str) -> None:
        """Make a copy ready to be worked on: this version's tables, no workers, an audit line that names ``source``.

        ``HomeVersionError`` when a newer version of the product wrote it.
        """
        ...


@dataclass(frozen=True)
class Member:
    """A file on its way into an archive: its name there, where it stands, and its sha256 where that is known."""

    name: str
    path: Path
    sha256: str | None = None


@dataclass(frozen=True)
class ArchiveFile:
    """A member of an archive: its size in bytes and its sha256."""

    size: int
    sha256: str


@dataclass(frozen=True)
class Archived:
    """A finished archive: its size in bytes, its sha256, and how many files are in it."""

    size: int
    sha256: str
    files: int


class Archive(Protocol):
    """Many files in one, with a manifest that tells whether it is whole."""

    def write(self, file: Path, members: Iterable[Member]) -> Archived:
        """Write ``members`` to ``file``, which appears whole or not at all.

        ``NotPossibleError`` when one is not of its sha256, ``StorageError``.
        """
        ...

    def unpack(self, file: Path, target: Callable[[str], Path]) -> Mapping[str, ArchiveFile]:
        """Unpack every member to where ``target`` says for its name, and verify it; gives the members by name.

        ``NotPossibleError`` when ``file`` is no whole archive of ours, ``StorageError``.
        """
        ...


class Home(Protocol):
    """A home's files by the names that they have in an archive."""

    def path(self, name: str) -> Path:
        """Where the file or folder ``name`` stands."""
        ...

    def files(self, folders: Iterable[str]) -> list[str]:
        """The names of all files in ``folders``; ``StorageError`` when one is not there."""
        ...

    def scratch(self, file: Path) -> Path:
        """A new name beside ``file``, for something that does not last."""
        ...

    def occupied(self) -> str | None:
        """What stands in the way of a restore; None when nothing does."""
        ...

    def staged(self, name: str) -> Path:
        """Where ``name`` is unpacked to, before it counts."""
        ...

    def settle(self) -> None:
        """Put all that is staged in its place, the ledger last (``StorageError``)."""
        ...

    def clear(self) -> None:
        """Remove what is staged."""
        ...


# --- Read model ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Page:
    """``table`` holds rows ``offset`` .. of ``total`` that match; Arrow."""

    total: int
    offset: int
    table: pa.Table
    totals: Mapping[str, Any] = field(default_factory=dict)
