"""*Faturas fechadas*: the ERP's invoices of telephony contracts (SCREENS 4).

The address, for links from elsewhere (``url.open_page(labels.INVOICES, q="10487", todas="1")``):

* ``q``: *Pesquisar*: an invoice, a contract, a customer or a document.
* ``todas=1``: of all competences; ``mes`` (repeated): of these (``2026-10``); without them, of the competence.
* ``situacao`` (repeated): keys of ``InvoiceStatus``; without it, closed and paid ones.
* ``de``, ``ate``: reais (``10.50``). ``vence_de``, ``vence_ate``: the due day (``2026-10-31``).
* ``fatura``: opens that invoice (``invoices_detail``). ``pagina``, ``ordem``: see ``tables``.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Final

import pyarrow as pa
import streamlit as st

from stfc.domain.competence import Competence, last_months
from stfc.services.queries import InvoiceQuery, View
from stfc.ui import competence, filters, invoices_detail, labels, session, states, tables, url
from stfc.ui import format as fmt
from stfc.ui.filters import Chosen
from stfc.ui.tables import Column

_MONTHS: Final = 24
_CLOSED: Final = ("closed", "paid")
_PILLS: Final = ("closed", "paid", "open")
_OTHERS: Final = tuple(one for one in labels.INVOICE_PILLS if one not in _PILLS)
_UNPAID: Final = frozenset({"open", "closed"})
_ELSEWHERE: Final = {"todas": "1", "mes": None, "situacao": tuple(labels.INVOICE_PILLS)}

GRID: Final = tables.Grid(
    "faturas",
    id="invoice",
    noun=labels.INVOICE_NOUN,
    sort="due_on",
    descending=True,
    visible=15,
    alt="Faturas do ERP",
    columns=(
        Column("invoice", "Fatura", 116, opens=True, help=labels.OPEN_INVOICE),
        Column("contract", "Contrato", 84),
        Column("customer", "Cliente", 266),
        Column("competence", "Competência", 104, show=lambda one: fmt.month(Competence.parse(one))),
        Column("issued_on", "Emissão", 100, unit="day"),
        Column("due_on", "Vencimento", 100, unit="day"),
        Column("amount", "Valor", 118, unit="money"),
        Column("status", "Situação", 136, words=labels.INVOICE_STATUSES, normal="closed paid"),
        Column("source", "Fonte", 54, sortable=False),
    ),
)


def bar() -> filters.Bar:
    """The filter row."""
    return filters.Bar(
        "invoices",
        labels.INVOICES.search,
        (
            filters.Flag("every_month", labels.ALL_MONTHS, "todas"),
            filters.Choice("months", labels.MONTHS, "mes", options=_months),
            filters.Part("other_statuses", labels.OTHER_STATUSES, "situacao", lambda: _words(_OTHERS)),
            filters.Day("due_since", "Vencimento de", "vence_de", words="Vencimento desde {value}"),
            filters.Day("due_until", "Vencimento até", "vence_ate", words="Vencimento até {value}"),
            filters.Money("least_amount", "Valor de (R$)", "de", words="Valor a partir de {value}"),
            filters.Money("most_amount", "Valor até (R$)", "ate", words="Valor até {value}"),
        ),
        pills=filters.Part("main_statuses", "Situação", "situacao", lambda: _words(_PILLS)),
    )


def _words(statuses: Sequence[str]) -> dict[str, str]:
    return {status: labels.INVOICE_PILLS[status] for status in statuses}


def _months() -> Mapping[str, str]:
    last = max(competence.current(), competence.default().plus(1))
    return {str(month): fmt.month(month) for month in reversed(last_months(last, _MONTHS))}


def query(view: View, chosen: Chosen) -> InvoiceQuery:
    """What is filtered; closed and paid invoices of the competence unless told otherwise."""
    months = tuple(Competence.parse(month) for month in chosen.months)
    return InvoiceQuery(
        search=chosen.search,
        competences=() if chosen.every_month else months or (view.competence,),
        statuses=(*chosen.main_statuses, *chosen.other_statuses) or _CLOSED,
        least_amount=chosen.least_amount,
        most_amount=chosen.most_amount,
        due_since=chosen.due_since,
        due_until=chosen.due_until,
    )


def show(view: View, chosen: Chosen, row: filters.Bar) -> None:
    """Totals and a page of invoices, or why there are none."""
    asked = query(view, chosen)
    found = view.invoices(replace(asked, **GRID.window().asked()))
    if not found.total:
        _nothing(view, chosen, asked, row)
        return
    st.markdown(_head(view, asked, found.total, found.totals["amount"]))

    def export() -> pa.Table:
        return sourced(view.invoices(replace(asked, limit=None)).table)

    page = replace(found, table=sourced(found.table))
    GRID.show(page, chosen, on_open=invoices_detail.open_invoice, export=export)


def sourced(table: pa.Table) -> pa.Table:
    """The rows with their ``source``: these are the ERP's; the platform's own bills stand in the contract."""
    return table.append_column("source", pa.array([labels.ERP] * len(table), pa.string()))


def _head(view: View, asked: InvoiceQuery, count: int, amount: int) -> str:
    said = f"**{fmt.counted(count, *labels.INVOICES_OF_ERP)}** {where(asked)} · **{fmt.money(amount)}**"
    words = f":gray[{said} · {in_words(asked.statuses)}]"
    today = session.application().clock().astimezone(fmt.ZONE).date()
    if late := overdue(asked, today):
        found = view.invoices(late)
        if found.total:
            invoices = fmt.counted(found.total, *labels.INVOICE_NOUN)
            unpaid = labels.OVERDUE.format(invoices=invoices, amount=fmt.money(found.totals["amount"]))
            words += f"  \n:orange[:material/schedule: {unpaid}]"
    return words


def where(asked: InvoiceQuery) -> str:
    """``em set/2026``, ``em 3 competências``, ``em todas as competências``."""
    match asked.competences:
        case ():
            return labels.IN_ALL_MONTHS
        case (month,):
            return f"em {fmt.month(month)}"
        case several:
            return f"em {fmt.count(len(several))} competências"


def in_words(statuses: Sequence[str]) -> str:
    """``fechadas e pagas``; all of them are ``em qualquer situação``."""
    if set(statuses) >= set(labels.INVOICE_PILLS):
        return labels.ANY_STATUS
    words = [labels.INVOICE_PILLS[one].lower() for one in labels.INVOICE_PILLS if one in statuses]
    return " e ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else words[0]


def overdue(asked: InvoiceQuery, today: date) -> InvoiceQuery | None:
    """Those of the selection that were due before ``today`` and are neither paid nor cancelled; None if it has none."""
    unpaid = tuple(one for one in asked.statuses if one in _UNPAID)
    last = today - timedelta(days=1)
    if not unpaid:
        return None
    return replace(asked, statuses=unpaid, due_until=min(last, asked.due_until or last), limit=1)


def _nothing(view: View, chosen: Chosen, asked: InvoiceQuery, row: filters.Bar) -> None:
    title = labels.NO_INVOICE.format(statuses=in_words(asked.statuses), month=fmt.month(view.competence))
    if chosen.is_active:
        title = labels.NO_INVOICE_FOUND
    elsewhere = view.invoices(replace(asked, competences=(), statuses=(), limit=1)).total
    steps = []
    if elsewhere:
        steps.append(states.Step(labels.SEE_ELSEWHERE, url.put, ({**_ELSEWHERE, filters.PAGE_PARAMETER: None},)))
    if chosen.is_active:
        steps.append(states.Step(labels.CLEAR_FILTER, row.clear))
    found = fmt.counted(elsewhere, *labels.INVOICE_NOUN)
    words = labels.ELSEWHERE.format(invoices=found) if elsewhere else labels.NOWHERE
    imported = labels.ERP_IS_OF.format(when=fmt.moment(view.imported_at))
    states.empty(title, f"{words} {imported}", *steps, key="invoices")
