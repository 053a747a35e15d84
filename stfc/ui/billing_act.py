"""*Gerar Cobrança*'s acts: the bar with its live figures, the preview drawer, the confirmation, pasting a list."""

from collections import Counter
from collections.abc import Sequence
from typing import Final

import streamlit as st

from stfc.domain import text
from stfc.domain.role import Role
from stfc.services.billing import Preview, Surprise
from stfc.services.ports import OpenedBatch
from stfc.services.queries import ContractQuery, View
from stfc.ui import actions, figures, guard, labels, selection, session, states, tables, url
from stfc.ui import format as fmt
from stfc.ui.billing_choice import DIALOG, GRID, Choice, keep_preview, open_dialog
from stfc.ui.tables import Column

_NAMED: Final = 8
_REQUEST: Final = "billing"
_CONTRACT: Final = ("contrato", "contratos")
_WARNED: Final = ("contrato com aviso", "contratos com aviso")
_PASTED: Final = ("número colado", "números colados")


# --- Steps and bar -------------------------------------------------------------------------------------------------


def steps(view: View, chosen: selection.Ids, preview: Preview | None) -> None:
    """*Período → Contratos → Prévia → Gerar*, where one stands."""
    period, contracts, seen, generate = labels.BILLING_STEPS
    count = fmt.counted(len(chosen), *labels.SELECTED) if chosen else ""
    figures.steps(
        [
            (period, fmt.month(view.competence)),
            (contracts, count),
            (seen, labels.PREVIEWED if preview else ""),
            (generate, ""),
        ],
        4 if preview else 2,
    )


def bar(view: View, choice: Choice) -> None:
    """The bar at the bottom: what is chosen and what it comes to; who may not bill reads why instead of the button."""
    facts, scope = facts_line(choice), scope_line(choice)
    preview = actions.Act(
        labels.PREVIEW, lambda: open_dialog("preview"), icon=":material/visibility:", disabled=not choice.ids
    )
    if not guard.may(Role.OPERATOR):
        actions.bar(facts, f"{scope} · {refusal()}" if choice.ids else refusal(), None, preview)
        return
    bill = actions.Act(bill_words(choice), lambda: open_dialog("confirm"), disabled=not choice.ids)
    actions.bar(facts, scope, bill, preview)


def refusal() -> str:
    """Why this role has no button."""
    role = session.role() or Role.SUPERVISOR
    return labels.BILL_REFUSED.format(
        role=labels.ROLES[role], needed=labels.ROLES[Role.OPERATOR], more=labels.ROLES[Role.MANAGER]
    )


def facts_line(choice: Choice) -> str:
    """``312 de 1.432 selecionados · cerca de R$ 48.210,00 · 96.410 ligações previstas``, figures bold."""
    facts = f"**{fmt.count(len(choice.ids))}** de {fmt.count(choice.eligible)} selecionados"
    if not choice.is_priced:
        return facts
    calls = fmt.counted(choice.calls, "ligação prevista", "ligações previstas")
    return f"{facts} · cerca de **{fmt.money(choice.amount)}** · {calls}"


def scope_line(choice: Choice) -> str:
    """Where the selection lies, how many have warnings, and what the expected value stands on."""
    if not choice.ids:
        return labels.SCOPE_NONE
    parts = [_where(choice)]
    if choice.totals.with_cautions:
        parts.append(f"{fmt.count(choice.totals.with_cautions)} com aviso")
    if choice.preview:
        parts.append(labels.SCOPE_PREVIEWED)
    elif without := choice.totals.count - choice.totals.with_history:
        parts.append(f"{fmt.count(without)} sem histórico")
    return " · ".join(part for part in parts if part)


def _where(choice: Choice) -> str:
    if choice.is_filter:
        return labels.SCOPE_FILTER if choice.matching < choice.eligible else labels.SCOPE_ALL
    if choice.is_all:
        return labels.SCOPE_ALL
    outside = len(choice.ids) - choice.within
    if outside:
        return labels.SCOPE_OUTSIDE_ONE if outside == 1 else labels.SCOPE_OUTSIDE.format(count=fmt.count(outside))
    return ""


