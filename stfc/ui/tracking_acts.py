"""What an operator does to a batch: retry, cancel, reverse; each acts once however often it is clicked.

The callbacks here end in a run of the whole page: its notices and dialogs stand outside the part that refreshes itself,
which would take an open dialog away at its next turn.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import streamlit as st

from stfc.domain.role import Role
from stfc.services.ports import BatchSummary, ItemRow
from stfc.ui import actions, guard, holds, labels, selection, session, states, tracking, url
from stfc.ui.format import count, counted, moment, money, month, plain

_ASKED: Final = "tracking_asked"
_ACTED: Final = "tracking_acted"
_RETRIED: Final = "tracking_retried"
_CHOSEN: Final = "tracking_chosen"
_NAMED: Final = 5
"""So many contracts a dialog names before it counts the others."""


@dataclass(frozen=True)
class _Question:
    """The dialog that is open: ``kind`` is ``cancel`` or ``reverse``, of the batch or of ``contracts``, or a decision
    of ``holds.KINDS`` on one contract."""

    kind: str
    batch: int
    contracts: tuple[str, ...] | None = None


def may_act() -> bool:
    """Whether this session may retry, cancel and reverse."""
    return guard.may(Role.OPERATOR)


def refusal() -> str:
    """Why the acts are closed to this session's role."""
    role = session.role()
    return labels.ACTS_REFUSED.format(
        needed=labels.ROLES[Role.OPERATOR], role=labels.ROLES[role] if role else labels.ROLES[Role.SUPERVISOR]
    )


def acted() -> int:
    """How many acts this session has begun, for the keys of what closes after one."""
    return int(st.session_state.get(_ACTED, 0))


def chosen(batch: int) -> selection.Ids:
    """The contracts that are marked in the batch's list."""
    marked: tuple[int, selection.Ids] = st.session_state.get(_CHOSEN, (batch, frozenset()))
    return marked[1] if marked[0] == batch else frozenset()


def choose(batch: int, contracts: selection.Ids) -> None:
    """Mark exactly ``contracts``; those marked in another batch are forgotten."""
    st.session_state[_CHOSEN] = (batch, contracts)


# --- Callbacks --------------------------------------------------------------------------------------------------------


def retry(batch: int, codes: Sequence[str]) -> None:
    """Try the batch's contracts with ``codes`` again."""
    number = session.application().billing.retry(batch, session.actor(), codes=codes) if codes else 0
    _retried(batch, tuple(codes), number)


def retry_one(batch: int, contract: str) -> None:
    """Try one contract of the batch again."""
    _retry_contracts(batch, (contract,))


def retry_chosen(batch: int) -> None:
    """Try again those of the marked contracts that a retry takes up; then nothing is marked."""
    if contracts := tuple(sorted(chosen(batch))):
        choose(batch, frozenset())
        _retry_contracts(batch, contracts)


def _retry_contracts(batch: int, contracts: tuple[str, ...]) -> None:
    # Read again by contract: what is on the screen may be older than what happened since.
    items = [row.item for row in items_of(batch, contracts) if tracking.can_retry(row)]
    number = session.application().billing.retry(batch, session.actor(), items=items) if items else 0
    _retried(batch, contracts, number)


def _retried(batch: int, what: tuple[str, ...], number: int) -> None:
    asked = (batch, what)
    if number:
        words = labels.RETRIED.format(contracts=tracking.contracts_words(number), batch=batch)
        st.session_state[_RETRIED] = asked, words
        states.toast(words)
    elif st.session_state.get(_RETRIED, (None, ""))[0] == asked:
        # The second half of a double click: it says again what the first one did.
        states.toast(st.session_state[_RETRIED][1])
    else:
        states.toast(labels.NOTHING_RETRIED.format(batch=batch), ":material/info:")
    _run_page()


def retry_failed(batch: int) -> None:
    """Try again what failed; what waits for its file is left alone."""
    causes = session.application().batches.causes(batch)
    retry(batch, sorted({code for code, outcome, _ in causes if outcome == "failed"}))


