"""*Visão geral*: revenue and minutes by month and class, and calls by weekday and hour; a click filters the rest."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import plotly.graph_objects as go
import streamlit as st

from stfc.domain.competence import Competence, last_months
from stfc.services.queries import View
from stfc.ui import charts, labels, overview, url
from stfc.ui import format as fmt
from stfc.ui.overview import Narrowing
from stfc.ui.tables import Column

MONTHS: Final = 12
MEASURE_PARAMETER: Final = "medida"
_MINUTES: Final = "minutos"
_MONTHS_KEY, _HOURS_KEY = "overview_months", "overview_hours"
_MICROS_PER_REAL: Final = 1_000_000
_SECONDS_PER_MINUTE: Final = 60
_MANY: Final = 10_000
"""From this many reais or minutes in a month the axis counts in thousands."""


@dataclass(frozen=True)
class Months:
    """Sums by class group and month: micros of revenue, or seconds. ``groups`` are those that occur, in order."""

    months: Sequence[Competence]
    sums: Mapping[tuple[str, Competence], int]
    is_revenue: bool

    @property
    def groups(self) -> list[str]:
        """The groups that occur."""
        occurring = {group for group, _ in self.sums}
        return [group for group in overview.GROUPS if group in occurring]

    @property
    def is_large(self) -> bool:
        """Whether the axis counts in thousands."""
        return max((self.total(month) for month in self.months), default=0) >= _MANY * self._unit

    @property
    def _unit(self) -> int:
        return _MICROS_PER_REAL if self.is_revenue else _SECONDS_PER_MINUTE

    def total(self, month: Competence) -> int:
        """Micros or seconds of all groups."""
        return sum(self.sums.get((group, month), 0) for group in self.groups)

    def words(self, value: int) -> str:
        """``R$ 1.234,56`` or ``1.204``."""
        return fmt.money_cut(value) if self.is_revenue else fmt.minutes(value)

    def title(self, *, as_table: bool = False) -> str:
        """What the chart shows, with the axis' unit; a table says the unit in each cell."""
        in_thousands = self.is_large and not as_table
        if self.is_revenue:
            return labels.REVENUE_BY_MONTH + (labels.THOUSANDS if in_thousands else "")
        return labels.MINUTES_BY_MONTH + (labels.MINUTES_THOUSANDS if in_thousands else "")

    def series(self, chosen: Sequence[str]) -> list[charts.Series]:
        """The chart's colours; groups that are not among ``chosen`` are faded, unless none is chosen."""
        scale = self._unit * (1000 if self.is_large else 1)
        drawn = []
        for group in self.groups:
            values = [self.sums.get((group, month), 0) for month in self.months]
            name, tips = labels.CLASS_GROUPS[group], [self.tip(value) for value in values]
            faded = bool(chosen) and group not in chosen
            drawn.append(charts.Series(group, name, [value / scale for value in values], tips, faded))
        return drawn

    def tip(self, value: int) -> str:
        """``R$ 1.234,56`` or ``1.204 min``."""
        return self.words(value) + ("" if self.is_revenue else " min")

    def rows(self) -> list[dict[str, Any]]:
        """The same figures in words, the newest month first."""
        return [
            {
                "month": fmt.month_short(month),
                **{group: self.words(self.sums.get((group, month), 0)) for group in self.groups},
                "total": self.words(self.total(month)),
            }
            for month in reversed(self.months)
        ]

    def columns(self) -> list[Column]:
        """The columns of ``rows``."""
        groups = [Column(group, labels.CLASS_GROUPS[group], 90, right=True) for group in self.groups]
        return [Column("month", labels.MONTH, 70), *groups, Column("total", labels.TOTAL, 90, right=True)]


def months_of(rows: Sequence[Mapping[str, Any]], until: Competence, *, is_revenue: bool) -> Months:
    """``View.revenue_by_month``'s ``rows`` for the chart: the months from the first that has any up to ``until``."""
    sums: dict[tuple[str, Competence], int] = {}
    for row in rows:
        place = overview.group_of(row["class"]), Competence.parse(row["competence"])
        sums[place] = sums.get(place, 0) + row["micros" if is_revenue else "seconds"]
    first = min((month for _, month in sums), default=until)
    return Months([month for month in last_months(until, MONTHS) if month >= first], sums, is_revenue)


# --- Revenue and minutes by month ------------------------------------------------------------------------------------


