"""The competence that every screen shows, kept in the URL as ``?competencia=2026-10``."""

from datetime import UTC, datetime

import streamlit as st

from stfc.domain.competence import Competence
from stfc.errors import InvalidInputError
from stfc.ui import labels
from stfc.ui.format import ZONE, month

PARAMETER = "competencia"
_REMEMBERED = "stfc_competence"
_MONTHS_BACK = 23


def bind() -> None:
    """Tie the competence to the URL; once a run, from the entry script, so that it survives page changes.

    The field itself is never seen (``style.css``): the stepper writes it.
    """
    first = _REMEMBERED not in st.session_state
    if first and _parsed(st.query_params.get(PARAMETER)) is None:
        # A link copied from the first view must already carry its month.
        st.session_state[PARAMETER] = str(default())
        st.query_params[PARAMETER] = str(default())
    elif not first and _parsed(st.session_state.get(PARAMETER)) is None:
        st.session_state[PARAMETER] = st.session_state[_REMEMBERED]
    written = st.text_input(labels.COMPETENCE, key=PARAMETER, bind="query-params", label_visibility="collapsed")
    if _parsed(written) is not None:
        st.session_state[_REMEMBERED] = written


def current() -> Competence:
    """The competence of this view."""
    return _parsed(st.session_state.get(PARAMETER)) or _parsed(st.session_state.get(_REMEMBERED)) or default()


def default() -> Competence:
    """The last month that has ended, in America/Sao_Paulo: the one that is being billed."""
    return Competence.of(datetime.now(UTC).astimezone(ZONE).date()).plus(-1)


def go(competence: Competence) -> None:
    """Show another competence; for callbacks (a widget's value cannot change after it is drawn)."""
    st.session_state[PARAMETER] = str(competence)


def stepper() -> None:
    """Previous, the month with a list of months, next: three joined buttons."""
    chosen = current()
    with st.container(horizontal=True, gap=None, width="content", key="competence_stepper"):
        st.button(
            labels.PREVIOUS_MONTH,
            key="competence_previous",
            icon=":material/chevron_left:",
            on_click=go,
            args=(chosen.plus(-1),),
        )
        # Another month is another popover, so that choosing one closes it and the screen is seen.
        with (
            st.container(width="content", key="competence_months"),
            st.popover(month(chosen), key=f"competence_open_{chosen}"),
        ):
            months("competence_list")
        st.button(
            labels.NEXT_MONTH,
            key="competence_next",
            icon=":material/chevron_right:",
            on_click=go,
            args=(chosen.plus(1),),
        )


def months(name: str) -> None:
    """A list of months to go to; ``name`` tells several on one screen apart."""
    chosen = current()
    last = max(default().plus(1), chosen)
    # Text, not competences: Streamlit takes what has ``in`` for a list of defaults.
    options = [str(last.plus(-back)) for back in range(_MONTHS_BACK + 1)]
    if str(chosen) not in options:
        options.append(str(chosen))
    key = f"{name}_{chosen}"
    st.pills(
        labels.COMPETENCE,
        options,
        default=str(chosen),
        required=True,
        format_func=lambda text: month(Competence.parse(text)),
        key=key,
        on_change=lambda: go(Competence.parse(st.session_state[key])),
    )


def _parsed(text: object) -> Competence | None:
    try:
        return Competence.parse(text) if isinstance(text, str) else None
    except InvalidInputError:
        return None
