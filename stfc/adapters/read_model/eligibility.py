"""The set-based twin of ``domain.eligibility.explain``: all contracts of a competence, snapshot and ledger together.

Our own values and events lie over the ERP's copies of them, by id: ours say whether they are deleted or reversed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl

from stfc.adapters.read_model.engine import Engine, frame_of
from stfc.adapters.read_model.snapshot import ErpFacts
from stfc.domain.competence import SAO_PAULO, Competence
from stfc.domain.eligibility import Caution, Rule
from stfc.domain.outcome import LIVE_OUTCOMES, OPEN_OUTCOMES
from stfc.services.ports import MonthImage
from stfc.services.queries import Coverage

REVERSED = "reversed"
"""What ``outcome`` says of an item that was reversed."""

_FIRST_FAILED = pl.coalesce(pl.when(~pl.col(f"r{rule.number}")).then(pl.lit(rule.key)) for rule in Rule)

_CAUTIONS = {
    Caution.CUT_DAY_NOT_REACHED: "$today < least($first + (cut_day - 1), $last)",
    Caution.NO_LINE: "lines = 0",
    Caution.INTEGRATION_ERROR: "in_error",
    Caution.NO_PLAN: "coalesce(NOT list_contains($plans, plan), true)",
    Caution.AWAITING_NOTE: "awaiting",
}
_CAUTION_LIST = ", ".join(f"CASE WHEN {holds} THEN '{caution.value}' END" for caution, holds in _CAUTIONS.items())

_STANDING = f"""
WITH service AS (
    SELECT s.contract, s.integrated_on,
        -- The later result counts, ours or the ERP's; on the same day ours.
        p.contract IS NOT NULL AND (s.integrated_on IS NULL OR p.day >= s.integrated_on) AS ours,
        CASE WHEN NOT ours THEN s.integration WHEN p.ok THEN 'integrated' ELSE 'error' END AS state,
        CASE WHEN ours THEN p.code ELSE s.integration_error END AS error
    FROM services s LEFT JOIN provisioning p ON p.contract = s.contract WHERE NOT s.deleted
), integration AS (
    SELECT contract,
        bool_or(state = 'error') AS in_error,
        CASE WHEN in_error THEN 'error' WHEN bool_or(state = 'pending') THEN 'pending' ELSE 'integrated'
        END AS integration,
        min(error) FILTER (WHERE state = 'error') AS integration_error,
        max(integrated_on) AS integrated_on
    FROM service GROUP BY contract
), joined AS (
    SELECT e.*,
        coalesce(g.in_error, false) AS in_error, g.integration, g.integration_error, g.integrated_on,
        h.* EXCLUDE (contract, charged_months), coalesce(h.charged_months, 0) AS charged_months
    FROM erp e
    LEFT JOIN integration g ON g.contract = e.contract
    LEFT JOIN history h ON h.contract = e.contract
)
SELECT *, list_filter([{_CAUTION_LIST}], lambda c: c IS NOT NULL) AS cautions, r3 AND r4 AND r5 AS not_invoiced
FROM joined ORDER BY contract
"""


@dataclass(frozen=True)
class Standing:
    """All of a contract's row that no item, value or event of the month changes: the same all along a batch.

    Frames by number, with the columns of ``ErpFacts.contracts`` and of ``history``, in_error, integration,
    integration_error, integrated_on, cautions, not_invoiced: ``listed`` of the contracts that have a Summit service,
    ``others`` of those that have none, which only an item brings in.
    """

    listed: pl.DataFrame
    others: pl.DataFrame


def standing(
    engine: Engine,
    erp: ErpFacts,
    competence: Competence,
    *,
    history: pl.DataFrame,
    provisioning: pl.DataFrame,
    plans: Sequence[str],
    today: date,
) -> Standing:
    """What stands of every contract of ``erp``; ``plans`` are the codes of the tariff plans that the product knows."""
    params = {"first": competence.first_day, "last": competence.last_day, "today": today, "plans": list(plans)}
    tables = {"erp": erp.contracts, "services": erp.services, "history": history, "provisioning": provisioning}
    rows = engine.query(_STANDING, params, **tables)
    return Standing(rows.filter("summit"), rows.filter(~pl.col("summit")))


def eligibility(standing: Standing, erp: ErpFacts, image: MonthImage) -> pl.DataFrame:
    """The competence's contracts, by number: r1..r8, first_failed, eligible, cautions, and all that lists show.

    A row for every contract that has a Summit service, deleted or not, or an item of the competence. Beside the
    columns of ``View.contracts`` and of ``Standing``: integration_failed (the indicator), live.
    """
    last = _last_items(image)
    rows = standing.listed
    if standing.others.height:
        others = standing.others.join(last.select("contract").collect(), on="contract", how="semi")
        rows = pl.concat([rows, others]).sort("contract") if others.height else rows
    judged = _judged(rows.select(_JUDGED_BY), last, erp, image)
    # Side by side, what stands is not copied.
    return pl.concat([rows.drop(judged.columns, strict=False), judged], how="horizontal")


_JUDGED_BY = ["contract", *(f"r{rule}" for rule in range(1, 6)), "in_error", "last_competence", "last_amount"]


def _judged(rows: pl.DataFrame, last: pl.LazyFrame, erp: ErpFacts, image: MonthImage) -> pl.DataFrame:
    """What the month's items, values and events make of ``rows``, in their order."""
    # A chunk settled is a month judged anew, so this is Polars, in one query: DuckDB plans these joins longer than it
    # runs them, and each query of Polars costs more than any of them.
    outcome, live = pl.col("outcome"), pl.col("live")
    joined = rows.lazy().join(last, on="contract", how="left", maintain_order="left")
    for rule, refused in (("r7", _valued(erp, image)), ("r8", _zeroed(erp, image))):
        refused = refused.with_columns(pl.lit(False).alias(rule))
        joined = joined.join(refused, on="contract", how="left", maintain_order="left")
    ruled = joined.with_columns(live.fill_null(False), pl.col("r7", "r8").fill_null(True)).with_columns(r6=~live)
    charged_now = live & (outcome == "charged")
    first_failed = pl.col("first_failed")
    return (
        ruled.with_columns(first_failed=_FIRST_FAILED)
        .select(
            "r6",
            "r7",
            "r8",
            "live",
            "outcome",
            "first_failed",
            eligible=first_failed.is_null(),
            last_competence=pl.when(charged_now).then(pl.lit(str(image.competence))).otherwise("last_competence"),
            last_amount=pl.when(charged_now).then("item_amount").otherwise("last_amount"),
            integration_failed=pl.col("in_error") | (outcome == "failed").fill_null(False),
            coverage=pl.when(live & outcome.is_in(OPEN_OUTCOMES))
            .then(pl.lit(Coverage.QUEUED.value))
            .when(live)
            .then(outcome)
            .when(first_failed.is_not_null())
            .then(pl.lit(Coverage.KEPT_OUT.value))
            .when(outcome == "failed")
            .then(pl.lit(Coverage.FAILED.value))
            .otherwise(pl.lit(Coverage.TO_BILL.value)),
        )
        .collect(engine="in-memory")
    )


