"""*Faturas fechadas*: the ERP's invoices of telephony contracts, and one invoice's drawer (SCREENS 4)."""

from typing import Any, Final

import streamlit as st

from stfc.domain.competence import Competence
from stfc.services.ports import Page
from stfc.services.queries import InvoiceQuery, View
from stfc.ui import actions, figures, filters, labels, states, tables, url
from stfc.ui import format as fmt
from stfc.ui.filters import Chosen
from stfc.ui.tables import Column

_OPEN: Final = "invoice_opened"
_CLOSED: Final = ("closed", "paid")

BAR: Final = filters.Bar(
    "invoices",
    "Pesquisar fatura, contrato, cliente ou documento",
    (
        filters.Flag("every_month", "Todas as competências", "todas"),
        filters.Money("least_amount", "Valor a partir de (R$)", "de"),
        filters.Money("most_amount", "Valor até (R$)", "ate"),
        filters.Day("due_since", "Vencimento de", "vence_de"),
        filters.Day("due_until", "Vencimento até", "vence_ate"),
    ),
    pills=filters.Choice("statuses", "Situação", "situacao", options=lambda: labels.INVOICE_STATUSES),
)
GRID: Final = tables.Grid(
    "invoices",
    id="invoice",
    noun=("fatura", "faturas"),
    sort="due_on",
    descending=True,
    alt="Faturas do ERP",
    columns=(
        Column("invoice", "Fatura", 150, opens=True, help=labels.OPEN_ROW),
        Column("contract", "Contrato", 90),
        Column("customer", "Cliente", 268),
        Column("competence", "Competência", 110, show=lambda one: fmt.month(Competence.parse(one))),
        Column("issued_on", "Emissão", 110, unit="day"),
        Column("due_on", "Vencimento", 110, unit="day"),
        Column("amount", "Valor", 120, unit="money"),
        Column("status", "Situação", 120, words=labels.INVOICE_STATUSES, normal="closed paid"),
    ),
)


def query(view: View, chosen: Chosen, **more: Any) -> InvoiceQuery:
    """What is filtered; closed and paid invoices of the competence unless told otherwise."""
    return InvoiceQuery(
        search=chosen.search,
        competences=() if chosen.every_month else (view.competence,),
        statuses=chosen.statuses or _CLOSED,
        least_amount=chosen.least_amount,
        most_amount=chosen.most_amount,
        due_since=chosen.due_since,
        due_until=chosen.due_until,
        **more,
    )


def show(view: View, chosen: Chosen) -> None:
    """Totals and a page of invoices, or why there are none."""
    found = view.invoices(query(view, chosen, **GRID.window().asked()))
    if not found.total:
        _nothing(view, chosen)
        return
    words = fmt.counted(found.total, "fatura do ERP", "faturas do ERP")
    where = "em todas as competências" if chosen.every_month else f"em {fmt.month(view.competence)}"
    st.markdown(f":gray[**{words}** {where} · **{fmt.money(found.totals['amount'])}**]")
    GRID.show(found, chosen, on_open=_remember, export=lambda: view.invoices(query(view, chosen, limit=None)).table)
    if opened := st.session_state.pop(_OPEN, None):
        _drawer(view, found, opened)


def _remember(invoice: str) -> None:
    st.session_state[_OPEN] = invoice


def _drawer(view: View, found: Page, number: str) -> None:
    row = next((one for one in found.table.to_pylist() if one["invoice"] == number), None)
    if row is None:
        return
    values = [one for one in view.values(row["contract"]).to_pylist() if one["competence"] == row["competence"]]

    def body() -> None:
        figures.facts(
            [
                ("Contrato", row["contract"]),
                ("Competência", fmt.month(Competence.parse(row["competence"]))),
                ("Situação", labels.INVOICE_STATUSES[row["status"]]),
                ("Valor", fmt.money(row["amount"])),
            ]
        )
        figures.facts(
            [
                ("Cliente", row["customer"]),
                ("Emissão", fmt.day(row["issued_on"])),
                ("Vencimento", fmt.day(row["due_on"])),
                ("Fonte", "ERP"),
            ]
        )
        _values(values)
        st.button("Abrir contrato", key="invoice_contract", on_click=_open_contract, args=(row["contract"],))

    actions.drawer(f"Fatura {fmt.plain(number)}", body)


def _values(values: list[dict[str, Any]]) -> None:
    st.header("Valores eventuais da competência", anchor=False)
    if not values:
        st.caption("Nenhum valor eventual da competência está ligado ao contrato.")
        return
    rows = [{**one, "source": "Dashboard" if one["own"] else "ERP"} for one in values]
    columns = [
        Column("value_id", "Valor", 120),
        Column("kind", "Tipo", 90, show=lambda one: "Acréscimo" if one == "addition" else "Desconto"),
        Column("amount", "R$", 90, unit="money"),
        Column("source", "Origem", 90),
    ]
    tables.small(rows, columns, alt="Valores eventuais da competência")


def _open_contract(contract: str) -> None:
    url.open_page(labels.CONTRACTS, contrato=contract, aba="faturas")


def _nothing(view: View, chosen: Chosen) -> None:
    month = fmt.month(view.competence)
    words = (
        "Nenhuma fatura atende ao que foi filtrado."
        if chosen.is_active
        else (f"O ERP não trouxe fatura fechada ou paga de {month}; ele as cria depois que a cobrança é exportada.")
    )
    states.empty(
        f"Nenhuma fatura fechada em {month}",
        words,
        states.Step("Ver todas as competências", url.put, ({"todas": "1", "situacao": None},)),
        states.Step("Limpar filtro", BAR.clear),
    )
