"""The set-based twin of ``domain.eligibility.explain``: all contracts of a competence, snapshot and ledger together.

Our own values and events lie over the ERP's copies of them, by id: ours say whether they are deleted or reversed.
"""

from collections.abc import Sequence
from datetime import date

import polars as pl

from stfc.adapters.read_model.engine import Engine
from stfc.adapters.read_model.snapshot import ErpFacts
from stfc.domain.competence import SAO_PAULO
from stfc.domain.eligibility import Caution, Rule
from stfc.domain.outcome import LIVE_OUTCOMES, OPEN_OUTCOMES
from stfc.services.ports import MonthImage
from stfc.services.queries import Coverage

REVERSED = "reversed"
"""What ``outcome`` says of an item that was reversed."""

_FIRST_FAILED = "CASE " + " ".join(f"WHEN NOT r{rule.number} THEN '{rule.key}'" for rule in Rule) + " END"

_CAUTIONS = {
    Caution.CUT_DAY_NOT_REACHED: "$today < least($first + (cut_day - 1), $last)",
    Caution.NO_LINE: "lines = 0",
    Caution.INTEGRATION_ERROR: "in_error",
    Caution.NO_PLAN: "coalesce(NOT list_contains($plans, plan), true)",
    Caution.AWAITING_NOTE: "awaiting",
}
_CAUTION_LIST = ", ".join(f"CASE WHEN {holds} THEN '{caution.value}' END" for caution, holds in _CAUTIONS.items())

_FRAME = f"""
WITH valued AS (
    SELECT contract FROM erp_values WHERE value_id NOT IN (SELECT value_id FROM own_values)
    UNION
    SELECT v.contract FROM own_values v
    JOIN services s ON s.service = v.service AND s.contract = v.contract WHERE NOT v.deleted
), zeroed AS (
    SELECT contract FROM erp_events WHERE event NOT IN (SELECT event FROM own_events)
    UNION
    SELECT contract FROM own_events WHERE NOT reversed
), item AS (
    -- The live one, of which there is at most one, else the last.
    SELECT contract,
        arg_max(outcome, place) AS last_outcome,
        arg_max(reversed, place) AS last_reversed,
        arg_max(amount, place) AS item_amount,
        bool_or(live) AS live
    FROM (
        SELECT *, NOT reversed AND list_contains($live_outcomes, outcome) AS live,
            item + CASE WHEN live THEN 1::BIGINT << 62 ELSE 0 END AS place
        FROM items
    ) GROUP BY contract
), service AS (
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
        CASE WHEN i.last_reversed THEN '{REVERSED}' ELSE i.last_outcome END AS outcome,
        coalesce(i.live, false) AS live,
        NOT coalesce(i.live, false) AS r6,
        e.contract NOT IN (SELECT contract FROM valued) AS r7,
        e.contract NOT IN (SELECT contract FROM zeroed) AS r8,
        i.live AND i.last_outcome = 'charged' AS charged_now,
        i.item_amount, h.* EXCLUDE (contract)
    FROM erp e
    LEFT JOIN integration g ON g.contract = e.contract
    LEFT JOIN item i ON i.contract = e.contract
    LEFT JOIN history h ON h.contract = e.contract
    WHERE e.summit OR i.contract IS NOT NULL
), judged AS (
    SELECT *, {_FIRST_FAILED} AS first_failed, list_filter([{_CAUTION_LIST}], lambda c: c IS NOT NULL) AS cautions
    FROM joined
)
SELECT * EXCLUDE (charged_now, item_amount, last_competence, last_amount, charged_months),
    first_failed IS NULL AS eligible,
    CASE WHEN charged_now THEN $competence ELSE last_competence END AS last_competence,
    CASE WHEN charged_now THEN item_amount ELSE last_amount END AS last_amount,
    coalesce(charged_months, 0) AS charged_months,
    r3 AND r4 AND r5 AS not_invoiced,
    in_error OR coalesce(outcome = 'failed', false) AS integration_failed,
    CASE
        WHEN live AND list_contains($open_outcomes, outcome) THEN '{Coverage.QUEUED}'
        WHEN live THEN outcome
        WHEN first_failed IS NOT NULL THEN '{Coverage.KEPT_OUT}'
        WHEN outcome = 'failed' THEN '{Coverage.FAILED}'
        ELSE '{Coverage.TO_BILL}'
    END AS coverage
FROM judged ORDER BY contract
"""


def eligibility(
    engine: Engine,
    erp: ErpFacts,
    image: MonthImage,
    *,
    history: pl.DataFrame,
    provisioning: pl.DataFrame,
    plans: Sequence[str],
    today: date,
) -> pl.DataFrame:
    """The competence's contracts, by number: r1..r8, first_failed, eligible, cautions, and all that lists show.

    A row for every contract that has a Summit service, deleted or not, or an item of the competence. Beside the
    columns of ``View.contracts`` and of ``ErpFacts.contracts``: in_error, integration_failed (the indicator),
    not_invoiced, live. ``plans`` are the codes of the tariff plans that the product knows.
    """
    competence = image.competence
    params = {
        "competence": str(competence),
        "first": competence.first_day,
        "last": competence.last_day,
        "today": today,
        "plans": list(plans),
        "live_outcomes": sorted(LIVE_OUTCOMES),
        "open_outcomes": sorted(OPEN_OUTCOMES),
    }
    return engine.query(
        _FRAME,
        params,
        erp=erp.contracts,
        services=erp.services,
        erp_values=erp.values,
        erp_events=erp.events,
        own_values=image.values,
        own_events=image.events,
        items=image.items,
        history=history,
        provisioning=provisioning,
    )


def by_local_day(provisioning: pl.DataFrame) -> pl.DataFrame:
    """The last results of provisioning with ``day``, the local day of each."""
    return provisioning.with_columns(day=pl.col("at").dt.convert_time_zone(str(SAO_PAULO)).dt.date())
