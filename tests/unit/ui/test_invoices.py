"""The pure parts of *Faturas fechadas*: which invoices are meant, which are overdue, and how that is said."""

from datetime import date

import pytest

from stfc.domain.competence import Competence
from stfc.services.queries import InvoiceQuery
from stfc.ui import invoices

SEPTEMBER, OCTOBER = Competence(2026, 9), Competence(2026, 10)
TODAY = date(2026, 11, 10)
EVERY = ("open", "awaiting_note", "closed", "paid", "cancelled")


@pytest.mark.parametrize(
    ("statuses", "said"),
    [
        (("closed", "paid"), "fechadas e pagas"),
        (("cancelled",), "canceladas"),
        (("open", "paid", "closed"), "fechadas, pagas e abertas"),
        (EVERY, "em qualquer situação"),
    ],
)
def test_statuses_are_said_in_the_order_of_the_pills(statuses: tuple[str, ...], said: str) -> None:
    assert invoices.in_words(statuses) == said


@pytest.mark.parametrize(
    ("months", "said"),
    [
        ((), "em todas as competências"),
        ((OCTOBER,), "em out/2026"),
        ((SEPTEMBER, OCTOBER), "em 2 competências"),
    ],
)
def test_the_head_says_which_months(months: tuple[Competence, ...], said: str) -> None:
    assert invoices.where(InvoiceQuery(competences=months)) == said


def test_an_invoice_is_overdue_from_the_day_after_it_was_due() -> None:
    late = invoices.overdue(InvoiceQuery(), TODAY)
    assert late
    assert (late.statuses, late.due_until) == (("closed",), date(2026, 11, 9))


def test_overdue_ones_are_of_the_selection_only() -> None:
    late = invoices.overdue(InvoiceQuery(statuses=EVERY, due_until=date(2026, 10, 1)), TODAY)
    assert late
    assert (late.statuses, late.due_until) == (("open", "closed"), date(2026, 10, 1))
    assert invoices.overdue(InvoiceQuery(statuses=("paid", "cancelled")), TODAY) is None
