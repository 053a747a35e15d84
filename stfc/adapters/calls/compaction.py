"""Rewrites a competence's calls as few large parts, and sums them up (ports.CallCompactor).

Memory stays the same whatever the competence has: ranges of contracts are read, sorted and written one after the
other, each as a part of its own, so that the ledger's first and last contract tell a reader which one to open.
"""

import uuid
from collections.abc import Iterable, Iterator

import polars as pl

from stfc.adapters.calls import rollups
from stfc.adapters.calls.store import ROLLUPS_FOLDER, ParquetCallStore
from stfc.domain.competence import Competence
from stfc.errors import StorageError
from stfc.services.ports import ListedCalls, LiveCalls, Part, Rollup

ROWS_PER_PART = 100_000
"""Calls of a compacted part; a contract that has more stands in a part of its own."""
_ORDER = ["contract", "started_at", "call_id", "claim"]


class ParquetCallCompactor:
    """``ports.CallCompactor`` over the files of a store."""

    def __init__(self, store: ParquetCallStore, *, rows_per_part: int = ROWS_PER_PART) -> None:
        self._store = store
        self._rows = rows_per_part

    def merged(self, source: ListedCalls) -> Iterator[Part]:
        """Parts of up to ``rows_per_part`` calls, by contract and start, without the rows of dropped claims.

        Raises:
            StorageError: a listed part is missing or cannot be read, or the disk refuses.
        """
        kept = LiveCalls(source.live.revision, source.live.parts, source.dropped)
        counts = self._collected(self._store.scan(kept).group_by("contract").len().sort("contract"))
        for first, last in ranges(counts.iter_rows(), self._rows):
            near = tuple(part for part in kept.parts if part.contract_first <= last and part.contract_last >= first)
            calls = self._store.scan(LiveCalls(kept.revision, near, kept.excluded))
            wanted = calls.filter(pl.col("contract").is_between(pl.lit(first), pl.lit(last)))
            yield self._store.write(source.competence, self._collected(wanted.sort(_ORDER)).to_arrow())

    def summed(self, competence: Competence, live: LiveCalls) -> str:
        """Write every rollup of ``live``; gives their folder, relative to the calls' root.

        Raises:
            StorageError: a listed part is missing or cannot be read, or the disk refuses.
        """
        path = f"{ROLLUPS_FOLDER}/competence={competence}/{uuid.uuid4().hex}"
        rollups.write(self._store.root / path, self._store.paths(live.parts), self._store.exclusions(live))
        return path

    def holds(self, rollup: Rollup) -> bool:
        """Whether all of the rollup's files are there."""
        return all(rollups.file(self._store.root / rollup.path, name).is_file() for name in rollups.FILES)

    def _collected(self, query: pl.LazyFrame) -> pl.DataFrame:
        try:
            return query.collect(engine="streaming")
        except (OSError, pl.exceptions.ComputeError) as cause:
            raise StorageError(place=str(self._store.root), cause=str(cause).splitlines()[0]) from cause


def ranges(counts: Iterable[tuple[str, int]], most: int) -> Iterator[tuple[str, str]]:
    """First and last contract of runs that have up to ``most`` calls, from each contract's number of calls in order."""
    run: list[str] = []
    total = 0
    for contract, calls in counts:
        if run and total + calls > most:
            yield run[0], run[-1]
            run, total = [], 0
        run.append(contract)
        total += calls
    if run:
        yield run[0], run[-1]
