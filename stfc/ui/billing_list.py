"""*Gerar Cobrança*'s lists: the contracts that can be billed, and those kept out, with reasons."""

from collections.abc import Mapping
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
import streamlit as st

from stfc.domain import text
from stfc.domain.competence import Competence
from stfc.domain.eligibility import Rule, Verdict
from stfc.services.ports import Page
from stfc.services.queries import ContractQuery, View
from stfc.ui import billing_act, billing_choice, competence, contract_list, filters, labels, states, tables, tabs, url
from stfc.ui import format as fmt
from stfc.ui.billing_choice import GRID
from stfc.ui.filters import PAGE_PARAMETER, Chosen
from stfc.ui.tables import Column

NO_PLAN: Final = "-"
RULE_PARAMETER: Final = "regra"
LIST, OUT = "lista", "fora"

OUT_GRID: Final = tables.Grid(
    "fora_da_lista",
    id="contract",
    noun=("contrato", "contratos"),
    sort="contract",
    visible=10,
    alt="Contratos fora da lista, com a regra e o motivo",
    columns=(
        Column("contract", "Contrato", 84, opens=True, help="Abre por que o contrato não está na lista"),
        Column("customer", "Cliente", 236),
        Column("city", "Cidade/UF", 168),
        Column("first_failed", "Regra", 138),
        Column("reason", "Motivo", 452, sortable=False),
    ),
)


# --- The filter ----------------------------------------------------------------------------------------------------


def bar(view: View) -> filters.Bar:
    """The filter row, with the choices that occur in this view."""
    choices = view.choices()
    plans = {plan: plan for plan in choices["plans"]} | {NO_PLAN: "Sem plano"}
    return filters.Bar(
        "billing",
        labels.BILLING.search,
        (
            filters.Flag("no_caution", labels.NO_CAUTION, "sem_aviso"),
            filters.Flag("cut_day_not_reached", labels.CAUTIONS_SHORT["cut_day_not_reached"], "corte"),
            filters.Flag("integration_error", labels.CAUTIONS_SHORT["integration_error"], "erro"),
            filters.Choice("states", "UF", "uf", options=lambda: {state: state for state in choices["states"]}),
            filters.Choice("plans", "Plano", "plano", options=lambda: plans),
            filters.Choice("cut_days", "Dia de corte", "dia", options=lambda: _CUT_DAYS),
            filters.Choice("cautions", "Aviso", "aviso", options=lambda: text.CAUTIONS),
            filters.Money("least_expected", "Valor previsto de (R$)", "de", words="De {value}"),
            filters.Money("most_expected", "Valor previsto até (R$)", "ate", words="Até {value}"),
        ),
    )


_CUT_DAYS: Final = {str(day): f"dia {day}" for day in range(1, 32)}


def query(chosen: Chosen, **more: Any) -> ContractQuery:
    """What the filter row asks for; the pills and *Aviso* add up: a contract with any of them is shown."""
    flags = {"": chosen.no_caution} | {name: getattr(chosen, name) for name in _FLAGS}
    cautions = {name for name, is_on in flags.items() if is_on} | set(chosen.cautions)
    return chosen.into(
        ContractQuery,
        cautions=tuple(sorted(cautions)),
        plans=tuple("" if plan == NO_PLAN else plan for plan in chosen.plans),
        cut_days=tuple(int(day) for day in chosen.cut_days),
        **more,
    )


_FLAGS: Final = ("cut_day_not_reached", "integration_error")


# --- Both lists ----------------------------------------------------------------------------------------------------


def show(view: View, chosen: Chosen, row: filters.Bar) -> None:
    """The tabs *Elegíveis* and *Fora da lista*, one of them drawn."""
    counts = view.counts_by_rule(query(chosen))
    kept_out = {rule.key: counts.get(rule.key, 0) for rule in Rule if counts.get(rule.key)}
    every = (
        tabs.Tab(LIST, labels.BILLING_LIST, counts.get("", 0)),
        tabs.Tab(OUT, labels.BILLING_OUT, sum(kept_out.values())),
    )
    opened, place = tabs.show("billing", every)
    with place:
        if opened == OUT:
            _kept_out(view, chosen, kept_out)
        elif counts.get(""):
            _eligible(view, chosen, counts[""])
        else:
            _nothing(view, chosen, row, every)


def _eligible(view: View, chosen: Chosen, matching: int) -> None:
    asked = query(chosen, eligible=True, **GRID.window().asked())
    everything = query(chosen, eligible=True, limit=None)

    def export() -> pa.Table:
        return with_derived(view.contracts(everything).table)

    def tools() -> None:
        billing_choice.tools(view, query(chosen, eligible=True), matching)

    found = view.contracts(asked)
    page = Page(found.total, found.offset, with_derived(found.table))
    GRID.show(page, chosen, selects=True, on_open=open_contract, export=export, tools=tools)


def _kept_out(view: View, chosen: Chosen, counts: Mapping[str, int]) -> None:
    if not counts:
        states.empty(labels.NOTHING_OUT, labels.NOTHING_OUT_WORDS, key="out")
        return
    rules = _rule_pills(counts)

    def export() -> pa.Table:
        return _with_reasons(view.contracts(query(chosen, eligible=False, rules=rules, limit=None)).table)

    found = view.contracts(query(chosen, eligible=False, rules=rules, **OUT_GRID.window().asked()))
    page = Page(found.total, found.offset, _with_reasons(found.table))
    OUT_GRID.show(page, chosen, on_open=open_why, export=export)


