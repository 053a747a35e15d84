"""A contract's invoices of twelve competences from both sources: the ERP's, and the platform's own bills."""

import asyncio
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import zip_longest
from typing import Any, Final

import streamlit as st

from stfc.domain.competence import Competence, last_months
from stfc.errors import PlatformError
from stfc.services.ports import PlatformInvoice
from stfc.services.queries import InvoiceQuery
from stfc.ui import format as fmt
from stfc.ui import labels, session, states, tables, url
from stfc.ui.contract_case import Case
from stfc.ui.tables import Column

_MONTHS: Final = 12
_ANSWERS: Final = "stfc_platform_invoices"
_COLUMNS: Final = (
    Column("month", "Competência", 0),
    Column("invoice", "Fatura do ERP", 0),
    Column("status", "Situação", 0, words=labels.INVOICE_STATUSES),
    Column("amount", "Valor no ERP", 0, unit="money"),
    Column("number", "Fatura da Summit", 0),
    Column("bill_status", "Situação", 0, words=labels.BILL_STATUSES),
    Column("bill_amount", "Valor na Summit", 0, unit="money"),
    Column("difference", "Diferença", 0, show=fmt.signed_money, right=True),
)
_ITEMS: Final = (
    Column("month", "Competência", 0),
    Column("number", "Fatura da Summit", 0),
    Column("description", "Item", 0),
    Column("amount", "Valor", 0, unit="money"),
)


@dataclass(frozen=True)
class Answer:
    """What the platform said when it was asked: its bills, or the error."""

    asked_at: datetime
    bills: tuple[PlatformInvoice, ...] = ()
    error: PlatformError | None = None


def show(case: Case) -> None:
    """Both sources by competence, the difference where both speak of one month; the platform is asked on a look."""
    months = last_months(case.competence, _MONTHS)
    query = InvoiceQuery(contracts=(case.contract,), statuses=(), sort="competence", limit=None)
    every = case.view.invoices(query).table.to_pylist()
    known = {str(month) for month in months}
    invoices = [row for row in every if row["competence"] in known]
    answer = _answer(case, months)
    if answer.error:
        again = states.Step(labels.TRY_AGAIN, _forget, (case.contract,))
        sentence = labels.PLATFORM_INVOICES_FAILED.format(error=fmt.plain(states.sentence(answer.error)))
        states.error(sentence, labels.ONLY_ERP, again, key="invoices")
    rows = list(by_month(months, invoices, answer.bills))
    if rows:
        _caption(case, answer)
        tables.small(rows, _COLUMNS, alt=labels.BOTH_SOURCES)
        _items(answer.bills)
    elif not answer.error:
        words = labels.NO_INVOICES_WORDS.format(month=case.month)
        states.empty(labels.NO_INVOICES, words, key="invoices")
    _older(case, len(every) - len(invoices))


def by_month(
    months: Sequence[Competence], invoices: Sequence[Mapping[str, Any]], bills: Sequence[PlatformInvoice]
) -> Iterator[dict[str, Any]]:
    """A row per invoice and bill, newest month first, side by side; months without either are left out.

    ``difference`` (centavos, the ERP's sum less the platform's, cancelled ones left out) stands in a month's first row,
    and only where both sources speak of it.
    """
    theirs: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    ours: dict[str, list[PlatformInvoice]] = defaultdict(list)
    for invoice in invoices:
        theirs[invoice["competence"]].append(invoice)
    for bill in bills:
        ours[str(bill.competence)].append(bill)
    for month in sorted(months, reverse=True):
        left, right = theirs[str(month)], ours[str(month)]
        for place, (invoice_, bill_) in enumerate(zip_longest(left, right)):
            row = _row(invoice_, bill_)
            first = place == 0
            yield row | {
                "month": fmt.month(month) if first else "",
                "difference": _difference(left, right) if first else None,
            }


def _row(invoice: Mapping[str, Any] | None, bill: PlatformInvoice | None) -> dict[str, Any]:
    left = {name: invoice[name] for name in ("invoice", "status", "amount")} if invoice else {}
    right = {"number": bill.number, "bill_status": bill.status, "bill_amount": bill.amount} if bill else {}
    return {"invoice": fmt.NOTHING, "number": fmt.NOTHING, **left, **right}


def _difference(invoices: Sequence[Mapping[str, Any]], bills: Sequence[PlatformInvoice]) -> int | None:
    left = [one["amount"] for one in invoices if one["status"] != "cancelled"]
    right = [one.amount for one in bills if one.status != "cancelled"]
    return sum(left) - sum(right) if left and right else None


# --- Asking the platform ---------------------------------------------------------------------------------------------


def _answer(case: Case, months: Sequence[Competence]) -> Answer:
    """The platform's answer, asked for once a contract and month in this session, until *Tentar de novo*."""
    answers: dict[tuple[str, Competence], Answer] = st.session_state.setdefault(_ANSWERS, {})
    key = (case.contract, case.competence)
    if key not in answers:
        with st.spinner(labels.ASKING_PLATFORM):
            answers.clear()
            answers[key] = _ask(case.contract, months[0], months[-1])
    return answers[key]


def _ask(contract: str, since: Competence, until: Competence) -> Answer:
    application = session.application()

    async def bills() -> list[PlatformInvoice]:
        async with application.gateway() as gateway:
            return await gateway.invoices(contract, since, until)

    try:
        return Answer(application.clock(), tuple(asyncio.run(bills())))
    except PlatformError as error:
        return Answer(application.clock(), error=error)


def _forget(contract: str) -> None:
    st.session_state.pop(_ANSWERS, None)


# --- Around the table ------------------------------------------------------------------------------------------------


def _caption(case: Case, answer: Answer) -> None:
    asked = "" if answer.error else " " + labels.PLATFORM_ASKED.format(clock=fmt.clock(answer.asked_at))
    st.markdown(f":gray[{labels.BOTH_SOURCES} · 12 competências até {case.month}.{asked}]")


def _items(bills: Sequence[PlatformInvoice]) -> None:
    rows = [
        {"month": fmt.month(bill.competence), "number": bill.number, "description": words, "amount": amount}
        for bill in sorted(bills, key=lambda one: (one.competence, one.number), reverse=True)
        for words, amount in bill.items
    ]
    if rows:
        with st.expander(labels.BILL_ITEMS.format(count=fmt.counted(len(bills), "fatura", "faturas"))):
            tables.small(rows, _ITEMS, alt="Itens das faturas da Summit")


def _older(case: Case, count: int) -> None:
    if count <= 0:
        return
    st.button(
        labels.OLDER_INVOICES.format(count=fmt.counted(count, "fatura", "faturas")),
        key="contract_older_invoices",
        type="tertiary",
        icon=":material/arrow_forward:",
        on_click=_all_invoices,
        args=(case.contract,),
    )


def _all_invoices(contract: str) -> None:
    url.open_page(labels.INVOICES, q=contract, todas="1", situacao=labels.INVOICE_STATUSES)
