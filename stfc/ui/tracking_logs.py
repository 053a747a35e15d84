"""*Logs de processamento* of one batch: outcomes, causes with what to do, contracts, one contract's log.

Drawn only while its expander is open; what is chosen in it stands in the address (``stfc.ui.tracking``).
"""

from collections.abc import Sequence
from datetime import datetime
from functools import partial

import streamlit as st

from stfc.domain import text
from stfc.services.ports import BatchSummary, ItemRow
from stfc.ui import figures, holds, labels, logs, session, states, tracking, tracking_acts, tracking_items
from stfc.ui.format import count, counted, elapsed, money, plain
from stfc.ui.tracking_items import Asked


def show(batch: BatchSummary, now: datetime) -> None:
    """Everything inside the expander."""
    asked = tracking_items.asked(batch)
    _draw_outcomes(batch, asked)
    if batch.forecast:
        st.caption(plain(" · ".join(text.hindsight(batch.forecast, batch.items))))
    ledger = session.application().batches
    due = ledger.next_tries(batch.batch) if batch.open_items else {}
    if batch.next_look_at:
        due["SUM-404"] = batch.next_look_at
    causes = tracking.causes_of(ledger.causes(batch.batch), (), due)
    _draw_head(batch, causes)
    if causes:
        _draw_causes(batch.batch, causes, asked, now)
    left, right = st.columns([4.4, 7.6], gap="xsmall")
    with left:
        rows, opened = tracking_items.show(batch.batch, asked)
    with right:
        _draw_log(batch.batch, rows, opened, now)


# --- Outcomes and causes ---------------------------------------------------------------------------------------------


def _draw_outcomes(batch: BatchSummary, asked: Asked) -> None:
    """One pill an outcome. A group of pills knows its choice by their words, and the counts in these change."""
    with st.container(horizontal=True, gap="xxsmall", key=f"stfc_outcomes_{batch.batch}"):
        for name in figures.OUTCOME_ORDER:
            if batch.standing.get(name):
                _draw_outcome(batch, name, asked.outcomes)


def _draw_outcome(batch: BatchSummary, name: str, shown: tuple[str, ...]) -> None:
    key = f"tracking_outcome_{batch.batch}_{name}"
    state = [name] if name in shown else []
    if st.session_state.get(key) != state:
        st.session_state[key] = state
    st.pills(
        labels.SITUATION,
        [name],
        selection_mode="multi",
        format_func=lambda one: figures.outcome_pill(one, batch.standing[one]),
        key=key,
        label_visibility="collapsed",
        width="content",
        on_change=partial(_turn_outcome, key, name, shown),
    )


def _turn_outcome(key: str, name: str, shown: tuple[str, ...]) -> None:
    others = [one for one in shown if one != name]
    asked = [*others, name] if st.session_state[key] else others or [labels.ALL_OUTCOMES]
    tracking_items.narrow(resultado=asked, causa=None)


def _draw_head(batch: BatchSummary, causes: Sequence[tracking.Cause]) -> None:
    with_cause = sum(cause.contracts for cause in causes)
    words = tracking.contracts_words(with_cause or batch.items)
    title = f"{words} {labels.BY_CAUSE}" if with_cause else words
    likely = [cause for cause in causes if cause.can_succeed]
    with st.container(horizontal=True, gap="xsmall", vertical_alignment="center", key=f"stfc_causes_{batch.batch}"):
        st.subheader(title, anchor=False, width="stretch")
        if not tracking_acts.may_act():
            if likely or tracking.cancellable(batch):
                st.caption(f":material/lock: {tracking_acts.refusal()}", width="content")
            return
        if likely:
            number = sum(cause.contracts for cause in likely)
            st.button(
                labels.RETRY_LIKELY.format(count=count(number)) if number > 1 else labels.RETRY_LIKELY_ONE,
                key=f"tracking_likely_{batch.batch}",
                type="primary",
                icon=":material/replay:",
                on_click=tracking_acts.retry,
                args=(batch.batch, sorted({cause.code for cause in likely})),
            )
        if tracking.cancellable(batch):
            st.button(
                tracking.cancel_words(batch),
                key=f"tracking_cancel_open_{batch.batch}",
                on_click=tracking_acts.ask_cancel,
                args=(batch.batch,),
            )


def _draw_causes(batch: int, causes: Sequence[tracking.Cause], asked: Asked, now: datetime) -> None:
    widths = [1.15, 3.2, 1.0, 3.8, 2.0, 1.3]
    with st.container(gap=None, key=f"stfc_causetable_{batch}"):
        for column, name in zip(st.columns(widths, gap="small"), (*labels.CAUSE_COLUMNS, ""), strict=True):
            column.markdown(f":gray[{name}]", text_alignment="right" if name == labels.CAUSE_COLUMNS[2] else "left")
        for cause in causes:
            chosen = cause.code == asked.cause and (not asked.outcomes or cause.outcome in asked.outcomes)
            _draw_cause(batch, cause, widths, now, is_chosen=chosen)


