"""Our rating of a chunk's files: which contract has which plan, and what its calls come to (PRODUCT 6, PLANS)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from pathlib import Path

import polars as pl

from stfc.domain.money import MICROS_PER_CENTAVO, MICROS_PER_REAL, Centavos, Micros, cut
from stfc.domain.plan import PlanVersion, plans_of
from stfc.domain.rating.charging import OurRating
from stfc.domain.rating.columns import RatedUnder, rate, unrated
from stfc.errors import StorageError


@dataclass(frozen=True)
class Ratings:
    """``columns.RATED`` of every call, and by file what they come to and the keys of the versions that priced them.

    Files of contracts without a plan are in neither mapping.
    """

    calls: pl.DataFrame
    files: Mapping[int, OurRating] = field(default_factory=dict)
    plans: Mapping[int, frozenset[str]] = field(default_factory=dict)


def ratings(
    calls: pl.DataFrame,
    periods: Mapping[int, tuple[date, date]],
    contracts: Sequence[str],
    plans: Sequence[PlanVersion],
    snapshot: Path,
) -> Ratings:
    """The rating of the kept ``calls`` of some files.

    Args:
        calls: as ``columns.rate`` takes them, and ``amount`` in micros.
        periods: the first and the last day of every good file.
        contracts: the contract of each file, by file.
        plans: all versions of all plans.
        snapshot: the folder of the ERP's snapshot, which says what plan a contract names.

    Raises:
        StorageError: the snapshot cannot be read.
    """
    if not plans:
        return Ratings(unrated(calls.height))
    known, named = plans_of(plans), contract_plans(snapshot)
    governing: dict[int, PlanVersion] = {}
    under: dict[int, RatedUnder] = {}
    for file, (first, last) in periods.items():
        plan = known.get(named.get(contracts[file], ""))
        version = plan.of_period(first, last) if plan else None
        if plan and version:
            governing[file] = version
            under[file] = RatedUnder(plan, first)
    rated = rate(calls, under)
    sums = _sums(calls.select("file", "amount", "duration", "class").hstack(rated), governing)
    keys = rated.select(calls["file"], "plan_version").unique().drop_nulls()
    priced_by = {file: frozenset(group) for file, group in keys.group_by("file").agg("plan_version").iter_rows()}
    return Ratings(rated, sums, priced_by)


@lru_cache(maxsize=2)
def cut_days(snapshot: Path) -> Mapping[str, int]:
    """The cut day of each contract of the snapshot in that folder; otherwise as ``contract_plans``."""
    return dict(_contracts(snapshot, "cut_day").iter_rows())


@lru_cache(maxsize=2)
def contract_plans(snapshot: Path) -> Mapping[str, str]:
    """The plan that each contract of the snapshot in that folder names; read once, a snapshot never changes.

    Raises:
        StorageError: the snapshot cannot be read.
    """
    return dict(_contracts(snapshot, "plan").iter_rows())


def _contracts(snapshot: Path, column: str) -> pl.DataFrame:
    try:
        return pl.read_parquet(snapshot / "contracts.parquet", columns=["contract", column]).drop_nulls()
    except (OSError, pl.exceptions.ComputeError) as cause:
        raise StorageError(place=str(snapshot), cause=str(cause)) from cause


def _sums(calls: pl.DataFrame, governing: Mapping[int, PlanVersion]) -> dict[int, OurRating]:
    priced = calls.filter(pl.col("our_price").is_not_null())
    amounts = priced.group_by("file").agg(
        (pl.col("our_price") // MICROS_PER_CENTAVO).sum(),
        # Reais and rest apart: no sum of amounts, however wild, leaves an int64.
        reais=(pl.col("amount") // MICROS_PER_REAL).sum(),
        rest=(pl.col("amount") % MICROS_PER_REAL).sum(),
    )
    sums = {file: (ours, reais * MICROS_PER_REAL + rest) for file, ours, reais, rest in amounts.iter_rows()}
    missing: dict[int, dict[str, int]] = {}
    lacks = calls.filter(pl.col("our_price").is_null() & (pl.col("duration") > 0)).group_by("file", "class").len()
    for file, call_class, count in lacks.iter_rows():
        missing.setdefault(file, {})[call_class] = count
    found = {}
    for file, version in governing.items():
        ours, platform = sums.get(file, (0, 0))
        found[file] = OurRating(version, Centavos(ours), cut(Micros(platform)), missing.get(file, {}))
    return found
