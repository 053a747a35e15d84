"""ERP import: validate whole, write a new snapshot, switch to it atomically (ERP_IMPORT)."""

import time
from dataclasses import dataclass
from pathlib import Path

from stfc.domain.role import Role
from stfc.errors import StaleSnapshotError, StfcError
from stfc.services import access
from stfc.services.ports import Actor, Clock, ImportWarning, SnapshotLedger, SnapshotStore, StagedSnapshot


@dataclass(frozen=True)
class Imported:
    """A finished import: the snapshot's number, rows per table, warnings, and the seconds it took."""

    snapshot: int
    rows: dict[str, int]
    warnings: tuple[ImportWarning, ...]
    seconds: float


class Importing:
    """The use case *import*, for operators; batches remember their snapshot."""

    def __init__(self, store: SnapshotStore, ledger: SnapshotLedger, clock: Clock, *, keep: int) -> None:
        self._store = store
        self._ledger = ledger
        self._clock = clock
        self._keep = keep

    def run(self, source: Path, actor: Actor) -> Imported:
        """Make the dump in ``source`` the current snapshot.

        The files are on disk for good before the ledger's transaction names them: killed before, nothing changed.
        Old snapshots go, but for the last ones and any that a batch names.

        Raises:
            NotAllowedError: the actor is no operator.
            ImportRefusedError: with every problem; nothing changed.
            StorageError: the disk is full or read-only; nothing changed.
        """
        access.require(actor, Role.OPERATOR, "import")
        started = time.perf_counter()
        while True:
            number, previous = self._ledger.next_number(), self._ledger.current()
            staged = self._stage(source, number, previous)
            try:
                self._ledger.switch(number, previous=previous, rows=staged.rows, actor=actor, now=self._clock())
                break
            except StaleSnapshotError:
                # Another import was quicker: what this dump lacks has to come from that one.
                self._store.discard([number])
        self._store.discard(self._ledger.discard_old(self._keep))
        return Imported(number, staged.rows, staged.warnings, round(time.perf_counter() - started, 3))

    def _stage(self, source: Path, number: int, previous: int | None) -> StagedSnapshot:
        try:
            return self._store.stage(source, number, previous)
        except StfcError:
            self._ledger.give_back(number)
            raise
