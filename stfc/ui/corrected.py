"""*Arquivos corrigidos*: files that the platform replaced after they were charged, and how a manager settles each, once
(PRODUCT 5). The address: ``corrigido`` is the one that is read.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Final

import pyarrow as pa
import streamlit as st

from stfc.domain import text
from stfc.domain.competence import Competence
from stfc.domain.correction import Remedy
from stfc.domain.money import plain
from stfc.domain.role import Role
from stfc.errors import NotPossibleError, StfcError
from stfc.services.corrected_files import CorrectedFile
from stfc.services.ports import CorrectionRow, SettledCorrection
from stfc.ui import actions, competence, corrected_case, guard, labels, session, states, tables, tracking, url
from stfc.ui import format as fmt
from stfc.ui.contract_case import page_of
from stfc.ui.tables import Column

OPEN_PARAMETER: Final = "corrigido"
_DIALOG: Final = "corrected_dialog"
_DECIDED: Final = "corrected_decided"
_UNDO: Final = "undo"
_LISTED: Final = 6
GRID: Final = tables.Grid(
    "corrigidos",
    id="correction",
    noun=labels.CORRECTED_NOUN,
    sort="competence",
    descending=True,
    visible=9,
    alt="Arquivos corrigidos",
    columns=(
        Column("contract", "Contrato", 72, opens=True, help=labels.OPEN_CORRECTED),
        Column("competence", "Mês", 60, show=lambda one: fmt.month_short(Competence.parse(one))),
        Column("customer", "Cliente", 122),
        Column("charged", "Cobrado", 92, unit="money"),
        Column("announced", "Anunciado", 92, unit="money"),
        Column("seen_at", "Visto em", 0, unit="moment", shown=False),
        Column("correction", "Número", 0, unit="count", shown=False),
        Column("sha256", "sha256", 0, shown=False),
    ),
)


# --- The list --------------------------------------------------------------------------------------------------------


def show(pending: Sequence[CorrectionRow]) -> None:
    """The list at the left with what was settled below it, at the right the file that is read; its acts at the foot."""
    if not pending:
        _nothing()
        _settled()
        return
    table = rows(pending, tracking.names({one.contract for one in pending}))
    page = page_of(table, GRID.window())
    row = opened(pending, page.table.column("correction").to_pylist())
    left, right = st.columns([5.0, 7.0], gap="small")
    with left:
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.markdown(f":gray[{labels.CORRECTED_HEAD.format(count=fmt.count(len(pending)))}]", width="stretch")
            _check_button()
        GRID.show(page, on_open=open_file, export=lambda: table)
        _settled()
    with right:
        found = corrected_case.fetched(row)
        corrected_case.show(row, found)
    if isinstance(found, CorrectedFile):
        _bar(found)


def rows(pending: Sequence[CorrectionRow], names: Mapping[str, str]) -> pa.Table:
    """The list as the grid and the download have it; ``names`` are the customers by contract."""
    columns = [
        ("correction", pa.int64(), [one.correction for one in pending]),
        ("contract", pa.string(), [one.contract for one in pending]),
        ("competence", pa.string(), [str(one.competence) for one in pending]),
        ("customer", pa.string(), [names.get(one.contract, "") for one in pending]),
        ("charged", pa.int64(), [one.charged for one in pending]),
        ("announced", pa.int64(), [one.announced for one in pending]),
        ("seen_at", pa.timestamp("us", "UTC"), [one.seen_at for one in pending]),
        ("sha256", pa.string(), [one.sha256 for one in pending]),
    ]
    return pa.table({name: pa.array(values, kind) for name, kind, values in columns})


def opened(pending: Sequence[CorrectionRow], page: Sequence[int]) -> CorrectionRow:
    """The file that is read: the address's, else the first of the page."""
    by_number = {str(one.correction): one for one in pending}
    wanted = (url.get(OPEN_PARAMETER), *(str(one) for one in page[:1]))
    return next((by_number[one] for one in wanted if one in by_number), pending[0])


def open_file(correction: str) -> None:
    """Read another file; for callbacks."""
    url.put({OPEN_PARAMETER: correction})


def _nothing() -> None:
    look = states.Step(labels.CHECK_FILES, _check, icon=":material/refresh:")
    words = labels.NO_CORRECTED_WORDS.format(month=fmt.month(competence.current()))
    steps = (look,) if guard.may(Role.OPERATOR) else ()
    states.empty(labels.NO_CORRECTED, words, *steps, key="corrected")


def _check_button() -> None:
    if guard.may(Role.OPERATOR):
        st.button(
            labels.CHECK_FILES,
            key="corrected_check",
            type="tertiary",
            icon=":material/refresh:",
            help=labels.CHECK_FILES_HELP.format(month=fmt.month(competence.current())),
            on_click=_check,
        )


def _check() -> None:
    """Ask the platform for the month's listing; for callbacks."""
    try:
        found = session.application().corrected_files.check(competence.current(), session.actor())
    except StfcError as error:
        states.toast(text.error(error), icon=":material/error:")
        return
    states.toast(text.files_checked(found.competence, found.listed, found.noticed))


# --- What was settled ------------------------------------------------------------------------------------------------


def _settled() -> None:
    every = session.application().corrected_files.settled()[:_LISTED]
    if not every:
        return
    st.header(labels.CORRECTED_DONE, anchor=False)
    for one in every:
        with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
            st.markdown(settled_words(one), width="stretch")
            if may_undo(one) and guard.may(Role.MANAGER):
                st.button(
                    labels.UNDO,
                    key=f"corrected_undo_{one.row.correction}",
                    type="tertiary",
                    icon=":material/undo:",
                    help=labels.UNDO_HELP.format(contract=one.row.contract),
                    on_click=_ask,
                    args=(_UNDO, one.row.correction),
                )


