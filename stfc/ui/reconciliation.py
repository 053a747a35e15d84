"""*Conferência*: the queue of held charges, the one that is read, and what was decided lately (PRODUCT 7).

The address, for links from elsewhere (``url.open_page(labels.RECONCILIATION, q="10487")``):

* ``q``: *Pesquisar*. ``mes=1``: of the competence of the header alone; without it, of all.
* ``motivo`` (repeated): ``totais``, ``tarifacao``, ``anomalia``, ``linha``. ``detector`` (repeated): keys of
  ``text.DETECTORS``. ``codigo`` (repeated): codes. ``de``, ``ate``: reais.
* ``retida``: the charge that is read at the right.
* ``aba``: ``corrigidos``, ``completude``, ``retarifacao``, ``decididas``.
  ``pagina``, ``ordem``: see ``tables``.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
import streamlit as st

from stfc.domain import text
from stfc.domain.competence import Competence
from stfc.services.ports import HoldDecision, HoldRow, Page
from stfc.services.queries import ContractQuery, View
from stfc.ui import competence, filters, labels, reconciliation_case, session, states, tables, tabs, tracking, url
from stfc.ui import format as fmt
from stfc.ui.filters import Chosen
from stfc.ui.tables import Column

HELD, CORRECTED, COMPLETENESS, RERATE, DECIDED = "retidas", "corrigidos", "completude", "retarifacao", "decididas"
OPEN_PARAMETER: Final = "retida"
CODES_OF: Final[Mapping[str, frozenset[str]]] = {
    "totais": frozenset({"ARQ-TOT"}),
    "tarifacao": frozenset({"TAR-DIF", "TAR-SEM"}),
    "anomalia": frozenset({"CON-ANO"}),
    "linha": frozenset({"CTR-LIN", "CTR-DIV"}),
}
"""What each pill means."""

GRID: Final = tables.Grid(
    "retidas",
    id="hold",
    noun=labels.HOLD_NOUN,
    sort="amount",
    descending=True,
    visible=12,
    alt="Cobranças retidas",
    columns=(
        Column("contract", "Contrato", 72, opens=True, help=labels.OPEN_HOLD),
        Column("competence", "Mês", 60, show=lambda one: fmt.month_short(Competence.parse(one))),
        Column("customer", "Cliente", 132),
        Column("code", "Motivo", 86, words=labels.HOLD_CODES),
        Column("amount", "Em risco", 96, unit="money"),
        Column("calls", "Ligações", 0, unit="count", shown=False),
        Column("why", "Por que está retida", 0, shown=False),
        Column("batch", "Lote", 0, unit="count", shown=False),
        Column("held_at", "Retida em", 0, unit="moment", shown=False),
    ),
)
DECISIONS: Final = tables.Grid(
    "decididas",
    id="key",
    noun=labels.DECISION_NOUN,
    sort="at",
    descending=True,
    visible=15,
    alt="Decisões sobre cobranças retidas",
    columns=(
        Column("at", "Quando", 128, unit="moment"),
        Column("contract", "Contrato", 84),
        Column("competence", "Competência", 104, show=lambda one: fmt.month(Competence.parse(one))),
        Column("decision", "Decisão", 100, words=labels.DECISIONS, normal="release"),
        Column("amount", "Valor", 110, unit="money"),
        Column("code", "Motivo", 90, words=labels.HOLD_CODES),
        Column("who", "Quem", 120),
        Column("reason", "Justificativa", 342, sortable=False),
        Column("key", "Número", 0, shown=False, exported=False),
    ),
)


# --- What is filtered ------------------------------------------------------------------------------------------------


def bar(pending: Sequence[HoldRow]) -> filters.Bar:
    """The filter row."""
    return filters.Bar(
        "reconciliation",
        labels.RECONCILIATION.search,
        (
            filters.Flag("only_month", labels.ONLY_MONTH.format(month=fmt.month(competence.current())), "mes"),
            filters.Choice("codes", "Código", "codigo", options=lambda: _codes(pending)),
            filters.Choice("detectors", labels.DETECTOR, "detector", options=lambda: dict(text.DETECTORS)),
            filters.Money("least", "Em risco de (R$)", "de", words="Em risco a partir de {value}"),
            filters.Money("most", "Em risco até (R$)", "ate", words="Em risco até {value}"),
        ),
        pills=filters.Choice("kinds", labels.HOLD_KIND, "motivo", options=lambda: labels.HOLD_KINDS),
    )


def _codes(pending: Sequence[HoldRow]) -> dict[str, str]:
    return {code: f"{code} · {text.CODES[code]}" for code in sorted({one.code for one in pending})}


def found(view: View, pending: Sequence[HoldRow], chosen: Chosen) -> list[HoldRow]:
    """The held charges that the filter leaves."""
    named = None
    if chosen.search:
        named = set(view.contract_ids(ContractQuery(search=chosen.search, include_deleted=True, limit=None)))
    return [one for one in pending if fits(one, chosen, view.competence) and (named is None or one.contract in named)]


def fits(hold: HoldRow, chosen: Chosen, month: Competence) -> bool:
    """Whether the filter leaves the charge, *Pesquisar* aside; ``month`` is that of the header."""
    codes = {finding.code for finding in hold.findings} or {hold.code}
    detectors = {finding.facts.get("detector") for finding in hold.findings}
    return (
        (not chosen.only_month or hold.competence == month)
        and (not chosen.kinds or any(codes & CODES_OF[kind] for kind in chosen.kinds))
        and (not chosen.codes or bool(codes & set(chosen.codes)))
        and (not chosen.detectors or bool(detectors & set(chosen.detectors)))
        and (chosen.least is None or hold.amount >= chosen.least)
        and (chosen.most is None or hold.amount <= chosen.most)
    )


def tabs_of(pending: Sequence[HoldRow], corrected: int) -> tuple[tabs.Tab, ...]:
    """The screen's tabs; ``corrected`` files wait for a decision."""
    return (
        tabs.Tab(HELD, labels.HELD_TAB, len(pending)),
        tabs.Tab(CORRECTED, labels.CORRECTED_TAB, corrected),
        tabs.Tab(COMPLETENESS, labels.COMPLETENESS_TAB),
        tabs.Tab(RERATE, labels.RERATE_TAB),
        tabs.Tab(DECIDED, labels.DECIDED_TAB),
    )


