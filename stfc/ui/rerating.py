"""*Conferência*, tab *Retarifação*: a charged month priced again, seen first, then done by a manager (PRODUCT 6).

The address: ``plano`` names the plan whose contracts are priced again; without it, all are.
"""

from collections.abc import Sequence
from datetime import date
from functools import partial
from typing import Final

import pyarrow as pa
import streamlit as st

from stfc.domain import text
from stfc.domain.competence import Competence
from stfc.domain.rerating import Effect, Repriced
from stfc.domain.role import Role
from stfc.services.queries import View
from stfc.services.rerating import Preview
from stfc.ui import actions, guard, labels, reconciliation, session, states, tables, tracking, url
from stfc.ui import format as fmt
from stfc.ui.filters import PAGE_PARAMETER
from stfc.ui.tables import Column

PARAMETER: Final = "plano"
_PLAN: Final = "rerating_plan"
_WANTED: Final = "rerating_wanted"
_FOUND: Final = "rerating_preview"
_DIALOG: Final = "rerating_dialog"
_REQUEST: Final = "rerating"
_OPENED: Final = "rerating_opened"
_FIELDS: Final = (Column("name", "Campo", 0), Column("value", "Valor", 0))

_TO: Final = " → "


def short(versions: str) -> str:
    """``01/01/2026 → 01/10/2026``: the days of one plan's versions, of the later ones what is new; any other text as it
    is. The row is narrow, its drawer says all."""
    sides = [side.split(", ") for side in versions.split(_TO)]
    keys = [key.split("@") for side in sides for key in side]
    if len(sides) < 2 or any(len(key) != 2 for key in keys) or len({plan for plan, _ in keys}) > 1:
        return versions
    before, after = sides
    shown = (before, [key for key in after if key not in before] or after)
    return _TO.join(", ".join(fmt.day(date.fromisoformat(key.split("@")[1])) for key in side) for side in shown)


GRID: Final = tables.Grid(
    "retarifacao",
    id="contract",
    noun=labels.CONTRACT_NOUN,
    sort="difference",
    descending=True,
    visible=10,
    alt="Contratos retarifados",
    columns=(
        Column("contract", "Contrato", 76, opens=True),
        Column("customer", "Cliente", 164),
        Column("effect", "Efeito", 156, words=text.EFFECTS, normal="unchanged prices_only changed"),
        Column("charged", "Cobrado", 92, unit="money"),
        Column("amount", "Novo", 92, unit="money"),
        Column("difference", "Diferença", 86, unit="money", show=fmt.signed_money),
        Column("calls", "Ligações", 70, unit="count"),
        Column("plans", "Versão do plano", 170, show=short),
        Column("note", "Observação", 172, sortable=False),
    ),
)


def show(view: View) -> None:
    """The choice of plan, and the preview or the button that makes it."""
    plan = _chosen_plan()
    found = _kept(view, plan)
    if found is None:
        states.empty(
            labels.RERATE_TITLE.format(month=fmt.month(view.competence)),
            labels.RERATE_WORDS,
            states.Step(labels.RERATE_PREVIEW, _want, (view.competence, plan)),
            key="rerating",
        )
        return
    shown = [one for one in found.contracts if one.effect is not Effect.UNCHANGED]
    if not shown:
        states.empty(
            labels.NOTHING_TO_RERATE,
            labels.NOTHING_TO_RERATE_WORDS.format(count=fmt.count(len(found.contracts))),
            key="rerating",
        )
        return
    st.markdown(f":gray[{head(found)}]")
    table = rows(shown, tracking.names({one.contract for one in shown}))
    by_contract = {one.contract: one for one in shown}
    GRID.show(
        reconciliation.window_of(table, GRID.window()),
        on_open=lambda contract: st.session_state.update({_OPENED: by_contract[contract]}),
        export=lambda: table,
    )
    _bar(found, plan)


def rows(shown: Sequence[Repriced], names: dict[str, str]) -> pa.Table:
    """The preview as the grid and the download have it; ``names`` are the customers by contract."""
    columns = [
        ("contract", pa.string(), [one.contract for one in shown]),
        ("customer", pa.string(), [names.get(one.contract, "") for one in shown]),
        ("effect", pa.string(), [one.effect.value for one in shown]),
        ("charged", pa.int64(), [one.charged for one in shown]),
        ("amount", pa.int64(), [one.amount for one in shown]),
        ("difference", pa.int64(), [one.difference for one in shown]),
        ("calls", pa.int64(), [one.changed_calls for one in shown]),
        ("plans", pa.string(), [_versions(one) for one in shown]),
        ("note", pa.string(), [text.rerate_note(one) for one in shown]),
    ]
    return pa.table({name: pa.array(values, kind) for name, kind, values in columns})


def head(found: Preview) -> str:
    """The line above the table: how many contracts change, and how."""
    counts = {effect: len(found.of(effect)) for effect in Effect}
    counted = [fmt.counted(number, *labels.RERATE_EFFECTS[effect]) for effect, number in counts.items() if number]
    whole = fmt.counted(len(found.contracts), *labels.CONTRACT_NOUN)
    return labels.RERATE_HEAD.format(contracts=whole, effects=", ".join(counted))


