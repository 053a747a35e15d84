"""Figures with their company: KPI cards, the coverage bar, facts, the steps of a routine."""

import html
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import streamlit as st

from stfc.ui import labels
from stfc.ui.format import count
from stfc.ui.style import palette

OUTCOME_ORDER: Final = (
    "charged",
    "zero",
    "held",
    "waiting_file",
    "queued",
    "failed",
    "refused",
    "running",
    "waiting",
    "to_bill",
    "cancelled",
    "reversed",
    "kept_out",
)
"""The order of outcomes in every bar and row of pills."""

_BAR_TONE: Final = {
    "charged": "green",
    "held": "violet",
    "waiting_file": "orange",
    "running": "blue",
    "waiting": "blue",
    "queued": "blue",
    "failed": "red",
    "to_bill": "accent",
}


@dataclass(frozen=True)
class Kpi:
    """One indicator: ``change`` is written with its sign (``+6``, ``−8,4%``), ``history`` is oldest first.

    ``note`` says how complete the value is; a click on the card calls ``on_click``. ``up_is_bad`` colours a rise red.
    """

    key: str
    label: str
    value: str
    definition: str
    note: str
    change: str | None = None
    versus: str | None = None
    history: Sequence[float] = ()
    up_is_bad: bool = False
    on_click: Callable[..., None] | None = None
    args: tuple[Any, ...] = ()


def kpis(cards: Sequence[Kpi]) -> None:
    """A row of cards of one height."""
    with st.grid(6, min_column_width=160, gap=8):
        for card in cards:
            _kpi(card)


def outcome_bar(outcomes: Mapping[str, int], *, thin: bool = False, label: str = "Resultados") -> None:
    """A bar of parts, one per outcome (``OUTCOME_ORDER``); what waits is gray in a thin (batch) bar."""
    st.html(bar_html(outcomes, thin=thin, label=label))


def bar_html(outcomes: Mapping[str, int], *, thin: bool = False, label: str = "Resultados") -> str:
    """The bar's HTML with a spoken label; nothing to show gives one gray part."""
    parts = [(name, outcomes.get(name, 0)) for name in OUTCOME_ORDER if outcomes.get(name, 0)]
    spoken = ", ".join(f"{labels.OUTCOMES[name]} {count(number)}" for name, number in parts) or "nenhum"
    drawn = [(number, _colour(name, thin)) for name, number in parts] or [(1, palette().rest)]
    pieces = "".join(f'<i style="flex:{number} 1 0;background:{colour}"></i>' for number, colour in drawn)
    kind = "stfc-bar thin" if thin else "stfc-bar"
    return f'<div class="{kind}" role="img" aria-label="{html.escape(label)}: {spoken}">{pieces}</div>'


def outcome_pill(name: str, number: int, label: str | None = None) -> str:
    """``■ Cobrados **684**`` in the outcome's colour, for ``st.pills``: legend and filter in one."""
    mark = "□" if name == "zero" else "■"
    tone = {"charged": "green", "zero": "green", "to_bill": "primary"}.get(name) or _BAR_TONE.get(name, "gray")
    return f":{tone}[{mark}] {label or labels.OUTCOMES[name]} **{count(number)}**"


def facts(pairs: Sequence[tuple[str, str]], *, bordered: bool = True) -> None:
    """Label over value in a row. A value is escaped unless it is a ``style.badge``."""
    cells = "".join(f"<div><dt>{html.escape(name)}</dt><dd>{_cell(value)}</dd></div>" for name, value in pairs)
    with st.container(border=bordered):
        st.html(f'<dl class="stfc-facts">{cells}</dl>')


def steps(names: Sequence[tuple[str, str]], current: int) -> None:
    """A routine's steps: ``(name, detail)`` each, ``current`` counts from 1."""
    items = "".join(_step(number, *step, current) for number, step in enumerate(names, 1))
    st.html(f'<ol class="stfc-steps">{items}</ol>')


def _step(number: int, name: str, detail: str, current: int) -> str:
    mark = ' aria-current="step"' if number == current else ""
    tag = "strong" if number == current else "span"
    words = f"<{tag}>{html.escape(name)}</{tag}>" + (f"<span>{html.escape(detail)}</span>" if detail else "")
    return f"<li{mark}><b>{number}</b>{words}</li>"


def _kpi(card: Kpi) -> None:
    with st.container(border=True, height="stretch", gap="xsmall", key=f"stfc_kpi_{card.key}"):
        st.metric(
            card.label,
            card.value,
            card.change,
            help=card.definition,
            delta_color=_delta_colour(card),
            delta_arrow=_delta_arrow(card.change),
            delta_description=card.versus,
            chart_data=list(card.history) or None,
        )
        st.button(
            card.note,
            key=f"kpi_{card.key}",
            type="tertiary",
            width="stretch",
            on_click=card.on_click,
            args=card.args,
        )


def _delta_colour(card: Kpi) -> Literal["red", "gray"]:
    return "red" if card.up_is_bad and (card.change or "").startswith("+") else "gray"


def _delta_arrow(change: str | None) -> Literal["up", "down", "off"]:
    # Set by hand: Streamlit does not read U+2212 as a minus.
    if not change or change[0] not in "+\N{MINUS SIGN}":
        return "off"
    return "up" if change[0] == "+" else "down"


def _colour(name: str, thin: bool) -> str:
    colours = palette()
    if name == "zero":
        return colours.zero
    if name not in _BAR_TONE or (thin and name == "waiting"):
        return colours.rest
    return colours.solid[_BAR_TONE[name]]


def _cell(value: str) -> str:
    return value if value.startswith('<span class="stfc-badge') else html.escape(value)
