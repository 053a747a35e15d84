"""What the foot of the sidebar and the header tell of the system's parts."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from stfc.services.ports import (
    BatchLedger,
    BatchSummary,
    Clock,
    DiskProbe,
    LedgerReader,
    PlatformState,
    WorkerRow,
    WorkLedger,
)

_LOOK_EVERY = timedelta(seconds=10)


@dataclass(frozen=True)
class DiskTrouble:
    """Nothing can be written in ``place``, and why; ``since`` is when that was first seen from here."""

    place: Path
    cause: str
    since: datetime


class DiskWatch:
    """Whether the product's folders can be written, as seen every 10 s; to try it costs a synced write."""

    def __init__(self, probe: DiskProbe, places: Sequence[Path]) -> None:
        self._probe = probe
        self._places = places
        self._next_look: datetime | None = None
        self._trouble: DiskTrouble | None = None

    def look(self, now: datetime) -> DiskTrouble | None:
        """The first folder that refuses, None when all can be written."""
        if self._next_look is None or now >= self._next_look:
            self._next_look = now + _LOOK_EVERY
            since = self._trouble.since if self._trouble else now
            refused = (state for place in self._places if (state := self._probe.look(place)).refusal)
            self._trouble = next((DiskTrouble(one.place, one.refusal or "", since) for one in refused), None)
        return self._trouble


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
    disk: DiskTrouble | None = None


class StatusService:
    """Puts the status together from the ledger; asks the platform itself only when ``check`` is called."""

    def __init__(
        self,
        reader: LedgerReader,
        batches: BatchLedger,
        work: WorkLedger,
        disks: DiskWatch,
        clock: Clock,
        *,
        configured: bool,
    ) -> None:
        self._reader = reader
        self._batches = batches
        self._work = work
        self._disks = disks
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
            disk=self._disks.look(now),
        )
