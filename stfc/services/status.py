"""What the foot of the sidebar and the header tell of the system's parts."""

from dataclasses import dataclass
from datetime import datetime

from stfc.services.ports import BatchLedger, BatchSummary, Clock, LedgerReader, PlatformState, WorkerRow, WorkLedger


@dataclass(frozen=True)
class SystemStatus:
    """The system at ``now`` (aware, UTC).

    ``configured`` says whether a platform is set up at all (PRODUCT 3); ``platform`` is None before the first contact.
    ``active`` are the batches that wait, run or are paused, newest first.
    """

    now: datetime
    configured: bool
    platform: PlatformState | None
    workers: tuple[WorkerRow, ...]
    revision: int
    snapshot: int | None
    imported_at: datetime | None
    active: tuple[BatchSummary, ...]


class StatusService:
    """Puts the status together from the ledger; asks the platform itself only when ``check`` is called."""

    def __init__(
        self, reader: LedgerReader, batches: BatchLedger, work: WorkLedger, clock: Clock, *, configured: bool
    ) -> None:
        self._reader = reader
        self._batches = batches
        self._work = work
        self._clock = clock
        self._configured = configured

    def now(self) -> SystemStatus:
        """The system at this moment."""
        now = self._clock()
        state = self._reader.state()
        return SystemStatus(
            now=now,
            configured=self._configured,
            platform=self._work.platform(),
            workers=tuple(self._work.workers(now)),
            revision=state.revision,
            snapshot=state.snapshot,
            imported_at=state.imported_at,
            active=tuple(self._batches.active()),
        )
