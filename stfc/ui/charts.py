"""Charts of one template, light and dark: separators ``,.``, months as words, zero baselines, a table behind each."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import plotly.graph_objects as go
import streamlit as st

from stfc.domain.competence import Competence
from stfc.ui import labels, tables
from stfc.ui.format import month_short, weekday
from stfc.ui.style import palette

HEIGHT: Final = 250
_FONT: Final = "IBM Plex Sans, sans-serif"
_CONFIG: Final = {"displayModeBar": False, "scrollZoom": False, "doubleClick": False, "locale": "en"}


def figure(*, height: int = HEIGHT, legend: bool = False) -> go.Figure:
    """An empty figure of the house's template."""
    colours = palette()
    drawn = go.Figure()
    axis = {
        "gridcolor": colours.border,
        "linecolor": colours.border,
        "zerolinecolor": colours.border,
        "automargin": True,
        "showline": False,
        "ticks": "",
        "ticksuffix": " ",
        "fixedrange": True,
        "tickfont": {"size": 11.5, "color": colours.gray_text},
        "title": None,
    }
    drawn.update_layout(
        height=height,
        separators=",.",
        margin={"l": 4, "r": 4, "t": 30 if legend else 8, "b": 4},
        font={"family": _FONT, "size": 12, "color": colours.ink},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        colorway=colours.series,
        showlegend=legend,
        legend={
            "orientation": "h",
            "x": 0,
            "y": 1.02,
            "yanchor": "bottom",
            "font": {"size": 11.5},
            "traceorder": "normal",
        },
        hoverlabel={"font": {"family": _FONT, "size": 12}, "bgcolor": colours.surface, "bordercolor": colours.border},
        barmode="stack",
        bargap=0.32,
        xaxis={**axis, "showgrid": False},
        yaxis={**axis, "rangemode": "tozero"},
    )
    return drawn


def by_month(
    months: Sequence[Competence],
    series: Mapping[str, Sequence[float]],
    *,
    unit: str = "",
    places: int = 0,
    height: int = HEIGHT,
) -> go.Figure:
    """Stacked bars by month, one colour per series (at most 6), in the series' order.

    Args:
        months: the axis, oldest first, written ``out/26``.
        series: words of the series to a value per month.
        unit: stands before the value in the tip, e.g. ``R$``.
        places: decimals in the tip.
    """
    drawn = figure(height=height, legend=len(series) > 1)
    axis = [month_short(one) for one in months]
    before = f"{unit} " if unit else ""
    for name, values in series.items():
        tip = f"%{{x}} · {name}<br><b>{before}%{{y:,.{places}f}}</b><extra></extra>"
        drawn.add_bar(x=axis, y=list(values), name=name, hovertemplate=tip, constraintext="none")
    drawn.update_xaxes(type="category", categoryorder="array", categoryarray=axis)
    drawn.update_yaxes(tickformat=",.0f", nticks=5)
    return drawn


def by_weekday_and_hour(values: Sequence[Sequence[int]], *, height: int = HEIGHT, noun: str = "chamadas") -> go.Figure:
    """A heat map: 7 rows (0 = Monday) of 24 hours."""
    colours = palette()
    drawn = figure(height=height)
    days = [weekday(number) for number in range(7)]
    hours = [f"{hour}h" for hour in range(24)]
    drawn.add_heatmap(
        x=hours,
        y=days,
        z=[list(row) for row in values],
        colorscale=[[0, colours.heat[0]], [0.5, colours.series[0]], [1, colours.heat[1]]],
        xgap=2,
        ygap=2,
        zmin=0,
        hovertemplate=f"%{{y}} %{{x}}<br><b>%{{z:,}}</b> {noun}<extra></extra>",
        colorbar={"thickness": 8, "outlinewidth": 0, "tickfont": {"size": 11}, "nticks": 4, "tickformat": ","},
    )
    drawn.update_xaxes(tickvals=hours[::3], type="category")
    drawn.update_yaxes(autorange="reversed", type="category")
    return drawn


def bars(names: Sequence[str], values: Sequence[float], *, unit: str = "", height: int = 160) -> go.Figure:
    """One series of upright bars, e.g. a contract's history."""
    drawn = figure(height=height)
    before = f"{unit} " if unit else ""
    tip = f"%{{x}}<br><b>{before}%{{y:,.2f}}</b><extra></extra>"
    drawn.add_bar(x=list(names), y=list(values), marker_color=palette().series[4], hovertemplate=tip)
    drawn.update_xaxes(type="category")
    drawn.update_yaxes(nticks=4, tickformat=",.0f")
    return drawn


def card(
    key: str,
    title: str,
    draw: Callable[[], go.Figure],
    rows: Callable[[], Sequence[Mapping[str, Any]]],
    columns: Sequence[tables.Column],
    *,
    controls: Callable[[], None] | None = None,
    on_select: Callable[[], None] | None = None,
    version: str = "",
) -> Any:
    """A bordered chart with its title, optional controls and the table behind it; gives the chart's selection, if any.

    Args:
        key: the chart's own; its selection is ``st.session_state[f"{key}_chart"]``.
        draw: makes the figure; called only when it is seen.
        rows: the same figures as rows, for the table view.
        columns: the table view's columns.
        controls: draws a switch at the right of the title (e.g. Receita / Minutos).
        on_select: called when a bar, cell or point is clicked.
        version: of what is drawn; another one starts without the selection (then under ``f"{key}_chart_{version}"``).
    """
    picked = None
    with st.container(border=True, height="stretch", gap="small", key=f"stfc_chart_{key}"):
        with st.container(horizontal=True, gap="xsmall", vertical_alignment="center"):
            st.header(title, anchor=False, width="stretch")
            if controls:
                controls()
            as_table = _table_switch(key)
        if as_table:
            tables.small(rows(), columns, alt=title)
        else:
            picked = st.plotly_chart(
                draw(),
                key=f"{key}_chart_{version}" if version else f"{key}_chart",
                theme=None,
                config=_CONFIG,
                on_select=on_select or "ignore",
                alt=title,
            )
    return picked


def _table_switch(key: str) -> bool:
    state = f"{key}_as_table"
    as_table = bool(st.session_state.get(state, False))

    def turn() -> None:
        st.session_state[state] = not as_table

    with st.container(width="content", key=f"icon_only_{key}"):
        st.button(
            labels.CHART_VIEW if as_table else labels.TABLE_VIEW,
            key=f"{key}_switch",
            icon=":material/bar_chart:" if as_table else ":material/table_rows:",
            type="tertiary",
            on_click=turn,
        )
    return as_table
