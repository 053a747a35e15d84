"""One invoice of the ERP in its drawer, beside the values and the charge of its competence (SCREENS 4).

The address holds which one is open: ``?fatura=F100972609``, whatever the list behind it is filtered by.
"""

import html
from collections.abc import Mapping
from typing import Any, Final

import streamlit as st

from stfc.domain.competence import Competence
from stfc.services.queries import InvoiceQuery, View
from stfc.ui import (
    actions,
    competence,
    contract_case,
    contract_charges,
    contract_list,
    labels,
    session,
    states,
    style,
    tables,
    url,
)
from stfc.ui import format as fmt
from stfc.ui.tables import Column

PARAMETER: Final = "fatura"
_FIELDS: Final = (Column("name", labels.CALL_FIELDS[0], 0), Column("value", labels.CALL_FIELDS[1], 0))
_VALUES: Final = (
    Column("value_id", "Valor eventual", 0),
    Column("kind", "Tipo", 0, words=labels.VALUE_KINDS),
    Column("amount", "Valor", 0, unit="money"),
    Column("state", "Situação", 0, words=labels.VALUE_STATES),
    Column("own", "Origem", 0, show=lambda one: labels.OWN if one else labels.ERP),
)
_LIVE: Final = frozenset({"charged", "zero", "held"})


def open_invoice(invoice: str) -> None:
    """Open an invoice's drawer; for callbacks."""
    url.put({PARAMETER: invoice})


def close_invoice() -> None:
    """Close the drawer; for callbacks."""
    url.put({PARAMETER: None})


def show(view: View) -> None:
    """The drawer of the invoice that the address names, if any."""
    wanted = url.get(PARAMETER)
    if not wanted:
        return
    found = view.invoices(InvoiceQuery(invoice=wanted, statuses=(), limit=1)).table.to_pylist()

    def body() -> None:
        if found:
            _body(found[0])
        else:
            st.markdown(labels.UNKNOWN_INVOICE.format(invoice=fmt.plain(wanted[:40])))

    actions.drawer(labels.INVOICE_TITLE.format(invoice=fmt.plain(wanted[:40])), body, on_dismiss=close_invoice)


def _body(invoice: Mapping[str, Any]) -> None:
    month = Competence.parse(invoice["competence"])
    view = session.application().views.view(month)
    first, second, third = st.columns([1.2, 1, 1.1])
    first.metric("Valor", fmt.money(invoice["amount"]))
    second.metric("Vencimento", fmt.day(invoice["due_on"]))
    third.metric("Competência", fmt.month(month))
    tables.small(_rows(view, invoice), _FIELDS, alt="Fatura", markup=("value",))
    st.header(labels.ITS_VALUES, anchor=False)
    _values(view, invoice["contract"], month)
    st.header(labels.ITS_CHARGE.format(month=fmt.month(month)), anchor=False)
    _charge(view, invoice["contract"], month)
    with st.container(horizontal=True, horizontal_alignment="right", gap="xsmall", key="stfc_drawer_foot"):
        place = (invoice["contract"], month)
        actions.leave(labels.SEE_ITS_CALLS, "invoice_calls", _open_calls, place)
        actions.leave(labels.OPEN_CONTRACT, "invoice_contract", _open_contract, place)


def _rows(view: View, invoice: Mapping[str, Any]) -> list[dict[str, str]]:
    contract, status = invoice["contract"], invoice["status"]
    where = {"competencia": str(view.competence), contract_list.CONTRACT_PARAMETER: contract}
    link = style.link(contract, labels.CONTRACTS.path, **where)
    said = html.escape(labels.INVOICE_STATUSES.get(status, status))
    pairs = (
        ("Contrato", f"{link}, {html.escape(invoice['customer'] or fmt.NOTHING)}"),
        ("Situação", said),
        ("Emissão", fmt.day(invoice["issued_on"])),
        ("Fonte", html.escape(labels.ERP_SOURCE.format(when=fmt.moment(view.imported_at)))),
    )
    return [{"name": name, "value": value} for name, value in pairs]


def _values(view: View, contract: str, month: Competence) -> None:
    rows = [one for one in view.values(contract).to_pylist() if one["competence"] == str(month)]
    if rows:
        told = [one | {"state": contract_charges.value_state(one)} for one in rows]
        tables.small(told, _VALUES, alt=labels.ITS_VALUES)
    else:
        st.markdown(f":gray[{labels.NO_VALUE.format(month=fmt.month(month))}]")


def _charge(view: View, contract: str, month: Competence) -> None:
    items = (one for one in view.items(contract).to_pylist() if one["competence"] == str(month))
    item = next((one for one in items if one["outcome"] in _LIVE and not one["reversed"]), None)
    if item is None:
        st.markdown(f":gray[{labels.NOT_CHARGED_HERE.format(month=fmt.month(month))}]")
        return
    place = {"competencia": str(month), "lote": str(item["batch"]), "contrato": contract}
    tone = states.TONES.get(item["outcome"], "gray")
    rows = (
        ("Lote", style.link(labels.BATCH.format(batch=item["batch"]), labels.TRACKING.path, **place)),
        ("Resultado", style.badge(labels.OUTCOME[item["outcome"]], tone)),
        ("Valor cobrado", fmt.money(item["amount"])),
        ("Ligações", fmt.count(item["calls"])),
    )
    told = [{"name": name, "value": value} for name, value in rows]
    tables.small(told, _FIELDS, alt=labels.ITS_CHARGE.format(month=fmt.month(month)), markup=("value",))


def _open_calls(contract: str, month: Competence) -> None:
    competence.go(month)
    url.open_page(labels.CALLS, q=contract)


def _open_contract(contract: str, month: Competence) -> None:
    competence.go(month)
    where = {contract_list.CONTRACT_PARAMETER: contract, contract_list.TAB_PARAMETER: contract_case.INVOICES}
    url.open_page(labels.CONTRACTS, **where)
