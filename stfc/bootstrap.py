"""The only place that reads settings and wires adapters into services (ARCHITECTURE, layers).

What stands on an engine (Arrow, Polars, DuckDB, an HTTP client) is imported by the property that wires it: together
they take a second, and most commands need one of them or none. ``Application.warm`` loads all.
"""

from __future__ import annotations

import gc
import os
import socket
import uuid
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, date, datetime, timedelta
from functools import cache, cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stfc import settings as configuration
from stfc.adapters.backup import LocalHome, TarArchive
from stfc.adapters.disk import LocalDisk, LocalScratch
from stfc.adapters.ledger.approvals import SqlApprovalLedger
from stfc.adapters.ledger.audit import SqlAuditLedger
from stfc.adapters.ledger.batches import SqlBatchLedger
from stfc.adapters.ledger.copies import SqliteCopies
from stfc.adapters.ledger.corrections import SqlCorrectionLedger
from stfc.adapters.ledger.database import Database
from stfc.adapters.ledger.holds import SqlHoldLedger
from stfc.adapters.ledger.late_files import SqlLateFileLedger
from stfc.adapters.ledger.months import SqlMonthLedger
from stfc.adapters.ledger.parameters import SqlParameterLedger
from stfc.adapters.ledger.parts import SqlPartLedger
from stfc.adapters.ledger.plans import SqlPlanLedger
from stfc.adapters.ledger.provisionings import SqlProvisioningLedger
from stfc.adapters.ledger.rerating import SqlRerateLedger
from stfc.adapters.ledger.retention import SqlRetentionLedger
from stfc.adapters.ledger.snapshots import SqlSnapshotLedger
from stfc.adapters.ledger.unfinished import SqlUnfinished
from stfc.adapters.ledger.work import SqlWorkLedger
from stfc.domain.competence import Competence
from stfc.domain.correction import Remedy
from stfc.domain.eligibility import Policy
from stfc.domain.money import Centavos
from stfc.domain.parameter import Parameter
from stfc.errors import HomeVersionError, InvalidInputError, NoPlatformError, NotPossibleError, StorageError
from stfc.services import chunk
from stfc.services.approvals import Approvals, SecondPerson
from stfc.services.audit import Audit
from stfc.services.backup import Backup, Restoring
from stfc.services.billing import Billing
from stfc.services.compaction import Compaction
from stfc.services.corrected_files import CorrectedFiles, CorrectionParts
from stfc.services.health import Doctor, DoctorPolicy
from stfc.services.holds import Holds
from stfc.services.importing import Importing
from stfc.services.janitor import Janitor, SnapshotJanitor
from stfc.services.late_files import LookPolicy
from stfc.services.months import Months
from stfc.services.parameters import Parameters
from stfc.services.plans import Plans
from stfc.services.platform_check import PlatformCheck
from stfc.services.ports import (
    Actor,
    Approval,
    ChunkResult,
    ChunkSpec,
    CorrectionDecision,
    HoldRow,
    Observation,
    RetryPolicy,
    SummitGateway,
)
from stfc.services.provisioning import ProvisioningService
from stfc.services.rerating import Done as Rerated
from stfc.services.rerating import Rerating
from stfc.services.retention import Retention
from stfc.services.status import DiskWatch, StatusService
from stfc.services.storage import Storage
from stfc.services.worker import Worker, WorkerPolicy
from stfc.settings import Settings as Settings

if TYPE_CHECKING:
    from stfc.adapters.calls.store import ParquetCallStore
    from stfc.adapters.documents.tables import FileTables
    from stfc.adapters.erp.snapshots import ParquetSnapshotStore
    from stfc.adapters.ledger.images import SqlLedgerReader
    from stfc.adapters.read_model.model import DuckReadModel
    from stfc.services.calls import CallSearch
    from stfc.services.downloads import Downloads
    from stfc.services.exports import Exports

HOME_FORMAT = "1"
"""What ``format`` in a home says; a home of another format is refused, never converted in silence."""

_CONNECTIONS_ASIDE = 4


def clock() -> datetime:
    """The present instant, aware, in UTC."""
    return datetime.now(UTC)


