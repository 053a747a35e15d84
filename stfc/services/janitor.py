"""Sweeps the files that a killed worker left behind (ARCHITECTURE, the ledger is the catalogue)."""

from datetime import timedelta

from stfc.services.ports import CallStore, Clock, PartCatalogue, SnapshotCatalogue, SnapshotDoctor

ORPHAN_AGE = timedelta(hours=1)
"""A part that no ledger row lists after so long never will be, and what a compaction replaced so long ago is read by
nobody any more: far longer than any chunk and its lease."""


class Janitor:
    """Removes orphans. Safe to run anywhere at any time: what the ledger lists, or may still list, stays."""

    def __init__(self, catalogue: PartCatalogue, calls: CallStore, clock: Clock) -> None:
        self._catalogue = catalogue
        self._calls = calls
        self._clock = clock

    def sweep(self) -> int:
        """Remove the orphans that are older than ``ORPHAN_AGE``; gives how many."""
        limit = self._clock() - ORPHAN_AGE
        # The disk first, the ledger after: what was listed in between is not taken for an orphan.
        found = self._calls.orphans((), older_than=limit)
        listed = self._catalogue.listed_paths(retired_since=limit) if found else frozenset()
        orphans = [path for path in found if path not in listed]
        self._calls.remove(orphans)
        return len(orphans)


class SnapshotJanitor:
    """Removes the folders of imports that were killed, under the same promise."""

    def __init__(self, catalogue: SnapshotCatalogue, snapshots: SnapshotDoctor, clock: Clock) -> None:
        self._catalogue = catalogue
        self._snapshots = snapshots
        self._clock = clock

    def sweep(self) -> int:
        """Remove the leftovers that are older than ``ORPHAN_AGE``; gives how many."""
        limit = self._clock() - ORPHAN_AGE
        # The disk before the ledger and again after: a folder that was made current in between is in one alone.
        before = set(self._snapshots.leftovers((), older_than=limit))
        after = self._snapshots.leftovers(self._catalogue.kept(), older_than=limit)
        leftovers = [name for name in after if name in before]
        self._snapshots.remove(leftovers)
        return len(leftovers)
