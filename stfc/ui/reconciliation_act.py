"""*Conferência*'s acts: release or reject the charges that are marked, or the one that is read, each once."""

from collections.abc import Sequence
from functools import partial
from typing import Final

import streamlit as st

from stfc.errors import NotPossibleError
from stfc.services.ports import HoldRow
from stfc.ui import actions, holds, labels, session, states, tracking, url
from stfc.ui import format as fmt
from stfc.ui.holds import KINDS, REJECT, RELEASE
from stfc.ui.reconciliation import GRID, OPEN_PARAMETER

_DIALOG: Final = "reconciliation_dialog"
_DECIDED: Final = "reconciliation_decided"
_NAMED: Final = 6


def meant(pending: Sequence[HoldRow], shown: HoldRow | None) -> list[HoldRow]:
    """What a decision is about: what is marked and still waits, else the charge that is read."""
    marked = GRID.selected()
    return [one for one in pending if str(one.hold) in marked] or ([shown] if shown else [])


def bar(pending: Sequence[HoldRow], queue: Sequence[HoldRow], shown: HoldRow | None) -> None:
    """The bar at the bottom; who may not decide reads why instead of the buttons."""
    chosen = meant(pending, shown)
    if not chosen:
        return
    if not holds.may_decide():
        actions.bar(_facts(chosen), holds.refusal(), None)
        return
    ids = tuple(one.hold for one in chosen)
    amount = fmt.money(sum(one.amount for one in chosen))
    release, reject = (
        actions.Act(labels.HOLDS_VERBS[kind].format(amount=amount), partial(_ask, kind, ids))
        for kind in (RELEASE, REJECT)
    )
    actions.bar(_facts(chosen), _scope(chosen, queue), release, reject)


def _facts(chosen: Sequence[HoldRow]) -> str:
    amount = fmt.money(sum(one.amount for one in chosen))
    if not GRID.selected() and len(chosen) == 1:
        (one,) = chosen
        return labels.HOLD_OPENED.format(
            contract=fmt.plain(one.contract), month=fmt.month(one.competence), amount=amount
        )
    return labels.HOLDS_CHOSEN.format(holds=fmt.counted(len(chosen), *labels.HOLDS_CHOSEN_NOUN), amount=amount)


def _scope(chosen: Sequence[HoldRow], queue: Sequence[HoldRow]) -> str:
    if not GRID.selected():
        return labels.HOLDS_HINT
    within = {one.hold for one in queue}
    outside = sum(one.hold not in within for one in chosen)
    words = labels.HOLDS_SCOPE_OUTSIDE.format(count=fmt.count(outside)) if outside else ""
    return " · ".join(part for part in (labels.HOLDS_SCOPE, words) if part)


# --- The decision ----------------------------------------------------------------------------------------------------


def _ask(kind: str, ids: tuple[int, ...]) -> None:
    st.session_state[_DIALOG] = (kind, ids)


def dialogs(pending: Sequence[HoldRow]) -> None:
    """Open the dialog that a button asked for, once: a reload opens none."""
    kind, ids = st.session_state.pop(_DIALOG, ("", ()))
    if kind not in KINDS:
        return
    chosen = [one for one in pending if one.hold in ids]
    if not chosen:
        st.toast(labels.HOLDS_GONE, icon=":material/info:")
        return
    amount = fmt.money(sum(one.amount for one in chosen))
    actions.confirm(
        labels.HOLDS_TITLES[kind].format(holds=fmt.counted(len(chosen), *labels.HOLD_NOUN)),
        confirmation(chosen, tracking.names({one.contract for one in chosen})),
        labels.HOLDS_VERBS[kind].format(amount=amount),
        lambda reason: _decide(kind, chosen, reason),
        warning=labels.HOLD_LOCKS[kind],
        needs_reason=True,
        close=labels.BACK,
    )


def confirmation(chosen: Sequence[HoldRow], names: dict[str, str]) -> str:
    """The dialog's facts in Markdown: competences, count, value, and which contracts."""
    months = sorted({one.competence for one in chosen})
    words = "Competência" if len(months) == 1 else "Competências"
    contracts = [fmt.plain(f"{one.contract} {names.get(one.contract, '')}".strip()) for one in chosen]
    listed = ", ".join(contracts[:_NAMED])
    if more := len(contracts) - _NAMED:
        listed = labels.AND_MORE.format(names=listed, count=fmt.count(more)) if more > 0 else listed
    return labels.HOLDS_FACTS.format(
        months=f"{words} **{', '.join(fmt.month(month) for month in months)}**",
        charges=fmt.counted(len(chosen), *labels.CHARGE_NOUN),
        amount=fmt.money(sum(one.amount for one in chosen)),
        contracts=listed,
    )


def _decide(kind: str, chosen: Sequence[HoldRow], reason: str) -> None:
    done = (kind, frozenset(one.hold for one in chosen))
    service = session.application().holds
    try:
        (service.release if kind == RELEASE else service.reject)(sorted(done[1]), session.actor(), reason=reason)
    except NotPossibleError as error:
        # The second half of a double click: the first one did it and said so.
        if error.facts["cause"] == "hold_decided" and st.session_state.get(_DECIDED) == done:
            return
        raise
    st.session_state[_DECIDED] = done
    GRID.select(GRID.selected() - {str(one.hold) for one in chosen})
    if url.get(OPEN_PARAMETER) in {str(one.hold) for one in chosen}:
        url.put({OPEN_PARAMETER: None})
    states.toast(_done(kind, chosen))


def _done(kind: str, chosen: Sequence[HoldRow]) -> str:
    amount = fmt.money(sum(one.amount for one in chosen))
    if len(chosen) == 1:
        return labels.HOLD_DONE[kind].format(contract=fmt.plain(chosen[0].contract), amount=amount)
    return labels.HOLDS_DONE[kind].format(charges=fmt.counted(len(chosen), *labels.CHARGE_NOUN), amount=amount)
