"""What one ERP snapshot says for one competence, over all contracts at once: the rules 1-5 and what 7 and 8 need."""

from dataclasses import dataclass
from pathlib import Path

import polars as pl

from stfc.adapters.erp.tables import TABLES, Kind
from stfc.adapters.read_model.engine import Engine, parquet
from stfc.domain.competence import Competence
from stfc.domain.contract import SUMMIT_INTEGRATOR, TELEPHONY_KIND, InvoiceStatus
from stfc.domain.eligibility import Policy

_TYPES = {Kind.DAY: "DATE", Kind.FLAG: "BOOLEAN", Kind.INTEGER: "INTEGER", Kind.AMOUNT: "BIGINT"}


@dataclass(frozen=True)
class Snapshot:
    """A snapshot's folder; None before the first import, when every table is empty."""

    folder: Path | None

    def table(self, name: str) -> str:
        """The SQL source of one of the six tables."""
        if self.folder is not None:
            return parquet([self.folder / f"{name}.parquet"])
        cells = ", ".join(f"NULL::{_TYPES.get(c.kind, 'VARCHAR')} AS {c.name}" for c in TABLES[name].columns)
        return f"(SELECT {cells} WHERE false)"

    def sql(self, text: str) -> str:
        """``text`` with ``{contracts}``, ``{summit}`` and so on replaced by their sources."""
        return text.format(summit=self._summit(), **{name: self.table(name) for name in TABLES})

    def _summit(self) -> str:
        return (
            f"(SELECT * FROM {self.table('services')}"
            f" WHERE integrator = '{SUMMIT_INTEGRATOR}' AND kind = '{TELEPHONY_KIND}')"
        )


@dataclass(frozen=True)
class ErpFacts:
    """The snapshot's share of the rules.

    * ``contracts``: every contract, by number, with its master data and: r1..r5 (bool), summit (has a Summit service),
      listed (one that is not deleted), service (the first live one by key, or null), integrated (one was integrated in
      the competence), lines (valid in the competence), awaiting (an invoice awaits its note), search (folded text),
      customer_key (the customer folded, to sort by).
    * ``services``: contract, service, integration, integrated_on, integration_error, deleted of the Summit services.
    * ``values``: value_id, contract of the live values of the competence on Summit services (rule 7).
    * ``events``: event, contract of the unreversed zero-billing events of the competence (rule 8).
    """

    contracts: pl.DataFrame
    services: pl.DataFrame
    values: pl.DataFrame
    events: pl.DataFrame


_CONTRACTS = """
WITH services AS (
    SELECT contract,
        bool_or(active AND NOT deleted) AS active,
        bool_or(NOT deleted) AS listed,
        min(service) FILTER (WHERE active AND NOT deleted) AS service,
        coalesce(bool_or(integrated_on >= $first AND integrated_on < $end), false) AS integrated
    FROM {summit} GROUP BY contract
), numbers AS (
    SELECT s.contract,
        count(DISTINCT l.number) FILTER (
            WHERE NOT s.deleted AND l.since < $end AND (l.until IS NULL OR l.until > $first)
        )::INTEGER AS lines,
        string_agg(l.number, ' ') AS numbers
    FROM {lines} l JOIN {summit} s ON s.service = l.service GROUP BY s.contract
), invoices AS (
    SELECT contract,
        bool_or(list_contains($live_invoices, status)) AS live,
        bool_or(status = 'awaiting_note') AS awaiting
    FROM {invoices} WHERE competence = $competence GROUP BY contract
)
SELECT c.contract, c.customer, c.document, c.city, c.state, c.plan, c.stage, c.status, c.deleted, c.cut_day,
    s.contract IS NOT NULL AS summit,
    coalesce(s.listed, false) AS listed,
    s.service,
    coalesce(s.integrated, false) AS integrated,
    coalesce(n.lines, 0) AS lines,
    coalesce(n.numbers, '') AS numbers,
    coalesce(i.awaiting, false) AS awaiting,
    c.stage = 'approved' AND NOT c.deleted AS r1,
    c.status = 'normal' AS r2,
    coalesce(s.active, false) AS r3,
    c.bill_from < $end AND (c.bill_until IS NULL OR c.bill_until >= $first) AS r4,
    NOT coalesce(i.live, false) AS r5
FROM {contracts} c
LEFT JOIN services s ON s.contract = c.contract
LEFT JOIN numbers n ON n.contract = c.contract
LEFT JOIN invoices i ON i.contract = c.contract
ORDER BY c.contract
"""

_SERVICES = """
SELECT contract, service, integration, integrated_on, integration_error, deleted FROM {summit}
"""

_VALUES = """
SELECT v.value_id, v.contract FROM {eventual_values} v
JOIN {summit} s ON s.service = v.service AND s.contract = v.contract
WHERE v.competence = $competence AND NOT v.deleted
"""

_EVENTS = """
SELECT event, contract FROM {events}
WHERE kind = 'zero_billing' AND NOT reversed AND coalesce(competence, strftime("at", '%Y-%m')) = $competence
"""


def live_invoices(policy: Policy) -> list[str]:
    """The statuses of invoices that rule 5 counts."""
    live = [InvoiceStatus.OPEN, InvoiceStatus.CLOSED, InvoiceStatus.PAID]
    return [*live, InvoiceStatus.AWAITING_NOTE] if policy.awaiting_note_excludes else [*live]


def erp_facts(engine: Engine, snapshot: Snapshot, competence: Competence, policy: Policy) -> ErpFacts:
    """The share of ``snapshot`` in the rules for ``competence``."""
    month = {"competence": str(competence)}
    period = {"first": competence.first_day, "end": competence.end_day, "live_invoices": live_invoices(policy)}
    return ErpFacts(
        contracts=_searchable(engine.query(snapshot.sql(_CONTRACTS), month | period)),
        services=engine.query(snapshot.sql(_SERVICES)),
        values=engine.query(snapshot.sql(_VALUES), month),
        events=engine.query(snapshot.sql(_EVENTS), month),
    )


def _searchable(contracts: pl.DataFrame) -> pl.DataFrame:
    """Add ``customer_key`` and ``search``, what *Pesquisar* looks in, and drop ``numbers``."""
    contracts = contracts.with_columns(customer_key=folded(pl.col("customer")))
    document = pl.col("document").str.to_lowercase()
    text = pl.concat_str(["contract", "customer_key", document, "numbers"], separator=" ")
    return contracts.with_columns(search=text).drop("numbers")


def folded(text: pl.Expr) -> pl.Expr:
    """The text without accents, in lower case; ``contracts.fold`` is its twin for what a person typed."""
    return text.str.normalize("NFKD").str.replace_all(r"\p{M}", "").str.to_lowercase()
