"""What is odd about the files of a chunk, each against its contract's own past (PRODUCT 7)."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date

import polars as pl

from stfc.adapters.calls.store import ParquetCallStore
from stfc.adapters.calls.traffic import Peaks, first_days, is_overdue, peaks
from stfc.domain.detectors import DEFAULT, Past, Policy, Traffic, anomalies, is_suspect
from stfc.domain.money import Centavos
from stfc.domain.outcome import Finding
from stfc.services.ports import ChunkSpec, ClaimedItem

_NO_CALLS = Peaks()
_FREE = Centavos(0)


class Anomalies:
    """The anomalies of the files of ``items``, whose kept calls are counted once; earlier calls are read of suspects
    alone, so that a chunk in which nobody is suspect reads none.

    Args:
        kept: what ``traffic.peaks`` takes; ``file`` is the position in ``items``.
        since: the first day of the period of each file.

    Raises:
        StorageError: an earlier part cannot be read.
    """

    def __init__(
        self,
        kept: pl.DataFrame,
        since: Mapping[int, date],
        items: Sequence[ClaimedItem],
        spec: ChunkSpec,
        store: ParquetCallStore,
        policy: Policy = DEFAULT,
    ) -> None:
        self._items = items
        self._policy = policy
        overdue = is_overdue(first_days(kept["file"], since), policy)
        self._peaks = peaks(kept.with_columns(is_overdue=overdue)) if since else {}
        suspects = [index for index, seen in self._peaks.items() if is_suspect(_traffic(seen), policy)]
        self._before = _before(suspects, items, spec, store) if suspects else {}

    def of(self, index: int, amount: Centavos) -> tuple[Finding, ...]:
        """What is odd about file ``index``, which would be charged ``amount``: where nothing is, nothing can be."""
        if not amount:
            return ()
        charged = self._items[index].charged
        seen, months = self._before.get(index, (_NO_CALLS, 0))
        past = Past(
            amounts=charged,
            months=months,
            parallel=seen.parallel,
            abroad=seen.abroad,
            night=seen.night,
            weekend=seen.weekend,
            countries=frozenset(seen.countries),
        )
        return anomalies(_traffic(self._peaks.get(index, _NO_CALLS), amount), past, self._policy)


def _traffic(seen: Peaks, amount: Centavos = _FREE) -> Traffic:
    # Not asdict, which copies all the way down: half of the time that a small file took.
    return Traffic(amount=amount, **vars(seen))


def _before(
    suspects: Sequence[int], items: Sequence[ClaimedItem], spec: ChunkSpec, store: ParquetCallStore
) -> dict[int, tuple[Peaks, int]]:
    """What was seen of each suspect in earlier competences, and in how many of them it had calls.

    What a manager has not decided yet is no past: a burst that is held would else let the next one through.
    """
    files = {items[index].contract: index for index in suspects}
    undecided = frozenset().union(*(items[index].undecided for index in suspects))
    settled = replace(spec.calls, excluded=spec.calls.excluded | undecided)
    earlier = pl.DataFrame(store.earlier_calls(list(files), settled, before=spec.competence))
    calls = earlier.with_columns(file=pl.col("contract").replace_strict(files, return_dtype=pl.Int64))
    months = dict(calls.group_by("file").agg(pl.col("competence").n_unique()).iter_rows())
    return {file: (seen, months[file]) for file, seen in peaks(calls).items()}
