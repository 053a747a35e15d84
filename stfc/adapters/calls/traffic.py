"""What detectors look at, counted in columns over many files at once (``domain.detectors``)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

import numpy as np
import polars as pl
from numpy.typing import NDArray

from stfc.domain.call import CallClass
from stfc.domain.detectors import Policy

_DAY_SECONDS = 86_400
# A file's number stands above the seconds in one integer: all files are searched at once and none meets another's.
_SECONDS_BITS = 33
_MORNING = 6
_SATURDAY = 5
_US = 1_000_000


@dataclass(frozen=True)
class Peaks:
    """The counts of ``detectors.Traffic`` of one file, without its amount."""

    parallel: int = 0
    abroad: int = 0
    night: int = 0
    weekend: int = 0
    countries: Mapping[str, int] = field(default_factory=dict)
    overdue: int = 0
    calls: int = 0


def peaks(calls: pl.DataFrame) -> dict[int, Peaks]:
    """The counts of every file that has calls.

    Args:
        calls: file (any integer below 2**30), class, destination, started_at (UTC, us), duration (s), local_day,
            hour, weekday; in any order. Where ``is_overdue`` (bool) is there, it is counted too.
    """
    if calls.is_empty():
        return {}
    abroad = calls.filter(pl.col("class") == CallClass.LDI.value)
    figures = {
        "parallel": _parallel(calls),
        "abroad": _within_a_day(abroad),
        "night": _most(calls.filter(pl.col("hour") < _MORNING), "local_day"),
        "weekend": _most(
            calls.filter(pl.col("weekday") >= _SATURDAY).with_columns(
                saturday=pl.col("local_day") - pl.duration(days=pl.col("weekday") - _SATURDAY)
            ),
            "saturday",
        ),
        "overdue": _overdue(calls),
        "calls": dict(calls.group_by("file").len().iter_rows()),
    }
    countries: dict[int, dict[str, int]] = {}
    for file, country, count in abroad.group_by("file", "destination").len().sort("file", "destination").iter_rows():
        countries.setdefault(file, {})[country] = count
    return {
        file: Peaks(countries=countries.get(file, {}), **{name: of.get(file, 0) for name, of in figures.items()})
        for file in calls["file"].unique().to_list()
    }


def is_overdue(period_from: pl.Series, policy: Policy) -> pl.Expr:
    """Whether a call is so much older than its file's period that it may not be charged any more (PRODUCT 7).

    ``period_from``: the first day of each call's file, a date a row.
    """
    limit = (
        pl.when(pl.col("class") == CallClass.LDI.value)
        .then(pl.lit(policy.abroad_days))
        .otherwise(pl.lit(policy.national_days))
    )
    return (period_from - pl.col("local_day")).dt.total_days() > limit


def first_days(files: pl.Series, days: Mapping[int, date]) -> pl.Series:
    """The first day of the period of each row's file."""
    table = pl.Series([days.get(file) for file in range(max(days, default=-1) + 1)], dtype=pl.Date)
    return table.gather(files)


def _parallel(calls: pl.DataFrame) -> dict[int, int]:
    """By file the most answered calls under way at one moment; one that ends as another starts is over."""
    answered = calls.filter(pl.col("duration") > 0)
    if answered.is_empty():
        return {}
    starts = np.sort(_places(answered, pl.col("started_at").dt.epoch("us") // _US))
    ends = np.sort(_places(answered, pl.col("started_at").dt.epoch("us") // _US + pl.col("duration")))
    under_way = np.arange(1, len(starts) + 1) - np.searchsorted(ends, starts, side="right")
    return _highest(starts >> _SECONDS_BITS, under_way)


def _within_a_day(calls: pl.DataFrame) -> dict[int, int]:
    """By file the most calls that start within 24 hours."""
    if calls.is_empty():
        return {}
    starts = np.sort(_places(calls, pl.col("started_at").dt.epoch("us") // _US))
    # The first second of a file is kept a day away from the last of the one before.
    first = np.searchsorted(starts, starts - _DAY_SECONDS, side="right")
    return _highest(starts >> _SECONDS_BITS, np.arange(1, len(starts) + 1) - first)


def _places(calls: pl.DataFrame, second: pl.Expr) -> NDArray[np.int64]:
    seconds = calls.select(second.cast(pl.Int64).alias("second"))["second"].to_numpy()
    since = calls.select(pl.col("started_at").dt.epoch("us").min() // _US).item() - _DAY_SECONDS
    places: NDArray[np.int64] = (calls["file"].cast(pl.Int64).to_numpy() << _SECONDS_BITS) + (seconds - since)
    return places


def _highest(files: NDArray[np.int64], counts: NDArray[np.int64]) -> dict[int, int]:
    found = pl.DataFrame({"file": files, "count": counts}).group_by("file").agg(pl.col("count").max())
    return dict(found.iter_rows())


def _most(calls: pl.DataFrame, by: str) -> dict[int, int]:
    found = calls.group_by("file", by).len().group_by("file").agg(pl.col("len").max())
    return dict(found.iter_rows())


def _overdue(calls: pl.DataFrame) -> dict[int, int]:
    if "is_overdue" not in calls.columns:
        return {}
    return dict(calls.filter("is_overdue").group_by("file").len().iter_rows())
