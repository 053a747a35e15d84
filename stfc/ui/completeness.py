"""*Completude*: what a competence lacks: days without traffic or file, silent contracts, stray lines."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any, Final

import plotly.graph_objects as go
import streamlit as st

from stfc.services.queries import CallQuery, ContractQuery, View
from stfc.ui import charts, labels, states, tables, url
from stfc.ui import format as fmt
from stfc.ui.style import link, palette
from stfc.ui.tables import Column

_LISTED: Final = 12
_NAMED: Final = 5
_DAYS: Final = (
    Column("local_day", "Dia", 0, unit="day"),
    Column("calls", "Ligações", 0, unit="count"),
)
_SILENT: Final = (
    Column("contract", "Contrato", 0),
    Column("customer", "Cliente", 0),
    Column("usual_calls", "Ligações por mês", 0, unit="count"),
    Column("months", "Meses com ligação", 0, unit="count"),
)
_UNCOVERED: Final = (
    Column("contract", "Contrato", 0),
    Column("customer", "Cliente", 0),
    Column("since", "De", 0, unit="day"),
    Column("until", "Até", 0, unit="day"),
    Column("days", "Dias", 0, unit="count"),
)
_LINELESS: Final = (
    Column("contract", "Contrato", 0),
    Column("customer", "Cliente", 0),
    Column("status", "Status", 0, words=labels.STATUSES, normal="normal"),
)
_PASSED: Final = (
    Column("number", "Linha", 0, unit="phone"),
    Column("contracts", "Contratos", 0, unit="count"),
    Column("named", "Quais", 0, show=", ".join),
)


def show(view: View) -> None:
    """Calendar of traffic at the left, lists at the right."""
    days = view.calls_by_day(CallQuery()).to_pylist()
    left, right = st.columns(2, gap="small")
    with left:
        _calendar(view, days)
        _silent(view)
        _uncovered(view)
    with right:
        _passed(view)
        _lineless(view)
        _links(view)


# --- Days ------------------------------------------------------------------------------------------------------------


def gaps(days: Sequence[Mapping[str, Any]]) -> list[date]:
    """The days between the first and the last with calls that have none."""
    having = {row["local_day"] for row in days if row["calls"]}
    if not having:
        return []
    first, last = min(having), max(having)
    every = (first + timedelta(days=number) for number in range((last - first).days + 1))
    return [one for one in every if one not in having]


def _calendar(view: View, days: list[dict[str, Any]]) -> None:
    month = fmt.month(view.competence)
    if not days:
        states.empty(labels.NO_FILES.format(month=month), labels.NO_FILES_WORDS, key="traffic")
        return
    # A file's late calls would stretch the calendar over months that are not its own.
    since = view.competence.plus(-1).first_day
    shown = [row for row in days if row["local_day"] >= since] or days
    charts.card(
        "traffic_days",
        labels.DAYS_WITH_CALLS.format(month=month),
        lambda: _figure(shown),
        lambda: shown,
        _DAYS,
    )
    st.markdown(gap_words(shown))


def gap_words(days: Sequence[Mapping[str, Any]]) -> str:
    """How many days have no call, and which."""
    first, last = (fmt.day(end(row["local_day"] for row in days)) for end in (min, max))
    without = gaps(days)
    if not without:
        return f":green[:material/check_circle:] {labels.EVERY_DAY_HAS_TRAFFIC.format(first=first, last=last)}"
    named = ", ".join(fmt.day(one) for one in without[:_NAMED])
    if more := max(0, len(without) - _NAMED):
        named = labels.AND_MORE.format(names=named, count=more)
    said = labels.NO_TRAFFIC_DAYS.format(
        days=fmt.counted(len(without), *labels.DAY_NOUN), first=first, last=last, named=named
    )
    return f":orange[:material/warning:] {said}"


def weeks(days: Sequence[Mapping[str, Any]]) -> tuple[list[date], list[list[int | None]]]:
    """The Mondays of a calendar, and the calls of each weekday (row) in each week; None outside the days."""
    calls = {row["local_day"]: row["calls"] for row in days}
    first, last = min(calls), max(calls)
    monday = first - timedelta(days=first.weekday())
    count = (last - monday).days // 7 + 1
    mondays = [monday + timedelta(weeks=number) for number in range(count)]
    grid = [
        [calls.get(day, 0) if first <= day <= last else None for day in (one + timedelta(days=row) for one in mondays)]
        for row in range(7)
    ]
    return mondays, grid


def _figure(days: Sequence[Mapping[str, Any]]) -> go.Figure:
    colours = palette()
    mondays, grid = weeks(days)
    names = [f"{one:%d/%m}" for one in mondays]
    drawn = charts.figure(height=210)
    tips = [
        [
            "" if calls is None else f"{fmt.day(one + timedelta(days=row))}<br><b>{_calls(calls)}</b>"
            for one, calls in zip(mondays, grid[row], strict=True)
        ]
        for row in range(7)
    ]
    drawn.add_heatmap(
        x=names,
        y=[fmt.weekday(number) for number in range(7)],
        z=grid,
        customdata=tips,
        hovertemplate="%{customdata}<extra></extra>",
        colorscale=[[0, colours.heat[0]], [0.5, colours.series[0]], [1, colours.heat[1]]],
        xgap=2,
        ygap=2,
        zmin=0,
        hoverongaps=False,
        colorbar={"thickness": 8, "outlinewidth": 0, "tickfont": {"size": 11}, "nticks": 4, "tickformat": ","},
    )
    drawn.update_xaxes(type="category", showgrid=False)
    drawn.update_yaxes(type="category", showgrid=False, autorange="reversed", rangemode="normal")
    return drawn


def _calls(number: int) -> str:
    return fmt.counted(number, "ligação", "ligações")


# --- Contracts and lines ---------------------------------------------------------------------------------------------


def _silent(view: View) -> None:
    month = fmt.month(view.competence)
    rows = view.silent_contracts().to_pylist()
    _list("silent", labels.SILENT.format(month=month), labels.SILENT_NONE.format(month=month), rows, _SILENT)


def _uncovered(view: View) -> None:
    month = fmt.month(view.competence)
    rows = view.uncovered_days().to_pylist()
    _list(
        "uncovered", labels.UNCOVERED.format(month=month), labels.UNCOVERED_NONE.format(month=month), rows, _UNCOVERED
    )


def _passed(view: View) -> None:
    month = fmt.month(view.competence)
    rows = view.passed_lines().to_pylist()
    _list("passed", labels.PASSED.format(month=month), labels.PASSED_NONE.format(month=month), rows, _PASSED)


def _list(
    key: str,
    title: str,
    nothing: str,
    rows: Sequence[Mapping[str, Any]],
    columns: Sequence[Column],
    *,
    total: int | None = None,
) -> None:
    """``rows`` in a card of its own, a dozen of them; ``total`` where they are not all."""
    total = len(rows) if total is None else total
    with st.container(border=True, gap="small", key=f"stfc_missing_{key}"):
        st.header(f"{title} · {fmt.count(total)}" if total else title, anchor=False)
        if not total:
            st.markdown(f":green[:material/check_circle:] {nothing}")
            return
        tables.small([_linked(row) for row in rows[:_LISTED]], columns, alt=title, markup=("contract",))
        if total > _LISTED:
            st.caption(labels.MORE.format(count=fmt.count(total - _LISTED)))


def _linked(row: Mapping[str, Any]) -> dict[str, Any]:
    contract = row.get("contract")
    return {**row, "contract": link(contract, labels.CONTRACTS.path, contrato=contract)} if contract else dict(row)


def _lineless(view: View) -> None:
    month = fmt.month(view.competence)
    found = view.contracts(ContractQuery(cautions=("no_line",), limit=_LISTED))
    title, nothing = labels.LINELESS.format(month=month), labels.LINELESS_NONE.format(month=month)
    _list("lineless", title, nothing, found.table.to_pylist(), _LINELESS, total=found.total)


def _links(view: View) -> None:
    """Calls of lines that are not the contract's have a list of their own elsewhere."""
    month = fmt.month(view.competence)
    stray = view.calls(CallQuery(divergent=True, limit=1)).total
    _link(
        "stray",
        labels.STRAY.format(month=month),
        labels.STRAY_NONE,
        labels.STRAY_SEE.format(calls=_calls(stray)) if stray else "",
        labels.CALLS,
        {"divergente": "1"},
    )


def _link(
    key: str, title: str, nothing: str, words: str, page: labels.PageLabels, parameters: Mapping[str, str]
) -> None:
    with st.container(border=True, gap="small", key=f"stfc_missing_{key}"):
        st.header(title, anchor=False)
        if not words:
            st.markdown(f":green[:material/check_circle:] {nothing}")
            return
        st.button(words, key=f"missing_{key}", icon=":material/arrow_forward:", on_click=_go, args=(page, parameters))


def _go(page: labels.PageLabels, parameters: Mapping[str, str]) -> None:
    url.open_page(page, **parameters)
