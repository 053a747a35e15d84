"""*Por que não está na lista?*: the verdict with its way out, the eight rules with their evidence, the warnings."""

import html
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any, Final

import streamlit as st

from stfc.domain import text
from stfc.domain.competence import Competence
from stfc.domain.contract import InvoiceStatus
from stfc.domain.eligibility import Caution, Rule, Verdict, Verdicts
from stfc.ui import competence, labels, session, style, tables, url
from stfc.ui import format as fmt
from stfc.ui.contract_case import CHARGES, Case
from stfc.ui.tables import Column

_COLUMNS: Final = (
    Column("number", "N.º", 0),
    Column("rule", "Regra", 0),
    Column("holds", "Atende", 0),
    Column("evidence", "Evidência", 0),
    Column("detail", "Detalhe", 0),
)

_YES: Final = f'<span class="stfc-yes">{labels.YES}</span>'
_NO: Final = f'<span class="stfc-no">{labels.NO}</span>'


def show(case: Case) -> None:
    """The answer for the competence shown, in one look."""
    verdicts = case.view.explain(case.contract)
    _verdict(case, verdicts)
    rows = [_row(case, verdict) for verdict in verdicts.rules]
    tables.small(rows, _COLUMNS, alt=labels.EIGHT_RULES, markup=("holds", "evidence", "detail"))
    st.markdown(f":gray[{_warnings(case, verdicts)}]")


# --- The verdict -----------------------------------------------------------------------------------------------------


def _verdict(case: Case, verdicts: Verdicts) -> None:
    with st.container(border=True, key="stfc_why_verdict"):
        words, buttons = st.columns([6.3, 3.7], vertical_alignment="center")
        words.markdown(verdict_words(case, verdicts))
        with buttons.container(horizontal=True, horizontal_alignment="right", gap="xsmall"):
            _next_step(case, verdicts)
            # Another month is another popover, so that choosing one closes it.
            key = f"why_other_month_{case.competence}"
            with st.popover(labels.CHECK_OTHER_MONTH, icon=":material/calendar_month:", key=key):
                competence.months("why_months")


def verdict_words(case: Case, verdicts: Verdicts) -> str:
    """Whether the contract is in the list, by how many rules not, and what would bring it in, as Markdown."""
    if verdicts.eligible:
        return f":green[:material/check_circle:] **{labels.IN_LIST.format(month=case.month)}** {labels.IN_LIST_HINT}"
    failed = sum(not verdict.holds for verdict in verdicts.rules)
    outside = labels.OUT_OF_LIST.format(month=case.month, failed=failed)
    ways = way_out(verdicts, _own(case))
    if case.is_billed:
        outcome = labels.OUTCOME[case.row["outcome"]]
        done = labels.BILLED_IN.format(outcome=outcome, month=case.month)
        return f":green[:material/check_circle:] **{done}** {outside} {ways}"
    return f":red[:material/block:] **{outside}** {ways}"


def way_out(verdicts: Verdicts, own: Collection[str]) -> str:
    """What would bring the contract into the list, in a sentence; ``own`` are the values and events that we made.

    What a charge of ours made goes with the charge, so that reversing it is named once; no way leads past an invoice.
    """
    failed = {verdict.rule: verdict for verdict in verdicts.rules if not verdict.holds}
    if Rule.NOT_INVOICED in failed:
        return labels.NO_WAY.format(month=fmt.month(verdicts.competence))
    ways = [way for verdict in failed.values() if (way := _way(verdict, own, is_charged=Rule.NO_CHARGE in failed))]
    return labels.TO_ENTER.format(ways="; ".join(ways))


def _way(verdict: Verdict, own: Collection[str], *, is_charged: bool) -> str:
    evidence = verdict.evidence
    match verdict.rule:
        case Rule.APPROVED if evidence["deleted"]:
            return labels.WAY_DELETED
        case Rule.NO_EVENTUAL_VALUE | Rule.NO_ZERO_EVENT as rule:
            names = evidence["eventual_values"] if rule is Rule.NO_EVENTUAL_VALUE else evidence["events"]
            theirs = [fmt.plain(name) for name in names if name not in own]
            if theirs:
                return labels.WAY_ERP[rule.key].format(names=", ".join(theirs))
            return "" if is_charged else text.WAYS_OUT[rule.key]
        case rule:
            return text.WAYS_OUT[rule.key]


