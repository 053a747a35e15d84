"""The pure parts of *Contratos - Telefonia*: how rows, invoices, lines and the way into the list are told."""

from datetime import date
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stfc.domain.competence import Competence, last_months
from stfc.domain.eligibility import RULES, Caution, Policy, Rule, Verdict, Verdicts
from stfc.domain.money import Centavos
from stfc.services.ports import PlatformInvoice
from stfc.services.queries import Coverage
from stfc.ui import (
    contract_charges,
    contract_integration,
    contract_invoices,
    contract_lines,
    contract_list,
    contract_why,
    labels,
)
from stfc.ui.contract_case import TABS, page_of
from stfc.ui.tables import Window
from tests.builders import some_facts

OCTOBER = Competence(2026, 10)


# --- The list


@pytest.mark.parametrize(
    ("month", "amount", "said"),
    [("2026-09", 14746, "set/26 · R$\xa0147,46"), ("2026-09", 0, "set/26 · R$\xa00,00"), (None, None, "—")],
)
def test_last_charge_names_month_and_value(month: str | None, amount: int | None, said: str) -> None:
    assert contract_list.last_charge(month, amount) == said


def test_a_deleted_contract_says_so_in_the_grid_and_keeps_its_stage_in_the_download() -> None:
    table = pa.table(
        {
            "stage": ["approved", "approved"],
            "deleted": [False, True],
            "city": ["Campinas", None],
            "state": ["SP", "MG"],
            "last_competence": ["2026-09", None],
            "last_amount": [100, None],
        }
    )
    grid, download = contract_list.shown(table), contract_list.in_words(table)
    assert grid["stage"].to_pylist() == ["approved", "deleted"]
    assert grid["city"].to_pylist() == ["Campinas/SP", "MG"]
    assert download["stage"].to_pylist() == ["approved", "approved"]
    assert download["deleted"].to_pylist() == ["Não", "Sim"]


# --- A short table's page


@given(st.lists(st.one_of(st.none(), st.integers(0, 5)), max_size=12), st.booleans(), st.integers(1, 5))
def test_pages_of_a_short_table_put_together_are_the_table_in_order(
    values: list[int | None], descending: bool, rows: int
) -> None:
    table = pa.table({"figure": pa.array(values, pa.int64()), "place": list(range(len(values)))})
    seen: list[dict[str, Any]] = []
    for offset in range(0, len(values), rows):
        page = page_of(table, Window("figure", descending, offset, rows))
        assert page.total == len(values)
        seen += page.table.to_pylist()
    known = [row["figure"] for row in seen if row["figure"] is not None]
    assert known == sorted(known, reverse=descending)
    assert [row["figure"] for row in seen[len(known) :]] == [None] * (len(values) - len(known))
    assert sorted(row["place"] for row in seen) == list(range(len(values)))


# --- Lines and calls


@pytest.mark.parametrize(
    ("since", "until", "deleted", "state"),
    [
        (date(2026, 10, 31), None, False, "valid"),
        (date(2026, 11, 1), None, False, "future"),
        (date(2020, 1, 1), date(2026, 10, 1), False, "past"),
        (date(2020, 1, 1), date(2026, 10, 2), False, "valid"),
        (date(2020, 1, 1), None, True, "deleted"),
    ],
)
def test_a_line_is_valid_on_any_day_of_the_month(since: date, until: date | None, deleted: bool, state: str) -> None:
    row = {"since": since, "until": until, "deleted": deleted}
    assert contract_lines.line_state(row, OCTOBER) == state
    assert state in labels.LINE_STATES


def test_the_last_day_of_a_line_is_the_day_before_its_end() -> None:
    table = pa.table({"since": [date(2020, 1, 1)], "until": [date(2026, 10, 2)], "deleted": [False]})
    assert contract_lines.with_states(table, OCTOBER)["last"].to_pylist() == [date(2026, 10, 1)]


def test_why_there_are_no_calls_is_said_for_every_part_of_the_coverage() -> None:
    assert set(labels.NO_CALLS_BECAUSE) == {part.value for part in Coverage}


# --- Charges


@pytest.mark.parametrize(
    ("item", "said"),
    [
        ({"rule": None, "code": None, "late": False}, ""),
        ({"rule": None, "code": None, "late": True}, "Inclui ligações anteriores ao período do arquivo"),
        ({"rule": None, "code": "ARQ-TOT", "late": False}, "Totais declarados diferem dos registros (ARQ-TOT)"),
        ({"rule": None, "code": "XXX-NEW", "late": False}, "XXX-NEW (XXX-NEW)"),
        ({"rule": "normal_status", "code": "REG-ELG", "late": False}, "Deixou de atender: Em status Normal (REG-ELG)"),
    ],
)
def test_an_item_says_why_it_did_not_end_as_charged(item: dict[str, Any], said: str) -> None:
    assert contract_charges.cause(item) == said


@pytest.mark.parametrize(
    ("true", "state"),
    [((), "live"), (("held",), "held"), (("invoiced", "held"), "invoiced"), (("deleted", "held"), "deleted")],
)
def test_a_value_is_deleted_before_invoiced_before_held(true: tuple[str, ...], state: str) -> None:
    value = {name: name in true for name in ("deleted", "invoiced", "held")}
    assert contract_charges.value_state(value) == state
    assert state in labels.VALUE_STATES


# --- Invoices of both sources


