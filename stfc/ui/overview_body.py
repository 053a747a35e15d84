"""*Visão geral* below the coverage: charts and rankings side by side, or why there are none and the next step."""

from typing import Final

import streamlit as st

from stfc.services.queries import Coverage, CoverageCounts, View
from stfc.ui import filters, labels, overview, overview_charts, overview_tables, states, url
from stfc.ui import format as fmt

_WAITING: Final = (Coverage.TO_BILL, Coverage.QUEUED, Coverage.WAITING_FILE, Coverage.FAILED)
_WIDTHS: Final = (5.84, 4.16)


def show(view: View, chosen: filters.Chosen, row: filters.Bar) -> None:
    """Charts and rankings of what the filter leaves, or why there are none."""
    narrowed = overview.narrowing(view, chosen)
    with st.container(gap="small", key="stfc_overview"):
        if chosen.is_active:
            st.caption(labels.CHARTS_FILTERED)
        left, right = st.columns(_WIDTHS, gap="small")
        with left:
            overview_charts.by_month(view, narrowed)
        with right:
            if not view.weekday_hour().num_rows:
                no_calls(view)
                return
            if not view.weekday_hour(narrowed.calls()).num_rows:
                none_fits(view, row)
                return
            overview_charts.weekday_hour(view, narrowed)
        left, right = st.columns(_WIDTHS, gap="small")
        with left:
            overview_tables.contracts(view, narrowed)
        with right:
            overview_tables.destinations(view, narrowed)


def no_calls(view: View) -> None:
    """No file of the competence was read."""
    month, counts = fmt.month(view.competence), view.coverage()
    words = labels.NO_CALLS_READ_WORDS.format(month=month, parts=waiting(counts))
    steps = []
    if counts.parts[Coverage.TO_BILL]:
        steps.append(states.Step(labels.BILLING.title, url.open_page, (labels.BILLING,)))
    if any(counts.parts[part] for part in _WAITING[1:]):
        steps.append(states.Step(labels.FOLLOW, url.open_page, (labels.TRACKING,)))
    states.empty(labels.NO_CALLS_READ.format(month=month), words, *steps, key="overview")


def waiting(counts: CoverageCounts) -> str:
    """``1.321 contratos sem arquivo: a cobrar 1.300, na fila 21``."""
    parts = [(labels.WAITS_AS[part], counts.parts[part]) for part in _WAITING if counts.parts[part]]
    if not parts:
        return labels.NOBODY_WAITS
    total = fmt.count(sum(number for _, number in parts))
    return f"{total} {labels.CONTRACTS_WAIT.format(parts=', '.join(f'{n} {fmt.count(c)}' for n, c in parts))}"


def none_fits(view: View, row: filters.Bar) -> None:
    """The filter leaves no call of the competence."""
    calls = sum(view.weekday_hour()["calls"].to_pylist())
    words = labels.NO_CALLS_FILTERED_WORDS.format(calls=fmt.counted(calls, *labels.CALL_NOUN))
    steps = [states.Step(labels.CLEAR_FILTER, row.clear)]
    if sought := url.get(filters.SEARCH_PARAMETER):
        steps.append(states.Step(labels.SEARCH_CONTRACTS, _search_contracts, (sought,)))
    states.empty(labels.NO_CALLS_FILTERED.format(month=fmt.month(view.competence)), words, *steps, key="overview")


def _search_contracts(words: str) -> None:
    url.open_page(labels.CONTRACTS, **{filters.SEARCH_PARAMETER: words})