def _own(case: Case) -> frozenset[str]:
    """The values and events of the contract that the product made itself."""
    values, events = case.view.values(case.contract), case.view.events(case.contract)
    return frozenset(
        values.filter(values["own"])["value_id"].to_pylist() + events.filter(events["own"])["event"].to_pylist()
    )


def _next_step(case: Case, verdicts: Verdicts) -> None:
    """The one button that helps now: bill it, or look at the batch that keeps it out."""
    if verdicts.eligible:
        st.button(labels.BILLING.title, key="why_bill", on_click=_bill, args=(case.contract,))
        return
    items = _of(verdicts, Rule.NO_CHARGE).evidence["items"]
    if items:
        batch = items[-1]["batch"]
        words = labels.OPEN_THE_BATCH.format(batch=batch)
        st.button(words, key="why_batch", on_click=_follow, args=(batch, case.contract))


def _bill(contract: str) -> None:
    url.open_page(labels.BILLING, q=contract)


def _follow(batch: int, contract: str) -> None:
    url.open_page(labels.TRACKING, lote=str(batch), contrato=contract)


def _of(verdicts: Verdicts, rule: Rule) -> Verdict:
    return verdicts.rules[rule.number - 1]


# --- The rules -------------------------------------------------------------------------------------------------------


def _row(case: Case, verdict: Verdict) -> dict[str, Any]:
    evidence = linked(text.rule_reason(verdict), _links(case, verdict))
    detail = "; ".join(DETAILS[verdict.rule](case, verdict)) or fmt.NOTHING
    return {
        "number": verdict.rule.number,
        "rule": text.RULES[verdict.rule.key],
        "holds": _YES if verdict.holds else _NO,
        "evidence": evidence if verdict.holds else f"<strong>{evidence}</strong>",
        "detail": f'<span class="stfc-gray">{detail}</span>',
    }


def linked(sentence: str, links: Mapping[str, str]) -> str:
    """``sentence`` as HTML, each of the words in ``links`` replaced once by its link (HTML)."""
    parts: list[str] = []
    rest = sentence
    for words, link in links.items():
        before, found, after = rest.partition(words)
        if found:
            parts += [html.escape(before), link]
            rest = after
    return "".join([*parts, html.escape(rest)])


def _links(case: Case, verdict: Verdict) -> dict[str, str]:
    """What the evidence names and where it can be looked at, in the order of the sentence."""
    evidence = verdict.evidence
    match verdict.rule:
        case Rule.NOT_INVOICED:
            return {one: style.link(one, labels.INVOICES.path, **_invoice(case, one)) for one in evidence["invoices"]}
        case Rule.NO_CHARGE:
            named = {item["batch"]: labels.BATCH.format(batch=item["batch"]) for item in evidence["items"]}
            return {words: case.batch_link(batch, words) for batch, words in named.items()}
        case Rule.NO_EVENTUAL_VALUE | Rule.NO_ZERO_EVENT:
            names = evidence.get("eventual_values") or evidence.get("events") or ()
            return {one: style.link(one, labels.CONTRACTS.path, **case.address(CHARGES)) for one in names}
        case _:
            return {}


def _invoice(case: Case, number: str) -> dict[str, str]:
    return {"competencia": str(case.competence), "fatura": number}


# --- Details, as HTML ------------------------------------------------------------------------------------------------


def _approved(case: Case, verdict: Verdict) -> Iterator[str]:
    yield labels.CONTRACT_DELETED if verdict.evidence["deleted"] else labels.CONTRACT_LIVE


def _nothing(case: Case, verdict: Verdict) -> Iterator[str]:
    yield from ()


def _services(case: Case, verdict: Verdict) -> Iterator[str]:
    for service in case.facts.services[:3]:
        state = "" if service.active and not service.deleted else labels.SERVICE_OFF[service.deleted]
        yield html.escape(labels.SERVICE_SAID.format(service=service.service, title=service.title) + state)


def _window(case: Case, verdict: Verdict) -> Iterator[str]:
    month = case.competence
    yield labels.MONTH_SPAN.format(first=f"{month.first_day:%d/%m}", last=fmt.day(month.last_day))


