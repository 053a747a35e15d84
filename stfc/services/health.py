"""The doctor: whether everything that must add up does (ARCHITECTURE, command line, *doctor*)."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from stfc.errors import PlatformError
from stfc.services.janitor import ORPHAN_AGE
from stfc.services.ports import (
    CallDoctor,
    CallStore,
    Clock,
    DiskProbe,
    LedgerDoctor,
    LedgerHealth,
    Observation,
    SnapshotStore,
    SummitGateway,
    WorkLedger,
)

LITTLE_SPACE = 1 << 30
"""Free bytes below which the month's end becomes a gamble."""
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


class Doctor:
    """The use case *doctor*; reads everything, changes nothing."""

    def __init__(
        self,
        *,
        ledger: LedgerDoctor,
        parts: CallDoctor,
        calls: CallStore,
        snapshots: SnapshotStore,
        work: WorkLedger,
        disk: DiskProbe,
        places: Sequence[Path],
        gateway: Callable[[], SummitGateway],
        clock: Clock,
    ) -> None:
        """``places`` are the folders that must be writable."""
        self._ledger = ledger
        self._parts = parts
        self._calls = calls
        self._snapshots = snapshots
        self._work = work
        self._disk = disk
        self._places = places
        self._gateway = gateway
        self._clock = clock

    def examine(self) -> Diagnosis:
        """Look at disk, platform, ledger, workers, snapshot, parts and orphans.

        Raises:
            StorageError: the ledger cannot be read at all.
        """
        health = self._ledger.examine(self._clock())
        findings = [
            *self._disks(),
            *self._platform(),
            *health.findings,
            *self._workers(health),
            *self._snapshot(health),
            *self._parts.examine(health.calls, health.claims),
        ]
        notes = list(_notes(health))
        is_old = self._clock() - ORPHAN_AGE
        old = self._calls.orphans(health.listed, older_than=is_old)
        young = sorted(set(self._calls.orphans(health.listed, older_than=self._clock())) - set(old))
        findings += _orphans("DOC-ORF", old)
        notes += _orphans("DOC-NOV", young)
        return Diagnosis(tuple(findings), tuple(notes))

    def _disks(self) -> Iterator[Observation]:
        for place in self._places:
            state = self._disk.look(place)
            if state.refusal:
                yield Observation("disk", "DOC-GRV", {"place": str(place), "cause": state.refusal})
            if state.free < LITTLE_SPACE:
                yield Observation("disk", "DOC-ESP", {"place": str(place), "free": state.free})

    def _platform(self) -> Iterator[Observation]:
        try:
            asyncio.run(self._ask())
        except PlatformError as error:
            yield Observation("platform", error.code, error.facts)

    async def _ask(self) -> None:
        async with self._gateway() as gateway:
            await gateway.health()

    def _workers(self, health: LedgerHealth) -> Iterator[Observation]:
        if health.waiting and not self._work.workers(self._clock()):
            yield Observation("worker", "DOC-TRB", {"count": health.waiting})

    def _snapshot(self, health: LedgerHealth) -> Iterator[Observation]:
        if health.snapshot is None:
            return
        folder = self._snapshots.folder(health.snapshot)
        if not folder.is_dir():
            yield Observation("snapshot", "DOC-SNP", {"snapshot": health.snapshot, "path": str(folder)})


def _notes(health: LedgerHealth) -> Iterator[Observation]:
    if health.snapshot is None:
        yield Observation("snapshot", "DOC-IMP")
    if health.dead:
        yield Observation("worker", "DOC-LOC", {"count": health.dead})
    for batch, code in health.paused.items():
        yield Observation("worker", "DOC-PAU", {"batch": batch, "code": code})


def _orphans(code: str, paths: Sequence[str]) -> list[Observation]:
    return [Observation("orphans", code, {"count": len(paths), "paths": list(paths[:_EXAMPLES])})] if paths else []
