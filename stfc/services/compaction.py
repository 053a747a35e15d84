"""Compaction: a competence's many parts become few, and rollups stand ready for the charts (ARCHITECTURE, stores).

What it writes is seen by nobody before one ledger transaction swaps it in; killed anywhere before, it leaves orphans
for the janitor and nothing else.
"""

from collections.abc import Callable
from dataclasses import dataclass

from stfc.domain.competence import Competence
from stfc.errors import NotPossibleError
from stfc.services.ports import CallCompactor, CallStore, Clock, Growth, ListedCalls, LiveCalls, Part, PartLedger

MANY_PARTS = 200
"""From this many new parts on, opening them costs more than reading them."""
MANY_CALLS = 50_000
"""Fewer new calls than this are read faster than anybody notices."""
MANY_EXCLUSIONS = 1_000
_SHARE = 10


@dataclass(frozen=True)
class Compacted:
    """A competence that was compacted: how many parts there were, how many there are, and their calls."""

    competence: Competence
    before: int
    after: int
    calls: int


class Compaction:
    """The use case *compact*. Safe beside workers, readers and other compactions."""

    def __init__(self, ledger: PartLedger, compactor: CallCompactor, calls: CallStore, clock: Clock) -> None:
        self._ledger = ledger
        self._compactor = compactor
        self._calls = calls
        self._clock = clock

    def run_due(self, keep_going: Callable[[], bool]) -> list[Compacted]:
        """Compact each competence that is worth it and not closed, while ``keep_going``."""
        due = (growth.competence for growth in self._ledger.growth() if is_worth_it(growth))
        return [done for competence in due if keep_going() and (done := self.run(competence, keep_going))]

    def run_all(self) -> list[Compacted]:
        """Compact every open competence that has anything to compact or whose rollup lacks a file."""
        open_ = (growth.competence for growth in self._ledger.growth() if not growth.is_closed)
        return [done for competence in open_ if (done := self.run(competence))]

    def rebuild(self) -> int:
        """Sum every competence up anew, whatever its rollup says of itself; gives how many. For the doctor.

        Raises:
            StorageError: a listed part is missing or broken, or the disk refuses.
        """
        return sum(self._is_summed_anew(growth.competence) for growth in self._ledger.growth())

    def _is_summed_anew(self, competence: Competence) -> bool:
        source = self._ledger.listed(competence)
        if not source.is_merged and not source.is_closed:
            return self.run(competence) is not None
        rollup = self._compactor.summed(competence, source.live)
        if self._ledger.swap(source, source.live.parts, rollup, now=self._clock()):
            return True
        self._calls.remove([rollup])
        return False

    def run(self, competence: Competence, keep_going: Callable[[], bool] = lambda: True) -> Compacted | None:
        """Compact one competence.

        None when there was nothing to do, when another compaction came first, or when ``keep_going`` said no before
        the end; then nothing changed.

        Raises:
            NotPossibleError: the competence is closed, and its parts are frozen.
            StorageError: a listed part is missing or broken, or the disk refuses.
        """
        source = self._ledger.listed(competence)
        if source.is_closed:
            raise NotPossibleError(cause="month_closed", competence=str(competence))
        if not source.live.parts or self._is_done(source):
            return None
        parts = self._parts(source, keep_going)
        if parts is None:
            return None
        rollup = self._compactor.summed(competence, LiveCalls(source.live.revision, parts, source.live.excluded))
        if not self._ledger.swap(source, parts, rollup, now=self._clock()):
            self._calls.remove([rollup, *_new(source, parts)])
            return None
        return Compacted(competence, len(source.live.parts), len(parts), sum(part.rows for part in parts))

    def _is_done(self, source: ListedCalls) -> bool:
        rollup = source.rollup
        is_summed = rollup is not None and rollup.excluded == source.live.excluded
        return source.is_merged and is_summed and rollup is not None and self._compactor.holds(rollup)

    def _parts(self, source: ListedCalls, keep_going: Callable[[], bool]) -> tuple[Part, ...] | None:
        if source.is_merged:
            return source.live.parts
        written: list[Part] = []
        for part in self._compactor.merged(source):
            written.append(part)
            if not keep_going():
                self._calls.remove([one.path for one in written])
                return None
        # Where every row is dropped the parts stay as they are: a month that has parts keeps some.
        return tuple(written) or source.live.parts


def is_worth_it(growth: Growth) -> bool:
    """Whether so much came since the last compaction that readers gain from another. While workers are at it, only
    their sheer number of parts counts."""
    if growth.is_closed:
        return False
    if growth.new_parts > MANY_PARTS:
        return True
    has_many = growth.new_calls > max(MANY_CALLS, growth.calls // _SHARE)
    return not growth.is_running and (has_many or growth.new_exclusions > MANY_EXCLUSIONS)


def _new(source: ListedCalls, parts: tuple[Part, ...]) -> list[str]:
    old = {part.path for part in source.live.parts}
    return [part.path for part in parts if part.path not in old]