def gateway(settings: Settings) -> SummitGateway:
    """A gateway to the configured platform, for one event loop; ``NoPlatformError`` when there is none."""
    if settings.summit_dir:
        from stfc.adapters.summit.folder import FolderSummitGateway

        return FolderSummitGateway(settings.summit_dir)
    if settings.summit_url:
        from stfc.adapters.summit.http import HttpSummitGateway

        return HttpSummitGateway(
            settings.summit_url,
            settings.summit_token.get_secret_value(),
            connections=settings.connections,
            file_timeout=settings.file_timeout,
            size_limit=settings.file_size_limit,
            longest_rest=settings.rest_most,
        )
    raise NoPlatformError()


class ChunkProcess:
    """``services.chunk`` with gateway and store built from the settings: what an executor calls, anywhere.

    Chunks share a lane to the platform: so many connections, and no more. Sent to another process, it is that process'
    own one, which lives as long as the process does.
    """

    def __init__(self, settings: Settings) -> None:
        from stfc.adapters.calls.assess import ColumnarAssessor
        from stfc.adapters.calls.store import ParquetCallStore
        from stfc.adapters.executors import SharedLoop

        self._settings = settings
        self._store = ParquetCallStore(settings.calls_root)
        self._assessor = ColumnarAssessor(self._store, clock)
        self._files = SharedLoop(partial(_lane, settings))
        # Its own: whether the platform answers must not hang on files that stall.
        self._aside = SharedLoop(partial(gateway, settings.model_copy(update={"connections": _CONNECTIONS_ASIDE})))

    def __reduce__(self) -> tuple[Any, ...]:
        return _chunk_process, (self._settings,)

    def __call__(self, spec: ChunkSpec) -> ChunkResult:
        """Process one chunk; the thread waits."""
        haul = self._files.submit(lambda lane: chunk.fetch(spec, lane, clock)).result()
        return chunk.finish(spec, haul, self._assessor, self._store)

    def ask(self, work: Callable[[SummitGateway], Coroutine[Any, Any, Any]]) -> Future[Any]:
        """A request to the platform beside the chunks' (``platform_watch.Ask``)."""
        return self._aside.submit(work)

    def close(self) -> None:
        """End what is under way and close every connection."""
        self._files.close()
        self._aside.close()


@cache
def _chunk_process(settings: Settings) -> ChunkProcess:
    return ChunkProcess(settings)


@asynccontextmanager
async def _lane(settings: Settings) -> AsyncIterator[chunk.Lane]:
    async with gateway(settings) as opened:
        yield chunk.Lane(opened, places=settings.connections, patience=settings.patience)