def sources(preview: Preview) -> str:
    """``287 pela Summit · 25 pelo histórico``: what the expected figures stand on."""
    parts = []
    if preview.from_platform:
        parts.append(f"{fmt.count(preview.from_platform)} pela Summit")
    if preview.from_history:
        parts.append(f"{fmt.count(preview.from_history)} pelo histórico")
    if neither := preview.contracts - preview.from_platform - preview.from_history:
        parts.append(f"{fmt.count(neither)} sem histórico")
    # A number stays with its noun where the line breaks.
    return " · ".join(part.replace(" ", "\N{NO-BREAK SPACE}") for part in parts)


def bill_words(choice: Choice) -> str:
    """The primary button: its effect with numbers."""
    if not choice.ids:
        return labels.BILL
    words = labels.BILL_OF.format(contracts=fmt.counted(len(choice.ids), *_CONTRACT))
    return f"{words} · cerca de {fmt.money(choice.amount)}" if choice.is_priced else words


# --- Dialogs -------------------------------------------------------------------------------------------------------


def dialogs(view: View, choice: Choice) -> None:
    """Open the dialog that a button asked for, once: a reload opens none."""
    wanted = st.session_state.pop(DIALOG, None)
    if wanted == "paste":
        _paste(view)
    elif wanted == "preview" and choice.ids:
        title = labels.PREVIEW_TITLE.format(month=fmt.month(view.competence))
        actions.drawer(title, lambda: _preview(view, choice), on_dismiss="rerun")
    elif wanted == "confirm" and choice.ids:
        _confirm(view, choice)


# --- The preview ---------------------------------------------------------------------------------------------------


def _preview(view: View, choice: Choice) -> None:
    preview = choice.preview
    if preview is None or preview.platform_code:
        with st.spinner(labels.PREVIEW_BUSY):
            preview = session.application().billing.preview(view.competence, list(choice.ids))
        keep_preview(view, choice.ids, preview)
    _metrics(preview, choice)
    if preview.platform_code:
        st.caption(f":orange[:material/warning:] {labels.PREVIEW_NO_PLATFORM.format(code=preview.platform_code)}")
    _warnings(preview)
    _surprises(preview.surprises)
    _preview_buttons(preview, choice)


def _metrics(preview: Preview, choice: Choice) -> None:
    contracts, calls, amount = (column.container(gap=None) for column in st.columns([0.8, 1.1, 1.1]))
    with contracts:
        st.metric("Contratos", fmt.count(preview.contracts))
        st.caption(f"de {fmt.count(choice.eligible)} na lista")
    with calls:
        st.metric("Ligações previstas", fmt.count(preview.expected_calls))
        st.caption(sources(preview) or labels.PREVIEW_NO_SOURCE)
    with amount:
        st.metric("Valor previsto", fmt.money(preview.expected_amount))
        st.caption(expected_range(preview))
        st.caption(against_usual(preview, choice.totals.expected_amount))


def expected_range(preview: Preview) -> str:
    """``entre R$ 45.000,00 e R$ 52.000,00``; nothing where all is announced, or nothing known."""
    if preview.expected_low == preview.expected_high:
        return ""
    return labels.BETWEEN.format(low=fmt.money(preview.expected_low), high=fmt.money(preview.expected_high))


def against_usual(preview: Preview, usual: int) -> str:
    """``+2,4% sobre o mês usual``: the expected value beside the same contracts' usual month (centavos)."""
    if not preview.from_platform or not usual:
        return labels.PREVIEW_USUAL
    change = 100 * (preview.expected_amount - usual) / usual
    return labels.PREVIEW_CHANGE.format(change=fmt.signed(round(change, 1), 1, "%"))


