"""*Visão geral*: the indicator cards and the coverage of the competence; each figure leads to the list behind it."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Final

import streamlit as st

from stfc.services.queries import ContractQuery, Coverage, CoverageCounts, View
from stfc.ui import downloads, figures, labels, session, url
from stfc.ui import format as fmt
from stfc.ui.figures import Kpi

_MONTHS = 12
_CENTAVOS = 100
_ACCOUNTING: Final = "accounting"
WITH_FILE = (Coverage.CHARGED, Coverage.ZERO, Coverage.HELD)
"""The parts of the coverage whose file was read."""


# --- Cards -----------------------------------------------------------------------------------------------------------


def show(view: View) -> None:
    """The three indicators of the routine and three figures of ours, each with its past."""
    figures.kpis([*_indicators(view), *_figures(view)])


def _indicators(view: View) -> list[Kpi]:
    now, total = view.indicators(), view.coverage().total
    past = view.indicator_history(_MONTHS)
    new = labels.NEW_NOTE.format(
        share=fmt.percent(now["new_subscribers"], total, 1), contracts=fmt.counted(total, *labels.CONTRACT_NOUN)
    )
    kept = labels.NOT_INVOICED_NOTE.format(
        eligible=fmt.count(now["eligible"]), kept=fmt.count(now["not_invoiced"] - now["eligible"])
    )

    def card(key: str, note: str, parameter: str, *, up_is_bad: bool = False) -> Kpi:
        history = past[key].to_pylist()
        return Kpi(
            key=key,
            label=labels.INDICATORS[key],
            value=fmt.count(history[-1]),
            definition=labels.INDICATOR_DEFINITIONS[key],
            note=note,
            change=difference(history),
            versus=_versus(view),
            history=history,
            up_is_bad=up_is_bad,
            on_click=open_contracts,
            args=({parameter: "1"},),
        )

    return [
        card("new_subscribers", new, "novos"),
        card("integration_errors", _errors_note(view), "erro", up_is_bad=True),
        card("not_invoiced", kept, "nao_faturados"),
    ]


def _errors_note(view: View) -> str:
    def total(**more: Any) -> int:
        return view.contracts(ContractQuery(integration_errors=True, limit=1, **more)).total

    provisioning, billing = total(integrations=("error",)), total(outcomes=("failed",))
    both = total(integrations=("error",), outcomes=("failed",))
    words = labels.ERRORS_BOTH if both else labels.ERRORS_NOTE
    return words.format(provisioning=fmt.count(provisioning), billing=fmt.count(billing), both=fmt.count(both))


def _figures(view: View) -> list[Kpi]:
    counts, months = view.coverage(), view.charged(_MONTHS)
    read = sum(counts.parts[part] for part in WITH_FILE)
    amounts, calls, held = (months[name].to_pylist() for name in ("amount", "calls", "held"))
    charged, total = fmt.count(counts.parts[Coverage.CHARGED]), fmt.count(counts.total)
    amount_note = labels.AMOUNT_NOTE.format(
        charged=charged, total=total, share=fmt.percent(counts.parts[Coverage.CHARGED], counts.total)
    )
    calls_note = labels.CALLS_NOTE.format(read=fmt.count(read), total=total)
    held_note = labels.HELD_NOTE.format(amount=fmt.money(months["held_amount"][-1].as_py()))
    by_part = {"on_click": open_contracts}

    def card(key: str, value: str, note: str, change: str | None, history: Sequence[int], **more: Any) -> Kpi:
        return Kpi(
            key=key,
            label=labels.INDICATORS[key],
            value=value,
            definition=labels.INDICATOR_DEFINITIONS[key],
            note=note,
            # A month that has not begun did not fall.
            change=change if read and change else fmt.NOTHING,
            versus=_versus(view),
            history=since_first(history if read else history[:-1]),
            **more,
        )

    return [
        card(
            "amount",
            fmt.money_whole(amounts[-1]),
            amount_note,
            relative(amounts),
            [amount // _CENTAVOS for amount in amounts],
            args=({"situacao": Coverage.CHARGED.value},),
            **by_part,
        ),
        card("calls", fmt.count(calls[-1]), calls_note, relative(calls), calls, on_click=_open_calls),
        card(
            "held",
            fmt.count(held[-1]),
            held_note,
            difference(held),
            held,
            args=({"situacao": Coverage.HELD.value},),
            up_is_bad=True,
            **by_part,
        ),
    ]


def difference(values: Sequence[int]) -> str | None:
    """``+6``: the last value less the one before; None where there is none before."""
    return fmt.signed(values[-1] - values[-2]) if len(values) > 1 else None


def relative(values: Sequence[int]) -> str | None:
    """``+3,1%``: how much the last value changed from the one before; None where that is nothing."""
    if len(values) < 2 or not values[-2]:
        return None
    return fmt.signed(100 * (values[-1] - values[-2]) / values[-2], 1, "%")


def since_first(values: Sequence[int]) -> list[int]:
    """``values`` without the zeros before the first month that has any; none when fewer than two are left."""
    first = next((place for place, value in enumerate(values) if value), len(values))
    return list(values[first:]) if len(values) - first > 1 else []


def _versus(view: View) -> str:
    return labels.VERSUS.format(month=fmt.month_short(view.competence.plus(-1)))


# --- Coverage --------------------------------------------------------------------------------------------------------


def coverage(view: View) -> None:
    """The coverage bar, whose pills are legend and links; who is kept out, by rule; how *Não Faturados* comes to be."""
    counts = view.coverage()
    done = counts.parts[Coverage.CHARGED] + counts.parts[Coverage.ZERO]
    words = labels.CONCLUDED.format(
        done=fmt.count(done), total=fmt.count(counts.total), share=fmt.percent(done, counts.total)
    )
    title = labels.COVERAGE_OF.format(month=fmt.month(view.competence))
    with st.container(border=True, gap="small", key="stfc_coverage"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.header(title, anchor=False, width="stretch")
            st.caption(words, width="content")
            _accounting(view, counts.parts[Coverage.CHARGED])
        downloads.show(_ACCOUNTING)
        figures.outcome_bar(counts.parts, label=title)
        _pills("parts", labels.COVERAGE_PARTS, _parts(counts), lambda part: open_contracts({"situacao": part}))
        _rules(counts)
        _not_invoiced(view)


def _accounting(view: View, charged: int) -> None:
    """The month for accounting: its charges and the fiscal table, once anything is charged."""
    if charged:
        st.button(
            labels.ACCOUNTING,
            key="overview_accounting",
            icon=":material/download:",
            type="tertiary",
            help=labels.ACCOUNTING_HINT,
            on_click=downloads.begin_bundle,
            args=(
                _ACCOUNTING,
                labels.ACCOUNTING_FILE.format(competence=view.competence),
                partial(session.application().exports.accounting, view.competence),
                charged,
            ),
        )


def _parts(counts: CoverageCounts) -> dict[str, str]:
    present = {part: counts.parts.get(part, 0) for part in figures.OUTCOME_ORDER}
    return {part: figures.outcome_pill(part, number) for part, number in present.items() if number}


def _rules(counts: CoverageCounts) -> None:
    def go(rule: str) -> None:
        open_contracts({"situacao": Coverage.KEPT_OUT.value, "regra": rule})

    _pills("rules", labels.KEPT_OUT_RULES, _by_rule(counts.by_rule), go, seen=labels.KEPT_OUT_RULES)


def _not_invoiced(view: View) -> None:
    now = view.indicators()
    on_list = {"": f"{labels.ON_THE_LIST} **{fmt.count(now['eligible'])}**"}
    options = on_list | _by_rule(now["not_invoiced_by_rule"])
    seen = labels.NOT_INVOICED_SPLIT.format(total=fmt.count(now["not_invoiced"]))

    def go(rule: str) -> None:
        if rule:
            open_contracts({"nao_faturados": "1", "regra": rule})
        else:
            url.open_page(labels.BILLING)

    _pills("not_invoiced", labels.NOT_INVOICED_SPLIT_PLAIN, options, go, seen=seen)


def _by_rule(numbers: Mapping[str, int]) -> dict[str, str]:
    places = {rule: place for place, rule in enumerate(labels.RULES_SHORT, 1)}
    return {
        rule: f"{places[rule]} {labels.RULES_SHORT[rule]} **{fmt.count(number)}**"
        for rule, number in sorted(numbers.items(), key=lambda pair: places[pair[0]])
        if number
    }


def _pills(name: str, label: str, options: Mapping[str, str], go: Callable[[str], None], *, seen: str = "") -> None:
    """Pills that lead somewhere; ``label`` names them for the ear, ``seen`` stands before them."""
    if not options:
        return
    key = f"overview_{name}"

    def picked() -> None:
        chosen = st.session_state[key]
        st.session_state[key] = None
        if chosen is not None:
            go(chosen)

    with st.container(horizontal=True, vertical_alignment="top", gap="xsmall", key=f"stfc_pillrow_{name}"):
        if seen:
            st.caption(seen, width="content")
        st.pills(
            label,
            list(options),
            format_func=lambda one: options[one],
            key=key,
            label_visibility="collapsed",
            wrap=True,
            on_change=picked,
        )


# --- Where clicks lead -----------------------------------------------------------------------------------------------


def open_contracts(where: Mapping[str, str]) -> None:
    """Go to the contracts' list, filtered by ``where`` (see ``contract_list``); for callbacks."""
    url.open_page(labels.CONTRACTS, **where)


def _open_calls() -> None:
    url.open_page(labels.CALLS)