def resume(batches: Sequence[int]) -> None:
    """Lift the batches' pauses; no contract is touched."""
    for batch in batches:
        session.application().billing.retry(batch, session.actor(), items=())
    words = labels.RESUMED.format(batches=counted(len(batches), *labels.BATCH_NOUN))
    states.toast(words, ":material/play_arrow:")
    _run_page()


def ask_cancel(batch: int) -> None:
    """Open the question before cancelling what has not started."""
    _ask(_Question("cancel", batch))


def can_reverse(item: ItemRow) -> bool:
    """Whether this session may reverse the contract's charge: a held one is for a manager to decide (PRODUCT 7)."""
    needed = Role.MANAGER if item.outcome == "held" else Role.OPERATOR
    return tracking.can_reverse(item) and guard.may(needed)


def ask_reverse(batch: int, contract: str | None = None) -> None:
    """Open the question before reversing the batch's charges, or the one of ``contract``."""
    _ask(_Question("reverse", batch, None if contract is None else (contract,)))


def ask_reverse_chosen(batch: int) -> None:
    """Open the question before reversing the charges of the marked contracts."""
    _ask(_Question("reverse", batch, tuple(sorted(chosen(batch)))))


def ask_decision(batch: int, contract: str, kind: str) -> None:
    """Open the question before a held charge is released or rejected (``holds.KINDS``)."""
    _ask(_Question(kind, batch, (contract,)))


def open_page(page: labels.PageLabels, **parameters: url.Value) -> None:
    """Go to another screen from inside the part that refreshes itself."""
    url.open_page(page, **parameters)
    _run_page()


def _run_page() -> None:
    st.session_state[_ACTED] = acted() + 1
    st.rerun()


# --- Dialogs ----------------------------------------------------------------------------------------------------------


def show_question() -> None:
    """Show the dialog that is open, if any; once a run of the whole page."""
    asked: _Question | None = st.session_state.get(_ASKED)
    if asked is None or not may_act():
        return
    if asked.kind in holds.KINDS and asked.contracts:
        holds.confirm(asked.kind, asked.batch, asked.contracts[0], _answered)
        return
    batch = session.application().batches.show(asked.batch)
    if asked.kind == "cancel":
        _confirm_cancel(batch)
    elif asked.contracts is None:
        _confirm_reverse(batch)
    else:
        _confirm_reverse_some(batch, asked.contracts)


def _ask(question: _Question) -> None:
    st.session_state[_ASKED] = question
    _run_page()


def _answered() -> None:
    st.session_state.pop(_ASKED, None)


def _confirm_cancel(batch: BatchSummary) -> None:
    number = tracking.cancellable(batch)
    if not number:
        _answered()
        st.toast(labels.NOTHING_CANCELLED.format(batch=batch.batch), icon=":material/info:")
        return
    actions.confirm(
        labels.CANCEL_TITLE,
        labels.CANCEL_FACTS.format(
            month=month(batch.competence),
            batch=batch.batch,
            contracts=tracking.contracts_words(number),
            queued=count(batch.outcomes["waiting"]),
            without_file=count(batch.outcomes["waiting_file"]),
        ),
        tracking.cancel_words(batch),
        lambda reason: _cancel(batch.batch),
        warning=labels.CANCEL_LOCK,
        close=labels.BACK,
        on_close=_answered,
    )


def _cancel(batch: int) -> None:
    number = session.application().billing.cancel(batch, session.actor())
    if number:
        states.toast(labels.CANCELLED.format(contracts=tracking.contracts_words(number), batch=batch))
    else:
        states.toast(labels.NOTHING_CANCELLED.format(batch=batch), ":material/info:")


def kept_words(batch: BatchSummary) -> str:
    """Which charges of the batch a reversal by this session leaves, and why; nothing when it leaves none."""
    held = batch.live["held"]
    return "" if holds.may_decide() or not held else labels.HELD_KEPT.format(charges=counted(held, *labels.HOLD_NOUN))


def _lock(*more: str) -> str:
    """What follows from a reversal, as its dialog says it beforehand."""
    second = (labels.REVERSE_SECOND,) if session.application().second_person.confirms_reversals else ()
    return " ".join((labels.REVERSE_LOCK, *second, *more))