# --- The queue -------------------------------------------------------------------------------------------------------


def show(queue: Sequence[HoldRow], pending: Sequence[HoldRow], chosen: Chosen, row: filters.Bar) -> HoldRow | None:
    """The queue at the left, at the right the charge that is read, which this gives; or why there is none."""
    if not queue:
        _nothing(pending, chosen, row)
        return None
    table = rows(queue, tracking.names({one.contract for one in queue}))
    page = window_of(table, GRID.window())
    shown = opened(queue, page)
    with st.container(key="stfc_queue"):
        left, right = st.columns([5.4, 6.6], gap="small")
    with left:
        st.markdown(f":gray[{_head(queue, chosen)}]")
        GRID.show(page, chosen, selects=True, on_open=open_hold, export=lambda: table)
    with right:
        reconciliation_case.show(shown)
    return shown


def rows(queue: Sequence[HoldRow], names: Mapping[str, str]) -> pa.Table:
    """The queue as the grid and the download have it; ``names`` are the customers by contract."""
    columns = [
        ("hold", pa.string(), [str(one.hold) for one in queue]),
        ("contract", pa.string(), [one.contract for one in queue]),
        ("competence", pa.string(), [str(one.competence) for one in queue]),
        ("customer", pa.string(), [names.get(one.contract, "") for one in queue]),
        ("code", pa.string(), [one.code for one in queue]),
        ("amount", pa.int64(), [one.amount for one in queue]),
        ("calls", pa.int64(), [one.calls for one in queue]),
        ("why", pa.string(), [text.hold_reason(one.findings) for one in queue]),
        ("batch", pa.int64(), [one.batch for one in queue]),
        ("held_at", pa.timestamp("us", "UTC"), [one.held_at for one in queue]),
    ]
    return pa.table({name: pa.array(values, kind) for name, kind, values in columns})


def window_of(table: pa.Table, window: tables.Window) -> Page:
    """The page of ``table`` that the address asks for; ties by contract and month, as they came."""
    direction = "descending" if window.descending else "ascending"
    ordered = table.take(pc.sort_indices(table, sort_keys=[(window.sort, direction)]))
    return Page(len(table), window.offset, ordered.slice(window.offset, window.limit))


def opened(queue: Sequence[HoldRow], page: Page) -> HoldRow:
    """The charge that is read: the address's, else the first of the page."""
    first = page.table.column("hold").to_pylist()[:1]
    wanted = (url.get(OPEN_PARAMETER), *first)
    by_number = {str(one.hold): one for one in queue}
    return next((by_number[one] for one in wanted if one in by_number), queue[0])


def open_hold(hold: str) -> None:
    """Read another charge; for callbacks."""
    url.put({OPEN_PARAMETER: hold})


def _head(queue: Sequence[HoldRow], chosen: Chosen) -> str:
    where = f"de {fmt.month(competence.current())}" if chosen.only_month else labels.IN_ALL_MONTHS
    return labels.HOLDS_HEAD.format(
        count=fmt.count(len(queue)),
        where=where,
        amount=fmt.money(sum(one.amount for one in queue)),
    )


def _nothing(pending: Sequence[HoldRow], chosen: Chosen, row: filters.Bar) -> None:
    if pending:
        words = labels.NO_HOLD_FOUND_WORDS.format(
            holds=fmt.counted(len(pending), *labels.HOLD_NOUN), amount=fmt.money(sum(one.amount for one in pending))
        )
        states.empty(labels.NO_HOLD_FOUND, words, states.Step(labels.CLEAR_FILTER, row.clear), key="holds")
        return
    step = states.Step(labels.FOLLOW, url.open_page, (labels.TRACKING,))
    states.empty(labels.NO_HOLDS, labels.NO_HOLDS_WORDS, step, key="holds")


# --- What was decided ------------------------------------------------------------------------------------------------


def decided(view: View) -> None:
    """The last decisions, with who made them and why."""
    every = session.application().holds.decisions()
    if not every:
        states.empty(labels.NO_DECISIONS, labels.NO_DECISIONS_WORDS, key="decisions")
        return
    table = decision_rows(every)
    DECISIONS.show(window_of(table, DECISIONS.window()), export=lambda: table)


def decision_rows(every: Sequence[HoldDecision]) -> pa.Table:
    """Decisions as the grid has them."""
    listed: list[dict[str, Any]] = [
        {
            "key": str(number),
            "at": one.at,
            "contract": one.contract,
            "competence": str(one.competence),
            "decision": "release" if one.released else "reject",
            "amount": one.amount,
            "code": one.code,
            "who": one.who,
            "reason": one.reason,
        }
        for number, one in enumerate(every)
    ]
    return pa.Table.from_pylist(listed)