def an_invoice(month: str, amount: int, status: str = "closed", number: str = "F1") -> dict[str, Any]:
    return {"invoice": number, "competence": month, "status": status, "amount": amount}


def a_bill(month: Competence, amount: int, status: str = "paid", number: str = "S1") -> PlatformInvoice:
    return PlatformInvoice(number, month, date(2026, 10, 11), date(2026, 10, 21), Centavos(amount), status, ())


def test_a_difference_stands_only_where_both_sources_speak_of_the_month() -> None:
    months = last_months(OCTOBER, 3)
    invoices = [an_invoice("2026-10", 500), an_invoice("2026-08", 300)]
    bills = [a_bill(OCTOBER, 120), a_bill(OCTOBER.plus(-1), 90)]
    rows = list(contract_invoices.by_month(months, invoices, bills))
    assert [(row["month"], row["difference"]) for row in rows] == [
        ("out/2026", 380),
        ("set/2026", None),
        ("ago/2026", None),
    ]


def test_several_invoices_of_a_month_stand_below_each_other_and_are_compared_in_sum() -> None:
    invoices = [an_invoice("2026-10", 500), an_invoice("2026-10", 70, "cancelled", "F2")]
    bills = [a_bill(OCTOBER, 300), a_bill(OCTOBER, 200, number="S2"), a_bill(OCTOBER, 1, number="S3")]
    rows = list(contract_invoices.by_month([OCTOBER], invoices, bills))
    assert [(row["month"], row["invoice"], row["number"]) for row in rows] == [
        ("out/2026", "F1", "S1"),
        ("", "F2", "S2"),
        ("", "—", "S3"),
    ]
    assert [row["difference"] for row in rows] == [-1, None, None]


def test_a_cancelled_invoice_is_shown_and_not_compared() -> None:
    rows = list(contract_invoices.by_month([OCTOBER], [an_invoice("2026-10", 5, "cancelled")], [a_bill(OCTOBER, 5)]))
    assert rows[0]["status"] == "cancelled"
    assert rows[0]["difference"] is None


# --- Integration


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (None, "—"),
        ("Linha já vinculada", "Linha já vinculada"),
        ("SUM-TMO", "Tempo esgotado à espera da Summit (SUM-TMO)"),
        ("line_taken", "uma das linhas já é de outro assinante (line_taken)"),
    ],
)
def test_an_integration_error_is_told_in_words(error: str | None, said: str) -> None:
    assert contract_integration.error_words(error) == said


# --- Por que não está na lista?


def verdicts(**failed: dict[str, Any]) -> Verdicts:
    facts = some_facts()
    answers = [rule(facts, OCTOBER, Policy()) for rule in RULES]
    told = tuple(
        Verdict(one.rule, False, {**one.evidence, **failed[one.rule.key]}) if one.rule.key in failed else one
        for one in answers
    )
    return Verdicts(facts.contract.contract, OCTOBER, told, ())


CHARGED = {"no_charge": {"items": [{"batch": 12, "outcome": "charged"}]}}


def test_the_value_that_a_charge_made_goes_with_the_charge() -> None:
    given = verdicts(**CHARGED, no_eventual_value={"eventual_values": ["STFC-1"]})
    assert contract_why.way_out(given, {"STFC-1"}) == "Para entrar: estornar a cobrança, se ela estiver errada."


def test_a_value_of_the_erp_is_named() -> None:
    given = verdicts(no_eventual_value={"eventual_values": ["88213", "STFC-1"]})
    assert contract_why.way_out(given, {"STFC-1"}) == "Para entrar: excluir o valor eventual 88213 no ERP."


def test_no_way_leads_past_an_invoice() -> None:
    given = verdicts(normal_status={}, not_invoiced={"invoices": ["F1"]})
    assert contract_why.way_out(given, ()) == "Nada a fazer: out/2026 já foi faturado."


def test_a_deleted_contract_has_to_be_restored() -> None:
    given = verdicts(approved={"deleted": True})
    assert contract_why.way_out(given, ()) == "Para entrar: restaurar o contrato, que foi deletado no ERP."


@pytest.mark.parametrize("rule", list(Rule))
def test_every_rule_has_a_way_out_and_a_detail(rule: Rule) -> None:
    evidence: dict[str, Any] = {"eventual_values": ["1"], "events": ["1"], "invoices": ["1"], "items": []}
    said = contract_why.way_out(verdicts(**{rule.key: evidence}), ())
    assert said.startswith(("Para entrar: ", "Nada a fazer: "))
    assert rule in contract_why.DETAILS


@given(st.text(max_size=30), st.text(min_size=1, max_size=5), st.text(max_size=30))
def test_nothing_of_the_data_becomes_markup_beside_the_link(before: str, name: str, after: str) -> None:
    said = contract_why.linked(before + name + after, {name: "<a>x</a>"})
    assert said.count("<") == 2
    assert "<a>x</a>" in said


def test_a_warning_says_what_follows_and_when_the_cut_day_is() -> None:
    said = contract_why.warning_words(Caution.CUT_DAY_NOT_REACHED, Competence(2026, 2), 31)
    assert said == ":orange[Dia de corte não atingido (28/02/2026)]: o arquivo pode não existir; o item espera"


def test_the_tab_that_other_screens_link_to_exists() -> None:
    assert contract_list.WHY_TAB in {tab.key for tab in TABS}
