"""Acts: the bar at the bottom, confirmation with its facts, and keys that make a double click harmless."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import streamlit as st

from stfc.errors import StfcError
from stfc.ui import labels, server


@dataclass(frozen=True)
class Act:
    """A button of the bar: its words state the effect with numbers."""

    label: str
    on_click: Callable[[], None]
    icon: str | None = None
    disabled: bool = False


def bar(facts: str, scope: str, primary: Act | None, *secondary: Act) -> None:
    """The action bar: facts (Markdown, bold figures) over a gray scope line at the left, buttons at the right.

    Who may not act gets no ``primary``; the scope line then says why."""
    with st.bottom, st.container(horizontal=True, gap="small", vertical_alignment="center", key="stfc_action_bar"):
        st.markdown(f"{facts}  \n:gray[{scope}]", width="stretch")
        for number, act in enumerate(secondary):
            _button(act, f"action_secondary_{number}", is_primary=False)
        if primary:
            _button(primary, "action_primary", is_primary=True)


def request_key(name: str) -> str:
    """A key for one intended act, the same until ``done`` is called: a second click or tab of it acts once only."""
    return str(st.session_state.setdefault(f"stfc_request_{name}", uuid.uuid4().hex))


def done(name: str) -> None:
    """The act is done: the next one gets a new key."""
    st.session_state.pop(f"stfc_request_{name}", None)


def confirm(
    title: str,
    facts: str,
    verb: str,
    act: Callable[[str], None],
    *,
    warning: str = "",
    needs_reason: bool = False,
    close: str = labels.CANCEL,
    on_close: Callable[[], None] | None = None,
) -> None:
    """Open the dialog that repeats competence, count and value before an act that costs money or cannot be undone.

    Args:
        title: what is about to happen.
        facts: Markdown with the bold facts.
        verb: the button's words: verb and value.
        act: called with the reason (empty when none is needed); the dialog closes after it.
        warning: what follows from it, in gray.
        needs_reason: whether a reason is required (it goes into the audit trail).
        close: the words of the button that leaves without acting.
        on_close: called when the dialog closes, in whatever way; for a page that opens it again on every run.
    """

    @st.dialog(title, width="small", on_dismiss=on_close or "ignore")
    def dialog() -> None:
        st.markdown(facts)
        reason = ""
        if needs_reason:
            reason = st.text_area(labels.REASON, key="stfc_confirm_reason", max_chars=500).strip()
        if warning:
            st.caption(f":material/lock: {warning}")
        with st.container(horizontal=True, horizontal_alignment="right", gap="xsmall"):
            if st.button(close, key="stfc_confirm_no", on_click=on_close):
                st.rerun()
            confirmed = st.button(verb, key="stfc_confirm_yes", type="primary")
        if not confirmed:
            return
        # What is said from here on stands below the buttons, not squeezed in beside them.
        if needs_reason and not reason:
            st.markdown(f":red[{labels.REASON_MISSING}]")
            return
        try:
            act(reason)
        except StfcError as error:
            # Said here: a dialog's run has no entry script around it.
            server.show_fault(error)
            return
        if on_close:
            on_close()
        st.rerun()

    dialog()


def drawer(
    title: str,
    body: Callable[[], None],
    *,
    width: int = 620,
    on_dismiss: Literal["ignore", "rerun"] | Callable[[], None] = "ignore",
) -> None:
    """Open a right-hand drawer; one dialog a run. ``title`` is Markdown: escape data in it.

    A page that opens it by the address hands in a callback that takes it out of there, as ``on_dismiss``.
    """

    @st.dialog(title, position="right", width=width, on_dismiss=on_dismiss)
    def panel() -> None:
        body()

    panel()


def leave(label: str, key: str, act: Callable[..., None], args: tuple[Any, ...] = ()) -> None:
    """A button in a drawer that leads out of it: ``act`` changes the address, then the whole page runs, not the drawer
    alone."""
    if st.button(label, key=key, on_click=act, args=args):
        st.rerun()


def _button(act: Act, key: str, *, is_primary: bool) -> None:
    st.button(
        act.label,
        key=key,
        type="primary" if is_primary else "secondary",
        icon=act.icon,
        disabled=act.disabled,
        on_click=act.on_click,
    )
