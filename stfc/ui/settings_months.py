"""The life of the competences on the screen: state, totals, checksum; close and reopen."""

from typing import Any, Final

import streamlit as st

from stfc.domain.competence import Competence
from stfc.domain.month import MonthState
from stfc.services.months import Month
from stfc.ui import actions, labels, session, states, tables
from stfc.ui import format as fmt
from stfc.ui.tables import Column

_MONTHS: Final = (
    Column("month", "Competência", 0),
    Column("state", "Situação", 0, words=labels.MONTH_STATES),
    Column("contracts", "Cobrados", 0, unit="count"),
    Column("eligible", "Ainda na lista", 0, unit="count"),
    Column("calls", "Ligações", 0, unit="count"),
    Column("amount", "Valor", 0, unit="money"),
    Column("closed", "Fechada em", 0),
    Column("checksum", "Soma", 0),
)


def show() -> None:
    """The table, and the act on the month that is picked."""
    found = session.application().months.all()
    if not found:
        states.empty(labels.MONTHS_EMPTY, labels.MONTHS_EMPTY_WORDS, key="months")
        return
    tables.small([row(one) for one in found], _MONTHS, alt=labels.MONTHS_TAB)
    by_name = {str(one.row.competence): one for one in found}
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom", key="stfc_months_act"):
        name = st.selectbox(labels.MONTH_PICK, list(by_name), format_func=_month_words, key="months_pick", width=200)
        chosen = by_name[name]
        words = labels.REOPEN_MONTH if chosen.row.closing else labels.CLOSE_MONTH
        if st.button(words.format(month=fmt.month(chosen.row.competence)), type="primary", key="months_act"):
            _ask(chosen)
    if chosen.row.closing:
        month = fmt.month(chosen.row.competence)
        st.markdown(labels.CHECKSUM.format(month=month, checksum=chosen.row.closing.checksum))


def row(month: Month) -> dict[str, Any]:
    """A competence as the table has it."""
    closing = month.row.closing
    return {
        "month": fmt.month(month.row.competence),
        "state": month.state.value,
        "contracts": _billed(month),
        "eligible": month.eligible,
        "calls": month.row.calls,
        "amount": month.row.amount,
        "closed": f"{fmt.moment(closing.at)}, {closing.by}" if closing else fmt.NOTHING,
        "checksum": closing.checksum[:12] if closing else fmt.NOTHING,
    }


def _billed(month: Month) -> int:
    return month.row.standing.get("charged", 0) + month.row.standing.get("zero", 0)


def _month_words(name: str) -> str:
    return fmt.month(Competence.parse(name))


def _ask(month: Month) -> None:
    is_closed = month.state is MonthState.CLOSED
    words = labels.REOPEN_MONTH if is_closed else labels.CLOSE_MONTH
    title = words.format(month=fmt.month(month.row.competence))
    actions.confirm(
        title,
        labels.MONTH_FACTS.format(
            month=fmt.month(month.row.competence),
            contracts=fmt.counted(_billed(month), "cobrança", "cobranças"),
            amount=fmt.money(month.row.amount),
            calls=fmt.counted(month.row.calls, "ligação", "ligações"),
        ),
        title,
        lambda reason: _act(month.row.competence, reason, is_closed=is_closed),
        warning=labels.REOPEN_WARNING if is_closed else labels.CLOSE_WARNING,
        needs_reason=is_closed,
    )


def _act(competence: Competence, reason: str, *, is_closed: bool) -> None:
    service, words = session.application().months, fmt.month(competence)
    if is_closed:
        service.reopen(competence, session.actor(), reason=reason)
        states.toast(labels.MONTH_REOPENED.format(month=words))
    else:
        service.close(competence, session.actor())
        states.toast(labels.MONTH_CLOSED.format(month=words))
