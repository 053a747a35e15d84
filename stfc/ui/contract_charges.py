"""A contract's charges of past competences, its eventual values and its zero-billing events (PRODUCT 3, screen 2)."""

from collections.abc import Collection, Mapping
from functools import partial
from typing import Any, Final

import pyarrow as pa
import streamlit as st

from stfc.domain import text
from stfc.domain.competence import Competence
from stfc.ui import format as fmt
from stfc.ui import labels, session, states, tables, tabs, url
from stfc.ui.contract_case import TABS, WHY, Case, page_of
from stfc.ui.tables import Column

ITEMS: Final = tables.Grid(
    "cobrancas",
    id="item",
    noun=labels.CHARGE_ROW_NOUN,
    sort="item",
    descending=True,
    visible=13,
    alt="Cobranças do contrato por competência",
    columns=(
        Column("batch", "Lote", 70, opens=True, help=labels.OPEN_BATCH),
        Column("competence", "Competência", 110, show=lambda one: fmt.month(Competence.parse(one))),
        Column("outcome", "Resultado", 210, words=labels.OUTCOME, normal="charged zero"),
        Column("amount", "Valor", 120, unit="money"),
        Column("calls", "Ligações", 90, unit="count"),
        Column("cause", "Motivo", 478, sortable=False),
        Column("item", "Item", 0, shown=False),
    ),
)
_VALUES: Final = (
    Column("competence", "Competência", 0, show=lambda one: fmt.month(Competence.parse(one))),
    Column("value_id", "Valor eventual", 0),
    Column("kind", "Tipo", 0, words=labels.VALUE_KINDS),
    Column("amount", "Valor", 0, unit="money"),
    Column("state", "Situação", 0, words=labels.VALUE_STATES),
    Column("service", "Serviço", 0, show=lambda one: one or labels.NO_SERVICE),
    Column("own", "Origem", 0, show=lambda one: labels.OWN if one else labels.ERP),
    Column("reason", "Motivo", 0, show=lambda one: one or fmt.NOTHING),
)
_EVENTS: Final = (
    Column("competence", "Competência", 0, show=lambda one: fmt.month(Competence.parse(one))),
    Column("event", "Evento", 0),
    Column("at", "Data", 0, unit="day"),
    Column("state", "Situação", 0, words=labels.EVENT_STATES),
    Column("own", "Origem", 0, show=lambda one: labels.OWN if one else labels.ERP),
)


def show(case: Case) -> None:
    """The charges by competence, then the eventual values and the zero-billing events, each named by its origin."""
    items = case.view.items(case.contract)
    if len(items):
        _items(case, items)
    else:
        why = states.Step(labels.CONTRACT_TABS[-1], tabs.go, (WHY, TABS))
        states.empty(labels.NO_CHARGES, labels.NO_CHARGES_WORDS.format(month=case.month), why, key="charges")
    _values(case)
    _events(case)


def _items(case: Case, table: pa.Table) -> None:
    rows = table.to_pylist()
    charged = [row for row in rows if row["outcome"] == "charged" and not row["reversed"]]
    total = fmt.money(sum(row["amount"] for row in charged))
    months = fmt.counted(len(charged), "competência cobrada", "competências cobradas")
    st.markdown(f":gray[{labels.CHARGED_IN.format(total=total, months=months, month=case.month)}]")
    batches = {str(row["item"]): row["batch"] for row in rows}

    def open_batch(item: str) -> None:
        url.open_page(labels.TRACKING, lote=str(batches[item]), contrato=case.contract)

    corrected = {one.item: one for one in session.application().corrected_files.pending(contract=case.contract)}
    for one in corrected.values():
        words = labels.SEE_CORRECTED.format(month=fmt.month(one.competence))
        st.button(
            words,
            key=f"charge_corrected_{one.correction}",
            type="tertiary",
            icon=":material/difference:",
            on_click=partial(url.open_page, labels.RECONCILIATION, aba="corrigidos", corrigido=str(one.correction)),
        )
    told = told_items(table, frozenset(corrected))
    ITEMS.show(page_of(told, ITEMS.window()), on_open=open_batch, export=lambda: told)


def told_items(table: pa.Table, corrected: Collection[int] = ()) -> pa.Table:
    """The items with ``cause`` in words; ``reversed``, and that the file was ``corrected``, as outcomes beside their
    own."""
    rows = table.to_pylist()
    outcomes = [
        [row["outcome"], *["reversed"] * row["reversed"], *["corrected"] * (row["item"] in corrected)] for row in rows
    ]
    causes = pa.array([cause(row) for row in rows], pa.string())
    at = table.schema.get_field_index("outcome")
    return table.set_column(at, "outcome", pa.array(outcomes, pa.list_(pa.string()))).append_column("cause", causes)


def cause(item: Mapping[str, Any]) -> str:
    """Why an item did not end as charged: the code's meaning, the rule that failed; a late file's calls are named."""
    if item["rule"]:
        return f"{labels.RULE_FAILED.format(rule=text.RULES[item['rule']])} ({item['code'] or 'REG-ELG'})"
    if item["code"]:
        return f"{text.CODES.get(item['code'], item['code'])} ({item['code']})"
    return labels.HAS_LATE_CALLS if item["late"] else ""


def _values(case: Case) -> None:
    rows = [row | {"state": value_state(row)} for row in case.view.values(case.contract).to_pylist()]
    if rows:
        st.header(labels.VALUES, anchor=False)
        tables.small(list(reversed(rows)), _VALUES, alt=labels.VALUES)


def value_state(value: Mapping[str, Any]) -> str:
    """``deleted``, ``invoiced``, ``held`` (waits for a manager) or ``live``."""
    return next((state for state in ("deleted", "invoiced", "held") if value[state]), "live")


def _events(case: Case) -> None:
    events = case.view.events(case.contract).to_pylist()
    rows = [row | {"state": "reversed" if row["reversed"] else "live"} for row in events]
    if rows:
        st.header(labels.EVENTS, anchor=False)
        tables.small(list(reversed(rows)), _EVENTS, alt=labels.EVENTS)
