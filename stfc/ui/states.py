"""Empty and error cards, badges for states, toasts: what a screen says when there is little to show."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

import streamlit as st

from stfc.domain import text
from stfc.errors import StfcError
from stfc.ui import labels
from stfc.ui.format import plain
from stfc.ui.style import Tone

__all__ = ["TONES", "Step", "badge", "empty", "error", "fault", "plain", "toast"]

TONES: Final[Mapping[str, Tone]] = {
    "charged": "green",
    "zero": "green",
    "done": "green",
    "integrated": "green",
    "held": "violet",
    "waiting_file": "orange",
    "pending": "orange",
    "paused": "red",
    "failed": "red",
    "error": "red",
    "refused": "gray",
    "running": "blue",
    "waiting": "blue",
    "queued": "blue",
    "to_bill": "accent",
    "cancelled": "gray",
    "reversed": "gray",
    "kept_out": "gray",
    "suspended": "orange",
    "financial_block": "red",
    "administrative_block": "red",
    "closed": "gray",
    "demo": "gray",
    "courtesy": "gray",
    "in_approval": "orange",
    "rejected": "red",
    "pre_contract": "gray",
    "cut_day_not_reached": "orange",
    "no_line": "orange",
    "integration_error": "red",
    "no_plan": "gray",
    "corrected": "orange",
    "CON-ANO": "violet",
    "ARQ-TOT": "red",
    "TAR-DIF": "orange",
    "TAR-SEM": "orange",
    "CTR-LIN": "orange",
    "CTR-DIV": "orange",
    "invoice_awaiting_note": "orange",
}
"""Which colour a state has, always beside its word; what is not here is shown plain."""


@dataclass(frozen=True)
class Step:
    """A next step as a button: its words, and the callback with its arguments. The first one is primary, if it may."""

    label: str
    on_click: Callable[..., None] | None = None
    args: tuple[Any, ...] = ()
    icon: str | None = None
    may_be_primary: bool = True


def empty(title: str, words: str, *steps: Step, key: str = "page") -> None:
    """A centred card: what would be here, why it is not (with numbers), and the next steps; the first is primary."""
    with st.container(border=True, key=f"stfc_empty_{key}"):
        st.header(title, anchor=False, text_alignment="center")
        st.markdown(words, text_alignment="center")
        if steps:
            with st.container(horizontal=True, horizontal_alignment="center", gap="xsmall"):
                _buttons(steps, f"empty_{key}")


def error(
    sentence: str,
    detail: str = "",
    *steps: Step,
    key: str = "page",
    icon: str = ":material/error:",
    tone: Literal["red", "orange"] = "red",
) -> None:
    """A card with a coloured left edge: a bold sentence, gray detail (code and what happens next), buttons right.

    ``tone`` is orange for what passes by itself; its ``key`` then begins with ``slow`` (the style sheet's edge).
    """
    with st.container(border=True, key=f"stfc_error_{key}"):
        words, buttons = st.columns([7.7, 2.3], vertical_alignment="center") if steps else (st.container(), None)
        words.markdown(f":{tone}[{icon}] {sentence}" + (f"  \n:gray[{detail}]" if detail else ""))
        if buttons is not None:
            with buttons.container(horizontal=True, horizontal_alignment="right", gap="xsmall"):
                _buttons(steps, f"error_{key}", primary_last=True)


def fault(cause: StfcError, *steps: Step, key: str = "fault") -> None:
    """The error card of an error of ours: its sentence and code from ``text.error``."""
    error(f"**{plain(sentence(cause))}**", "", *steps, key=key)


def sentence(cause: StfcError) -> str:
    """The Portuguese sentence of an error, with its code."""
    return text.error(cause)


def badge(state: str, word: str) -> str:
    """Markdown of a state's word in its colour, for ``st.markdown`` and table cells; ``word`` is escaped."""
    tone = TONES.get(state)
    return f":{'primary' if tone == 'accent' else tone}-badge[{plain(word)}]" if tone else plain(word)


def toast(words: str, icon: str = ":material/check_circle:") -> None:
    """A short notice after an act; survives the rerun that follows."""
    st.session_state.setdefault("stfc_toasts", []).append((words, icon))


def show_toasts() -> None:
    """Show the notices that callbacks left; once a run, from the entry script."""
    for words, icon in st.session_state.pop("stfc_toasts", []):
        st.toast(words, icon=icon)


def defect(code: str) -> None:
    """The card of a defect of ours, which the log explains under ``code``."""
    error(f"**{labels.ERROR_TITLE}**", labels.ERROR.format(code=code), Step(labels.TRY_AGAIN), key="defect")


def _buttons(steps: tuple[Step, ...], key: str, *, primary_last: bool = False) -> None:
    placed = list(enumerate(steps))
    for position, step in reversed(placed) if primary_last else placed:
        st.button(
            step.label,
            key=f"{key}_{position}",
            icon=step.icon,
            type="primary" if position == 0 and step.may_be_primary else "secondary",
            on_click=step.on_click,
            args=step.args,
        )
