"""What a competence lacks: silent contracts, days that no file covers, and lines that passed on (PRODUCT 7)."""

from collections.abc import Sequence

import polars as pl

from stfc.adapters.read_model.engine import Engine, text
from stfc.adapters.read_model.history import items_of
from stfc.adapters.read_model.snapshot import Snapshot
from stfc.domain.competence import Competence
from stfc.domain.outcome import DONE_OUTCOMES
from stfc.services.ports import MonthImage

_LEAST_MONTHS = 2
"""Months with calls, of those before, that make a silent one worth a look."""

_DONE = "NOT reversed AND outcome IN ({})".format(", ".join(text(outcome) for outcome in sorted(DONE_OUTCOMES)))

_SILENT = f"""
WITH done AS (SELECT competence, contract, outcome, calls FROM items WHERE {_DONE})
SELECT now.contract, count(*) AS months, median(past.calls)::BIGINT AS usual_calls, max(past.competence) AS last
FROM done now JOIN done past ON past.contract = now.contract AND past.competence < $competence AND past.calls > 0
WHERE now.competence = $competence AND now.calls = 0
GROUP BY now.contract HAVING count(*) >= $least ORDER BY usual_calls DESC, now.contract
"""
_UNCOVERED = f"""
WITH files AS (
    SELECT competence, contract, period_from, period_until FROM items WHERE {_DONE} AND period_from IS NOT NULL
), followed AS (
    SELECT competence, contract, lag(period_until) OVER (PARTITION BY contract ORDER BY competence) + 1 AS since,
        period_from - 1 AS until
    FROM files
)
SELECT contract, since, until, (until - since + 1)::BIGINT AS days FROM followed
WHERE competence = $competence AND since <= until ORDER BY days DESC, contract
"""
_PASSED = """
SELECT l.number, count(DISTINCT s.contract) AS contracts, list_sort(list(DISTINCT s.contract)) AS named
FROM {lines} l JOIN {summit} s ON s.service = l.service
WHERE NOT s.deleted AND l.since < $end AND (l.until IS NULL OR l.until > $first)
GROUP BY l.number HAVING count(DISTINCT s.contract) > 1 ORDER BY l.number
"""


def silent_contracts(engine: Engine, images: Sequence[MonthImage], competence: Competence) -> pl.DataFrame:
    """contract, months (with calls), usual_calls (median), last (competence): billed in ``competence`` without any call
    though at least two of the months before in ``images`` had some; by usual calls."""
    params = {"competence": str(competence), "least": _LEAST_MONTHS}
    return engine.query(_SILENT, params, items=items_of(images))


def uncovered_days(engine: Engine, images: Sequence[MonthImage], competence: Competence) -> pl.DataFrame:
    """contract, since, until, days: what lies between the file of ``competence`` and the contract's last one before it
    in ``images``, and neither's period covers; by days. The files have no number of their own to miss one by."""
    return engine.query(_UNCOVERED, {"competence": str(competence)}, items=items_of(images))


def passed_lines(engine: Engine, snapshot: Snapshot, competence: Competence) -> pl.DataFrame:
    """number, contracts (how many), named (their numbers): lines that passed from one contract to another
    in ``competence``."""
    return engine.query(snapshot.sql(_PASSED), {"first": competence.first_day, "end": competence.end_day})
