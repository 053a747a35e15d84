"""The doctor: whether everything that must add up does (ARCHITECTURE, command line, *doctor*).

What a look costs does not grow with history: the months that changed last are read (``ports.Depth``), a sample of the
parts is hashed, and of the others only that they are there. Asked for all, the doctor reads everything.
"""

import asyncio
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from stfc.domain.competence import Competence
from stfc.domain.role import Role
from stfc.errors import CredentialsRefusedError, PlatformError, SettingsError, StfcError
from stfc.services import access
from stfc.services.janitor import ORPHAN_AGE
from stfc.services.ports import (
    Actor,
    AuditLedger,
    CallDoctor,
    CallStore,
    Clock,
    Depth,
    DiskProbe,
    LedgerDoctor,
    LedgerHealth,
    Observation,
    Part,
    PlatformHealth,
    SnapshotDoctor,
    SummitGateway,
    WorkLedger,
)

LITTLE_SPACE = 1 << 30
"""Free bytes below which the month's end becomes a gamble."""
SLOW_MS = 2_000.0
"""From this many milliseconds on the platform's answer to ``health`` is worth a note."""
PLATFORM_SKEW = timedelta(minutes=5)
"""How far the platform's clock may be from ours; its header counts whole seconds, and proxies are lax."""
SAMPLE = 20
"""How many parts are hashed when nobody asks for more."""
NOBODY = "stfc-doctor"
"""A contract that no platform knows: asking for it needs the token and costs nothing."""
ACTIONS = {
    "DOC-ORF": "sweep_orphans",
    "DOC-RES": "remove_leftovers",
    "DOC-LOC": "free_leases",
    "DOC-PRE": "free_leases",
    "DOC-LOT": "refresh_batches",
    "DOC-FUT": "bring_forward",
    "DOC-ROL": "rebuild_rollups",
    "DOC-ROS": "rebuild_rollups",
}
"""The safe repair of what is seen, by its code; what is not here needs a person."""
NOTES = frozenset(
    {
        "DOC-ADI",
        "DOC-AMO",
        "DOC-DES",
        "DOC-IMP",
        "DOC-LEN",
        "DOC-LOC",
        "DOC-NOV",
        "DOC-PAU",
        "DOC-REN",
        "DOC-ROL",
        "DOC-VEL",
    }
)
"""Codes of what mends itself or only informs."""
_EXAMPLES = 3


@dataclass(frozen=True)
class Diagnosis:
    """What the doctor saw: ``findings`` need somebody's act, ``notes`` mend themselves or only inform."""

    findings: tuple[Observation, ...]
    notes: tuple[Observation, ...]

    @property
    def ok(self) -> bool:
        """Whether nothing needs anybody's act."""
        return not self.findings

    @property
    def actions(self) -> tuple[str, ...]:
        """The safe repairs of what was seen, each once."""
        seen = (*self.findings, *self.notes)
        return tuple(dict.fromkeys(ACTIONS[one.code] for one in seen if one.code in ACTIONS))


@dataclass(frozen=True)
class Repaired:
    """A repair that was tried: of how many things it mended something, or the error that kept it from doing so."""

    action: str
    count: int
    error: StfcError | None = None


@dataclass(frozen=True)
class DoctorPolicy:
    """What is still well: a clock that is off by less than ``lease``, ERP data younger than ``snapshot_age``."""

    lease: timedelta = timedelta(seconds=10)
    snapshot_age: timedelta = timedelta(days=35)
    depth: Depth = field(default_factory=Depth)