class Application:
    """The product, wired. Every part is built when first asked for; building opens the ledger and nothing else."""

    def __init__(self, settings: Settings, *, clock: Callable[[], datetime] = clock) -> None:
        self.settings = settings
        self.clock = clock
        _open_home(settings.home)
        self.database = Database(settings.ledger_address)
        self.database.upgrade()

    def warm(self) -> None:
        """Load every engine now, so that in a process that serves people the first of them does not wait for it."""
        from stfc.adapters.summit import folder, http  # noqa: F401

        _ = self.views, self.exports, self.call_search, self.compaction, self.downloads

    # --- Ledger and stores

    @cached_property
    def reader(self) -> SqlLedgerReader:
        """Month images and state."""
        from stfc.adapters.ledger.images import SqlLedgerReader

        return SqlLedgerReader(self.database)

    @cached_property
    def batches(self) -> SqlBatchLedger:
        """Batches as people see them; acts go through ``billing``."""
        return SqlBatchLedger(self.database)

    @cached_property
    def work(self) -> SqlWorkLedger:
        """The durable queue."""
        return SqlWorkLedger(self.database)

    @cached_property
    def snapshot_ledger(self) -> SqlSnapshotLedger:
        """Which snapshot is current."""
        return SqlSnapshotLedger(self.database)

    @cached_property
    def snapshots(self) -> ParquetSnapshotStore:
        """The ERP's snapshots on disk."""
        from stfc.adapters.erp.snapshots import ParquetSnapshotStore

        return ParquetSnapshotStore(self.settings.snapshots_root)

    @cached_property
    def calls(self) -> ParquetCallStore:
        """The parts of calls on disk."""
        from stfc.adapters.calls.store import ParquetCallStore

        return ParquetCallStore(self.settings.calls_root)

    @cached_property
    def views(self) -> DuckReadModel:
        """The read model: all that screens show."""
        from stfc.adapters.read_model.model import DuckReadModel

        policy = Policy(awaiting_note_excludes=self.settings.awaiting_note_excludes)
        return DuckReadModel(self.reader, self.snapshots, self.settings.calls_root, self.clock, policy=policy)

    @cached_property
    def tables(self) -> FileTables:
        """Tables as CSV, XLSX and Parquet files, for downloads."""
        from stfc.adapters.documents.tables import FileTables

        return FileTables()

    @cached_property
    def downloads(self) -> Downloads:
        """Large tables as files, written aside."""
        from stfc.services.downloads import Downloads

        return Downloads(self.tables, LocalScratch(self.settings.home / "tmp"))

    @cached_property
    def audit(self) -> SqlAuditLedger:
        """The audit trail, for acts that write nothing else."""
        return SqlAuditLedger(self.database)

    # --- Use cases

    @cached_property
    def importing(self) -> Importing:
        """ERP import."""
        return Importing(self.snapshots, self.snapshot_ledger, self.clock, keep=self.settings.snapshots_kept)

    @cached_property
    def billing(self) -> Billing:
        """Preview, open, retry, cancel, reverse."""
        return Billing(
            read_model=self.views,
            batches=self.batches,
            snapshots=self.snapshot_ledger,
            gateway=self.gateway,
            clock=self.clock,
            second=self.second_person,
        )

    @cached_property
    def holds(self) -> Holds:
        """Held charges: list, release, reject."""
        return Holds(SqlHoldLedger(self.database), self.clock, self.second_person)

    @cached_property
    def parameters(self) -> Parameters:
        """What is changed while the product runs."""
        return Parameters(SqlParameterLedger(self.database), self._approval_ledger, self.clock)

    def setting_rows(self) -> list[configuration.SettingRow]:
        """Every setting of the environment, secrets left out."""
        return configuration.described(self.settings, os.environ)

    @cached_property
    def _approval_ledger(self) -> SqlApprovalLedger:
        return SqlApprovalLedger(self.database)

    @cached_property
    def second_person(self) -> SecondPerson:
        """Asks for another manager's confirmation where a parameter wants it."""
        return SecondPerson(self._approval_ledger, self.batches, self.parameters, self.clock)

    @cached_property
    def approvals(self) -> Approvals:
        """Requests for a second person: list, approve, deny."""
        acts = {
            "batch.reverse": self._reverse,
            "charge.rerate": self._rerate,
            "file.charge_again": self._charge_again,
            "hold.release": self._release,
            "parameter.set": self._set,
        }
        return Approvals(self._approval_ledger, acts, self.clock)

    def _reverse(self, asked: Approval, actor: Actor) -> int:
        batch, contracts = asked.subject["batch"], asked.subject["contracts"]
        return self.billing.reverse(batch, actor, reason=asked.reason, contracts=contracts, approval=asked.approval)

    def _rerate(self, asked: Approval, actor: Actor) -> Rerated:
        subject = asked.subject
        return self.rerating.apply(
            Competence.parse(subject["competence"]),
            actor,
            reason=asked.reason,
            contracts=subject["contracts"],
            plan=subject["plan"],
            expected=Centavos(subject["amount"]),
            approval=asked.approval,
        )

    def _charge_again(self, asked: Approval, actor: Actor) -> CorrectionDecision:
        correction, again = asked.subject["correction"], Remedy.CHARGE_AGAIN
        return self.corrected_files.settle(correction, again, actor, reason=asked.reason, approval=asked.approval)

    def _release(self, asked: Approval, actor: Actor) -> list[HoldRow]:
        return self.holds.release(asked.subject["holds"], actor, reason=asked.reason, approval=asked.approval)

    def _set(self, asked: Approval, actor: Actor) -> None:
        parameter, value = Parameter(asked.subject["parameter"]), asked.subject["value"]
        seen, reason = asked.shown["before"], asked.reason
        self.parameters.change(parameter, value, actor, reason=reason, seen=seen, approval=asked.approval)

    @cached_property
    def retention(self) -> Retention:
        """Which calls are older than they are kept for, and letting them go."""
        return Retention(SqlRetentionLedger(self.database), self.parameters, self.clock)

    @cached_property
    def storage(self) -> Storage:
        """What is stored where."""
        return Storage(
            probe=LocalDisk(),
            places=(self.settings.home, self.settings.calls_root),
            snapshots=self.snapshot_ledger,
            retention=self.retention,
            trail=self.audit,
        )

    @cached_property
    def platform_check(self) -> PlatformCheck:
        """The platform's test, step by step."""
        address = self.settings.summit_dir or self.settings.summit_url
        return PlatformCheck(configuration.shown_address(str(address)) if address else None, self.gateway, self.clock)

    @cached_property
    def corrections(self) -> SqlCorrectionLedger:
        """What is known of corrected files."""
        return SqlCorrectionLedger(self.database)

    @cached_property
    def corrected_files(self) -> CorrectedFiles:
        """Corrected files: look for them, list them, settle them."""
        return CorrectedFiles(self.corrections, self.gateway, self.clock, self._correction_parts, self.second_person)

    def _correction_parts(self) -> CorrectionParts:
        from stfc.adapters.calls.assess import ColumnarAssessor
        from stfc.adapters.calls.difference import ColumnarComparison

        return CorrectionParts(
            comparer=ColumnarComparison(self.calls, ColumnarAssessor(self.calls, self.clock)),
            read_model=self.views,
            snapshots=self.snapshot_ledger,
            store=self.snapshots,
            months=SqlMonthLedger(self.database),
        )

    @cached_property
    def rerating(self) -> Rerating:
        """A charged month priced again: preview, apply."""
        from stfc.adapters.calls.rating import contract_plans
        from stfc.adapters.calls.rerating import ColumnarRerater

        return Rerating(
            ledger=SqlRerateLedger(self.database),
            rater=ColumnarRerater(self.calls),
            calls=self.calls,
            read_model=self.views,
            snapshots=self.snapshot_ledger,
            store=self.snapshots,
            plan_of=lambda folder: contract_plans(folder).get,
            clock=self.clock,
            second=self.second_person,
        )

    @cached_property
    def plans(self) -> Plans:
        """Tariff plans: import, list."""
        return Plans(SqlPlanLedger(self.database), self.clock)

    @cached_property
    def provisioning_ledger(self) -> SqlProvisioningLedger:
        """Results of provisioning."""
        return SqlProvisioningLedger(self.database)

    @cached_property
    def provisioning(self) -> ProvisioningService:
        """*Reenviar integração*."""
        return ProvisioningService(self.views.subscriber, self.gateway, self.provisioning_ledger, self.clock)

    @cached_property
    def status(self) -> StatusService:
        """The system's parts at a glance."""
        disks = DiskWatch(LocalDisk(), (self.settings.home, self.settings.calls_root))
        configured = self.settings.has_platform
        return StatusService(self.reader, self.batches, self.work, disks, self.clock, configured=configured)

    @cached_property
    def call_search(self) -> CallSearch:
        """Call records, masked or revealed."""
        from stfc.services.calls import CallSearch

        return CallSearch(self.views, self.audit, self.clock)

    @cached_property
    def months(self) -> Months:
        """The life of a competence: list, close, reopen."""
        return Months(SqlMonthLedger(self.database), self.views, self.clock)

    @cached_property
    def audit_trail(self) -> Audit:
        """The audit trail: read, verify."""
        return Audit(self.audit)

    @cached_property
    def part_ledger(self) -> SqlPartLedger:
        """Which parts and rollups of calls are live."""
        return SqlPartLedger(self.database)

    @cached_property
    def compaction(self) -> Compaction:
        """Few large parts, and rollups, in the place of many."""
        from stfc.adapters.calls.compaction import ParquetCallCompactor

        return Compaction(self.part_ledger, ParquetCallCompactor(self.calls), self.calls, self.clock)

    @cached_property
    def exports(self) -> Exports:
        """What goes back to the ERP."""
        from stfc.adapters.calls.exports import ParquetCallExport
        from stfc.adapters.ledger.exports import SqlExportLedger
        from stfc.services.exports import Exports

        calls = ParquetCallExport(self.calls)
        return Exports(SqlExportLedger(self.database), calls, self.tables, self.views.invoiced_values)

    @cached_property
    def doctor(self) -> Doctor:
        """Whether everything adds up."""
        from stfc.adapters.calls.health import ParquetCallDoctor
        from stfc.adapters.erp.health import ParquetSnapshotDoctor
        from stfc.adapters.ledger.health import SqlLedgerDoctor

        return Doctor(
            ledger=SqlLedgerDoctor(self.database),
            parts=ParquetCallDoctor(self.calls),
            calls=self.calls,
            snapshots=ParquetSnapshotDoctor(self.snapshots),
            work=self.work,
            disk=LocalDisk(),
            places=(self.settings.home, self.settings.calls_root),
            gateway=self.gateway,
            settings=partial(_odd_settings, self.settings),
            ledger_clock=self.database.clock,
            clock=self.clock,
            audit=self.audit,
            repairs=self._repairs(),
            policy=DoctorPolicy(
                lease=timedelta(seconds=self.settings.lease), snapshot_age=timedelta(days=self.settings.snapshot_days)
            ),
        )

    def _repairs(self) -> dict[str, Callable[[], int]]:
        """The acts behind ``health.ACTIONS``, each safe at any time."""
        from stfc.adapters.erp.health import ParquetSnapshotDoctor

        snapshots = SnapshotJanitor(self.snapshot_ledger, ParquetSnapshotDoctor(self.snapshots), self.clock)
        unfinished = SqlUnfinished(self.database)
        return {
            "sweep_orphans": Janitor(self.part_ledger, self.calls, self.clock).sweep,
            "remove_leftovers": snapshots.sweep,
            "free_leases": lambda: self.work.free(now=self.clock()),
            "refresh_batches": lambda: unfinished.refresh_batches(self.clock()),
            "rebuild_rollups": self.compaction.rebuild,
            "bring_forward": lambda: unfinished.bring_forward(self.clock()),
        }

    @cached_property
    def backup(self) -> Backup:
        """Everything in one file."""
        return Backup(
            copies=SqliteCopies(self.database),
            archive=TarArchive(),
            home=_local_home(self.settings, self.database),
            audit=self.audit,
            clock=self.clock,
        )

    def gateway(self) -> SummitGateway:
        """A new gateway to the platform, which knows what rest the platform has asked any process for."""
        made, state = gateway(self.settings), self.work.platform()
        from stfc.adapters.summit.http import HttpSummitGateway

        if isinstance(made, HttpSummitGateway) and state and state.not_before:
            made.rest((state.not_before - self.clock()).total_seconds())
        return made

    def worker(self) -> Worker:
        """A worker of this process."""
        host, pid = socket.gethostname(), os.getpid()
        settings = self.settings
        process = ChunkProcess(settings)
        return Worker(
            ledger=self.work,
            late_files=SqlLateFileLedger(self.database),
            corrections=self.corrections,
            snapshots=self.snapshot_ledger,
            store=self.snapshots,
            evaluator=self.views,
            ask=process.ask,
            executor=ThreadPoolExecutor(settings.chunks + 1, thread_name_prefix="chunk"),
            process_chunk=process,
            abandon=process.close,
            is_writable=lambda: LocalDisk().look(settings.calls_root).refusal is None,
            sweep=Janitor(self.part_ledger, self.calls, self.clock).sweep,
            compact=self.compaction.run_due,
            policy=WorkerPolicy(
                owner=f"{host}:{pid}:{uuid.uuid4().hex[:8]}",
                host=host,
                pid=pid,
                contracts=settings.chunk_contracts,
                chunks=settings.chunks,
                lease=settings.lease,
                heartbeat=settings.heartbeat,
                retry=RetryPolicy(settings.retry_tries, settings.retry_first, settings.retry_most),
                look=LookPolicy(settings.look_first, settings.look_most),
            ),
            clock=self.clock,
        )


