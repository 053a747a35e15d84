"""A contract's month beside its own past: months by class, and what each class and destination usually comes to."""

from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any, Final

import streamlit as st

from stfc.domain.competence import Competence
from stfc.services.queries import CallFilter
from stfc.ui import charts, labels, overview_charts, tables
from stfc.ui import format as fmt
from stfc.ui.contract_case import Case
from stfc.ui.overview_cards import relative
from stfc.ui.tables import Column

_CHART: Final = "contract_months"
_SHOWN: Final = 5
_HEIGHT: Final = 190
CLASSES: Final = (
    Column("class", "Classe", 0),
    Column("calls", "Ligações", 0, unit="count"),
    Column("micros", "Valor", 0, show=fmt.money_cut, right=True),
    Column("usual", "Mediana", 0, show=fmt.money_cut, right=True),
    Column("more", "Diferença", 0, show=lambda one: fmt.signed_money(one // 10_000), right=True),
)
"""The columns of ``by_class``; the first three need no past."""
# A count of calls beside them would not leave the differences room.
_AGAINST_PAST: Final = (CLASSES[0], *CLASSES[2:])
_PLACES: Final = (
    Column("destination", "Destino", 0, show=fmt.place),
    Column("micros", "Valor", 0, show=fmt.money_cut, right=True),
)


def show(case: Case) -> None:
    """The contract's last twelve months as bars by class; beside them its classes and destinations of this one."""
    only = CallFilter(contracts=(case.contract,))
    rows = case.view.revenue_by_month(overview_charts.MONTHS, only).to_pylist()
    months = overview_charts.months_of(rows, case.competence, is_revenue=True)
    st.markdown(f":gray[{words(rows, case.competence)}]")
    bars, classes, places = st.columns([5, 5, 4], gap="small")
    with bars:
        charts.card(
            _CHART,
            months.title(as_table=charts.is_table(_CHART)),
            lambda: charts.by_month(months.months, months.series(()), height=_HEIGHT),
            months.rows,
            months.columns(),
            help=labels.PAST_HELP,
        )
    with classes, st.container(border=True, height="stretch", key="stfc_contract_classes"):
        columns = _AGAINST_PAST if has_past(rows, case.competence) else CLASSES[:3]
        tables.small(by_class(rows, case.competence)[:_SHOWN], columns, alt=labels.BY_CLASS)
    with places, st.container(border=True, height="stretch", key="stfc_contract_places"):
        found = case.view.top_destinations(_SHOWN, only).to_pylist()
        tables.small(found, _PLACES, alt=labels.TOP_DESTINATIONS)


def words(rows: Sequence[Mapping[str, Any]], month: Competence) -> str:
    """How far the month's value is from the median of the months before that had any call, as Markdown.

    ``rows``: competence, class, calls, micros.
    """
    before = _past(rows, month)
    if not before:
        return labels.PAST_NONE
    sums = {one: sum(row["micros"] for row in rows if row["competence"] == one) for one in (*before, str(month))}
    usual = int(median([sums[one] for one in before]))
    return labels.PAST.format(
        change=relative([usual, sums[str(month)]]) or fmt.NOTHING,
        usual=fmt.money_cut(usual),
        months=fmt.counted(len(before), "mês anterior", "meses anteriores"),
    )


def by_class(rows: Sequence[Mapping[str, Any]], month: Competence) -> list[dict[str, Any]]:
    """The month's calls by class beside the median of the months before that had any call, by difference.

    ``rows``: competence, class, calls, micros.
    """
    months = _past(rows, month)
    amounts = {(row["competence"], row["class"]): row for row in rows}
    listed = []
    for name in sorted({row["class"] for row in rows}):
        now = amounts.get((str(month), name), {"calls": 0, "micros": 0})
        usual = int(median([amounts.get((one, name), {"micros": 0})["micros"] for one in months])) if months else 0
        if now["calls"] or usual:
            listed.append(
                {
                    "class": labels.CALL_CLASSES.get(name, name),
                    "calls": now["calls"],
                    "micros": now["micros"],
                    "usual": usual,
                    "more": now["micros"] - usual,
                }
            )
    return sorted(listed, key=lambda row: -abs(row["more"]))


def has_past(rows: Sequence[Mapping[str, Any]], month: Competence) -> bool:
    """Whether any month before had a call; without one there is no median to show."""
    return bool(_past(rows, month))


def _past(rows: Sequence[Mapping[str, Any]], month: Competence) -> list[str]:
    return sorted({row["competence"] for row in rows if row["competence"] < str(month)})