def _confirm_reverse(batch: BatchSummary) -> None:
    number = tracking.reversible(batch, decides=holds.may_decide())
    if number and (kept := kept_words(batch)):
        reached = sorted(tracking.within_reach(decides=False))
        standing = session.application().batches.items(batch.batch, outcomes=reached)[1]
        _confirm_reverse_some(batch, [row.contract for row in standing], kept)
        return
    if not number:
        _answered()
        st.toast(labels.NOTHING_REVERSED.format(batch=batch.batch), icon=":material/info:")
        return
    actions.confirm(
        labels.REVERSE_TITLE.format(batch=batch.batch),
        labels.REVERSE_FACTS.format(
            month=month(batch.competence),
            charges=counted(number, *labels.CHARGE_NOUN),
            amount=money(batch.amount),
            batch=batch.batch,
            who=plain(batch.created_by),
            when=moment(batch.created_at),
        ),
        labels.REVERSE_VERB.format(amount=money(batch.amount)),
        lambda reason: _reverse(batch.batch, batch.amount, reason, None),
        warning=_lock(),
        needs_reason=True,
        close=labels.BACK,
        on_close=_answered,
    )


def _confirm_reverse_some(batch: BatchSummary, contracts: Sequence[str], kept: str = "") -> None:
    rows = [row for row in items_of(batch.batch, contracts) if can_reverse(row)]
    if not rows:
        _answered()
        st.toast(labels.NOTHING_REVERSED.format(batch=batch.batch), icon=":material/info:")
        return
    amount = sum(row.amount or 0 for row in rows)
    title, facts = _one_said(batch, rows[0]) if len(rows) == 1 else _some_said(batch, rows, amount)
    actions.confirm(
        title,
        facts,
        labels.REVERSE_VERB.format(amount=money(amount)),
        lambda reason: _reverse(batch.batch, amount, reason, [row.contract for row in rows]),
        warning=_lock(*filter(None, (kept,))),
        needs_reason=True,
        close=labels.BACK,
        on_close=_answered,
    )


def _one_said(batch: BatchSummary, row: ItemRow) -> tuple[str, str]:
    facts = labels.REVERSE_ONE_FACTS.format(
        month=month(batch.competence),
        amount=money(row.amount or 0),
        contract=plain(row.contract),
        customer=plain(tracking.names([row.contract]).get(row.contract, "")),
        batch=batch.batch,
    )
    return labels.REVERSE_ONE_TITLE.format(contract=plain(row.contract)), facts


def _some_said(batch: BatchSummary, rows: Sequence[ItemRow], amount: int) -> tuple[str, str]:
    named = ", ".join(plain(row.contract) for row in rows[:_NAMED])
    if len(rows) > _NAMED:
        named = labels.AND_MORE.format(names=named, count=count(len(rows) - _NAMED))
    facts = labels.REVERSE_CHOSEN_FACTS.format(
        month=month(batch.competence),
        charges=counted(len(rows), *labels.CHARGE_NOUN),
        amount=money(amount),
        batch=batch.batch,
        contracts=named,
    )
    return labels.REVERSE_TITLE.format(batch=batch.batch), facts


def _reverse(batch: int, amount: int, reason: str, contracts: Sequence[str] | None) -> None:
    number = session.application().billing.reverse(batch, session.actor(), reason=reason, contracts=contracts)
    if number:
        choose(batch, chosen(batch) - frozenset(contracts or ()))
        charges = counted(number, *labels.CHARGE_NOUN)
        states.toast(labels.REVERSED.format(charges=charges, batch=batch, amount=money(amount)))
    else:
        states.toast(labels.NOTHING_REVERSED.format(batch=batch), ":material/info:")


def item_of(batch: int, contract: str) -> ItemRow | None:
    """The contract's item in the batch, None when it has none."""
    rows = items_of(batch, (contract,))
    return rows[0] if rows else None


def items_of(batch: int, contracts: Sequence[str]) -> list[ItemRow]:
    """What the batch has of ``contracts``, by contract."""
    return session.application().batches.items(batch, contracts=contracts)[1]
