"""What contracts were charged in the months before: the base of every expectation."""

from collections.abc import Sequence

import polars as pl
import pyarrow as pa

from stfc.adapters.read_model.engine import Engine
from stfc.services.ports import MonthImage

MONTHS = 12
"""How far back a view looks, its own competence not counted."""

USUAL_MONTHS = 3
"""How many charged months a usual one is the median of."""

# The middle one of 1 or 3, the lower half of the sum of 2: whole centavos, never a fraction.
MEDIAN = "(list_sort({0})[(len({0}) + 1) // 2] + list_sort({0})[len({0}) // 2 + 1]) // 2"

_HISTORY = f"""
WITH recent AS (
    SELECT contract,
        max(competence) AS last_competence,
        arg_max(amount, competence) AS last_amount,
        arg_max(amount, competence, {USUAL_MONTHS}) AS amounts,
        arg_max(calls, competence, {USUAL_MONTHS}) AS calls
    FROM items WHERE outcome = 'charged' AND NOT reversed GROUP BY contract
)
SELECT contract, last_competence, last_amount,
    {MEDIAN.format("calls")} AS expected_calls,
    {MEDIAN.format("amounts")} AS expected_amount,
    len(amounts)::INTEGER AS charged_months
FROM recent
"""


def history(engine: Engine, images: Sequence[MonthImage]) -> pl.DataFrame:
    """The last charge and the usual month of every contract that ``images`` charge.

    contract, last_competence, last_amount, expected_calls, expected_amount (medians of the last up to 3 charged
    months), charged_months (1..3); a row a contract.
    """
    return engine.query(_HISTORY, items=items_of(images))


def items_of(images: Sequence[MonthImage]) -> pa.Table:
    """The items of several months, with their ``competence``."""
    months = [
        image.items.append_column("competence", pa.array([str(image.competence)] * image.items.num_rows, pa.string()))
        for image in images
    ]
    return pa.concat_tables(months)