def dialog() -> None:
    """Open the row's drawer or the confirmation that was asked for, once: a reload opens none."""
    if opened := st.session_state.pop(_OPENED, None):
        title = labels.RERATED_CONTRACT.format(contract=fmt.plain(opened.contract))
        actions.drawer(title, lambda: _case(opened))
        return
    asked = st.session_state.pop(_DIALOG, None)
    if asked is None:
        return
    found, plan = asked
    sums = found.changes
    actions.confirm(
        labels.RERATE_TITLE.format(month=fmt.month(found.competence)),
        labels.RERATE_FACTS.format(
            month=fmt.month(found.competence),
            contracts=fmt.counted(sums.contracts, *labels.CONTRACT_NOUN),
            charged=fmt.money(sums.charged),
            amount=fmt.money(sums.amount),
            difference=fmt.signed_money(sums.difference),
        ),
        labels.RERATE_VERB.format(contracts=fmt.counted(sums.contracts, *labels.CONTRACT_NOUN)),
        lambda reason: _apply(found, plan, reason),
        warning=labels.RERATE_LOCK,
        needs_reason=True,
        close=labels.BACK,
    )


def _case(one: Repriced) -> None:
    """All that the preview knows of a contract, in words that the row has no room for."""
    for column, (name, value) in zip(st.columns(3), fields(one)[:3], strict=True):
        column.metric(name, value)
    st.header(labels.RERATED_WHY, anchor=False)
    tables.small([{"name": name, "value": value} for name, value in fields(one)[3:]], _FIELDS, alt=labels.RERATED_WHY)
    with st.container(horizontal=True, horizontal_alignment="right", key="stfc_drawer_foot"):
        actions.leave(labels.OPEN_CONTRACT, "rerating_contract", _open_contract, (one.contract,))


def fields(one: Repriced) -> list[tuple[str, str]]:
    """The three amounts, then what became of the contract and why, as the drawer has them."""
    before, after = (", ".join(sorted(keys)) or fmt.NOTHING for keys in (one.before, one.after))
    return [
        ("Cobrado", fmt.money(one.charged)),
        ("Novo", fmt.money(one.amount)),
        ("Diferença", fmt.signed_money(one.difference)),
        ("Efeito", text.EFFECTS[one.effect]),
        ("Observação", text.rerate_note(one) or fmt.NOTHING),
        ("Ligações que mudam", fmt.count(one.changed_calls)),
        ("Planos da cobrança", before),
        ("Planos de agora", after),
    ]


def _open_contract(contract: str) -> None:
    url.open_page(labels.CONTRACTS, contrato=contract)


def _chosen_plan() -> str | None:
    codes = sorted({row.version.code for row in session.application().plans.rows()})
    wanted = url.get(PARAMETER)
    chosen = wanted if wanted in codes else None
    # Set each run: the address may have changed by other means.
    st.session_state[_PLAN] = chosen or labels.ALL_PLANS
    st.selectbox(labels.PLAN, [labels.ALL_PLANS, *codes], key=_PLAN, width=320, on_change=_choose_plan)
    return chosen


def _choose_plan() -> None:
    chosen = st.session_state[_PLAN]
    url.put({PARAMETER: None if chosen == labels.ALL_PLANS else chosen, PAGE_PARAMETER: None})


def _kept(view: View, plan: str | None) -> Preview | None:
    """The preview that this session made of the very state that is shown; made now where it was asked for."""
    asked = (view.competence, plan)
    state = (*asked, view.snapshot, view.revision)
    if st.session_state.pop(_WANTED, None) == asked:
        with st.spinner(labels.RERATING):
            found = session.application().rerating.preview(view.competence, plan=plan)
        st.session_state[_FOUND] = (state, found)
    key, kept = st.session_state.get(_FOUND, (None, None))
    return kept if key == state else None


def _want(competence: Competence, plan: str | None) -> None:
    st.session_state[_WANTED] = (competence, plan)


def _bar(found: Preview, plan: str | None) -> None:
    sums = found.changes
    facts = labels.RERATE_BAR.format(
        contracts=fmt.counted(sums.contracts, *labels.CONTRACT_NOUN),
        charged=fmt.money(sums.charged),
        amount=fmt.money(sums.amount),
    )
    if not sums.contracts:
        actions.bar(facts, labels.RERATE_NO_CHANGE, None)
        return
    if not guard.may(Role.MANAGER):
        role = session.role() or Role.SUPERVISOR
        refusal = labels.RERATE_REFUSED.format(needed=labels.ROLES[Role.MANAGER], role=labels.ROLES[role])
        actions.bar(facts, refusal, None)
        return
    verb = labels.RERATE_VERB.format(contracts=fmt.counted(sums.contracts, *labels.CONTRACT_NOUN))
    actions.bar(facts, labels.RERATE_SCOPE, actions.Act(verb, partial(_ask, found, plan)))


def _ask(found: Preview, plan: str | None) -> None:
    st.session_state[_DIALOG] = (found, plan)


def _apply(found: Preview, plan: str | None, reason: str) -> None:
    done = session.application().rerating.apply(
        found.competence,
        session.actor(),
        reason=reason,
        plan=plan,
        request_key=actions.request_key(_REQUEST),
        expected=found.changes.amount,
    )
    actions.done(_REQUEST)
    states.toast(text.rerated(done.batch, done.totals))


def _versions(one: Repriced) -> str:
    before, after = (", ".join(sorted(keys)) or fmt.NOTHING for keys in (one.before, one.after))
    return before if before == after else f"{before}{_TO}{after}"
