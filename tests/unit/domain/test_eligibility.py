"""The eight rules of *Gerar Cobrança*, one by one, at their boundaries (PRODUCT 5)."""

from datetime import date
from typing import Any

import pytest

from stfc.domain.competence import Competence
from stfc.domain.contract import ContractStage, ContractStatus, Integration, InvoiceStatus
from stfc.domain.eligibility import Caution, LiveItem, Policy, Rule, Verdicts, explain
from tests.builders import (
    OCTOBER,
    a_contract,
    a_line,
    a_service,
    a_value,
    an_event,
    an_invoice,
    some_facts,
)

SEPTEMBER = Competence(2026, 9)
AFTER = date(2026, 11, 10)


def verdicts(today: date = AFTER, policy: Policy | None = None, **facts: Any) -> Verdicts:
    return explain(some_facts(**facts), OCTOBER, today=today, policy=policy)


def test_a_contract_that_meets_all_rules_is_listed_without_warnings() -> None:
    found = verdicts()
    assert found.eligible
    assert found.first_failed is None
    assert [verdict.rule for verdict in found.rules] == list(Rule)
    assert found.warnings == ()


@pytest.mark.parametrize("stage", sorted(set(ContractStage) - {ContractStage.APPROVED}))
def test_only_an_approved_contract_is_listed(stage: ContractStage) -> None:
    assert verdicts(contract=a_contract(stage=stage)).first_failed is Rule.APPROVED


def test_a_deleted_contract_fails_the_first_rule() -> None:
    assert verdicts(contract=a_contract(deleted=True)).first_failed is Rule.APPROVED


@pytest.mark.parametrize("status", sorted(set(ContractStatus) - {ContractStatus.NORMAL}))
def test_only_normal_status_is_listed(status: ContractStatus) -> None:
    assert verdicts(contract=a_contract(status=status)).first_failed is Rule.NORMAL


@pytest.mark.parametrize(
    ("services", "holds"),
    [
        ((), False),
        ((a_service(active=False),), False),
        ((a_service(deleted=True),), False),
        ((a_service("S1", active=False), a_service("S2", deleted=True)), False),
        ((a_service("S1", active=False), a_service("S2")), True),
    ],
)
def test_one_service_must_be_both_active_and_not_deleted(services: tuple[Any, ...], holds: bool) -> None:
    assert verdicts(services=services).rules[2].holds is holds


@pytest.mark.parametrize(
    ("bill_from", "bill_until", "holds"),
    [
        (date(2026, 10, 31), None, True),
        (date(2026, 11, 1), None, False),
        (date(2025, 1, 1), date(2026, 10, 1), True),
        (date(2025, 1, 1), date(2026, 9, 30), False),
        (date(2026, 10, 15), date(2026, 10, 15), True),
    ],
)
def test_the_billing_window_must_touch_the_month(bill_from: date, bill_until: date | None, holds: bool) -> None:
    found = verdicts(contract=a_contract(bill_from=bill_from, bill_until=bill_until))
    assert found.rules[3].holds is holds


@pytest.mark.parametrize(
    ("status", "holds"),
    [
        (InvoiceStatus.OPEN, False),
        (InvoiceStatus.CLOSED, False),
        (InvoiceStatus.PAID, False),
        (InvoiceStatus.CANCELLED, True),
        (InvoiceStatus.AWAITING_NOTE, True),
    ],
)
def test_a_live_invoice_of_the_month_excludes(status: InvoiceStatus, holds: bool) -> None:
    assert verdicts(invoices=(an_invoice(status=status),)).rules[4].holds is holds
    assert verdicts(invoices=(an_invoice(status=status, competence=SEPTEMBER),)).rules[4].holds


def test_an_invoice_that_awaits_its_note_warns_and_by_parameter_excludes() -> None:
    waiting = (an_invoice("F7", status=InvoiceStatus.AWAITING_NOTE),)
    assert verdicts(invoices=waiting).warnings == (Caution.AWAITING_NOTE,)
    strict = verdicts(invoices=waiting, policy=Policy(awaiting_note_excludes=True))
    assert strict.first_failed is Rule.NOT_INVOICED
    assert strict.rules[4].evidence == {"invoices": ["F7"]}


