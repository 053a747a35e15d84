"""*Contratos - Telefonia*: the list, its filter, and the way into a contract.

The address of the list, for links from elsewhere (``url.open_page(labels.CONTRACTS, erro="1")``):

* ``q``: *Pesquisar*. ``erro=1``, ``novos=1``, ``nao_faturados=1``: the list behind that indicator.
* ``uf``, ``plano`` (``-`` for none), ``etapa``, ``status``, ``integracao``, ``dia`` (of the cut): repeated for several.
* ``de``, ``ate``: bounds of the last charge in reais (``10.50``).
* ``desfecho``: what the competence's item came to, an ``ItemOutcome`` or ``reversed``. ``situacao``: parts of
  ``Coverage``. ``regra``: keys of ``Rule``, the first rule that fails. All three may be repeated.
* ``deletados=1``: also contracts whose Summit services are all deleted.
* ``pagina``, ``ordem``: see ``tables``.
* ``contrato=10487`` opens that contract instead, ``aba`` one of its tabs (``contract_detail``).
"""

from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
import streamlit as st

from stfc.domain.competence import Competence
from stfc.errors import NotFoundError
from stfc.services.ports import Page
from stfc.services.queries import ContractQuery, Coverage, View
from stfc.ui import competence, filters, labels, states, tables, url
from stfc.ui import format as fmt
from stfc.ui.filters import Chosen
from stfc.ui.tables import Column

CONTRACT_PARAMETER: Final = "contrato"
TAB_PARAMETER: Final = "aba"
WHY_TAB: Final = "por-que"
_NO_PLAN: Final = "-"
_DELETED: Final = "deleted"
_LAST: Final = "last"
_FROM: Final = "stfc_contract_opened_from"

GRID: Final = tables.Grid(
    "contratos",
    id="contract",
    noun=labels.CONTRACT_NOUN,
    sort="contract",
    alt="Contratos com serviço de telefonia da Summit",
    columns=(
        Column("contract", "Contrato", 66, opens=True, help=labels.OPEN_ROW),
        Column("customer", "Cliente", 196),
        Column("city", "Cidade/UF", 142),
        Column("lines", "Linhas", 54, unit="count", help=labels.LINES_VALID),
        Column("plan", "Plano", 118),
        Column(
            "stage", "Etapa", 102, words={**labels.STAGES, _DELETED: labels.DELETED}, normal=" ".join(labels.STAGES)
        ),
        Column("status", "Status", 166, words=labels.STATUSES, normal="normal"),
        Column("integration", "Integração", 86, words=labels.INTEGRATIONS, normal="integrated"),
        Column(_LAST, "Última cobrança", 146, right=True, exported=False, help=labels.LAST_CHARGE),
        Column("last_competence", "Última cobrança: competência", 0, shown=False),
        Column("last_amount", "Última cobrança: valor", 0, unit="money", shown=False),
        Column("cut_day", "Dia de corte", 0, shown=False),
        Column("coverage", "Situação na competência", 0, words=labels.OUTCOMES, shown=False),
        Column("first_failed", "Fora da lista pela regra", 0, words=labels.RULES_SHORT, shown=False),
        Column("integration_error", "Erro da integração", 0, shown=False),
        Column("deleted", "Deletado", 0, shown=False),
    ),
)


# --- The filter ----------------------------------------------------------------------------------------------------


def bar(view: View) -> filters.Bar:
    """The filter row, with the choices that occur in this view."""
    occurring = view.choices()
    plans = {plan: plan for plan in occurring["plans"]} | {_NO_PLAN: labels.WITHOUT_PLAN}
    stages = {stage: labels.STAGES[stage] for stage in occurring["stages"]}
    statuses = {status: labels.STATUSES[status] for status in occurring["statuses"]}
    return filters.Bar(
        "contracts",
        labels.CONTRACTS.search,
        (
            filters.Flag("integration_errors", "Erro na integração", "erro"),
            filters.Flag("new_subscribers", "Novos", "novos"),
            filters.Flag("not_invoiced", "Não faturados", "nao_faturados"),
            filters.Choice("states", "UF", "uf", options=lambda: {state: state for state in occurring["states"]}),
            filters.Choice("plans", "Plano", "plano", options=lambda: plans),
            filters.Choice("stages", "Etapa", "etapa", options=lambda: stages),
            filters.Choice("statuses", "Status", "status", options=lambda: statuses),
            filters.Choice("integrations", "Integração", "integracao", options=lambda: labels.INTEGRATIONS),
            filters.Choice("cut_days", "Dia de corte", "dia", options=lambda: _CUT_DAYS),
            filters.Money("least_last", "Última cobrança a partir de (R$)", "de", words="Valor a partir de {value}"),
            filters.Money("most_last", "Última cobrança até (R$)", "ate", words="Valor até {value}"),
            filters.Choice("outcomes", labels.OUTCOME_IN_MONTH, "desfecho", options=lambda: labels.OUTCOME),
            filters.Choice("coverage", labels.COVERAGE_IN_MONTH, "situacao", options=lambda: _COVERAGE),
            filters.Choice("rules", labels.OUT_BY_RULE, "regra", options=lambda: labels.RULES_SHORT),
            filters.Check("include_deleted", labels.WITH_DELETED, "deletados"),
        ),
    )