def settled_words(one: SettledCorrection) -> str:
    """What was done, by whom, when and why; Markdown."""
    done = {
        "how": one.decision.remedy.value,
        "contract": one.row.contract,
        "batch": one.decision.batch,
        "value_id": one.decision.value_id,
        "amount": None if one.decision.amount is None else plain(one.decision.amount),
        "into": str(one.decision.into) if one.decision.into else None,
    }
    by = labels.CORRECTED_BY.format(who=fmt.plain(one.who), when=fmt.moment(one.at), reason=fmt.plain(one.reason))
    month = fmt.month_short(one.row.competence)
    return f"{fmt.plain(text.file_settled(done))}  \n:gray[{month} · {by}]"


def may_undo(one: SettledCorrection) -> bool:
    """Whether the decision can be taken back, as far as the ledger knows."""
    return one.decision.remedy is not Remedy.CHARGE_AGAIN and not one.is_over


# --- The acts --------------------------------------------------------------------------------------------------------


def _bar(found: CorrectedFile) -> None:
    facts = labels.CORRECTED_OPENED.format(
        contract=fmt.plain(found.row.contract),
        month=fmt.month(found.row.competence),
        amount=fmt.signed_money(found.change),
    )
    if not guard.may(Role.MANAGER):
        role = session.role() or Role.SUPERVISOR
        needed = labels.ROLES[Role.MANAGER]
        actions.bar(facts, labels.CORRECTED_REFUSED.format(needed=needed, role=labels.ROLES[role]), None)
        return
    primary, *others = (
        actions.Act(verb(remedy, found), partial(_ask, remedy.value, found.row.correction)) for remedy in found.remedies
    )
    actions.bar(facts, labels.CORRECTED_HINT, primary, *others)


def verb(remedy: Remedy, found: CorrectedFile) -> str:
    """The button's words, with the money that moves."""
    return labels.CORRECTED_VERBS[remedy].format(
        amount=fmt.money(abs(found.change)), total=fmt.money(found.amount), into=fmt.month_short(found.into)
    )


def preview(remedy: Remedy, found: CorrectedFile) -> str:
    """What the decision does to the money; Markdown."""
    return labels.CORRECTED_FACTS[remedy].format(
        contract=fmt.plain(found.row.contract),
        month=fmt.month(found.row.competence),
        charged=fmt.money(found.charged),
        total=fmt.money(found.amount),
        amount=fmt.money(abs(found.change)),
        change=fmt.signed_money(found.change),
        into=fmt.month(found.into),
    )


def _ask(kind: str, correction: int) -> None:
    st.session_state[_DIALOG] = (kind, correction)


def dialogs(pending: Sequence[CorrectionRow]) -> None:
    """Open the dialog that a button asked for, once: a reload opens none."""
    kind, correction = st.session_state.pop(_DIALOG, ("", 0))
    if kind == _UNDO:
        _confirm_undo(correction)
        return
    row = next((one for one in pending if one.correction == correction), None)
    if row is None or not kind:
        if kind:
            st.toast(labels.CORRECTED_GONE, icon=":material/info:")
        return
    found = corrected_case.fetched(row)
    if not isinstance(found, CorrectedFile):
        return
    remedy = Remedy(kind)
    actions.confirm(
        labels.CORRECTED_TITLES[remedy],
        preview(remedy, found),
        verb(remedy, found),
        lambda reason: _settle(remedy, found, reason),
        warning=labels.CORRECTED_LOCKS[remedy],
        needs_reason=True,
        close=labels.BACK,
    )


def _settle(remedy: Remedy, found: CorrectedFile, reason: str) -> None:
    done = (remedy, found.row.correction)
    service = session.application().corrected_files
    try:
        decided = service.settle(found.row.correction, remedy, session.actor(), reason=reason, expected=found.change)
    except NotPossibleError as error:
        # The second half of a double click: the first one did it and said so.
        if error.facts["cause"] == "correction_decided" and st.session_state.get(_DECIDED) == done:
            return
        raise
    st.session_state[_DECIDED] = done
    url.put({OPEN_PARAMETER: None})
    states.toast(
        labels.CORRECTED_TOASTS[remedy].format(
            contract=fmt.plain(decided.contract),
            batch=decided.batch,
            amount=fmt.money(decided.amount),
            into=fmt.month(decided.into) if decided.into else "",
        )
    )


def _confirm_undo(correction: int) -> None:
    found = [one for one in session.application().corrected_files.settled() if one.row.correction == correction]
    if not found:
        st.toast(labels.CORRECTED_GONE, icon=":material/info:")
        return
    actions.confirm(
        labels.UNDO_TITLE,
        settled_words(found[0]),
        labels.UNDO,
        partial(_undo, found[0]),
        warning=labels.UNDO_LOCKS,
        needs_reason=True,
        close=labels.BACK,
    )


def _undo(one: SettledCorrection, reason: str) -> None:
    done = (_UNDO, one.row.correction, one.at)
    try:
        session.application().corrected_files.undo(one.row.correction, session.actor(), reason=reason)
    except NotPossibleError as error:
        if error.facts["cause"] == "correction_undo_over" and st.session_state.get(_DECIDED) == done:
            return
        raise
    st.session_state[_DECIDED] = done
    states.toast(text.fill(text.CORRECTION_UNDONE, {"contract": one.row.contract}))
