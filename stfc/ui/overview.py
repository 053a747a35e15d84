"""*Visão geral*: indicators, coverage, charts and rankings of one competence, all from one view (SCREENS 1)."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import plotly.graph_objects as go
import streamlit as st

from stfc.domain import text
from stfc.domain.competence import Competence
from stfc.services.queries import CallFilter, Coverage, CoverageCounts, Indicators, View
from stfc.ui import charts, contract_list, figures, filters, labels, states, tables, url
from stfc.ui import format as fmt
from stfc.ui.figures import Kpi
from stfc.ui.tables import Column

_MONTHS: Final = 12
_TOP: Final = 8
_MICROS_PER_REAL: Final = 1_000_000
_GROUPS: Final = {
    "LOCAL": "Local",
    "VC1": "VC1",
    "LDN": "LDN",
    "VC2": "VC2/VC3",
    "VC3": "VC2/VC3",
    "LDI": "LDI",
}
"""At most six colours: the classes that carry the money have their own, the rest is one."""
_OTHERS: Final = "Outras"
_REVENUE, _MINUTES = "Receita", "Minutos"


def _weekdays() -> dict[str, str]:
    return {str(number): fmt.weekday(number) for number in range(7)}


BAR: Final = filters.Bar(
    "overview",
    None,
    (
        filters.Choice(
            "weekdays", "Dia da semana", "dia_semana", options=lambda: {str(n): fmt.weekday(n) for n in range(7)}
        ),
        filters.Choice("hours", "Hora", "hora", options=lambda: {str(n): f"{n}h" for n in range(24)}),
    ),
    pills=filters.Choice(
        "classes", "Classe", "classe", options=lambda: {k: text.CLASSES[k] for k in ("LOCAL", "VC1", "LDN", "LDI")}
    ),
)


def call_filter(chosen: filters.Chosen) -> CallFilter:
    """What the row's pills, the form and clicked cells leave of the calls."""
    return CallFilter(
        classes=chosen.classes,
        weekdays=tuple(int(one) for one in chosen.weekdays),
        hours=tuple(int(one) for one in chosen.hours),
    )


# --- The cards -----------------------------------------------------------------------------------------------------


def cards(view: View) -> None:
    """The three indicators and three figures of ours, each with its past and a click to the list behind it."""
    now, counts = view.indicators(), view.coverage()
    history = view.indicator_history(_MONTHS).to_pylist()
    charged = view.charged(_MONTHS).to_pylist()
    figures.kpis([*_indicators(view, now, counts, history), *_money(view, counts, charged)])


def _indicators(view: View, now: Indicators, counts: CoverageCounts, history: Sequence[Mapping[str, Any]]) -> list[Kpi]:
    kept = now["not_invoiced"] - now["eligible"]
    return [
        _card(
            view,
            "new_subscribers",
            now["new_subscribers"],
            history,
            f"{fmt.percent(now['new_subscribers'], counts.total or 1, 1)} de {fmt.count(counts.total)} contratos",
            {"novos": "1"},
        ),
        _card(
            view,
            "integration_errors",
            now["integration_errors"],
            history,
            f"{fmt.count(counts.parts['failed'])} com falha na cobrança; os demais, na integração",
            {"erro": "1"},
            up_is_bad=True,
        ),
        _card(
            view,
            "not_invoiced",
            now["not_invoiced"],
            history,
            f"{fmt.count(now['eligible'])} na lista, {fmt.count(kept)} mantidos fora",
            {"nao_faturados": "1"},
        ),
    ]


def _card(
    view: View,
    key: str,
    value: int,
    history: Sequence[Mapping[str, Any]],
    note: str,
    where: Mapping[str, str],
    *,
    up_is_bad: bool = False,
) -> Kpi:
    past = [int(row[key]) for row in history]
    change = fmt.signed(past[-1] - past[-2]) if len(past) > 1 else None
    return Kpi(
        key=key,
        label=labels.INDICATORS[key],
        value=fmt.count(value),
        definition=labels.INDICATOR_DEFINITIONS[key],
        note=note,
        change=change,
        versus=_versus(view),
        history=past,
        up_is_bad=up_is_bad,
        on_click=_open_contracts,
        args=(dict(where),),
    )