def test_an_item_on_its_way_or_done_excludes_and_is_named() -> None:
    found = verdicts(live_items=(LiveItem(batch=12, outcome="running"),))
    assert found.first_failed is Rule.NO_CHARGE
    assert found.rules[5].evidence == {"items": [{"batch": 12, "outcome": "running"}]}


@pytest.mark.parametrize(
    ("changes", "holds"),
    [
        ({}, False),
        ({"invoiced": True}, False),
        ({"deleted": True}, True),
        ({"competence": SEPTEMBER}, True),
        ({"service": None}, True),
        ({"service": "S9"}, True),
    ],
)
def test_a_live_value_of_the_month_on_a_summit_service_excludes(changes: dict[str, Any], holds: bool) -> None:
    assert verdicts(values=(a_value(**changes),)).rules[6].holds is holds


def test_a_value_on_a_deleted_summit_service_excludes_too() -> None:
    services = (a_service("S1"), a_service("S2", active=False, deleted=True))
    assert not verdicts(services=services, values=(a_value(service="S2"),)).rules[6].holds


@pytest.mark.parametrize(
    ("changes", "holds"),
    [
        ({}, False),
        ({"reversed": True}, True),
        ({"competence": SEPTEMBER}, True),
        ({"competence": None, "at": date(2026, 10, 1)}, False),
        ({"competence": None, "at": date(2026, 11, 1)}, True),
        ({"competence": OCTOBER, "at": date(2026, 12, 24)}, False),
    ],
)
def test_an_unreversed_zero_billing_event_excludes(changes: dict[str, Any], holds: bool) -> None:
    assert verdicts(events=(an_event(**changes),)).rules[7].holds is holds


def test_the_first_failing_rule_counts_though_all_are_answered() -> None:
    found = verdicts(contract=a_contract(status=ContractStatus.DEMO), events=(an_event(),))
    assert found.first_failed is Rule.NORMAL
    assert [verdict.rule.number for verdict in found.rules if not verdict.holds] == [2, 8]


@pytest.mark.parametrize(
    ("today", "cut_day", "warns"),
    [
        (date(2026, 10, 19), 20, True),
        (date(2026, 10, 20), 20, False),
        (date(2026, 10, 30), 31, True),
        (date(2026, 10, 31), 31, False),
        (date(2026, 9, 30), 1, True),
    ],
)
def test_the_cut_day_warns_until_it_is_reached(today: date, cut_day: int, warns: bool) -> None:
    found = verdicts(today, contract=a_contract(cut_day=cut_day))
    assert (Caution.CUT_DAY_NOT_REACHED in found.warnings) is warns
    assert found.eligible


def test_a_cut_day_that_the_month_lacks_is_its_last_day() -> None:
    facts = some_facts(contract=a_contract(cut_day=31, bill_from=date(2025, 1, 1)))
    february = Competence(2026, 2)
    assert explain(facts, february, today=date(2026, 2, 27)).warnings == (Caution.CUT_DAY_NOT_REACHED,)
    assert explain(facts, february, today=date(2026, 2, 28)).warnings == ()


@pytest.mark.parametrize(
    ("changes", "warns"),
    [
        ({"until": date(2026, 10, 1)}, True),
        ({"until": date(2026, 10, 2)}, False),
        ({"since": date(2026, 10, 31)}, False),
        ({"since": date(2026, 11, 1)}, True),
        ({"service": "S9"}, True),
    ],
)
def test_a_contract_without_a_line_in_the_month_warns(changes: dict[str, Any], warns: bool) -> None:
    assert (Caution.NO_LINE in verdicts(lines=(a_line(**changes),)).warnings) is warns


def test_integration_error_and_missing_plan_warn_but_do_not_exclude() -> None:
    found = verdicts(services=(a_service(integration=Integration.ERROR),), plan_known=False)
    assert found.eligible
    assert found.warnings == (Caution.INTEGRATION_ERROR, Caution.NO_PLAN)


def test_an_error_of_a_deleted_service_does_not_warn() -> None:
    services = (a_service("S1"), a_service("S2", deleted=True, integration=Integration.ERROR))
    assert verdicts(services=services).warnings == ()
