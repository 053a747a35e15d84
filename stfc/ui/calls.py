"""*Registros de ligações*: filter, totals, histogram, table and one call's drawer (SCREENS 3)."""

from typing import Any, Final

import streamlit as st

from stfc.domain.competence import Competence
from stfc.services.ports import Page
from stfc.services.queries import CallQuery, Coverage, View
from stfc.ui import actions, charts, contract_lines, figures, filters, labels, states, tables, url
from stfc.ui import format as fmt
from stfc.ui.filters import Chosen
from stfc.ui.tables import Column

_WHOLE_NUMBER: Final = 8
"""From so many digits on, a search means a phone number, below it a contract."""
_MICROS_PER_CENTAVO: Final = 10_000
_SECONDS: Final = 60
_OPEN: Final = "calls_opened"
_STATES: Final = {"late": "Anterior ao período do arquivo", "divergent": "Linha sem contrato ou de outro"}

BAR: Final = filters.Bar(
    "calls",
    "Pesquisar contrato, linha ou número chamado",
    (
        filters.Text("contract", "Contrato", "de_contrato"),
        filters.Text("line", "Linha", "linha"),
        filters.Day("since", "Período de", "desde"),
        filters.Day("until", "Período até", "ate_dia"),
        filters.Whole("least_minutes", "Duração a partir de (min)", "min_de"),
        filters.Whole("most_minutes", "Duração até (min)", "min_ate"),
        filters.Money("least_value", "Valor a partir de (R$)", "de"),
        filters.Money("most_value", "Valor até (R$)", "ate"),
        filters.Text("destination", "Destino (CN ou +país)", "destino"),
        filters.Choice("marks", "Observação", "observacao", options=lambda: _STATES),
    ),
    pills=filters.Choice("classes", "Classe", "classe", options=lambda: labels.CALL_CLASSES),
)
GRID: Final = tables.Grid(
    "calls",
    id="call_id",
    noun=labels.CALL_NOUN,
    sort="started_at",
    descending=True,
    visible=10,
    alt="Registros de ligações, números chamados mascarados",
    columns=(
        Column("contract", "Contrato", 80),
        Column("started_at", "Início", 150, show=lambda one: fmt.moment(one, seconds=True)),
        Column("call_id", "Registro", 130, opens=True, help=labels.OPEN_ROW),
        Column("line", "Linha", 124, unit="phone"),
        Column("called", "Número chamado", 160),
        Column("class", "Classe", 110, show=lambda one: labels.CALL_CLASSES.get(one, one)),
        Column("duration", "Duração", 110, unit="seconds"),
        Column("amount", "Valor", 90, unit="micros"),
        Column("marks", "Observação", 124, words=labels.CALL_MARKS, sortable=False),
    ),
)


def query(chosen: Chosen, **more: Any) -> CallQuery:
    """What is filtered, as the read model is asked; ``more`` gives order and page."""
    words = "".join(chosen.search.split())
    digits = "".join(one for one in words if one.isdigit())
    is_number = len(digits) >= _WHOLE_NUMBER
    contracts = [one for one in (chosen.contract, "" if is_number else words) if one]
    return CallQuery(
        since=chosen.since,
        until=chosen.until,
        contracts=tuple(contracts),
        line="".join(one for one in chosen.line if one.isdigit()),
        search=digits if is_number else "",
        classes=chosen.classes,
        destinations=(chosen.destination,) if chosen.destination else (),
        least_duration=_times(chosen.least_minutes, _SECONDS),
        most_duration=_times(chosen.most_minutes, _SECONDS),
        least_amount=_times(chosen.least_value, _MICROS_PER_CENTAVO),
        most_amount=_times(chosen.most_value, _MICROS_PER_CENTAVO),
        late=True if "late" in chosen.marks else None,
        divergent=True if "divergent" in chosen.marks else None,
        **more,
    )


def _times(value: int | None, factor: int) -> int | None:
    return None if value is None else value * factor