def _warnings(preview: Preview) -> None:
    st.header(labels.WARNINGS, anchor=False)
    rows = [
        {
            "caution": caution,
            "count": preview.warnings[caution],
            "effect": text.CAUTION_EFFECTS[caution],
        }
        for caution in text.CAUTIONS
        if caution in preview.warnings
    ]
    if not rows:
        st.caption(labels.NO_WARNINGS)
        return
    columns = (
        Column("caution", "Aviso", 0, words=text.CAUTIONS),
        Column("count", "Contratos", 0, unit="count"),
        Column("effect", "O que acontece", 0),
    )
    tables.small(rows, columns, alt=labels.WARNINGS)


def _surprises(found: Sequence[Surprise]) -> None:
    st.header(labels.SURPRISES, anchor=False)
    if not found:
        st.caption(labels.NO_SURPRISES)
        return
    rows = [
        {
            "contract": one.contract,
            "customer": one.customer,
            "usual": one.usual,
            "expected": one.expected,
            "outside": labels.OUTSIDE_RANGE if one.is_outside else labels.WITHIN_RANGE,
            "change": 100 * (one.expected - one.usual) / one.usual if one.usual else None,
        }
        for one in found
    ]
    columns = (
        Column("contract", "Contrato", 0),
        Column("customer", "Cliente", 0),
        Column("usual", "Histórico", 0, unit="money"),
        Column("expected", "Previsto", 0, unit="money"),
        Column("change", "Variação", 0, show=lambda change: fmt.signed(change, 1, "%"), right=True),
        Column("outside", "Faixa", 0),
    )
    tables.small(rows, columns, alt=labels.SURPRISES)


def _preview_buttons(preview: Preview, choice: Choice) -> None:
    with st.container(horizontal=True, gap="xsmall", vertical_alignment="center", key="stfc_drawer_foot"):
        may = guard.may(Role.OPERATOR)
        st.caption(labels.MAKES_A_BATCH if may else refusal(), width="stretch")
        if st.button(labels.BACK, key="billing_preview_back"):
            st.rerun()
        if not may:
            return
        words = labels.BILL_OF.format(contracts=fmt.counted(len(choice.ids), *_CONTRACT))
        if preview.from_platform + preview.from_history:
            words = f"{words} · cerca de {fmt.money(preview.expected_amount)}"
        if st.button(words, key="billing_preview_go", type="primary"):
            open_dialog("confirm")
            st.rerun()


# --- Confirmation and the act --------------------------------------------------------------------------------------


def _confirm(view: View, choice: Choice) -> None:
    # One key for this confirmation: a second click of it, in whatever state the page is, is the same batch.
    actions.done(_REQUEST)
    key = actions.request_key(_REQUEST)
    verb = labels.BILL_OF.format(contracts=fmt.counted(len(choice.ids), *_CONTRACT))
    actions.confirm(
        labels.BILL, _facts(view, choice), verb, lambda _: _open(view, choice, key), warning=labels.BILL_LOCK
    )


def _facts(view: View, choice: Choice) -> str:
    value = f" · cerca de **{fmt.money(choice.amount)}**" if choice.is_priced else ""
    contracts = fmt.counted(len(choice.ids), *_CONTRACT).split(" ", 1)
    lines = [f"Competência **{fmt.month(view.competence)}** · **{contracts[0]}** {contracts[1]}{value}"]
    details = []
    if choice.is_priced:
        details.append(fmt.counted(choice.calls, "ligação prevista", "ligações previstas"))
    details += [sources(choice.preview)] if choice.preview else [labels.FROM_HISTORY]
    lines.append(f":gray[{' · '.join(part for part in details if part)}]")
    if warned := choice.totals.with_cautions:
        lines.append(f":gray[{fmt.counted(warned, *_WARNED)}]")
    status = session.status()
    if not status.workers:
        lines.append(f":orange[:material/warning:] {labels.BILL_NO_WORKER}")
    elif status.platform and not status.platform.up:
        lines.append(f":orange[:material/warning:] {labels.BILL_PLATFORM_DOWN}")
    return "  \n".join(lines)


