"""Charts of one template, light and dark: separators ``,.``, months as words, zero baselines, a table behind each."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import plotly.graph_objects as go
import streamlit as st

from stfc.domain.competence import Competence
from stfc.ui import labels, tables
from stfc.ui.format import counted, month_short, weekday
from stfc.ui.style import palette

HEIGHT: Final = 250
_FADED: Final = 0.28
_FONT: Final = "IBM Plex Sans, sans-serif"
_CONFIG: Final = {"displayModeBar": False, "scrollZoom": False, "doubleClick": False, "locale": "en"}


def figure(*, height: int = HEIGHT, legend: bool = False) -> go.Figure:
    """An empty figure of the house's template."""
    colours = palette()
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
    }
    # All at once and without Plotly's own template: changing a figure afterwards takes ten times as long.
    layout = {
        "template": "none",
        "height": height,
        "separators": ",.",
        "margin": {"l": 4, "r": 4, "t": 30 if legend else 8, "b": 4},
        "font": {"family": _FONT, "size": 12, "color": colours.ink},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "colorway": colours.series,
        "showlegend": legend,
        "legend": {
            "orientation": "h",
            "x": 0,
            "y": 1.02,
            "yanchor": "bottom",
            "font": {"size": 11.5},
            "traceorder": "normal",
        },
        "hoverlabel": {
            "font": {"family": _FONT, "size": 12},
            "bgcolor": colours.surface,
            "bordercolor": colours.border,
        },
        "barmode": "stack",
        "bargap": 0.32,
        "xaxis": {**axis, "showgrid": False},
        "yaxis": {**axis, "rangemode": "tozero"},
    }
    return go.Figure(layout=layout)


@dataclass(frozen=True)
class Series:
    """One colour of a stacked chart: ``key`` is what a click on it gives, ``tips`` are its values in words."""

    key: str
    name: str
    values: Sequence[float]
    tips: Sequence[str]
    faded: bool = False


def by_month(months: Sequence[Competence], series: Sequence[Series], *, height: int = HEIGHT) -> go.Figure:
    """Stacked bars by month, one colour per series (at most 6), in the series' order.

    A clicked bar's ``customdata`` begins with the series' key.

    Args:
        months: the axis, oldest first, written ``out/26``.
        series: a value and its words per month each.
    """
    drawn = figure(height=height, legend=len(series) > 1)
    axis = [month_short(one) for one in months]
    for one in series:
        drawn.add_bar(
            x=axis,
            y=list(one.values),
            name=one.name,
            customdata=[[one.key, tip] for tip in one.tips],
            hovertemplate=f"%{{x}} · {one.name}<br><b>%{{customdata[1]}}</b><extra></extra>",
            opacity=_FADED if one.faded else 1,
            constraintext="none",
        )
    # Clicks choose, nothing is dragged or hidden: the address must hold all that was narrowed.
    drawn.update_layout(legend={"itemclick": False, "itemdoubleclick": False}, dragmode=False)
    drawn.update_xaxes(type="category", categoryorder="array", categoryarray=axis)
    drawn.update_yaxes(tickformat=",.0f", nticks=5)
    return drawn


def by_weekday_and_hour(
    values: Sequence[Sequence[int]],
    *,
    chosen: Collection[tuple[int, int]] = (),
    height: int = HEIGHT,
    noun: tuple[str, str] = ("chamada", "chamadas"),
) -> go.Figure:
    """A heat map: 7 rows (0 = Monday) of 24 hours. A clicked cell's ``customdata`` begins with weekday and hour.

    Args:
        values: a count per weekday and hour.
        chosen: cells (weekday, hour) to frame.
        noun: what is counted, one and many.
    """
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
        hoverinfo="skip",
        colorbar={"thickness": 8, "outlinewidth": 0, "tickfont": {"size": 11}, "nticks": 4, "tickformat": ","},
    )
    # A heat map cannot be clicked, an unseen mark on each of its cells can.
    cells = [(day, hour) for day in range(7) for hour in range(24)]
    unseen = {"marker": {"opacity": 0}}
    drawn.add_scatter(
        x=[hours[hour] for _, hour in cells],
        y=[days[day] for day, _ in cells],
        customdata=[[day, hour, counted(values[day][hour], *noun)] for day, hour in cells],
        mode="markers",
        marker={"size": 14, "symbol": "square", "opacity": 0},
        selected=unseen,
        unselected=unseen,
        hovertemplate="%{y} %{x}<br><b>%{customdata[2]}</b><extra></extra>",
    )
    for day, hour in chosen:
        corners = {"x0": hour - 0.5, "x1": hour + 0.5, "y0": day - 0.5, "y1": day + 0.5}
        drawn.add_shape(type="rect", line={"color": colours.ink, "width": 2}, **corners)
    drawn.update_layout(hovermode="closest", dragmode=False)
    drawn.update_xaxes(tickvals=hours[::3], type="category", showgrid=False, range=[-0.5, 23.5])
    drawn.update_yaxes(type="category", showgrid=False, range=[6.5, -0.5], rangemode="normal", ticksuffix=" ")
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
    help: str | None = None,
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
        help: what exactly is counted, in the title's tooltip.
    """
    picked = None
    with st.container(border=True, height="stretch", gap="small", key=f"stfc_chart_{key}"):
        with st.container(horizontal=True, gap="xsmall", vertical_alignment="center"):
            st.header(title, anchor=False, width="stretch", help=help)
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


def is_table(key: str) -> bool:
    """Whether the card shows its table; a title with the axis' unit then leaves it out."""
    return bool(st.session_state.get(f"{key}_as_table", False))


def _table_switch(key: str) -> bool:
    state, as_table = f"{key}_as_table", is_table(key)

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