def _last_items(image: MonthImage) -> pl.LazyFrame:
    """contract, live, outcome, item_amount: of each contract the one live item, else the last."""
    columns = ["item", "contract", "outcome", "reversed", "amount"]
    is_live = ~pl.col("reversed") & pl.col("outcome").is_in(LIVE_OUTCOMES)
    items = frame_of(image.items.select(columns)).lazy().with_columns(live=is_live)
    live = items.filter("live")
    others = items.filter(~pl.col("live")).join(live, on="contract", how="anti")
    last = pl.concat([live, others.sort("item").unique("contract", keep="last", maintain_order=True)])
    outcome = pl.when("reversed").then(pl.lit(REVERSED)).otherwise("outcome")
    return last.select("contract", "live", outcome=outcome, item_amount="amount")


def _valued(erp: ErpFacts, image: MonthImage) -> pl.LazyFrame:
    """The contracts with a live eventual value (rule 7)."""
    own = frame_of(image.values).lazy()
    theirs = erp.values.lazy().join(own, on="value_id", how="anti")
    ours = own.filter(~pl.col("deleted")).join(erp.services.lazy(), on=["service", "contract"], how="semi")
    return pl.concat([theirs.select("contract"), ours.select("contract")]).unique()


def _zeroed(erp: ErpFacts, image: MonthImage) -> pl.LazyFrame:
    """The contracts with an unreversed zero-billing event (rule 8)."""
    own = frame_of(image.events).lazy()
    theirs = erp.events.lazy().join(own, on="event", how="anti")
    return pl.concat([theirs.select("contract"), own.filter(~pl.col("reversed")).select("contract")]).unique()


def by_local_day(provisioning: pl.DataFrame) -> pl.DataFrame:
    """The last results of provisioning with ``day``, the local day of each."""
    return provisioning.with_columns(day=pl.col("at").dt.convert_time_zone(str(SAO_PAULO)).dt.date())
