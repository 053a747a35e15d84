"""*Logs de processamento* of one batch: outcomes, causes with what to do, contracts, one contract's log.

Drawn only while its expander is open; what is chosen in it stands in the address (``stfc.ui.tracking``).
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final

import pyarrow as pa
import streamlit as st

from stfc.services.ports import BatchSummary, ItemRow
from stfc.ui import figures, filters, holds, labels, logs, session, states, tracking, tracking_acts, url
from stfc.ui.format import clock, count, counted, elapsed, money, plain
from stfc.ui.style import Tone, palette

_ROWS: Final = 50
_VISIBLE: Final = 8
_HEADER, _ROW, _BORDER = 34, 32, 2
_CLEAR: Final = "#ffffff00"


@dataclass(frozen=True)
class _Asked:
    """What the address asks of the open batch: outcomes (empty for all), cause, search, page from 1."""

    outcomes: tuple[str, ...]
    cause: str
    search: str
    page: int

    @property
    def digest(self) -> str:
        """A short name of it, for keys."""
        return hashlib.blake2s(repr(self).encode(), digest_size=6).hexdigest()


def show(batch: BatchSummary) -> None:
    """Everything inside the expander."""
    asked = _asked(batch)
    _draw_outcomes(batch, asked)
    every = session.application().batches.causes(batch.batch)
    causes = tracking.causes_of(every, asked.outcomes)
    _draw_head(batch, asked, sum(cause.contracts for cause in causes), tracking.causes_of(every, ()))
    if causes:
        _draw_causes(batch.batch, causes, asked.cause)
    left, right = st.columns([4.4, 7.6], gap="xsmall")
    with left:
        rows, chosen = _draw_list(batch.batch, asked)
    with right:
        _draw_log(batch.batch, rows, chosen)


def _asked(batch: BatchSummary) -> _Asked:
    page = url.get("parte")
    return _Asked(
        outcomes=tracking.shown_outcomes(batch, url.get_all("resultado")),
        cause=url.get("causa"),
        search=url.get("busca")[: filters.SEARCH_MOST].strip(),
        page=int(page) if page.isascii() and page.isdigit() and 0 < len(page) < 7 else 1,
    )


# --- Outcomes and causes ---------------------------------------------------------------------------------------------


def _draw_outcomes(batch: BatchSummary, asked: _Asked) -> None:
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
    _narrow(resultado=[*others, name] if st.session_state[key] else others or [labels.ALL_OUTCOMES], causa=None)


def _narrow(**changes: url.Value) -> None:
    # Other contracts are shown, so the list starts over with its first one.
    url.put({**changes, "parte": None, "contrato": None})


def _draw_head(batch: BatchSummary, asked: _Asked, with_cause: int, every: Sequence[tracking.Cause]) -> None:
    shown = sum(batch.standing[name] for name in asked.outcomes) if asked.outcomes else batch.items
    title = (
        f"{tracking.contracts_words(with_cause)} {labels.BY_CAUSE}" if with_cause else tracking.contracts_words(shown)
    )
    likely = [cause for cause in every if cause.can_succeed]
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


def _draw_causes(batch: int, causes: Sequence[tracking.Cause], chosen: str) -> None:
    widths = [1.3, 3.5, 1.2, 4.3, 1.3]
    with st.container(gap=None, key=f"stfc_causetable_{batch}"):
        for column, name in zip(st.columns(widths, gap="xsmall"), (*labels.CAUSE_COLUMNS, ""), strict=True):
            column.markdown(f":gray[{name}]", text_alignment="right" if name == labels.CAUSE_COLUMNS[2] else "left")
        for cause in causes:
            _draw_cause(batch, cause, widths, is_chosen=cause.code == chosen)


def _draw_cause(batch: int, cause: tracking.Cause, widths: Sequence[float], *, is_chosen: bool) -> None:
    code, words, number, remedy, act = st.columns(widths, gap="xsmall", vertical_alignment="center")
    code.markdown(states.badge(cause.outcome, cause.code))
    words.markdown(plain(cause.words))
    number.button(
        f"**{count(cause.contracts)}**" if is_chosen else count(cause.contracts),
        key=f"tracking_cause_{batch}_{cause.code}_{cause.outcome}",
        type="tertiary",
        width="stretch",
        help=labels.ONLY_CAUSE,
        on_click=partial(_narrow, causa=None if is_chosen else cause.code),
    )
    remedy.markdown(f":gray[{plain(cause.remedy)}]")
    if cause.can_retry and tracking_acts.may_act():
        act.button(
            labels.RETRY,
            key=f"tracking_retry_{batch}_{cause.code}",
            type="tertiary",
            on_click=tracking_acts.retry,
            args=(batch, (cause.code,)),
        )


# --- Contracts -------------------------------------------------------------------------------------------------------


def _draw_list(batch: int, asked: _Asked) -> tuple[list[ItemRow], str]:
    """The list; gives the rows of its page, and the contract whose log is to be shown."""
    _draw_search(batch, asked)
    total, rows = _read(batch, asked)
    if total and not rows:
        # While a batch runs, a list may lose the page that one reads.
        asked = replace(asked, page=-(-total // _ROWS))
        total, rows = _read(batch, asked)
    if not rows:
        st.caption(labels.NO_ITEM_FOUND)
        return [], url.get("contrato")
    chosen = _chosen(batch, asked, rows)
    _draw_grid(batch, asked, rows, chosen)
    _draw_foot(batch, total, asked.page)
    return rows, chosen


def _read(batch: int, asked: _Asked) -> tuple[int, list[ItemRow]]:
    return session.application().batches.items(
        batch,
        outcomes=asked.outcomes,
        codes=[asked.cause] if asked.cause else [],
        contracts=tracking.matched(asked.search).contracts if asked.search else None,
        offset=(asked.page - 1) * _ROWS,
        limit=_ROWS,
    )


def _draw_search(batch: int, asked: _Asked) -> None:
    key = f"tracking_search_{batch}"
    if st.session_state.get(key) != asked.search:
        st.session_state[key] = asked.search
    st.text_input(
        labels.SEARCH_CONTRACT,
        key=key,
        type="search",
        icon=":material/search:",
        placeholder=labels.SEARCH_CONTRACT,
        label_visibility="collapsed",
        max_chars=filters.SEARCH_MOST,
        on_change=lambda: _narrow(busca=(st.session_state[key] or "").strip()),
    )
    if asked.cause:
        with st.container(width="content", key=f"stfc_chip_tracking_{batch}"):
            st.button(
                plain(asked.cause),
                key=f"tracking_chip_{batch}",
                type="tertiary",
                icon=":material/close:",
                icon_position="right",
                on_click=partial(_narrow, causa=None),
            )


def _chosen(batch: int, asked: _Asked, rows: Sequence[ItemRow]) -> str:
    """The contract whose log is shown: the address's, else the first one of the list.

    While a batch runs, new rows come in front of that first one; it stays until another list is asked for.
    """
    named = url.get("contrato")
    if named:
        return named
    remembered: dict[tuple[int, _Asked], str] = st.session_state.setdefault("tracking_first", {})
    shown = [row.contract for row in rows]
    if remembered.get((batch, asked)) not in shown:
        remembered.clear()
        remembered[(batch, asked)] = shown[0]
    return remembered[(batch, asked)]


def _draw_grid(batch: int, asked: _Asked, rows: Sequence[ItemRow], chosen: str) -> None:
    ids = [row.contract for row in rows]
    customers = tracking.names(ids)
    # The key names what was asked, not the rows: the grid then keeps its place while a running batch brings more.
    # What is marked is set anew each time, from the contract, never from a position.
    key = f"tracking_items_{batch}_{asked.digest}"
    st.session_state[f"{key}_ids"] = ids
    marked = [ids.index(chosen)] if chosen in ids else []
    st.session_state[key] = {"selection": {"rows": marked, "columns": [], "cells": []}}
    values, config = _last_column(rows)
    table = pa.table({"contract": ids, "customer": [customers.get(one, "") for one in ids], "last": values})
    st.dataframe(
        table,
        key=key,
        height=_HEADER + _ROW * min(len(rows), _VISIBLE) + _BORDER,
        row_height=_ROW,
        hide_index=True,
        column_config={
            "contract": st.column_config.TextColumn("Contrato", width=72),
            "customer": st.column_config.TextColumn("Cliente", width=178),
            "last": config,
        },
        on_select=partial(_picked, key),
        selection_mode=["single-row", "single-cell"],
        lazy=False,
        alt=labels.PROCESSING_LOGS,
    )


def _last_column(rows: Sequence[ItemRow]) -> tuple[list[Any], Any]:
    """The value where all rows were charged, else why each is where it is."""
    if all(row.outcome in ("charged", "zero") and not row.reversed for row in rows):
        return [money(row.amount) for row in rows], st.column_config.TextColumn("Valor", width=96, alignment="right")
    tones = {_cause(row): _tone(row) for row in rows}
    colours = palette().background
    config = st.column_config.MultiselectColumn(
        "Causa",
        width=110,
        options=list(tones),
        color=[colours[tone] if tone else _CLEAR for tone in tones.values()],
    )
    return [[_cause(row)] for row in rows], config


def _cause(row: ItemRow) -> str:
    if row.reversed:
        return labels.OUTCOME["reversed"]
    return row.code or labels.OUTCOME[row.outcome]


def _tone(row: ItemRow) -> Tone | None:
    if row.reversed:
        return states.TONES["reversed"]
    return None if row.outcome in ("charged", "zero") else states.TONES.get(row.outcome)


def _picked(key: str) -> None:
    picked = st.session_state[key].selection
    position = picked.cells[0][0] if picked.cells else picked.rows[0] if picked.rows else None
    ids: list[str] = st.session_state[f"{key}_ids"]
    if position is not None and 0 <= position < len(ids):
        url.put({"contrato": ids[position]})


def _draw_foot(batch: int, total: int, page: int) -> None:
    pages = -(-total // _ROWS)
    first, last = (page - 1) * _ROWS + 1, min(page * _ROWS, total)
    words = f":gray[**{count(first)}–{count(last)}** de **{count(total)}** {labels.CONTRACT_NOUN[total != 1]}]"
    with st.container(horizontal=True, gap="xsmall", vertical_alignment="center"):
        st.markdown(words, width="stretch")
        if pages > 1:
            key = f"tracking_part_{batch}_{pages}_{page}"
            st.pagination(pages, default=page, key=key, max_visible_pages=0, on_change=partial(_turn, key))


def _turn(key: str) -> None:
    url.put({"parte": str(st.session_state[key]), "contrato": None})


# --- One contract's log ----------------------------------------------------------------------------------------------


def _draw_log(batch: int, rows: Sequence[ItemRow], chosen: str) -> None:
    item = next((row for row in rows if row.contract == chosen), None)
    if item is None and chosen:
        item = tracking_acts.item_of(batch, chosen)
    with st.container(border=True, gap="xsmall", key=f"stfc_log_{batch}"):
        if item is None:
            st.caption(labels.PICK_CONTRACT)
            return
        lines = session.application().batches.log(item.item)
        _draw_log_head(item)
        if holds.is_held(item):
            holds.show(item, partial(tracking_acts.ask_decision, item.batch, item.contract))
        if lines:
            logs.table(lines)
        else:
            st.caption(labels.NO_LOG)


def _draw_log_head(item: ItemRow) -> None:
    customer = tracking.names([item.contract]).get(item.contract, "")
    state = "reversed" if item.reversed else item.outcome
    words = f"**{plain(item.contract)}** {plain(customer)} {states.badge(state, labels.OUTCOME[state])}"
    with st.container(horizontal=True, gap="xsmall", vertical_alignment="center", key=f"stfc_loghead_{item.batch}"):
        st.markdown(f"{words}  \n:gray[{_spent(item)}]", width="stretch")
        if item.outcome in tracking.REVERSIBLE and not item.reversed and tracking_acts.may_act():
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


def _spent(item: ItemRow) -> str:
    parts = [counted(item.attempts, *labels.TRIES)] if item.attempts else []
    if item.started_at and item.ended_at and item.ended_at >= item.started_at:
        parts.append(elapsed(int((item.ended_at - item.started_at).total_seconds() * 1000)))
    if item.amount is not None and not item.reversed:
        parts.append(money(item.amount))
    if item.outcome == "waiting" and item.next_try_at:
        parts.append(labels.NEXT_TRY.format(clock=clock(item.next_try_at, seconds=True)))
    return " · ".join(parts)


def _log_text(item: int) -> str:
    return logs.plain(session.application().batches.log(item))