def show(view: View, chosen: Chosen) -> None:
    """Totals of the selection, its days, and the page of records."""
    found = view.calls(query(chosen, **GRID.window().asked()))
    if not found.total:
        _nothing(view, chosen)
        return
    st.markdown(_totals(view.competence, found))
    _days(view, chosen)
    page = Page(found.total, found.offset, contract_lines.shown(found.table))
    GRID.show(
        page,
        chosen,
        on_open=_remember,
        export=lambda: contract_lines.shown(view.calls(query(chosen, sort="started_at", limit=None)).table),
    )
    if opened := st.session_state.pop(_OPEN, None):
        _drawer(view, opened)


def _totals(competence: Competence, found: Page) -> str:
    sums = found.totals
    return (
        f":gray[**{fmt.counted(sums['calls'], *labels.CALL_NOUN)}** · **{fmt.minutes(sums['seconds'])} min** · "
        f"**{fmt.money_of_micros(sums['micros'])}** nos arquivos de {fmt.month(competence)}]"
    )


def _days(view: View, chosen: Chosen) -> None:
    rows = view.calls_by_day(query(chosen)).to_pylist()
    columns = [
        Column("local_day", "Dia", 90, unit="day"),
        Column("calls", "Ligações", 80, unit="count"),
        Column("seconds", "Minutos", 80, show=fmt.minutes, right=True),
        Column("micros", "Valor", 100, show=fmt.money_cut, right=True),
    ]
    names = [f"{row['local_day']:%d/%m}" for row in rows]
    charts.card(
        "calls_days",
        "Ligações por dia",
        lambda: charts.bars(names, [row["calls"] for row in rows], height=110),
        lambda: rows,
        columns,
    )


def _remember(call_id: str) -> None:
    st.session_state[_OPEN] = call_id


def _drawer(view: View, call_id: str) -> None:
    found = view.calls(CallQuery(call_id=call_id, limit=1))
    if not found.total:
        return
    (call,) = contract_lines.shown(found.table).to_pylist()

    def body() -> None:
        for pairs in _facts(call):
            figures.facts(pairs)
        st.button("Abrir contrato", key="call_contract", on_click=_open_contract, args=(call["contract"],))

    actions.drawer(f"Ligação {fmt.plain(call_id)}", body)


def _facts(call: dict[str, Any]) -> list[list[tuple[str, str]]]:
    words = labels.CALL_CLASSES
    marks = ", ".join(labels.CALL_MARKS[mark] for mark in call["marks"]) or "Nenhuma"
    return [
        [
            ("Contrato", call["contract"]),
            ("Início", fmt.moment(call["started_at"], seconds=True)),
            ("Duração", fmt.duration(call["duration"])),
            ("Valor", fmt.money_of_micros(call["amount"])),
        ],
        [
            ("Linha", fmt.phone(call["line"])),
            ("Número chamado", call["called"]),
            ("Destino", fmt.place(call["destination"])),
        ],
        [
            ("Nossa classe", words.get(call["class"], call["class"])),
            ("Classe da Summit", words.get(call["platform_class"], call["platform_class"]) or "não informada"),
            ("Operadora", call["carrier"] or "não informada"),
            ("CSP", call["csp"] or "não informado"),
        ],
        [("Competência", fmt.month(Competence.parse(call["competence"]))), ("Observação", marks)],
    ]


def _open_contract(contract: str) -> None:
    url.open_page(labels.CONTRACTS, contrato=contract)


def _nothing(view: View, chosen: Chosen) -> None:
    if chosen.is_active:
        words = "Nenhum registro da competência atende ao que foi filtrado."
        states.empty("Nenhuma ligação encontrada", words, states.Step("Limpar filtro", BAR.clear))
        return
    to_bill = view.coverage().parts[Coverage.TO_BILL]
    states.empty(
        labels.NO_CALLS.format(month=fmt.month(view.competence)),
        f"Nenhum arquivo da competência foi importado ainda: {fmt.count(to_bill)} contratos esperam em Gerar Cobrança.",
        states.Step(labels.BILLING.title, url.open_page, (labels.BILLING,)),
    )