def _invoices(case: Case, verdict: Verdict) -> Iterator[str]:
    for invoice in case.facts.invoices:
        if invoice.competence == case.competence and (
            invoice.status is InvoiceStatus.AWAITING_NOTE or not verdict.holds
        ):
            status = labels.INVOICE_STATUSES[invoice.status].lower()
            yield html.escape(f"{invoice.invoice}: {status}, {fmt.money(invoice.amount)}")
    earlier = [one for one in case.facts.invoices if one.competence < case.competence]
    if verdict.holds and earlier:
        last = max(earlier, key=lambda one: (one.competence, one.invoice))
        link = style.link(last.invoice, labels.INVOICES.path, **_invoice(case, last.invoice))
        status = labels.INVOICE_STATUSES[last.status].lower()
        yield f"{labels.LAST_ONE}: {link}, {status}, {fmt.month(last.competence)}"


def _charges(case: Case, verdict: Verdict) -> Iterator[str]:
    live = {item.batch for item in case.facts.live_items}
    for item in case.view.items(case.contract).to_pylist():
        if item["competence"] != str(case.competence):
            continue
        batch, outcome = item["batch"], labels.OUTCOME[item["outcome"]].lower()
        if batch in live and not item["reversed"]:
            if item["amount"] is not None:
                yield f"{fmt.money(item['amount'])}, {fmt.counted(item['calls'] or 0, *labels.CALL_NOUN)}"
        else:
            said = labels.OUTCOME["reversed"].lower() if item["reversed"] else outcome
            yield f"{case.batch_link(batch, labels.BATCH.format(batch=batch))}, {said}"


def _values(case: Case, verdict: Verdict) -> Iterator[str]:
    live = set(verdict.evidence["eventual_values"])
    for value in case.view.values(case.contract).to_pylist():
        if value["competence"] != str(case.competence):
            continue
        if value["value_id"] in live:
            kind = labels.VALUE_KINDS[value["kind"]].lower()
            origin = labels.FROM_OWN if value["own"] else labels.FROM_ERP
            yield html.escape(f"{kind} de {fmt.money(value['amount'])}, {origin}, serviço {value['service']}")
        elif value["deleted"]:
            yield html.escape(labels.VALUE_DELETED.format(value=value["value_id"]))
        elif not value["service"]:
            yield html.escape(labels.VALUE_WITHOUT_SERVICE.format(value=value["value_id"]))


def _events(case: Case, verdict: Verdict) -> Iterator[str]:
    for event in case.view.events(case.contract).to_pylist():
        if event["competence"] == str(case.competence):
            state = labels.EVENT_STATES["reversed" if event["reversed"] else "live"].lower()
            origin = labels.FROM_OWN if event["own"] else labels.FROM_ERP
            yield html.escape(f"{event['event']}: {fmt.day(event['at'])}, {state}, {origin}")


DETAILS: Final[Mapping[Rule, Callable[[Case, Verdict], Iterator[str]]]] = {
    Rule.APPROVED: _approved,
    Rule.NORMAL: _nothing,
    Rule.ACTIVE_SERVICE: _services,
    Rule.BILLING_WINDOW: _window,
    Rule.NOT_INVOICED: _invoices,
    Rule.NO_CHARGE: _charges,
    Rule.NO_EVENTUAL_VALUE: _values,
    Rule.NO_ZERO_EVENT: _events,
}


# --- Warnings --------------------------------------------------------------------------------------------------------


def _warnings(case: Case, verdicts: Verdicts) -> str:
    seen = labels.CHECKED_AT.format(
        when=fmt.moment(session.status().now),
        revision=fmt.count(case.view.revision),
        snapshot=fmt.count(case.view.snapshot),
    )
    if not verdicts.warnings:
        good = labels.NO_CAUTIONS.format(day=case.facts.contract.cut_day)
        return f"{good} {seen}"
    said = " · ".join(
        warning_words(caution, case.competence, case.facts.contract.cut_day) for caution in verdicts.warnings
    )
    return f"{labels.CAUTIONS_SAY} {said}. {seen}"


def warning_words(caution: Caution, month: Competence, cut_day: int) -> str:
    """A warning with what follows from it, as Markdown."""
    effect = text.CAUTION_EFFECTS[caution.value]
    day = f" ({fmt.day(month.day(cut_day))})" if caution is Caution.CUT_DAY_NOT_REACHED else ""
    return f":orange[{text.CAUTIONS[caution.value]}{day}]: {effect[0].lower()}{effect[1:]}"