class Doctor:
    """The use case *doctor*: ``examine`` reads and changes nothing, ``repair`` does what is safe at any time."""

    def __init__(
        self,
        *,
        ledger: LedgerDoctor,
        parts: CallDoctor,
        calls: CallStore,
        snapshots: SnapshotDoctor,
        work: WorkLedger,
        disk: DiskProbe,
        places: Sequence[Path],
        gateway: Callable[[], SummitGateway],
        settings: Callable[[], Sequence[Observation]],
        ledger_clock: Clock,
        clock: Clock,
        audit: AuditLedger,
        repairs: Mapping[str, Callable[[], int]],
        policy: DoctorPolicy,
    ) -> None:
        """``places`` are the folders that must be writable, ``settings`` what is odd in the configuration, ``repairs``
        an act for each of ``ACTIONS``, which gives of how many things it mended something."""
        self._ledger = ledger
        self._parts = parts
        self._calls = calls
        self._snapshots = snapshots
        self._work = work
        self._disk = disk
        self._places = places
        self._gateway = gateway
        self._settings = settings
        self._ledger_clock = ledger_clock
        self._clock = clock
        self._audit = audit
        self._repairs = repairs
        self._policy = policy

    def examine(self, sample: int | None = SAMPLE) -> Diagnosis:
        """Look at settings, disk, platform, clocks, ledger, workers, batches, snapshots, parts and leftovers.

        Args:
            sample: how many parts to hash, others at each revision; None hashes all and reads all history.

        Raises:
            StorageError: the ledger cannot be read at all.
        """
        now, ledger_now = self._clock(), self._ledger_clock()
        health = self._ledger.examine(now, ledger_now, None if sample is None else self._policy.depth)
        platform, outside = self._platform(now)
        seen = [
            *self._settings(),
            *self._disks(),
            *platform,
            *self._clocks(health, ledger_now - now, outside),
            *health.findings,
            *self._workers(health, now),
            *self._snapshots.examine(health.snapshot, health.snapshots),
            *self._calls_and_sums(health, _sampled(health, sample)),
            *self._leftovers(health, now),
            *self._informs(health, now),
        ]
        return Diagnosis(
            findings=tuple(one for one in seen if one.code not in NOTES),
            notes=tuple(one for one in seen if one.code in NOTES),
        )

    def repair(self, diagnosis: Diagnosis, actor: Actor) -> list[Repaired]:
        """Do every safe repair that ``diagnosis`` proposes, each with a line in the audit trail.

        What one cannot do is said in its result and keeps no other from being done.

        Raises:
            NotAllowedError: the role changes nothing.
        """
        access.require(actor, Role.OPERATOR, "repair")
        return [self._repaired(action, actor) for action in diagnosis.actions if action in self._repairs]

    def _repaired(self, action: str, actor: Actor) -> Repaired:
        try:
            count = self._repairs[action]()
            self._audit.append(actor, self._clock(), "doctor.repair", action, reason="", facts={"count": count})
        except StfcError as error:
            return Repaired(action, 0, error)
        return Repaired(action, count)

    # --- What is around us

    def _disks(self) -> Iterator[Observation]:
        for place in self._places:
            state = self._disk.look(place)
            if state.refusal:
                yield Observation("disk", "DOC-GRV", {"place": str(place), "cause": state.refusal})
            if state.free < LITTLE_SPACE:
                yield Observation("disk", "DOC-ESP", {"place": str(place), "free": state.free})

    def _platform(self, now: datetime) -> tuple[list[Observation], datetime | None]:
        """What is wrong with the platform, and what its clock says."""
        try:
            health = asyncio.run(self._ask(Competence.of(now.date())))
        except SettingsError as error:
            return [Observation("settings", error.code, error.facts)], None
        except PlatformError as error:
            return [Observation("platform", error.code, error.facts)], None
        slow = health.latency_ms > SLOW_MS
        seen = [Observation("platform", "DOC-LEN", {"milliseconds": round(health.latency_ms)})] if slow else []
        return seen, health.clock

    async def _ask(self, competence: Competence) -> PlatformHealth:
        async with self._gateway() as gateway:
            health = await gateway.health()
            try:
                await gateway.descriptor(NOBODY, competence)
            except CredentialsRefusedError:
                raise
            except StfcError:
                # Unknown, not there, or in trouble for once: whatever it is, the token was not refused.
                return health
            return health

    def _clocks(self, health: LedgerHealth, off: timedelta, outside: datetime | None) -> Iterator[Observation]:
        """Our clock against the ledger's (``off``), the platform's (``outside``), and what was written last."""
        now, lease = self._clock(), self._policy.lease
        if abs(off) > lease:
            yield _off("DOC-RLV", abs(off))
        is_right = outside is not None and abs(outside - now) <= PLATFORM_SKEW
        if outside is not None and not is_right:
            yield _off("DOC-RPL", abs(outside - now))
        if health.newest is not None and health.newest > now + lease:
            # Where somebody else says that our clock is right, it was wrong before, and time mends it.
            yield _off("DOC-ADI" if is_right else "DOC-RET", health.newest - now)

    # --- What is ours

    def _workers(self, health: LedgerHealth, now: datetime) -> Iterator[Observation]:
        if health.waiting and not self._work.workers(now):
            yield Observation("worker", "DOC-TRB", {"count": health.waiting})
        if health.dead:
            yield Observation("worker", "DOC-LOC", {"count": health.dead})
        for batch, code in health.paused.items():
            yield Observation("worker", "DOC-PAU", {"batch": batch, "code": code})

    def _calls_and_sums(self, health: LedgerHealth, hashed: Sequence[Part]) -> Sequence[Observation]:
        found = self._parts.examine(health.parts, hashed, health.calls, health.claims)
        # Where a part is damaged, nothing could agree with it.
        is_readable = all(one.check != "parts" for one in found)
        return found + (self._parts.examine_rollups(health.calls, health.rollups) if is_readable else [])

    def _leftovers(self, health: LedgerHealth, now: datetime) -> Iterator[Observation]:
        """Files and folders that nothing names: of a killed process when old, perhaps of one that runs when young."""
        limit = now - ORPHAN_AGE
        old = self._calls.orphans(health.listed, older_than=limit)
        young = set(self._calls.orphans(health.listed, older_than=now)) - set(old)
        yield from _unnamed("orphans", "DOC-ORF", old)
        yield from _unnamed("orphans", "DOC-NOV", sorted(young))
        old = self._snapshots.leftovers(health.snapshots, older_than=limit)
        young = set(self._snapshots.leftovers(health.snapshots, older_than=now)) - set(old)
        yield from _unnamed("snapshot", "DOC-RES", old)
        yield from _unnamed("snapshot", "DOC-REN", sorted(young))

    def _informs(self, health: LedgerHealth, now: datetime) -> Iterator[Observation]:
        if health.snapshot is None:
            yield Observation("snapshot", "DOC-IMP")
        elif (age := now - health.snapshot.imported_at) > self._policy.snapshot_age:
            yield Observation("snapshot", "DOC-VEL", {"snapshot": health.snapshot.number, "days": age.days})
        if health.examined < health.months:
            yield Observation("ledger", "DOC-AMO", {"examined": health.examined, "months": health.months})


def _sampled(health: LedgerHealth, sample: int | None) -> Sequence[Part]:
    if sample is None or sample >= len(health.parts):
        return health.parts
    return random.Random(health.calls.revision).sample(health.parts, sample)


def _off(code: str, off: timedelta) -> Observation:
    return Observation("clock", code, {"seconds": round(off.total_seconds())})


def _unnamed(check: str, code: str, paths: Sequence[str]) -> Iterator[Observation]:
    if paths:
        yield Observation(check, code, {"count": len(paths), "paths": list(paths[:_EXAMPLES])})