def _rule_pills(counts: Mapping[str, int]) -> tuple[str, ...]:
    """The reasons with their counts: legend and filter in one."""
    chosen = [rule for rule in url.get_all(RULE_PARAMETER) if rule in counts]
    key = "billing_rules"
    if st.session_state.get(key) != chosen:
        st.session_state[key] = chosen
    st.pills(
        labels.REASONS,
        list(counts),
        selection_mode="multi",
        format_func=lambda rule: f"{labels.KEPT_OUT_SHORT[rule]} **{fmt.count(counts[rule])}**",
        key=key,
        label_visibility="collapsed",
        on_change=lambda: url.put({RULE_PARAMETER: st.session_state[key], PAGE_PARAMETER: None}),
    )
    return tuple(chosen)


# --- Nothing to bill -----------------------------------------------------------------------------------------------


def _nothing(view: View, chosen: Chosen, row: filters.Bar, every: tuple[tabs.Tab, ...]) -> None:
    if chosen.is_active:
        eligible = billing_choice.eligible_count(view)
        if eligible:
            words = labels.NOTHING_FOUND_WORDS.format(
                count=fmt.counted(eligible, "contrato elegível", "contratos elegíveis"),
                month=fmt.month(view.competence),
            )
            states.empty(labels.NOTHING_FOUND, words, states.Step(labels.CLEAR_FILTER, row.clear), key="billing")
            return
    title = labels.NOTHING_ELIGIBLE.format(month=fmt.month(view.competence))
    following = view.competence.plus(1)
    if following <= competence.default():
        elsewhere = states.Step(labels.GO_TO_MONTH.format(month=fmt.month(following)), competence.go, (following,))
    else:
        elsewhere = states.Step(labels.FOLLOW, billing_act.follow)
    why = states.Step(labels.SEE_REASONS, tabs.go, (OUT, every))
    counts = view.counts_by_rule(ContractQuery())
    states.empty(title, nothing_words(counts, view.competence), why, elsewhere, key="billing")


def nothing_words(counts: Mapping[str, int], month: Competence) -> str:
    """Why nobody is in the list, with numbers: ``Os 1.432 contratos estão fora da lista: 1.188 já cobrados …``."""
    kept_out = sorted(((number, rule) for rule, number in counts.items() if rule and number), reverse=True)
    total = sum(number for number, _ in kept_out)
    if not total:
        return labels.NOTHING_AT_ALL
    parts = [f"{fmt.count(number)} {labels.KEPT_OUT_BY[rule]}" for number, rule in kept_out]
    listed = parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} e {parts[-1]}"
    if total == 1:
        return f"O único contrato está fora da lista: {listed}.  \n{labels.NOTHING_LATER}"
    return f"Os {fmt.count(total)} contratos estão fora da lista: {listed}.  \n{labels.NOTHING_LATER}"


# --- Rows ----------------------------------------------------------------------------------------------------------


def open_contract(contract: str) -> None:
    """Go to the contract's page; for callbacks."""
    url.open_page(labels.CONTRACTS, contrato=contract)


def open_why(contract: str) -> None:
    """Go to the contract's *Por que não está na lista?*; for callbacks."""
    url.open_page(labels.CONTRACTS, contrato=contract, aba=contract_list.WHY_TAB)


def with_derived(table: pa.Table) -> pa.Table:
    """The rows as the list shows them: ``city`` with its state, and ``change`` (percent, float) of the expected value
    against the last charge; null where either is missing or the last was zero."""
    expected, last = (table[name].cast(pa.float64()) for name in ("expected_amount", "last_amount"))
    base = pc.if_else(pc.equal(last, 0.0), pa.scalar(None, pa.float64()), last)
    change = pc.multiply(pc.divide(pc.subtract(expected, base), base), 100.0)
    return with_place(table).append_column("change", change)


def with_place(table: pa.Table) -> pa.Table:
    """``city`` as ``Campinas/SP``; what is missing is left out."""
    city, state = (table[name].cast(pa.string()) for name in ("city", "state"))
    place = pc.binary_join_element_wise(city, state, "/", null_handling="skip")
    return table.set_column(table.schema.get_field_index("city"), "city", place)


def _with_reasons(table: pa.Table) -> pa.Table:
    rows = table.select(["first_failed", "stage", "status", "deleted", "outcome"]).to_pylist()
    reasons = pa.array([reason(row) for row in rows], pa.string())
    rules = pa.array([labels.RULES_SHORT[row["first_failed"]] for row in rows], pa.string())
    named = table.set_column(table.schema.get_field_index("first_failed"), "first_failed", rules)
    return with_place(named).append_column("reason", reasons)


def reason(row: Mapping[str, Any]) -> str:
    """Why a contract is kept out, from a row of ``View.contracts``; the contract's page has the evidence."""
    match Rule.of(row["first_failed"]):
        case Rule.APPROVED as rule:
            evidence = {"stage": row["stage"], "deleted": row["deleted"], "approved_on": None}
            return text.rule_reason(Verdict(rule, False, evidence))
        case Rule.NORMAL as rule:
            return text.rule_reason(Verdict(rule, False, {"status": row["status"]}))
        case Rule.NO_CHARGE:
            return labels.REASON_CHARGED.format(outcome=text.OUTCOMES.get(row["outcome"], fmt.NOTHING).lower())
        case rule:
            return labels.REASONS_SHORT[rule.key]
