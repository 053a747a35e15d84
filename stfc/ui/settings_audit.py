"""The audit trail on the screen: searched, paged, exported, and its integrity checked.

The address: ``q``, ``quem``, ``ato``, ``alvo``, ``de``, ``ate``, ``origem`` (``tela``, ``terminal``).
"""

import re
from collections.abc import Iterable, Sequence
from datetime import date, datetime, time, timedelta
from typing import Final

import pyarrow as pa
import streamlit as st

from stfc.domain import text
from stfc.services.ports import AuditFilter, AuditLine, Page
from stfc.ui import filters, labels, session, states, tables
from stfc.ui import format as fmt
from stfc.ui.filters import Chosen
from stfc.ui.tables import Column

_WORD: Final = re.compile(r"\b[a-z_]+(?=[: ])")
_VERDICT: Final = "settings_audit_verdict"


def _said(codes: str) -> str:
    """``lote 7`` of ``batch 7``; what has no word stays as the trail has it."""
    return _WORD.sub(lambda found: labels.AUDIT_WORDS.get(found[0], found[0]), codes)


GRID: Final = tables.Grid(
    "auditoria",
    id="seq",
    noun=labels.AUDIT_NOUN,
    sort="seq",
    descending=True,
    visible=13,
    alt="Linhas da auditoria",
    columns=(
        Column("seq", "Linha", 60, sortable=False),
        Column("at", "Quando", 128, unit="moment", sortable=False),
        Column("who", "Quem", 110, sortable=False),
        Column("role", "Papel", 84, show=lambda one: labels.ROLES.get(one, one), sortable=False),
        Column("surface", "De onde", 78, show=lambda one: labels.SURFACES.get(one, one), sortable=False),
        Column("action", "Ato", 176, show=lambda one: labels.AUDIT_ACTS.get(one, one), sortable=False),
        Column("target", "Alvo", 132, show=_said, sortable=False),
        Column("reason", "Motivo", 160, sortable=False),
        Column("facts", "Detalhe", 150, show=_said, sortable=False),
        Column("hash", "Hash", 0, shown=False),
    ),
)


def bar() -> filters.Bar:
    """The filter row."""
    trail, actor = session.application().audit_trail, session.actor()
    return filters.Bar(
        "audit",
        labels.SETTINGS.search,
        (
            filters.One("who", "Quem", "quem", options=lambda: {one.name: one.name for one in trail.people(actor)}),
            filters.One("action", "Ato", "ato", options=lambda: _acts(trail.actions(actor))),
            filters.Text("target", "Alvo", "alvo"),
            filters.One("surface", "De onde", "origem", options=lambda: labels.SURFACES),
            filters.Day("since", "De", "de"),
            filters.Day("until", "Até", "ate"),
        ),
    )


def show() -> None:
    """Integrity, filter, lines."""
    _integrity()
    row = bar()
    chosen = row.show()
    window = GRID.window()
    trail, actor, which = session.application().audit_trail, session.actor(), wanted(chosen)
    total, found = trail.page(actor, search=chosen.search, chosen=which, offset=window.offset, limit=window.limit)
    if not total:
        step = states.Step(labels.CLEAR_FILTER, row.clear)
        states.empty(labels.AUDIT_EMPTY, labels.AUDIT_EMPTY_WORDS, step, key="audit")
        return
    GRID.show(
        Page(total, window.offset, table(found)),
        chosen,
        export=lambda: table(trail.page(actor, search=chosen.search, chosen=which)[1]),
    )


def wanted(chosen: Chosen) -> AuditFilter:
    """The filter as the trail knows it: days of Brasília, the last one whole."""
    return AuditFilter(
        who=chosen.who or "",
        action=chosen.action or "",
        target=chosen.target or "",
        surface=chosen.surface or "",
        since=_midnight(chosen.since) if chosen.since else None,
        until=_midnight(chosen.until + timedelta(days=1)) if chosen.until else None,
    )


def table(lines: Sequence[AuditLine]) -> pa.Table:
    """Lines as the grid and the download have them."""
    columns = [
        ("seq", pa.string(), [str(one.seq) for one in lines]),
        ("at", pa.timestamp("us", "UTC"), [one.at for one in lines]),
        *((name, pa.string(), [getattr(one, name) or "" for one in lines]) for name in _TEXTS),
        (
            "facts",
            pa.string(),
            [_facts(one) for one in lines],
        ),
        ("hash", pa.string(), [one.hash for one in lines]),
    ]
    return pa.table({name: pa.array(values, kind) for name, kind, values in columns})


def _facts(line: AuditLine) -> str:
    return ", ".join(f"{name}: {value}" for name, value in line.facts.items() if value is not None)


def _acts(actions: Iterable[str]) -> dict[str, str]:
    return {one: labels.AUDIT_ACTS.get(one, one) for one in actions}


_TEXTS: Final = ("who", "role", "surface", "action", "target", "reason")


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), fmt.ZONE)


def _integrity() -> None:
    with st.container(horizontal=True, gap="small", vertical_alignment="center", key="stfc_audit_check"):
        st.markdown(f":gray[{labels.AUDIT_CHECK_HINT}]", width="stretch")
        if st.button(labels.AUDIT_CHECK, icon=":material/verified_user:", key="audit_check"):
            st.session_state[_VERDICT] = session.application().audit_trail.verify()
    if verdict := st.session_state.get(_VERDICT):
        words = fmt.plain(text.audit_verdict(verdict))
        if verdict.broken is None:
            st.markdown(f":green[:material/check_circle: {words}]")
        else:
            states.error(f"**{words}**", key="audit")
