"""Numbers in full, for those who may and with a reason: one record's in its drawer, a whole selection's in a file.

What is revealed is drawn in the run that revealed it and kept nowhere: the next run has it masked again (PRODUCT 9).
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import pyarrow as pa
import streamlit as st

from stfc.domain.competence import Competence
from stfc.domain.role import Role
from stfc.errors import StfcError
from stfc.services.ports import ExportFormat, TableSource
from stfc.services.queries import CallQuery
from stfc.ui import actions, downloads, guard, labels, server, session
from stfc.ui import format as fmt

FILE: Final = "registros-completos"
"""The name of the file with numbers in full."""
_FORM: Final = "calls_reveal_form"


# --- One record ------------------------------------------------------------------------------------------------------


def one(competence: Competence, call: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The act *Revelar número* of a record; the record in full in the run that reveals it, otherwise None."""
    if not guard.may(Role.OPERATOR):
        return None
    place = st.empty()
    # A form, for a popover would stay open over what it reveals.
    with place.container(border=True, key="stfc_reveal"), st.form("reveal", border=False, enter_to_submit=False):
        reason = st.text_input(labels.REASON, key="reveal_reason", max_chars=500).strip()
        st.caption(labels.REVEAL_HINT)
        pressed = st.form_submit_button(labels.REVEAL, icon=":material/visibility:", key="reveal_act")
        if pressed and not reason:
            st.markdown(f":red[{labels.REASON_MISSING}]")
    if not pressed or not reason:
        return None
    try:
        found = _revealed(competence, call, reason)
    except StfcError as error:
        # Said here: a drawer's run has no entry script around it.
        server.show_fault(error)
        return None
    place.caption(f":material/visibility: {labels.REVEALED if found else labels.UNKNOWN_CALL}")
    return found


def _revealed(competence: Competence, call: Mapping[str, Any], reason: str) -> Mapping[str, Any] | None:
    asked = CallQuery(contracts=(call["contract"],), call_id=call["call_id"], limit=1)
    found = session.application().call_search.reveal(competence, asked, session.actor(), reason=reason)
    return next(iter(found.table.to_pylist()), None)


# --- A selection -----------------------------------------------------------------------------------------------------


def offer(
    competence: Competence,
    asked: CallQuery,
    words: str,
    rows: int,
    make: Callable[[Iterator[pa.Table]], TableSource],
) -> None:
    """*Exportar com números completos*, for managers: a form is chosen, the dialog asks for the reason.

    ``words`` are the filter's, ``rows`` how many match, ``make`` gives the file's rows from the calls' own.
    """
    if not guard.may(Role.MANAGER):
        return
    with st.popover(labels.REVEAL_EXPORT, icon=":material/visibility:", key=downloads.popover_key(FILE)):
        for name, said in labels.DOWNLOAD_FORMS.items():
            form = ExportFormat(name)
            downloads.offer(f"{FILE}_{form}", said, form, rows, _choose, (form,))
    if chosen := st.session_state.pop(_FORM, None):
        _ask(competence, asked, words, rows, chosen, make)


def show_file() -> None:
    """The file on its way or ready, for a manager."""
    if guard.may(Role.MANAGER):
        downloads.show(FILE)


def _choose(form: ExportFormat) -> None:
    st.session_state[_FORM] = form
    downloads.fold(FILE)


def _ask(
    competence: Competence,
    asked: CallQuery,
    words: str,
    rows: int,
    form: ExportFormat,
    make: Callable[[Iterator[pa.Table]], TableSource],
) -> None:
    def act(reason: str) -> None:
        found = session.application().call_search.reveal_all(competence, asked, session.actor(), reason=reason)
        downloads.begin(FILE, form, lambda: make(found.stream()), found.calls)

    month = labels.REVEAL_EXPORT_MONTH.format(month=fmt.month(competence))
    facts = labels.REVEAL_EXPORT_FACTS.format(
        calls=fmt.counted(rows, *labels.CALL_NOUN),
        month=labels.REVEAL_EXPORT_ALL if asked.since or asked.until else month,
        form=labels.DOWNLOAD_FORMS[form],
        filter=fmt.plain(words) or labels.REVEAL_EXPORT_WHOLE,
    )
    actions.confirm(
        labels.REVEAL_EXPORT, facts, labels.REVEAL_EXPORT, act, warning=labels.REVEAL_EXPORT_WARNING, needs_reason=True
    )
