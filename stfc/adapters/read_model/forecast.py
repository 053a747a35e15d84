"""The set-based twin of ``domain.forecast``: many contracts at once, from charges and rollups, never from calls."""

from collections.abc import Sequence
from pathlib import Path

import polars as pl

from stfc.adapters.calls import rollups
from stfc.adapters.read_model.engine import Engine, parquet
from stfc.adapters.read_model.history import MEDIAN, items_of
from stfc.domain.competence import Competence
from stfc.domain.forecast import LEAST_MONTHS, LEAST_SPREAD, MONTHS, SPREADS, Profile, month_weight, profile
from stfc.services.ports import MonthImage

_FORECASTS = f"""
WITH past AS (
    SELECT i.contract, arg_max(i.amount * $weight // m.weight, i.competence, {MONTHS}) AS scaled
    FROM items i
    JOIN (SELECT unnest($months) AS competence, unnest($weights) AS weight) m ON m.competence = i.competence
    WHERE i.outcome = 'charged' AND NOT i.reversed
    GROUP BY i.contract HAVING count(*) >= {LEAST_MONTHS}
), valued AS (
    SELECT contract, scaled, {MEDIAN.format("scaled")} AS value FROM past
), apart AS (
    SELECT contract, value, list_transform(scaled, lambda one: abs(one - value)) AS distances FROM valued
), spread AS (
    SELECT contract, value,
        {SPREADS} * greatest({MEDIAN.format("distances")}, value // {LEAST_SPREAD}) AS spread FROM apart
)
SELECT contract, value::BIGINT AS value, greatest(0, value - spread)::BIGINT AS low, (value + spread)::BIGINT AS high
FROM spread
"""


def forecasts(engine: Engine, competence: Competence, images: Sequence[MonthImage], weekdays: Profile) -> pl.DataFrame:
    """contract, value, low, high (centavos), in any order; a row for each contract with enough months.

    ``images`` are those of months before ``competence``.
    """
    if not images:
        return pl.DataFrame(schema={"contract": pl.String, "value": pl.Int64, "low": pl.Int64, "high": pl.Int64})
    params = {
        "weight": month_weight(competence, weekdays),
        "months": [str(image.competence) for image in images],
        "weights": [month_weight(image.competence, weekdays) for image in images],
    }
    return engine.query(_FORECASTS, params, items=items_of(images))


def weekday_profile(engine: Engine, root: Path, images: Sequence[MonthImage]) -> Profile:
    """What a day of each weekday is worth over all contracts, from the months of ``images`` that have a rollup.

    No rollup holds weekdays by contract, and reading calls would cost more than the shape of a week is worth.
    """
    found = []
    for image in images:
        file = rollups.file(root / image.rollup.path, "hours") if image.rollup else None
        if file and file.is_file():
            by_day = f"SELECT weekday, sum(micros)::BIGINT AS micros FROM {parquet([file])} GROUP BY weekday"
            found.append((image.competence, dict(engine.query(by_day).iter_rows())))
    return profile(found)
