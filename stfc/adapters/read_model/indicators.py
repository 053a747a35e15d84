"""The three indicators, their history and the coverage of a competence (PRODUCT 4)."""

from collections.abc import Sequence

import polars as pl

from stfc.adapters.read_model.engine import Engine, frame_of
from stfc.adapters.read_model.history import items_of
from stfc.adapters.read_model.snapshot import Snapshot, live_invoices
from stfc.domain.competence import Competence
from stfc.domain.eligibility import Policy, Rule
from stfc.domain.outcome import LIVE_OUTCOMES, OPEN_OUTCOMES
from stfc.services.ports import MonthImage
from stfc.services.queries import Coverage, CoverageCounts, Indicators

_HISTORY = """
WITH months AS (SELECT unnest($months) AS competence, unnest($firsts) AS first, unnest($ends) AS "end"),
subscribed AS (
    SELECT m.competence, count(DISTINCT s.contract) AS contracts
    FROM months m JOIN {summit} s ON s.integrated_on >= m.first AND s.integrated_on < m."end" GROUP BY m.competence
), active AS (
    SELECT DISTINCT contract FROM {summit} WHERE active AND NOT deleted
), invoiced AS (
    SELECT DISTINCT contract, competence FROM {invoices} WHERE list_contains($live_invoices, status)
), unbilled AS (
    SELECT m.competence, count(*) AS contracts
    FROM months m JOIN {contracts} c
        ON c.bill_from < m."end" AND (c.bill_until IS NULL OR c.bill_until >= m.first)
    WHERE c.contract IN (SELECT contract FROM active)
        AND NOT EXISTS (FROM invoiced i WHERE i.contract = c.contract AND i.competence = m.competence)
    GROUP BY m.competence
), last_item AS (
    SELECT competence, contract,
        arg_max(CASE WHEN reversed THEN 'reversed' ELSE outcome END,
            item + CASE WHEN NOT reversed AND list_contains($live_outcomes, outcome)
                THEN 1::BIGINT << 62 ELSE 0 END) AS outcome
    FROM items GROUP BY competence, contract
), wrong AS (
    SELECT competence, count(DISTINCT contract) AS contracts FROM (
        SELECT competence, contract FROM last_item WHERE outcome = 'failed'
        UNION ALL
        SELECT m.competence, e.contract FROM months m CROSS JOIN in_error e
    ) GROUP BY competence
)
SELECT m.competence,
    coalesce(s.contracts, 0) AS new_subscribers,
    coalesce(w.contracts, 0) AS integration_errors,
    coalesce(u.contracts, 0) AS not_invoiced
FROM months m
LEFT JOIN subscribed s USING (competence)
LEFT JOIN wrong w USING (competence)
LEFT JOIN unbilled u USING (competence)
ORDER BY competence
"""


def indicators(frame: pl.DataFrame) -> Indicators:
    """The indicators of the frame's competence; the decomposition adds up because each contract is counted once."""
    unbilled = frame.filter("not_invoiced")
    kept_out = dict(unbilled["first_failed"].drop_nulls().value_counts().iter_rows())
    return Indicators(
        new_subscribers=int(frame["integrated"].sum()),
        integration_errors=int(frame["integration_failed"].sum()),
        not_invoiced=unbilled.height,
        eligible=int(unbilled["eligible"].sum()),
        not_invoiced_by_rule={rule.key: kept_out.get(rule.key, 0) for rule in Rule},
    )


def indicator_history(
    engine: Engine, snapshot: Snapshot, images: Sequence[MonthImage], in_error: pl.DataFrame, policy: Policy
) -> pl.DataFrame:
    """competence, new_subscribers, integration_errors, not_invoiced for the month of each image, oldest first.

    ``in_error`` has the contracts whose provisioning is in error now.
    """
    months = sorted(image.competence for image in images)
    params = {
        "months": [str(month) for month in months],
        "firsts": [month.first_day for month in months],
        "ends": [month.end_day for month in months],
        "live_invoices": live_invoices(policy),
        "live_outcomes": sorted(LIVE_OUTCOMES),
    }
    return engine.query(snapshot.sql(_HISTORY), params, items=items_of(images), in_error=in_error)


def coverage(frame: pl.DataFrame, image: MonthImage) -> CoverageCounts:
    """Every contract of the competence in exactly one part.

    Counted are those with a Summit service that is not deleted and those with a live item, even one that the snapshot
    no longer has.
    """
    counted = frame.filter(pl.col("listed") | pl.col("live"))
    parts = dict.fromkeys([part.value for part in Coverage], 0)
    for part, contracts in counted["coverage"].value_counts().iter_rows():
        parts[part] += contracts
    for outcome in _unknown_live(frame, image):
        parts[Coverage.QUEUED if outcome in OPEN_OUTCOMES else outcome] += 1
    rules = counted.filter(pl.col("coverage") == Coverage.KEPT_OUT)["first_failed"]
    by_rule = dict(rules.value_counts().iter_rows())
    return CoverageCounts(parts, {rule.key: by_rule.get(rule.key, 0) for rule in Rule})


def _unknown_live(frame: pl.DataFrame, image: MonthImage) -> list[str]:
    live = frame_of(image.items).filter(~pl.col("reversed"), pl.col("outcome").is_in(sorted(LIVE_OUTCOMES)))
    return live.join(frame, on="contract", how="anti")["outcome"].to_list()


def charged(engine: Engine, images: Sequence[MonthImage]) -> pl.DataFrame:
    """competence, contracts, amount, calls, held (contracts), held_amount: charged and not reversed, oldest first."""
    months = sorted(image.competence for image in images)
    return engine.query(
        """
        SELECT m.competence,
            count(*) FILTER (WHERE outcome = 'charged') AS contracts,
            coalesce(sum(amount) FILTER (WHERE outcome = 'charged'), 0)::BIGINT AS amount,
            coalesce(sum(calls) FILTER (WHERE outcome IN ('charged', 'zero', 'held')), 0)::BIGINT AS calls,
            count(*) FILTER (WHERE outcome = 'held') AS held,
            coalesce(sum(amount) FILTER (WHERE outcome = 'held'), 0)::BIGINT AS held_amount
        FROM (SELECT unnest($months) AS competence) m
        LEFT JOIN items i ON i.competence = m.competence AND NOT i.reversed
        GROUP BY m.competence ORDER BY m.competence
        """,
        {"months": [str(month) for month in months]},
        items=items_of(images),
    )


def months_of(images: Sequence[MonthImage], count: int, until: Competence) -> list[MonthImage]:
    """The images of the last ``count`` months up to ``until``, oldest first."""
    return [image for image in sorted(images, key=lambda i: i.competence) if image.competence <= until][-count:]