def _open(view: View, choice: Choice, key: str) -> None:
    """Open the batch and go to it; what became impossible meanwhile is said, and the list shows what is left."""
    with st.spinner(labels.OPEN_BUSY):
        opened = session.application().billing.open(
            view.competence, choice.ids, session.actor(), request_key=key, preview=choice.preview
        )
    GRID.select(frozenset())
    states.toast(*opened_words(opened, fmt.month(view.competence)))
    if opened.batch is not None:
        url.open_page(labels.TRACKING, lote=str(opened.batch))


def opened_words(opened: OpenedBatch, month: str) -> tuple[str, str]:
    """The notice after the act, and its icon."""
    if opened.batch is None:
        reasons = Counter(opened.refused.values())
        said = ", ".join(f"{fmt.count(n)} {labels.KEPT_OUT_BY[rule]}" for rule, n in reasons.most_common())
        return labels.BATCH_NOT_OPENED.format(reasons=said), ":material/info:"
    facts = {"batch": opened.batch, "contracts": fmt.counted(opened.items, *_CONTRACT), "month": month}
    if opened.refused:
        words = labels.BATCH_OPENED_PART.format(refused=fmt.count(len(opened.refused)), **facts)
        return words, ":material/info:"
    return labels.BATCH_OPENED.format(**facts), ":material/check_circle:"


def follow() -> None:
    """Go to *Acompanhamento*; for callbacks."""
    url.open_page(labels.TRACKING)


# --- Pasting a list ------------------------------------------------------------------------------------------------


def _paste(view: View) -> None:
    @st.dialog(labels.PASTE, width="medium")
    def dialog() -> None:
        written = st.text_area(labels.PASTE_FIELD, key="billing_pasted", height=160, placeholder=labels.PASTE_HINT)
        wanted = selection.pasted(written or "")
        found, lines = sorted_out(view, wanted)
        if lines:
            st.markdown("  \n".join(lines))
        with st.container(horizontal=True, horizontal_alignment="right", gap="xsmall"):
            if st.button(labels.CANCEL, key="billing_paste_no"):
                st.rerun()
            st.button(labels.PASTE_CHECK, key="billing_paste_check", type="secondary" if found else "primary")
            if found:
                words = labels.PASTE_TAKE.format(contracts=fmt.counted(len(found), *_CONTRACT))
                if st.button(words, key="billing_paste_yes", type="primary"):
                    GRID.select(GRID.selected() | found)
                    st.rerun()

    dialog()


def sorted_out(view: View, wanted: Sequence[str]) -> tuple[selection.Ids, list[str]]:
    """Of a pasted list, the contracts that can be billed, and Markdown lines on those and on all others."""
    if not wanted:
        return frozenset(), []
    table = view.contracts(ContractQuery(contracts=tuple(wanted), include_deleted=True, limit=None)).table
    known = dict(zip(table["contract"].to_pylist(), table["first_failed"].to_pylist(), strict=True))
    eligible = frozenset(contract for contract, rule in known.items() if rule is None)
    lines = [
        f"**{fmt.count(len(eligible))}** de {fmt.counted(len(wanted), 'número colado', 'números colados')} na lista."
    ]
    kept_out = [f"{one} ({labels.RULES_SHORT[rule]})" for one in wanted if (rule := known.get(one))]
    if kept_out:
        lines.append(
            labels.PASTE_NOT_ELIGIBLE.format(
                count=fmt.count(len(kept_out)), month=fmt.month(view.competence), named=_named(kept_out)
            )
        )
    _, unknown = selection.split(wanted, known)
    if unknown:
        lines.append(labels.PASTE_UNKNOWN.format(count=fmt.count(len(unknown)), named=_named(unknown)))
    return eligible, lines


def _named(several: Sequence[str]) -> str:
    """The first few, escaped for Markdown, and how many more."""
    shown = ", ".join(fmt.plain(one[:40]) for one in several[:_NAMED])
    return shown if len(several) <= _NAMED else f"{shown} e mais {fmt.count(len(several) - _NAMED)}"
