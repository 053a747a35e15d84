"""What the address says besides screen and competence: filters, page, order, the open contract or batch."""

from collections.abc import Iterable, Mapping
from typing import Final

import streamlit as st

from stfc.ui import labels

_NEXT: Final = "stfc_next_page"
Value = str | Iterable[str] | None


def get(name: str) -> str:
    """The parameter's value, or nothing; of several the last."""
    return st.query_params.get(name, "")


def get_all(name: str) -> tuple[str, ...]:
    """All values of a repeated parameter, in order."""
    return tuple(st.query_params.get_all(name))


def put(changes: Mapping[str, Value]) -> None:
    """Write parameters; None, an empty text or an empty list removes one. What does not change is left alone."""
    wanted = {name: _listed(value) for name, value in changes.items()}
    changed = {name: values for name, values in wanted.items() if list(get_all(name)) != values}
    if changed:
        # In one update, an empty list for what goes: several writes would be several steps of the back button.
        st.query_params.update(changed)


def open_page(page: labels.PageLabels, **parameters: Value) -> None:
    """Go to another screen with these parameters; the competence stays. For callbacks: the entry script goes."""
    st.session_state[_NEXT] = (page, {name: _listed(value) for name, value in parameters.items() if _listed(value)})


def pending() -> tuple[labels.PageLabels, dict[str, list[str]]] | None:
    """Where ``open_page`` wants to go, once."""
    going: tuple[labels.PageLabels, dict[str, list[str]]] | None = st.session_state.pop(_NEXT, None)
    return going


def _listed(value: Value) -> list[str]:
    if value is None or value == "":
        return []
    return [value] if isinstance(value, str) else [one for one in value if one]
