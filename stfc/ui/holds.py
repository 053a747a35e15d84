"""A held charge on the screen: why it waits, and a manager's *Liberar* and *Rejeitar*, each once (PRODUCT 7).

The page keeps which dialog is open, for it alone knows what else it may show in a run: ``show`` asks, ``confirm`` is
called in every run until ``on_close``.
"""

from collections.abc import Callable
from typing import Final

import streamlit as st

from stfc.domain import text
from stfc.domain.role import Role
from stfc.errors import NotPossibleError
from stfc.services.ports import HoldRow, ItemRow
from stfc.ui import actions, guard, labels, session, states, tracking
from stfc.ui.format import money, month, plain

RELEASE: Final = "release"
REJECT: Final = "reject"
KINDS: Final = (RELEASE, REJECT)
"""The two decisions."""

_DECIDED: Final = "holds_decided"


def may_decide() -> bool:
    """Whether this session may release and reject."""
    return guard.may(Role.MANAGER)


def is_held(item: ItemRow) -> bool:
    """Whether the item waits for a manager."""
    return item.outcome == "held" and not item.reversed


def show(item: ItemRow, ask: Callable[[str], None]) -> None:
    """Why ``item`` is held, above its log; a manager gets the two buttons, anybody else reads who may decide.

    ``ask`` is called with one of ``KINDS``.
    """
    with st.container(horizontal=True, gap="xsmall", vertical_alignment="center", key=f"stfc_hold_{item.batch}"):
        said = f":violet[:material/pan_tool:] {plain(text.item(item))}"
        if not may_decide():
            st.markdown(f"{said}  \n:gray[:material/lock: {refusal()}]", width="stretch")
            return
        st.markdown(said, width="stretch")
        for kind in KINDS:
            st.button(
                labels.HOLD_ACTS[kind],
                key=f"tracking_{kind}_{item.batch}",
                type="primary" if kind == RELEASE else "secondary",
                on_click=ask,
                args=(kind,),
            )


def refusal() -> str:
    """Why the decision is closed to this session's role."""
    role = session.role() or Role.SUPERVISOR
    return labels.HOLDS_REFUSED.format(needed=labels.ROLES[Role.MANAGER], role=labels.ROLES[role])


def confirm(kind: str, batch: int, contract: str, on_close: Callable[[], None]) -> None:
    """The dialog before the decision ``kind`` of the batch's contract, whose charge is looked up anew."""
    found = session.application().holds.pending(batch=batch, contracts=[contract])
    if not found:
        on_close()
        st.toast(labels.HOLD_GONE.format(contract=plain(contract)), icon=":material/info:")
        return
    (hold,) = found
    actions.confirm(
        labels.HOLD_TITLES[kind].format(contract=plain(contract)),
        _facts(hold),
        f"{labels.HOLD_ACTS[kind]} {money(hold.amount)}",
        lambda reason: _decide(kind, hold, reason),
        warning=labels.HOLD_LOCKS[kind],
        needs_reason=True,
        close=labels.BACK,
        on_close=on_close,
    )


def _facts(hold: HoldRow) -> str:
    customer = tracking.names([hold.contract]).get(hold.contract, "")
    facts = labels.REVERSE_ONE_FACTS.format(
        month=month(hold.competence),
        amount=money(hold.amount),
        contract=plain(hold.contract),
        customer=plain(customer),
        batch=hold.batch,
    )
    return f"{facts}  \n:gray[{plain(text.hold_reason(hold.findings))}]"


def _decide(kind: str, hold: HoldRow, reason: str) -> None:
    holds = session.application().holds
    done = (kind, hold.hold)
    try:
        (holds.release if kind == RELEASE else holds.reject)([hold.hold], session.actor(), reason=reason)
    except NotPossibleError as error:
        # The second half of a double click: it says again what the first one did.
        if error.facts["cause"] != "hold_decided" or st.session_state.get(_DECIDED) != done:
            raise
    st.session_state[_DECIDED] = done
    words = labels.HOLD_DONE[kind].format(contract=plain(hold.contract), amount=money(hold.amount))
    states.toast(words)