def _draw_cause(batch: int, cause: tracking.Cause, widths: Sequence[float], now: datetime, *, is_chosen: bool) -> None:
    code, words, number, remedy, chance, act = st.columns(widths, gap="small", vertical_alignment="center")
    code.markdown(states.badge(cause.outcome, cause.code))
    words.markdown(plain(cause.words))
    number.button(
        f"**{count(cause.contracts)}**" if is_chosen else count(cause.contracts),
        key=f"tracking_cause_{batch}_{cause.code}_{cause.outcome}",
        type="tertiary",
        width="stretch",
        help=labels.ONLY_CAUSE,
        on_click=_turn_cause,
        args=(None if is_chosen else cause,),
    )
    remedy.markdown(f":gray[{plain(cause.remedy(now))}]")
    chance.markdown(f"{':green' if cause.can_succeed else ':gray'}[{labels.CHANCES[cause.chance]}]")
    if cause.can_retry and tracking_acts.may_act():
        act.button(
            labels.RETRY,
            key=f"tracking_retry_{batch}_{cause.code}",
            type="tertiary",
            on_click=tracking_acts.retry,
            args=(batch, (cause.code,)),
        )


def _turn_cause(cause: tracking.Cause | None) -> None:
    code, outcome = (cause.code, cause.outcome) if cause else (None, None)
    tracking_items.narrow(causa=code, resultado=outcome)


# --- One contract's log ----------------------------------------------------------------------------------------------


def _draw_log(batch: int, rows: Sequence[ItemRow], opened: str, now: datetime) -> None:
    item = next((row for row in rows if row.contract == opened), None)
    if item is None and opened:
        item = tracking_acts.item_of(batch, opened)
    with st.container(border=True, gap="xsmall", key=f"stfc_log_{batch}"):
        if item is None:
            st.caption(labels.PICK_CONTRACT)
            return
        lines = session.application().batches.log(item.item)
        _draw_log_head(item, now)
        if holds.is_held(item):
            holds.show(item, partial(tracking_acts.ask_decision, item.batch, item.contract))
        if lines:
            logs.table(lines)
        else:
            st.caption(labels.NO_LOG)


def _draw_log_head(item: ItemRow, now: datetime) -> None:
    customer = tracking.names([item.contract]).get(item.contract, "")
    state = "reversed" if item.reversed else item.outcome
    words = f"**{plain(item.contract)}** {plain(customer)} {states.badge(state, labels.OUTCOME[state])}"
    with st.container(horizontal=True, gap="xsmall", vertical_alignment="center", key=f"stfc_loghead_{item.batch}"):
        st.markdown(f"{words}  \n:gray[{_spent(item, now)}]", width="stretch")
        if tracking.can_retry(item) and tracking_acts.may_act():
            st.button(
                labels.RETRY,
                key=f"tracking_retry_one_{item.batch}",
                type="tertiary",
                on_click=tracking_acts.retry_one,
                args=(item.batch, item.contract),
            )
        if tracking_acts.can_reverse(item):
            st.button(
                labels.REVERSE,
                key=f"tracking_reverse_one_{item.batch}",
                type="tertiary",
                on_click=tracking_acts.ask_reverse,
                args=(item.batch, item.contract),
            )
        st.button(
            labels.OPEN_CONTRACT,
            key=f"tracking_contract_{item.batch}",
            type="tertiary",
            on_click=partial(tracking_acts.open_page, labels.CONTRACTS, contrato=item.contract),
        )
        st.download_button(
            labels.DOWNLOAD_LOG,
            data=partial(_log_text, item.item),
            file_name=f"log-lote-{item.batch}-contrato-{item.contract}.txt",
            key=f"tracking_log_{item.batch}",
            type="tertiary",
            icon=":material/download:",
            on_click="ignore",
        )


def _spent(item: ItemRow, now: datetime) -> str:
    parts = [counted(item.attempts, *labels.TRIES)] if item.attempts else []
    if item.started_at and item.ended_at and item.ended_at >= item.started_at:
        parts.append(elapsed(int((item.ended_at - item.started_at).total_seconds() * 1000)))
    if item.amount is not None and not item.reversed:
        parts.append(money(item.amount))
    if item.outcome == "waiting" and item.next_try_at:
        parts.append(tracking.next_try(item.next_try_at, now))
    return " · ".join(parts)


def _log_text(item: int) -> str:
    return logs.plain(session.application().batches.log(item))
