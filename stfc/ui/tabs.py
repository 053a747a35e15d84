"""Tabs with counts, whose open one is in the address (``?aba=fora``) and alone is drawn."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import streamlit as st

from stfc.ui import url
from stfc.ui.filters import PAGE_PARAMETER
from stfc.ui.format import count
from stfc.ui.tables import SORT_PARAMETER

PARAMETER: Final = "aba"


@dataclass(frozen=True)
class Tab:
    """A tab: ``key`` in the address, ``label`` on the screen, ``number`` of what it lists (None to leave out)."""

    key: str
    label: str
    number: int | None = None

    @property
    def words(self) -> str:
        """``Elegíveis 312``, as Streamlit knows the tab."""
        return self.label if self.number is None else f"{self.label} {count(self.number)}"


def current(tabs: Sequence[Tab]) -> str:
    """The key of the open tab: the address's, else the first."""
    wanted = url.get(PARAMETER)
    return wanted if wanted in {tab.key for tab in tabs} else tabs[0].key


def show(name: str, tabs: Sequence[Tab]) -> tuple[str, Any]:
    """Draw the tabs; gives the open one's key, and its container to draw in."""
    key = f"stfc_tabs_{name}"
    chosen = current(tabs)
    position = [tab.key for tab in tabs].index(chosen)
    # Set each run: the words change with the count, and the address may have changed by other means.
    if st.session_state.get(key) != tabs[position].words:
        st.session_state[key] = tabs[position].words

    def turn() -> None:
        words = st.session_state[key]
        go(next((tab.key for tab in tabs if tab.words == words), tabs[0].key), tabs)

    drawn = st.tabs([tab.words for tab in tabs], key=key, on_change=turn)
    return chosen, drawn[position]


def go(key: str, tabs: Sequence[Tab]) -> None:
    """Open a tab; for callbacks. Page and order start over: they are the other tab's."""
    url.put({PARAMETER: None if key == tabs[0].key else key, PAGE_PARAMETER: None, SORT_PARAMETER: None})
