"""The contracts of an open batch: a searchable list where some are marked for an act, and one is read.

What is asked of the list stands in the address (``stfc.ui.tracking``); what is marked is kept by contract, never by
position, over filters and pages.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final

import pyarrow as pa
import streamlit as st

from stfc.services.ports import BatchSummary, ItemRow
from stfc.ui import filters, labels, selection, session, states, tracking, tracking_acts, url
from stfc.ui.format import count, counted, money, plain
from stfc.ui.style import Tone, palette

_ROWS: Final = 50
_VISIBLE: Final = 8
_HEADER, _ROW, _BORDER = 34, 32, 2
_CLEAR: Final = "#ffffff00"


@dataclass(frozen=True)
class Asked:
    """What the address asks of the open batch: outcomes (empty for all), cause, search, page from 1."""

    outcomes: tuple[str, ...]
    cause: str
    search: str
    page: int

    @property
    def digest(self) -> str:
        """A short name of it, for keys."""
        return hashlib.blake2s(repr(self).encode(), digest_size=6).hexdigest()


def asked(batch: BatchSummary) -> Asked:
    """What the address asks of ``batch``, the open one."""
    page = url.get("parte")
    return Asked(
        outcomes=tracking.shown_outcomes(batch, url.get_all("resultado")),
        cause=url.get("causa"),
        search=url.get("busca")[: filters.SEARCH_MOST].strip(),
        page=int(page) if page.isascii() and page.isdigit() and 0 < len(page) < 7 else 1,
    )


def narrow(**changes: url.Value) -> None:
    """Ask for other contracts: the list starts over with its first one."""
    url.put({**changes, "parte": None, "contrato": None})


def show(batch: int, asked: Asked) -> tuple[list[ItemRow], str]:
    """The list; gives the rows of its page, and the contract whose log is to be shown."""
    _draw_search(batch, asked)
    total, rows = _read(batch, asked)
    if total and not rows:
        # While a batch runs, a list may lose the page that one reads.
        asked = replace(asked, page=-(-total // _ROWS))
        total, rows = _read(batch, asked)
    if not rows:
        st.caption(labels.NO_ITEM_FOUND)
        _draw_acts(batch, ())
        return [], url.get("contrato")
    opened = _opened(batch, asked, rows)
    _draw_grid(batch, asked, rows, opened)
    _draw_foot(batch, total, asked.page)
    _draw_acts(batch, [row.contract for row in rows])
    return rows, opened


def _read(batch: int, asked: Asked) -> tuple[int, list[ItemRow]]:
    return session.application().batches.items(
        batch,
        outcomes=asked.outcomes,
        codes=[asked.cause] if asked.cause else [],
        contracts=tracking.matched(asked.search).contracts if asked.search else None,
        offset=(asked.page - 1) * _ROWS,
        limit=_ROWS,
    )


def _draw_search(batch: int, asked: Asked) -> None:
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
        on_change=lambda: narrow(busca=(st.session_state[key] or "").strip()),
    )
    if asked.cause:
        with st.container(width="content", key=f"stfc_chip_tracking_{batch}"):
            st.button(
                plain(asked.cause),
                key=f"tracking_chip_{batch}",
                type="tertiary",
                icon=":material/close:",
                icon_position="right",
                on_click=partial(narrow, causa=None, resultado=None),
            )


def _opened(batch: int, asked: Asked, rows: Sequence[ItemRow]) -> str:
    """The contract whose log is shown: the address's, else the first one of the list.

    While a batch runs, new rows come in front of that first one; it stays until another list is asked for.
    """
    named = url.get("contrato")
    if named:
        return named
    remembered: dict[tuple[int, Asked], str] = st.session_state.setdefault("tracking_first", {})
    shown = [row.contract for row in rows]
    if remembered.get((batch, asked)) not in shown:
        remembered.clear()
        remembered[(batch, asked)] = shown[0]
    return remembered[(batch, asked)]


# --- The grid --------------------------------------------------------------------------------------------------------


def _draw_grid(batch: int, asked: Asked, rows: Sequence[ItemRow], opened: str) -> None:
    ids = [row.contract for row in rows]
    customers = tracking.names(ids)
    # The key names what was asked, not the rows: the grid then keeps its place while a running batch brings more.
    # What is marked is set anew each time, from the contracts, never from positions.
    key = f"tracking_items_{batch}_{asked.digest}"
    st.session_state[f"{key}_ids"] = ids
    marked = selection.rows_of(tracking_acts.chosen(batch), ids)
    cells = [(ids.index(opened), "contract")] if opened in ids else []
    st.session_state[key] = {"selection": {"rows": marked, "columns": [], "cells": cells}}
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
        on_select=partial(_picked, batch, key),
        selection_mode=["multi-row", "single-cell"] if tracking_acts.may_act() else "single-cell",
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


def _picked(batch: int, key: str) -> None:
    picked = st.session_state[key].selection
    ids: list[str] = st.session_state[f"{key}_ids"]
    tracking_acts.choose(batch, selection.merge(tracking_acts.chosen(batch), ids, picked.rows))
    if picked.cells and 0 <= picked.cells[0][0] < len(ids):
        url.put({"contrato": ids[picked.cells[0][0]]})


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


# --- What is marked --------------------------------------------------------------------------------------------------


def _draw_acts(batch: int, shown: Sequence[str]) -> None:
    """What can be done to the marked contracts, whatever page and filter they are on."""
    if not tracking_acts.may_act():
        return
    marked = tracking_acts.chosen(batch)
    if not marked:
        st.caption(labels.CHOSEN_HINT)
        return
    rows = session.application().batches.items(batch, contracts=marked)[1]
    again = sum(tracking.can_retry(row) for row in rows)
    back = sum(tracking_acts.can_reverse(row) for row in rows)
    elsewhere = len(marked - frozenset(shown))
    words = f"**{counted(len(marked), *labels.CHOSEN_NOUN)}**"
    if elsewhere:
        words += f"  \n:gray[{labels.CHOSEN_ELSEWHERE.format(count=count(elsewhere))}]"
    with st.container(horizontal=True, gap="xsmall", vertical_alignment="center", key=f"stfc_chosen_{batch}"):
        st.markdown(words, width="stretch")
        if again:
            st.button(
                labels.RETRY_COUNT.format(count=count(again)),
                key=f"tracking_chosen_retry_{batch}",
                icon=":material/replay:",
                on_click=tracking_acts.retry_chosen,
                args=(batch,),
            )
        if back:
            st.button(
                labels.REVERSE_COUNT.format(charges=counted(back, *labels.CHARGE_NOUN)),
                key=f"tracking_chosen_reverse_{batch}",
                icon=":material/undo:",
                on_click=tracking_acts.ask_reverse_chosen,
                args=(batch,),
            )
        st.button(
            labels.CLEAR,
            key=f"tracking_chosen_clear_{batch}",
            type="tertiary",
            on_click=tracking_acts.choose,
            args=(batch, frozenset()),
        )
