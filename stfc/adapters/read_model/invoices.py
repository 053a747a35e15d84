"""The ERP's invoices of contracts with a Summit service: search and pages (PRODUCT 3, screen 4)."""

from collections.abc import Iterator

import polars as pl

from stfc.adapters.read_model.contracts import search_conditions
from stfc.adapters.read_model.engine import Engine
from stfc.adapters.read_model.snapshot import Snapshot, folded
from stfc.errors import InvalidInputError
from stfc.services.ports import Page
from stfc.services.queries import InvoiceQuery

COLUMNS = ("invoice", "contract", "customer", "competence", "issued_on", "due_on", "amount", "status")
"""The columns of ``View.invoices``."""

_INVOICES = """
SELECT i.invoice, i.contract, c.customer, i.competence, i.issued_on, i.due_on, i.amount, i.status, c.document
FROM {invoices} i JOIN {contracts} c ON c.contract = i.contract
WHERE i.contract IN (SELECT contract FROM {summit})
ORDER BY i.invoice
"""


def read_invoices(engine: Engine, snapshot: Snapshot) -> pl.DataFrame:
    """Every invoice with its customer, and ``search``, the folded text that *Pesquisar* looks in."""
    rows = engine.query(snapshot.sql(_INVOICES))
    text = pl.concat_str(["invoice", "contract", "customer", "document"], separator=" ")
    customer = folded(pl.col("customer"))
    return rows.with_columns(search=folded(text), customer_key=customer).drop("document")


def page(invoices: pl.DataFrame, query: InvoiceQuery) -> Page:
    """The page that ``query`` asks for; ``totals`` has the amount of all that match."""
    if query.sort not in COLUMNS:
        raise InvalidInputError(field="sort", value=query.sort, cause="sort")
    found = invoices.filter(*_conditions(query))
    key = "customer_key" if query.sort == "customer" else query.sort
    found = found.sort(key, descending=query.descending, nulls_last=True, maintain_order=True)
    rows = found.slice(query.offset, query.limit).select(COLUMNS)
    return Page(found.height, query.offset, rows.to_arrow(), {"amount": int(found["amount"].sum())})


def _conditions(query: InvoiceQuery) -> Iterator[pl.Expr]:
    yield pl.lit(True)
    if query.invoice:
        yield pl.col("invoice") == query.invoice
    if query.competences:
        yield pl.col("competence").is_in([str(competence) for competence in query.competences])
    if query.statuses:
        yield pl.col("status").is_in(list(query.statuses))
    if query.contracts:
        yield pl.col("contract").is_in(list(query.contracts))
    for column, least, most in (
        ("amount", query.least_amount, query.most_amount),
        ("due_on", query.due_since, query.due_until),
    ):
        if least is not None:
            yield pl.col(column) >= least
        if most is not None:
            yield pl.col(column) <= most
    yield from search_conditions(query.search)
