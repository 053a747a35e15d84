"""Stored calls of a charged month, priced again (ports.CallRerater): read, rated and compared in columns."""

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path

import polars as pl
import pyarrow as pa

from stfc.adapters.calls.anomalies import Anomalies
from stfc.adapters.calls.rating import Ratings, cut_days, ratings
from stfc.adapters.calls.schema import PART_SCHEMA
from stfc.adapters.calls.store import ParquetCallStore
from stfc.domain.money import MICROS_PER_REAL, Centavos, Micros, cut
from stfc.domain.outcome import Charged, Finding, Held, Zero
from stfc.domain.rating.charging import charging
from stfc.domain.rating.columns import RATED
from stfc.domain.rerating import FROM_THE_FILE, Repriced, standing, usual_period
from stfc.services.ports import ChargedItem, ChargedMonth, ChunkSpec, ClaimedItem, LiveCalls, Rerated

_RATED = list(RATED)


class ColumnarRerater:
    """``ports.CallRerater`` over the parts."""

    def __init__(self, store: ParquetCallStore) -> None:
        self._store = store

    def rerate(self, month: ChargedMonth, items: Sequence[ChargedItem], snapshot: Path) -> Rerated:
        """What ``items`` come to now, and their calls with the new rating, by contract and start.

        Raises:
            StorageError: a listed part or the snapshot cannot be read.
        """
        stored = self._calls(month, items)
        periods = _periods(month, items, snapshot)
        rated = ratings(stored, periods, [item.contract for item in items], month.plans, snapshot)
        calls = stored.drop(_RATED).hstack(rated.calls)
        changes = _changes(stored, rated.calls)
        platform = _platform(stored)
        odd = self._anomalies(month, items, snapshot, stored, periods)
        contracts = tuple(
            _repriced(item, index, rated, platform.get(index, Centavos(0)), odd, *changes.get(index, _NO_CHANGE))
            for index, item in enumerate(items)
        )
        return Rerated(contracts, calls.select(PART_SCHEMA.names).to_arrow().cast(PART_SCHEMA))

    def claimed(self, calls: pa.Table, claims: Mapping[int, int]) -> pa.Table:
        """Those of ``calls`` whose claim is a key of ``claims``, under the new one."""
        chosen = pl.DataFrame(calls).filter(pl.col("claim").is_in(list(claims)))
        renamed = chosen.with_columns(pl.col("claim").replace_strict(dict(claims), return_dtype=pl.Int64()))
        return renamed.select(PART_SCHEMA.names).to_arrow().cast(PART_SCHEMA)

    def _calls(self, month: ChargedMonth, items: Sequence[ChargedItem]) -> pl.DataFrame:
        """The calls of ``items``, whose position is ``file``, by file and start."""
        live = month.calls
        own = LiveCalls(
            live.revision, tuple(part for part in live.parts if part.competence == month.competence), live.excluded
        )
        found = pl.DataFrame(self._store.calls_of([item.contract for item in items], own))
        files = pl.DataFrame(
            {"claim": [item.claim for item in items], "file": range(len(items))},
            schema={"claim": pl.Int64(), "file": pl.UInt32()},
        )
        return found.join(files, on="claim", how="inner").sort("file", "started_at", maintain_order=True)

    def _anomalies(
        self,
        month: ChargedMonth,
        items: Sequence[ChargedItem],
        snapshot: Path,
        calls: pl.DataFrame,
        periods: Mapping[int, tuple[date, date]],
    ) -> Anomalies:
        claimed = tuple(
            ClaimedItem(item.item, item.claim, item.contract, 0, charged=item.history, undecided=item.undecided)
            for item in items
        )
        spec = ChunkSpec(0, month.competence, claimed, snapshot, month.calls)
        return Anomalies(calls, {index: first for index, (first, _) in periods.items()}, claimed, spec, self._store)


def _repriced(
    item: ChargedItem,
    index: int,
    rated: Ratings,
    platform: Centavos,
    odd: Anomalies,
    changed: int,
    before: frozenset[str],
) -> Repriced:
    rating = rated.files.get(index)
    charge = charging(platform, rating)
    findings = (*_kept(item), *charge.findings, *odd.of(index, charge.amount))
    held = standing(findings, item.findings if item.released else ())
    outcome: Charged | Zero | Held
    if held:
        outcome = Held(charge.amount, item.calls, item.dropped, item.source_sha256, held)
    elif charge.amount == 0:
        outcome = Zero(item.calls, item.dropped, item.source_sha256)
    else:
        outcome = Charged(charge.amount, item.calls, item.dropped, item.source_sha256)
    return Repriced(
        contract=item.contract,
        mode=rating.version.mode if rating else None,
        charged=item.amount,
        was=item.outcome,
        outcome=outcome,
        changed_calls=changed,
        before=before,
        after=rated.plans.get(index, frozenset()),
    )


def _kept(item: ChargedItem) -> tuple[Finding, ...]:
    return tuple(one for one in item.findings if one.code in FROM_THE_FILE)


def _periods(month: ChargedMonth, items: Sequence[ChargedItem], snapshot: Path) -> dict[int, tuple[date, date]]:
    days = cut_days(snapshot) if any(item.period is None for item in items) else {}
    return {
        index: item.period or usual_period(month.competence, days.get(item.contract, 31))
        for index, item in enumerate(items)
    }


_NO_CHANGE: tuple[int, frozenset[str]] = (0, frozenset())


def _changes(stored: pl.DataFrame, rated: pl.DataFrame) -> dict[int, tuple[int, frozenset[str]]]:
    """By file: how many calls are rated otherwise than stored, and the versions that had priced them."""
    differs = pl.any_horizontal(pl.col(name).cast(RATED[name]).ne_missing(pl.col(f"{name}_now")) for name in _RATED)
    both = stored.select("file", *_RATED).hstack(rated.rename({name: f"{name}_now" for name in _RATED}))
    counted = both.group_by("file").agg(differs.sum(), pl.col("plan_version").unique())
    return {
        file: (count, frozenset(key for key in keys if key is not None)) for file, count, keys in counted.iter_rows()
    }


def _platform(calls: pl.DataFrame) -> dict[int, Centavos]:
    """By file Summit's amount, cut once at the total."""
    sums = calls.group_by("file").agg(
        # Reais and rest apart: no sum of amounts, however wild, leaves an int64.
        reais=(pl.col("amount") // MICROS_PER_REAL).sum(),
        rest=(pl.col("amount") % MICROS_PER_REAL).sum(),
    )
    return {file: cut(Micros(reais * MICROS_PER_REAL + rest)) for file, reais, rest in sums.iter_rows()}