_CUT_DAYS: Final = {str(day): f"dia {day}" for day in range(1, 32)}
_COVERAGE: Final = {part.value: labels.OUTCOMES[part.value] for part in Coverage}


def query(chosen: Chosen, **more: Any) -> ContractQuery:
    """What the filter row asks for; the column *Última cobrança* is ordered by its value."""
    if more.get("sort") == _LAST:
        more["sort"] = "last_amount"
    return chosen.into(
        ContractQuery,
        plans=tuple("" if plan == _NO_PLAN else plan for plan in chosen.plans),
        cut_days=tuple(int(day) for day in chosen.cut_days),
        **more,
    )


# --- The list ------------------------------------------------------------------------------------------------------


def show(view: View, chosen: Chosen, row: filters.Bar) -> None:
    """The list, or why it is empty and what to do next."""
    found = view.contracts(query(chosen, **GRID.window().asked()))
    if not found.total:
        _nothing(view, chosen, row)
        return

    def export() -> pa.Table:
        return in_words(view.contracts(query(chosen, limit=None)).table)

    coverage = dict(zip(*(found.table[name].to_pylist() for name in ("contract", "coverage")), strict=True))

    def open_row(contract: str) -> None:
        # Who opens what is kept out asks why.
        open_contract(contract, WHY_TAB if coverage.get(contract) == Coverage.KEPT_OUT else None)

    GRID.show(Page(found.total, found.offset, shown(found.table)), chosen, on_open=open_row, export=export)


def shown(table: pa.Table) -> pa.Table:
    """The rows as the grid shows them: as ``placed``, a deleted contract's stage says so, ``last`` in words."""
    deleted = pc.if_else(table["deleted"], pa.scalar(_DELETED), table["stage"].cast(pa.string()))
    pairs = zip(table["last_competence"].to_pylist(), table["last_amount"].to_pylist(), strict=True)
    last = pa.array([last_charge(month, amount) for month, amount in pairs], pa.string())
    staged = table.set_column(table.schema.get_field_index("stage"), "stage", deleted)
    return placed(staged).append_column(_LAST, last)


def in_words(table: pa.Table) -> pa.Table:
    """The rows as the download has them: as ``placed``, ``deleted`` as *Sim* or *Não*."""
    deleted = pc.if_else(table["deleted"], pa.scalar(labels.YES), pa.scalar(labels.NO))
    return placed(table.set_column(table.schema.get_field_index("deleted"), "deleted", deleted))


def placed(table: pa.Table) -> pa.Table:
    """``city`` as ``Campinas/SP``; what is missing is left out."""
    city, state = (table[name].cast(pa.string()) for name in ("city", "state"))
    place = pc.binary_join_element_wise(city, state, "/", null_handling="skip")
    return table.set_column(table.schema.get_field_index("city"), "city", place)


def last_charge(month: str | None, amount: int | None) -> str:
    """``set/26 · R$ 147,46``; a dash where nothing was charged."""
    if month is None:
        return fmt.NOTHING
    return f"{fmt.month_short(Competence.parse(month))} · {fmt.money(amount)}"


# --- Nothing found -------------------------------------------------------------------------------------------------


def _nothing(view: View, chosen: Chosen, row: filters.Bar) -> None:
    if not chosen.is_active:
        states.empty(labels.NO_CONTRACTS, labels.NOTHING_AT_ALL, key="contracts")
        return
    total = view.contracts(ContractQuery(limit=1)).total
    words = labels.NO_CONTRACT_FOUND.format(count=fmt.counted(total, *labels.CONTRACT_NOUN))
    steps = [states.Step(labels.CLEAR_FILTER, row.clear)]
    if number := _known(view, chosen.search):
        words = labels.CONTRACT_OUTSIDE.format(contract=fmt.plain(number))
        why = states.Step(labels.WHY_CONTRACT.format(contract=number), open_contract, (number, WHY_TAB))
        steps.insert(0, why)
    states.empty(labels.NO_CONTRACT_FOUND_TITLE, words, *steps, key="contracts")


def _known(view: View, words: str) -> str:
    """The number that was searched for, when the ERP has such a contract though the list does not."""
    number = words.strip()
    if not number or " " in number:
        return ""
    try:
        return view.facts(number).contract.contract
    except NotFoundError:
        return ""


# --- Into a contract and back --------------------------------------------------------------------------------------


def open_contract(contract: str, tab: str | None = None) -> None:
    """Open a contract, on ``tab``; for callbacks. The list's address is kept, so that *Voltar* comes back to it."""
    here = {name: url.get_all(name) for name in st.query_params if name != competence.PARAMETER}
    st.session_state[_FROM] = (contract, here)
    url.put({**dict.fromkeys(here), CONTRACT_PARAMETER: contract, TAB_PARAMETER: tab})


def back() -> None:
    """Leave the contract for the list as it was left, or for the whole list; for callbacks."""
    contract, there = st.session_state.pop(_FROM, ("", {}))
    here = dict.fromkeys(name for name in st.query_params if name != competence.PARAMETER)
    url.put({**here, **(there if contract == url.get(CONTRACT_PARAMETER) else {})})


def search_for(words: str) -> None:
    """Leave the contract for the list, filtered by ``words`` alone; for callbacks."""
    st.session_state.pop(_FROM, None)
    here = dict.fromkeys(name for name in st.query_params if name != competence.PARAMETER)
    url.put({**here, filters.SEARCH_PARAMETER: words})
