"""A contract's lines with their history, and its calls of the competence (PRODUCT 3, screen 2)."""

from datetime import timedelta
from typing import Any, Final

import pyarrow as pa
import streamlit as st

from stfc.domain.competence import Competence
from stfc.domain.text import CAUTION_EFFECTS
from stfc.services.calls import masked
from stfc.services.ports import Page
from stfc.services.queries import CallQuery, Coverage
from stfc.ui import competence, contract_past, labels, states, tables, tabs, url
from stfc.ui import format as fmt
from stfc.ui.contract_case import CHARGES, TABS, WHY, Case, page_of
from stfc.ui.tables import Column

LINES: Final = tables.Grid(
    "linhas",
    id="place",
    noun=labels.LINE_NOUN,
    sort="since",
    descending=True,
    visible=12,
    alt="Linhas do contrato, as atuais e as antigas",
    columns=(
        Column("number", "Linha", 150, unit="phone"),
        Column("state", "Na competência", 150, words=labels.LINE_STATES, normal="valid"),
        Column("since", "Desde", 120, unit="day"),
        Column("last", "Até", 120, unit="day", help=labels.LINE_LAST_DAY),
        Column("service", "Serviço", 150),
        Column("title", "Produto", 386),
    ),
)
CALLS: Final = tables.Grid(
    "ligacoes",
    id="call_id",
    noun=labels.CALL_NOUN,
    sort="started_at",
    descending=True,
    visible=10,
    alt="Ligações do contrato na competência, números chamados mascarados",
    columns=(
        Column("started_at", "Início", 150, show=lambda one: fmt.moment(one, seconds=True)),
        Column("line", "Linha", 132, unit="phone"),
        Column("called", "Número chamado", 170),
        Column("class", "Classe", 132, show=lambda one: labels.CALL_CLASSES.get(one, one)),
        Column("carrier", "Operadora", 110),
        Column("duration", "Duração", 130, unit="seconds"),
        Column("amount", "Valor", 96, unit="micros"),
        Column("marks", "Observação", 158, words=labels.CALL_MARKS, sortable=False),
    ),
)


# --- Lines -----------------------------------------------------------------------------------------------------------


def lines(case: Case) -> None:
    """Every line that the contract's Summit services ever had, those of the competence told apart."""
    table = with_states(case.view.lines(case.contract), case.competence)
    if not len(table):
        states.empty(labels.NO_LINES, labels.NO_LINES_WORDS, key="lines")
        return
    valid = table["state"].to_pylist().count("valid")
    words = fmt.counted(valid, "linha vigente", "linhas vigentes")
    hint = "" if valid else f" :orange[{CAUTION_EFFECTS['no_line']}.]"
    st.markdown(f":gray[**{words}** em {case.month}, de **{fmt.count(len(table))}** na história do contrato.]{hint}")
    LINES.show(page_of(table, LINES.window()), export=lambda: page_of(table, _whole(len(table))).table)


def with_states(table: pa.Table, month: Competence) -> pa.Table:
    """The lines with ``place`` (an id), ``last`` (the last valid day, null while open) and ``state`` in the month."""
    rows = table.to_pylist()
    last = [None if row["until"] is None else row["until"] - timedelta(days=1) for row in rows]
    kinds = [line_state(row, month) for row in rows]
    places = pa.array(range(len(rows)), pa.int64())
    more = {"place": places, "last": pa.array(last, pa.date32()), "state": pa.array(kinds, pa.string())}
    for name, values in more.items():
        table = table.append_column(name, values)
    return table


def line_state(row: dict[str, Any], month: Competence) -> str:
    """``valid`` on some day of the month, ``past``, ``future``, or ``deleted`` with its service."""
    if row["deleted"]:
        return "deleted"
    if row["since"] >= month.end_day:
        return "future"
    return "past" if row["until"] is not None and row["until"] <= month.first_day else "valid"


def _whole(rows: int) -> tables.Window:
    return tables.Window("since", True, 0, max(1, rows))


# --- Calls -----------------------------------------------------------------------------------------------------------


def calls(case: Case) -> None:
    """The contract's calls of the competence with their totals, or why there are none."""
    window = CALLS.window()
    found = case.view.calls(CallQuery(contracts=(case.contract,), **window.asked()))
    if not found.totals["calls"]:
        _no_calls(case)
        return
    st.markdown(totals(case, found))
    contract_past.show(case)
    page = Page(found.total, found.offset, shown(found.table))
    CALLS.show(page, export=lambda: map(shown, case.view.call_stream(CallQuery(contracts=(case.contract,)))))


def totals(case: Case, found: Page) -> str:
    """Calls, time and value of the competence, and what was charged for them, as Markdown."""
    sums = found.totals
    said = (
        f"**{fmt.counted(sums['calls'], *labels.CALL_NOUN)}** · **{fmt.duration(sums['seconds'])}** · "
        f"**{fmt.money_of_micros(sums['micros'])}** em {case.month}"
    )
    item = next((one for one in case.view.items(case.contract).to_pylist() if is_charge_of(one, case)), None)
    if item is None:
        return f":gray[{said}]"
    charged = labels.CALLS_CHARGED.format(
        outcome=labels.OUTCOME[item["outcome"]].lower(), amount=fmt.money(item["amount"]), batch=item["batch"]
    )
    return f":gray[{said}; {charged}]"


def is_charge_of(item: dict[str, Any], case: Case) -> bool:
    """Whether an item is the live charge of the competence shown."""
    live = item["outcome"] in ("charged", "zero", "held") and not item["reversed"]
    return live and item["competence"] == str(case.competence)


def shown(table: pa.Table) -> pa.Table:
    """Calls as the screens show them: numbers called masked, with ``marks`` for what is odd."""
    marks = [
        [*(["late"] if late else []), *([issue] if issue else [])]
        for late, issue in zip(table["late"].to_pylist(), table["issue"].to_pylist(), strict=True)
    ]
    return masked(table).append_column("marks", pa.array(marks, pa.list_(pa.string())))


def _no_calls(case: Case) -> None:
    part = case.row.get("coverage", Coverage.KEPT_OUT)
    words = labels.NO_CALLS_BECAUSE[part].format(month=case.month)
    steps = []
    last = case.row.get("last_competence")
    if last and last != str(case.competence):
        month = Competence.parse(last)
        steps.append(states.Step(labels.GO_TO_MONTH.format(month=fmt.month(month)), competence.go, (month,)))
    if part == Coverage.TO_BILL:
        steps.append(states.Step(labels.BILLING.title, _bill, (case.contract,)))
    elif part == Coverage.FAILED:
        steps.append(states.Step(labels.CONTRACT_TABS[3], tabs.go, (CHARGES, TABS)))
    elif part == Coverage.KEPT_OUT:
        steps.append(states.Step(labels.CONTRACT_TABS[-1], tabs.go, (WHY, TABS)))
    states.empty(labels.NO_CALLS.format(month=case.month), words, *steps, key="calls")


def _bill(contract: str) -> None:
    url.open_page(labels.BILLING, q=contract)
