"""One contract in full: the facts that the rules look at, and the tables of its page."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from stfc.adapters.read_model.engine import Engine, frame_of
from stfc.adapters.read_model.snapshot import Snapshot
from stfc.domain.competence import Competence
from stfc.domain.contract import (
    Contract,
    ContractStage,
    ContractStatus,
    EventualValue,
    Integration,
    Invoice,
    InvoiceStatus,
    Line,
    SummitService,
    ValueKind,
    ZeroBillingEvent,
)
from stfc.domain.eligibility import ContractFacts, LiveItem
from stfc.domain.outcome import LIVE_OUTCOMES
from stfc.errors import NotFoundError
from stfc.services.ports import MonthImage

_CONTRACT = "SELECT * FROM {contracts} WHERE contract = $contract"
_SERVICES = """
SELECT service, title, active, deleted, monthly_fee, integration, integrated_on, integration_error
FROM {summit} WHERE contract = $contract ORDER BY service
"""
_LINES = """
SELECT l.number, l.service, s.title, l.since, l.until, s.deleted
FROM {lines} l JOIN {summit} s ON s.service = l.service
WHERE s.contract = $contract ORDER BY l.since DESC, l.number
"""
_INVOICES = """
SELECT invoice, competence, issued_on, due_on, amount, status
FROM {invoices} WHERE contract = $contract ORDER BY competence, invoice
"""
_VALUES = """
SELECT value_id, service, competence, kind, amount, invoiced, deleted, false AS held, reason, false AS own
FROM {eventual_values} WHERE contract = $contract
"""
_EVENTS = """
SELECT event, coalesce(competence, strftime("at", '%Y-%m')) AS competence, "at", reversed, false AS own
FROM {events} WHERE contract = $contract AND kind = 'zero_billing'
"""


@dataclass(frozen=True)
class ContractDetails:
    """Reads one contract from ``snapshot``, the ledger's ``images`` and the last results of ``provisioning``.

    ``provisioning`` has ``day``, the local day of each result; ``plans`` are the codes of the tariff plans that the
    product knows. Every method takes the contract's number; one that the
    snapshot does not have yields empty tables.
    """

    engine: Engine
    snapshot: Snapshot
    images: Sequence[MonthImage]
    provisioning: pl.DataFrame
    plans: Sequence[str] = ()

    def facts(self, contract: str, competence: Competence) -> ContractFacts:
        """All that the rules look at; ``NotFoundError``."""
        master = self.master(contract)
        return ContractFacts(
            contract=master,
            services=tuple(SummitService(**_service(row)) for row in self.services(contract).iter_rows(named=True)),
            lines=tuple(_line(row) for row in self.lines(contract).iter_rows(named=True)),
            invoices=tuple(_invoice(row) for row in self.invoices(contract).iter_rows(named=True)),
            values=tuple(_value(row) for row in self.values(contract).iter_rows(named=True)),
            events=tuple(_event(row) for row in self.events(contract).iter_rows(named=True)),
            live_items=tuple(self._live_items(contract, competence)),
            plan_known=master.plan in self.plans,
        )

    def master(self, contract: str) -> Contract:
        """The contract itself; ``NotFoundError``."""
        rows = self._read(_CONTRACT, contract)
        if rows.is_empty():
            raise NotFoundError(kind="contract", key=contract)
        row = rows.row(0, named=True)
        return Contract(**row | {"stage": ContractStage(row["stage"]), "status": ContractStatus(row["status"])})

    def services(self, contract: str) -> pl.DataFrame:
        """Its Summit services, by key, with the integration as the later of the ERP's and our own result says."""
        services = self._read(_SERVICES, contract)
        results = self.provisioning.filter(pl.col("contract") == contract)
        if results.is_empty():
            return services
        result = results.row(0, named=True)
        later = ~pl.col("deleted") & (pl.col("integrated_on").is_null() | (pl.col("integrated_on") <= result["day"]))
        state = Integration.INTEGRATED if result["ok"] else Integration.ERROR
        return services.with_columns(
            integration=pl.when(later).then(pl.lit(state.value)).otherwise("integration"),
            integration_error=pl.when(later).then(pl.lit(result["code"], pl.String)).otherwise("integration_error"),
        )

    def lines(self, contract: str) -> pl.DataFrame:
        """All lines that its Summit services ever had, latest first."""
        return self._read(_LINES, contract)

    def invoices(self, contract: str) -> pl.DataFrame:
        """The ERP's invoices."""
        return self._read(_INVOICES, contract)

    def values(self, contract: str) -> pl.DataFrame:
        """The ERP's eventual values and our own; of one known to both, ours, and whether the ERP invoiced it."""
        theirs = self._read(_VALUES, contract)
        ours = self._own("values", contract, {"invoiced": pl.lit(False), "reason": pl.lit(None, pl.String)})
        if ours.is_empty():
            return theirs.sort("competence", "value_id")
        key = ["value_id", "competence"]
        billed = theirs.filter("invoiced").select(key)
        ours = ours.join(billed.with_columns(billed=True), on=key, how="left")
        ours = ours.with_columns(invoiced=pl.col("billed").fill_null(False)).select(theirs.columns)
        return pl.concat([theirs.join(ours, on=key, how="anti"), ours]).sort("competence", "value_id")

    def events(self, contract: str) -> pl.DataFrame:
        """The ERP's zero-billing events and our own; of one known to both, ours."""
        theirs = self._read(_EVENTS, contract)
        ours = self._own("events", contract, {}).select(theirs.columns)
        key = ["event", "competence"]
        return pl.concat([theirs.join(ours, on=key, how="anti"), ours]).sort("competence", "event")

    def items(self, contract: str) -> pl.DataFrame:
        """What our batches made of it in every month of the images, newest first."""
        found = self._own("items", contract, {}).drop("own", "contract")
        return found.select("competence", pl.exclude("competence")).sort("competence", "item", descending=True)

    def _live_items(self, contract: str, competence: Competence) -> Iterator[LiveItem]:
        for row in self.items(contract).reverse().iter_rows(named=True):
            if row["competence"] == str(competence) and not row["reversed"] and row["outcome"] in LIVE_OUTCOMES:
                yield LiveItem(batch=row["batch"], outcome=row["outcome"])

    def _own(self, table: str, contract: str, more: dict[str, pl.Expr]) -> pl.DataFrame:
        """The contract's rows of one of the images' tables, over all months, with ``competence`` and ``own``."""
        months = []
        for image in self.images:
            rows = frame_of(getattr(image, table))
            month = pl.lit(str(image.competence)).alias("competence")
            months.append(rows.filter(pl.col("contract") == contract).with_columns(month, own=pl.lit(True), **more))
        return pl.concat(months)

    def _read(self, sql: str, contract: str) -> pl.DataFrame:
        return self.engine.query(self.snapshot.sql(sql), {"contract": contract})


def _service(row: dict[str, Any]) -> dict[str, Any]:
    return row | {"integration": Integration(row["integration"])}


def _line(row: dict[str, Any]) -> Line:
    return Line(row["number"], row["service"], row["since"], row["until"])


def _invoice(row: dict[str, Any]) -> Invoice:
    return Invoice(**row | {"competence": Competence.parse(row["competence"]), "status": InvoiceStatus(row["status"])})


def _value(row: dict[str, Any]) -> EventualValue:
    cells = {name: cell for name, cell in row.items() if name not in {"held", "own"}}
    return EventualValue(**cells | {"competence": Competence.parse(row["competence"]), "kind": ValueKind(row["kind"])})


def _event(row: dict[str, Any]) -> ZeroBillingEvent:
    # The table says the month that counts; where that is the month of the day, none need have been stated.
    by_day = row["competence"] == str(Competence.of(row["at"]))
    stated = None if by_day else Competence.parse(row["competence"])
    return ZeroBillingEvent(row["event"], stated, row["at"], row["reversed"])