@contextmanager
def loaded_spared() -> Iterator[None]:
    """Leave what is loaded by now out of garbage collections, for as long as the context lasts: a whole collection with
    all engines takes 130 ms, and nothing else of the process runs meanwhile."""
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def build(settings: Settings) -> Application:
    """The application over one home.

    Raises:
        HomeVersionError: another version of the product wrote the home.
        StorageError: the home cannot be made or read.
    """
    return Application(settings)


def settings(**overrides: Any) -> Settings:
    """The settings of the environment and of ``stfc.toml``, completed by ``overrides`` (``SettingsError``)."""
    return configuration.load(**overrides)


def from_environment(**overrides: Any) -> Application:
    """The application over the home that environment and ``stfc.toml`` name."""
    return build(settings(**overrides))


def simulate(*, as_of: str | None, traffic: Mapping[str, Any], **options: Any) -> None:
    """Serve the simulated platform until told to stop; ``traffic`` are the options of ``TrafficOptions``, ``options``
    the others of ``SimulatorOptions``.

    Raises:
        InvalidInputError: an unknown fault, a dump that cannot be read, a port that is taken, a day of another form.
    """
    # Imported on use: nobody but the simulator's process pays for its server.
    from stfc.simulator.server import SimulatorOptions, serve
    from stfc.simulator.traffic import TrafficOptions

    try:
        day = date.fromisoformat(as_of) if as_of else None
    except ValueError as cause:
        raise InvalidInputError(field="as_of", value=as_of, cause="day") from cause
    serve(SimulatorOptions(traffic=TrafficOptions(**traffic), as_of=day, **options))