def by_month(view: View, narrowed: Narrowing) -> None:
    """Stacked bars of the last twelve months; a click on a class filters the rest by it."""
    is_revenue = url.get(MEASURE_PARAMETER) != _MINUTES
    rows = view.revenue_by_month(MONTHS, narrowed.calls(but="classes")).to_pylist()
    months = months_of(rows, view.competence, is_revenue=is_revenue)
    if not months.sums:
        words = labels.NO_MONTH_FILTERED if narrowed.chosen.is_active else labels.NO_MONTH
        _nothing(_MONTHS_KEY, months.title(), words.format(month=fmt.month(view.competence)))
        return
    version = _version(_MONTHS_KEY)

    def draw() -> go.Figure:
        return charts.by_month(months.months, months.series(narrowed.chosen.groups))

    charts.card(
        _MONTHS_KEY,
        months.title(as_table=charts.is_table(_MONTHS_KEY)),
        draw,
        months.rows,
        months.columns(),
        controls=lambda: _measure(is_revenue=is_revenue),
        on_select=lambda: _clicked(_MONTHS_KEY, version, (overview.CLASS_PARAMETER,)),
        version=version,
        help=labels.REVENUE_HELP if is_revenue else labels.MINUTES_HELP,
    )


def _measure(*, is_revenue: bool) -> None:
    key, shown = "overview_measure", labels.REVENUE if is_revenue else labels.MINUTES
    if st.session_state.get(key) != shown:
        st.session_state[key] = shown

    def turn() -> None:
        url.put({MEASURE_PARAMETER: _MINUTES if st.session_state[key] == labels.MINUTES else None})

    st.segmented_control(
        labels.MEASURE,
        [labels.REVENUE, labels.MINUTES],
        key=key,
        required=True,
        label_visibility="collapsed",
        width="content",
        on_change=turn,
    )


# --- Weekday and hour ------------------------------------------------------------------------------------------------


def weekday_hour(view: View, narrowed: Narrowing) -> None:
    """Calls by weekday and hour; a click on a cell filters the rest by both."""
    cells = cells_of(view.weekday_hour(narrowed.calls(but="cell")).to_pylist())
    version, chosen = _version(_HOURS_KEY), narrowed.chosen
    framed = framed_cells(chosen.weekdays, chosen.hours)
    columns = [Column("hour", labels.HOUR, 50)]
    columns += [Column(str(day), fmt.weekday(day), 60, right=True) for day in range(7)]
    charts.card(
        _HOURS_KEY,
        labels.BY_WEEKDAY_AND_HOUR,
        lambda: charts.by_weekday_and_hour(cells, chosen=framed, noun=labels.CALL_NOUN),
        lambda: _hour_rows(cells),
        columns,
        on_select=lambda: _clicked(_HOURS_KEY, version, (overview.WEEKDAY_PARAMETER, overview.HOUR_PARAMETER)),
        version=version,
        help=labels.WEEKDAY_HOUR_HELP.format(month=fmt.month(view.competence)),
    )


def cells_of(rows: Sequence[Mapping[str, Any]]) -> list[list[int]]:
    """Calls by weekday (7, 0 is Monday) and hour (24)."""
    cells = [[0] * 24 for _ in range(7)]
    for row in rows:
        cells[row["weekday"]][row["hour"]] += row["calls"]
    return cells


def framed_cells(weekdays: Sequence[str], hours: Sequence[str]) -> list[tuple[int, int]]:
    """The cells that the filter leaves, to be framed; none when it leaves all."""
    if not weekdays and not hours:
        return []
    return [
        (day, hour)
        for day in range(7)
        for hour in range(24)
        if (not weekdays or str(day) in weekdays) and (not hours or str(hour) in hours)
    ]


def _hour_rows(cells: Sequence[Sequence[int]]) -> list[dict[str, Any]]:
    return [{"hour": f"{hour}h", **{str(day): fmt.count(cells[day][hour]) for day in range(7)}} for hour in range(24)]


# --- Both ------------------------------------------------------------------------------------------------------------


def _version(key: str) -> str:
    return str(st.session_state.get(f"{key}_clicks", 0))


def _clicked(key: str, version: str, parameters: Sequence[str]) -> None:
    points = st.session_state[f"{key}_chart_{version}"].selection.points
    if points:
        # A clicked chart is drawn anew: it would keep the click, and a second one on the same place says nothing.
        st.session_state[f"{key}_clicks"] = int(version) + 1
        overview.toggle(dict(zip(parameters, map(str, points[0]["customdata"]), strict=False)))


def _nothing(key: str, title: str, words: str) -> None:
    with st.container(border=True, height="stretch", gap="small", key=f"stfc_chart_{key}"):
        st.header(title, anchor=False)
        st.caption(words)