def _money(view: View, counts: CoverageCounts, months: Sequence[Mapping[str, Any]]) -> list[Kpi]:
    amounts = [int(row["amount"]) for row in months]
    calls = [int(row["calls"]) for row in months]
    held = [int(row["held"]) for row in months]
    with_file = sum(counts.parts[one] for one in (Coverage.CHARGED, Coverage.ZERO, Coverage.HELD))
    concluded = {"situacao": (Coverage.CHARGED.value, Coverage.ZERO.value, Coverage.HELD.value)}
    return [
        Kpi(
            "amount",
            labels.INDICATORS["amount"],
            fmt.money_whole(amounts[-1]),
            labels.INDICATOR_DEFINITIONS["amount"],
            f"{fmt.count(counts.parts['charged'])} de {fmt.count(counts.total)} contratos cobrados",
            _relative(amounts),
            _versus(view),
            [amount // 100 for amount in amounts],
            on_click=_open_contracts,
            args=({"situacao": Coverage.CHARGED.value},),
        ),
        Kpi(
            "calls",
            labels.INDICATORS["calls"],
            fmt.count(calls[-1]),
            labels.INDICATOR_DEFINITIONS["calls"],
            f"{fmt.count(with_file)} de {fmt.count(counts.total)} contratos com arquivo",
            _relative(calls),
            _versus(view),
            calls,
            on_click=_open_contracts,
            args=(concluded,),
        ),
        Kpi(
            "held",
            labels.INDICATORS["held"],
            fmt.count(counts.parts["held"]),
            labels.INDICATOR_DEFINITIONS["held"],
            f"{fmt.count(counts.parts['held'])} de {fmt.count(with_file)} contratos com arquivo",
            fmt.signed(held[-1] - held[-2]) if len(held) > 1 else None,
            _versus(view),
            held,
            up_is_bad=True,
            on_click=_open_contracts,
            args=({"situacao": Coverage.HELD.value},),
        ),
    ]


def _relative(values: Sequence[int]) -> str | None:
    if len(values) < 2 or not values[-2]:
        return None
    return fmt.signed(100 * (values[-1] - values[-2]) / values[-2], 1, "%")


def _versus(view: View) -> str:
    return f"vs. {fmt.month_short(view.competence.plus(-1))}"


def _open_contracts(where: Mapping[str, Any]) -> None:
    url.open_page(labels.CONTRACTS, **where)


# --- Coverage ------------------------------------------------------------------------------------------------------


def coverage(view: View) -> None:
    """The coverage bar; its pills are legend and way to the list behind each part."""
    counts = view.coverage()
    concluded = counts.parts[Coverage.CHARGED] + counts.parts[Coverage.ZERO]
    with st.container(border=True, gap="small"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.header(f"Cobertura de {fmt.month(view.competence)}", anchor=False, width="stretch")
            share = fmt.percent(concluded, counts.total or 1)
            st.caption(
                f"**{fmt.count(concluded)}** de **{fmt.count(counts.total)}** contratos concluídos ({share})",
                width="content",
            )
        figures.outcome_bar(counts.parts, label="Cobertura")
        parts = {name: counts.parts[name] for name in figures.OUTCOME_ORDER if counts.parts.get(name)}
        _pills("overview_coverage", "Partes da cobertura", parts, figures.outcome_pill, "situacao")
        rules = {rule: number for rule, number in counts.by_rule.items() if number}
        if rules:
            _pills("overview_rules", labels.OUT_BY_RULE, rules, _rule_pill, "regra", visible=True)


def _rule_pill(rule: str, number: int) -> str:
    position = list(labels.RULES_SHORT).index(rule) + 1
    return f"{position} {labels.RULES_SHORT[rule]} **{fmt.count(number)}**"


def _pills(key: str, label: str, parts: Mapping[str, int], word: Any, parameter: str, *, visible: bool = False) -> None:
    def go() -> None:
        if picked := st.session_state[key]:
            st.session_state[key] = None
            url.open_page(labels.CONTRACTS, **{parameter: picked})

    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
        if visible:
            st.caption(label, width="content")
        st.pills(
            label,
            list(parts),
            format_func=lambda name: word(name, parts[name]),
            key=key,
            label_visibility="collapsed",
            on_change=go,
        )


# --- Charts --------------------------------------------------------------------------------------------------------


def by_month(view: View, chosen: CallFilter) -> None:
    """Revenue or minutes by month and class."""
    rows = view.revenue_by_month(_MONTHS, chosen).to_pylist()
    months = sorted({Competence.parse(row["competence"]) for row in rows})
    measure = st.session_state.get("overview_measure") or _REVENUE
    field = "micros" if measure == _REVENUE else "seconds"
    sums: dict[str, dict[Competence, int]] = {}
    for row in rows:
        group = sums.setdefault(_GROUPS.get(row["class"], _OTHERS), {})
        month = Competence.parse(row["competence"])
        group[month] = group.get(month, 0) + row[field]
    names = [name for name in (*dict.fromkeys(_GROUPS.values()), _OTHERS) if name in sums]

    def draw() -> go.Figure:
        scale = _MICROS_PER_REAL * 1000 if measure == _REVENUE else 60
        series = {name: [sums[name].get(month, 0) / scale for month in months] for name in names}
        unit, places = ("R$ mil", 1) if measure == _REVENUE else ("", 0)
        return charts.by_month(months, series, unit=unit, places=places)

    def table() -> list[dict[str, Any]]:
        return [
            {"month": fmt.month_short(month), **{name: _written(sums[name].get(month, 0), measure) for name in names}}
            for month in reversed(months)
        ]

    columns = [Column("month", "Mês", 70), *(Column(name, name, 90, right=True) for name in names)]
    title = "Receita por mês e classe, R$ mil" if measure == _REVENUE else "Minutos por mês e classe"
    charts.card("overview_months", title, draw, table, columns, controls=_measure)


def _measure() -> None:
    st.segmented_control(
        "Medida",
        [_REVENUE, _MINUTES],
        key="overview_measure",
        default=_REVENUE,
        required=True,
        label_visibility="collapsed",
        width="content",
    )


def _written(value: int, measure: str) -> str:
    return fmt.money_cut(value) if measure == _REVENUE else fmt.minutes(value)


def weekday_hour(view: View, chosen: CallFilter) -> None:
    """Calls by weekday and hour; a click on a cell filters the rest by both."""
    cells = [[0] * 24 for _ in range(7)]
    for row in view.weekday_hour(chosen).to_pylist():
        cells[row["weekday"]][row["hour"]] = row["calls"]

    def table() -> list[dict[str, Any]]:
        return [
            {"hour": f"{hour}h", **{str(day): fmt.count(cells[day][hour]) for day in range(7)}} for hour in range(24)
        ]

    columns = [Column("hour", "Hora", 50), *(Column(str(day), fmt.weekday(day), 60, right=True) for day in range(7))]
    charts.card(
        "overview_hours",
        "Chamadas por dia da semana e hora",
        lambda: charts.by_weekday_and_hour(cells),
        table,
        columns,
        on_select=_cell_clicked,
    )


def _cell_clicked() -> None:
    points = st.session_state["overview_hours_chart"].selection.points
    if points:
        day = next(number for number in range(7) if fmt.weekday(number) == points[0]["y"])
        url.put({"dia_semana": str(day), "hora": str(points[0]["x"]).removesuffix("h")})


# --- Rankings ------------------------------------------------------------------------------------------------------


def rankings(view: View, chosen: CallFilter) -> None:
    """The contracts with the highest value and the destinations with the highest, side by side."""
    left, right = st.columns(2, gap="small")
    with left.container(border=True, height="stretch"):
        st.header("Maiores contratos em valor", anchor=False)
        _top_contracts(view, chosen)
    with right.container(border=True, height="stretch"):
        st.header("Principais destinos", anchor=False)
        _top_destinations(view, chosen)


def _top_contracts(view: View, chosen: CallFilter) -> None:
    rows = view.top_contracts(_TOP, chosen).to_pylist()
    for row in rows:
        row["change"] = _relative([row["previous_micros"] or 0, row["micros"]]) or "—"
    columns = [
        Column("contract", "Contrato", 80),
        Column("customer", "Cliente", 200),
        Column("micros", "Valor", 100, unit="micros", show=fmt.money_cut, right=True),
        Column("change", "Var.", 70, right=True),
    ]
    tables.small(rows, columns, alt="Maiores contratos em valor")
    numbers = [row["contract"] for row in rows]

    def opened() -> None:
        if number := st.session_state["overview_top"]:
            st.session_state["overview_top"] = None
            url.open_page(labels.CONTRACTS, **{contract_list.CONTRACT_PARAMETER: number})

    st.pills("Abrir contrato", numbers, key="overview_top", on_change=opened)


def _top_destinations(view: View, chosen: CallFilter) -> None:
    rows = view.top_destinations(_TOP, chosen).to_pylist()
    total = sum(row["seconds"] for row in view.weekday_hour(chosen).to_pylist()) or 1
    for row in rows:
        row["name"] = fmt.place(row["destination"])
        row["share"] = fmt.percent(row["seconds"], total)
    columns = [
        Column("name", "Destino", 200),
        Column("calls", "Chamadas", 80, unit="count"),
        Column("seconds", "Minutos", 80, show=fmt.minutes, right=True),
        Column("micros", "Valor", 100, show=fmt.money_cut, right=True),
        Column("share", "% min", 60, right=True),
    ]
    tables.small(rows, columns, alt="Principais destinos")


def nothing(view: View) -> None:
    """Why there are no charts, and the next step."""
    to_bill = view.coverage().parts[Coverage.TO_BILL]
    states.empty(
        f"Nenhuma ligação em {fmt.month(view.competence)}",
        f"Nenhum arquivo da competência foi lido ainda, ou nenhuma ligação atende ao filtro; {fmt.count(to_bill)} "
        "contratos esperam em Gerar Cobrança.",
        states.Step("Ir para Gerar Cobrança", url.open_page, (labels.BILLING,)),
        states.Step("Limpar filtro", BAR.clear),
        key="overview_nothing",
    )