def dump_erp(
    folder: Path, *, contracts: int, seed: int, months: int, until: Competence, clean: bool = False
) -> dict[str, int]:
    """Write the ERP dump that matches the simulator's traffic; gives the rows of each table."""
    from stfc.simulator import erp_dump

    return erp_dump.dump(folder, contracts=contracts, seed=seed, months=months, until=until, clean=clean)


def _odd_settings(settings: Settings) -> list[Observation]:
    """Contradictions, and variables that name no setting."""
    contradictions = configuration.contradictions(settings)
    found = [Observation("settings", "CFG-INV", {"setting": name, "cause": cause}) for name, cause in contradictions]
    unknown = configuration.unknown(os.environ)
    return found + [Observation("settings", "DOC-DES", {"setting": name}) for name in unknown]


def restoring(settings: Settings) -> Restoring:
    """The use case *restore*, which opens no home: it makes one (``NotPossibleError`` with a ledger in PostgreSQL)."""
    database = Database(settings.ledger_address)
    if not database.is_sqlite:
        raise NotPossibleError(cause="restore_postgres")
    return Restoring(
        copies=SqliteCopies(database),
        archive=TarArchive(),
        home=_local_home(settings, database),
        check_format=_check_format,
        clock=clock,
    )


def _local_home(settings: Settings, database: Database) -> LocalHome:
    return LocalHome(settings.home, ledger=Path(database.place), calls=settings.calls_root)


def _open_home(home: Path) -> None:
    marker = home / "format"
    try:
        # Full numbers stand in its calls: no affair of other accounts of the machine.
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not marker.exists():
            marker.write_text(HOME_FORMAT, encoding="utf-8")
    except OSError as cause:
        raise StorageError(place=str(home), cause=cause.strerror or str(cause)) from cause
    _check_format(home)


def _check_format(home: Path) -> None:
    try:
        found = (home / "format").read_text(encoding="utf-8").strip()
    except OSError as cause:
        raise StorageError(place=str(home), cause=cause.strerror or str(cause)) from cause
    if found != HOME_FORMAT:
        raise HomeVersionError(home=str(home), found=found[:20], expected=HOME_FORMAT)
