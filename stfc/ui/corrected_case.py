"""A corrected file on the screen: what was charged, what it comes to, the difference by class and call (PRODUCT 5)."""

from collections.abc import Sequence
from typing import Any, Final

import streamlit as st

from stfc.domain import text
from stfc.domain.correction import CallChange, FileDifference
from stfc.domain.masking import mask_number
from stfc.errors import StfcError
from stfc.services.corrected_files import CorrectedFile
from stfc.services.ports import CorrectionRow
from stfc.ui import format as fmt
from stfc.ui import labels, reconciliation_case, session, states, tables, tracking
from stfc.ui.tables import Column

_FETCHED: Final = "corrected_fetched"
_LISTED: Final = 10
_CLASSES: Final = (
    Column("class", "Classe", 0),
    Column("calls", "Ligações", 0, right=True),
    Column("before", "Cobrado", 0, show=fmt.money_cut, right=True),
    Column("after", "Corrigido", 0, show=fmt.money_cut, right=True),
    Column("more", "Diferença", 0, unit="money", show=fmt.signed_money),
)
_CALLS: Final = (
    Column("change", "Mudança", 0),
    Column("started_at", "Início", 0, unit="moment"),
    Column("called", "Chamado", 0),
    Column("class", "Classe", 0),
    Column("before", "Cobrado", 0, unit="micros"),
    Column("after", "Corrigido", 0, unit="micros"),
)


def fetched(row: CorrectionRow) -> CorrectedFile | StfcError:
    """The file, asked of the platform once while the month stays as it is; or why there is none."""
    view = session.application().views.view(row.competence)
    key = (row.correction, view.snapshot, view.revision)
    kept: tuple[object, CorrectedFile | StfcError] | None = st.session_state.get(_FETCHED)
    if kept and kept[0] == key:
        return kept[1]
    found: CorrectedFile | StfcError
    try:
        with st.spinner(labels.CORRECTED_FETCHING):
            found = session.application().corrected_files.difference(row.correction)
    except StfcError as error:
        # Kept as well: a platform that is down is not asked at every click.
        found = error
    st.session_state[_FETCHED] = (key, found)
    return found


def again() -> None:
    """Ask the platform anew; for callbacks."""
    st.session_state.pop(_FETCHED, None)


def show(row: CorrectionRow, found: CorrectedFile | StfcError) -> None:
    """The file's card."""
    customer = tracking.names([row.contract]).get(row.contract, "")
    with st.container(border=True, gap="small", key="stfc_case"):
        with st.container(horizontal=True, gap="xsmall", vertical_alignment="center"):
            name = f"{customer} · {row.contract}" if customer else row.contract
            st.header(f"{fmt.plain(name)} · {fmt.month(row.competence)}", anchor=False, width="stretch")
            st.markdown(states.badge("corrected", labels.OUTCOME["corrected"]), width="content")
        if isinstance(found, StfcError):
            states.fault(found, states.Step(labels.TRY_AGAIN, again), key="corrected")
            return
        _figures(found)
        st.markdown(f":orange[:material/difference:] {said(found)}")
        reconciliation_case.ways(row.contract, row.competence, row.batch)
        _difference(found.difference)


def _figures(found: CorrectedFile) -> None:
    seen = labels.CORRECTED_SEEN.format(when=fmt.moment(found.row.seen_at))
    earlier = labels.CORRECTED_SETTLED.format(amount=fmt.signed_money(found.settled)) if found.settled else ""
    three = (
        (labels.CORRECTED_CHARGED, fmt.money(found.charged), earlier or labels.CORRECTED_BY_FILE),
        (labels.CORRECTED_NOW, fmt.money(found.amount), seen),
        (labels.CORRECTED_CHANGE, fmt.signed_money(found.change), calls_words(found.difference.calls)),
    )
    for place, (label, value, words) in zip(st.columns(3, gap="xsmall"), three, strict=True):
        with place.container(border=True, gap=None, height="stretch", key=f"stfc_figure_{label[:4].lower()}"):
            st.metric(label, value)
            st.caption(words)


def calls_words(calls: Sequence[CallChange]) -> str:
    """How many calls the corrected file has otherwise: ``3 ligações diferentes``."""
    return fmt.counted(len(calls), *labels.CORRECTED_CALLS_NOUN)


def said(found: CorrectedFile) -> str:
    """What may be done about it and why, in a sentence."""
    first = found.remedies[0]
    return labels.CORRECTED_SAYS[first].format(
        month=fmt.month(found.row.competence), into=fmt.month(found.into), amount=fmt.money(abs(found.change))
    )


def class_rows(found: FileDifference) -> list[dict[str, Any]]:
    """The classes that differ as the table has them, the largest difference first."""
    rows: list[dict[str, Any]] = [
        {
            "class": labels.CALL_CLASSES.get(one.call_class, one.call_class),
            "calls": f"{fmt.count(one.calls_before)} → {fmt.count(one.calls_after)}",
            "before": one.before,
            "after": one.after,
            "more": _centavos(one.after - one.before),
        }
        for one in found.classes
        if (one.calls_before, one.before) != (one.calls_after, one.after)
    ]
    return sorted(rows, key=lambda row: -abs(row["more"]))


def call_rows(calls: Sequence[CallChange]) -> list[dict[str, Any]]:
    """The calls as the table has them, numbers masked."""
    return [
        {
            "change": text.CALL_CHANGES[one.change],
            "started_at": one.call.started_at,
            "called": mask_number(one.call.called),
            "class": labels.CALL_CLASSES.get(one.call.call_class, one.call.call_class),
            "before": one.before.amount if one.before else None,
            "after": one.after.amount if one.after else None,
        }
        for one in calls
    ]


def _difference(found: FileDifference) -> None:
    rows = class_rows(found)
    if rows:
        tables.small(rows, _CLASSES, alt=labels.BY_CLASS)
    if same := len(found.classes) - len(rows):
        st.caption(labels.CORRECTED_SAME.format(classes=fmt.counted(same, *labels.CORRECTED_CLASS_NOUN)))
    if not found.calls:
        st.caption(labels.CORRECTED_NO_CALLS)
        return
    tables.small(call_rows(found.calls[:_LISTED]), _CALLS, alt=labels.BY_CALL)
    if len(found.calls) > _LISTED:
        st.caption(labels.MORE.format(count=fmt.count(len(found.calls) - _LISTED)))


def _centavos(micros: int) -> int:
    """Cut, in both directions."""
    return abs(micros) // 10_000 * (1 if micros > 0 else -1)
