"""*Gerar Cobrança*'s selection: which contracts are chosen, what they come to, and the tools that choose many."""

from dataclasses import dataclass
from typing import Final

import streamlit as st

from stfc.services.billing import Preview
from stfc.services.queries import ContractQuery, ContractTotals, View
from stfc.ui import format as fmt
from stfc.ui import labels, selection, tables
from stfc.ui.tables import Column

_MOMENT: Final = "billing_moment"
_TOTALS: Final = "billing_totals"
_MATCHING: Final = "billing_matching"
_PREVIEW: Final = "billing_preview"
DIALOG: Final = "billing_dialog"

GRID: Final = tables.Grid(
    "gerar_cobranca",
    id="contract",
    noun=("contrato", "contratos"),
    sort="contract",
    visible=12,
    alt="Contratos elegíveis, com valor previsto e avisos",
    columns=(
        Column("contract", "Contrato", 72, opens=True, help="Abre o contrato"),
        Column("customer", "Cliente", 193),
        Column("city", "Cidade/UF", 139),
        Column("lines", "Linhas", 57, unit="count"),
        Column("plan", "Plano", 121),
        Column("cut_day", "Corte", 59, show=lambda day: f"dia {day}"),
        Column("expected_calls", "Ligações prev.", 99, unit="count", help=labels.EXPECTED),
        Column("expected_amount", "Valor prev.", 97, unit="money", help=labels.EXPECTED),
        Column(
            "change",
            "Var.",
            71,
            show=lambda change: fmt.signed(change, 1, "%"),
            right=True,
            sortable=False,
            exported=False,
            help=labels.VERSUS_LAST,
        ),
        Column("cautions", "Avisos", 137, words=labels.CAUTIONS_SHORT),
    ),
)


@dataclass(frozen=True)
class Choice:
    """What is chosen of a view: ``within`` of the ids match the filter that the list shows, ``matching`` do at all."""

    ids: selection.Ids
    totals: ContractTotals
    eligible: int
    matching: int
    within: int
    preview: Preview | None

    @property
    def is_all(self) -> bool:
        """Whether every eligible contract of the competence is chosen."""
        return 0 < self.eligible == len(self.ids)

    @property
    def is_filter(self) -> bool:
        """Whether exactly what the filter shows is chosen."""
        return 0 < self.matching == self.within == len(self.ids)

    @property
    def amount(self) -> int:
        """Expected centavos: the preview's where it was asked for, else the history's."""
        return self.preview.expected_amount if self.preview else self.totals.expected_amount

    @property
    def calls(self) -> int:
        """Expected calls, from the same source as ``amount``."""
        return self.preview.expected_calls if self.preview else self.totals.expected_calls

    @property
    def is_priced(self) -> bool:
        """Whether anything is known of the value at all."""
        if self.preview:
            return self.preview.from_platform + self.preview.from_history > 0
        return self.totals.with_history > 0


def ids(view: View) -> selection.Ids:
    """The chosen ids that can still be billed: another competence begins anew, a new revision may take some out."""
    moment = (view.competence, view.snapshot, view.revision)
    before = st.session_state.get(_MOMENT)
    chosen = GRID.selected()
    if before == moment:
        return chosen
    st.session_state[_MOMENT] = moment
    kept: selection.Ids = frozenset()
    if chosen and before is not None and before[0] == view.competence:
        kept = chosen & frozenset(view.contract_ids(ContractQuery(eligible=True)))
    if kept != chosen:
        GRID.select(kept)
        return kept
    return chosen


def eligible_count(view: View) -> int:
    """How many contracts are in the list of the competence, whatever the filter."""
    return view.indicators()["eligible"]


def choice(view: View, query: ContractQuery, *, is_filtered: bool) -> Choice:
    """The selection with its figures; ``query`` is the list's filter."""
    chosen = ids(view)
    eligible = eligible_count(view)
    matching, within = eligible, len(chosen)
    if is_filtered:
        matched = _matching(view, query)
        matching, within = len(matched), len(matched & chosen)
    return Choice(chosen, _totals(view, chosen), eligible, matching, within, preview_of(view, chosen))


def _matching(view: View, query: ContractQuery) -> selection.Ids:
    moment = (view.competence, view.snapshot, view.revision, query)
    kept = st.session_state.get(_MATCHING)
    if kept is None or kept[0] != moment:
        kept = st.session_state[_MATCHING] = (moment, frozenset(view.contract_ids(query)))
    matched: selection.Ids = kept[1]
    return matched


def _totals(view: View, chosen: selection.Ids) -> ContractTotals:
    # By identity of the ids: hashing or comparing 100,000 of them at each click would cost more than it saves.
    moment = (view.competence, view.snapshot, view.revision)
    kept = st.session_state.get(_TOTALS)
    if kept is None or kept[0] != moment or kept[1] is not chosen:
        kept = st.session_state[_TOTALS] = (moment, chosen, view.contract_totals(list(chosen)))
    totals: ContractTotals = kept[2]
    return totals


# --- The preview of exactly this selection -------------------------------------------------------------------------


def preview_of(view: View, chosen: selection.Ids) -> Preview | None:
    """The preview that was made of exactly these ids, if any."""
    kept = st.session_state.get(_PREVIEW)
    if kept is None or kept[0] != (view.competence, view.snapshot) or kept[1] is not chosen:
        return None
    preview: Preview = kept[2]
    return preview


def keep_preview(view: View, chosen: selection.Ids, preview: Preview) -> None:
    """Remember the preview for as long as the selection stays."""
    st.session_state[_PREVIEW] = ((view.competence, view.snapshot), chosen, preview)


# --- Tools ---------------------------------------------------------------------------------------------------------


def tools(view: View, query: ContractQuery, matching: int) -> None:
    """*Selecionar todos os N que atendem ao filtro*, *Limpar seleção*, *Colar lista de contratos*."""
    chosen = GRID.selected()
    if len(chosen) < matching or not chosen:
        st.button(
            labels.SELECT_ALL.format(count=fmt.count(matching)),
            key="billing_select_all",
            type="tertiary",
            on_click=_select_all,
            args=(view, query),
        )
    if chosen:
        st.button(labels.SELECT_NONE, key="billing_select_none", type="tertiary", on_click=_select_none)
    st.button(labels.PASTE, key="billing_paste", type="tertiary", on_click=open_dialog, args=("paste",))


def open_dialog(name: str) -> None:
    """Open a dialog in the run that follows; for callbacks."""
    st.session_state[DIALOG] = name


def _select_all(view: View, query: ContractQuery) -> None:
    GRID.select(GRID.selected() | frozenset(view.contract_ids(query)))


def _select_none() -> None:
    GRID.select(frozenset())
