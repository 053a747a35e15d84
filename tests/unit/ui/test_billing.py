"""What *Gerar Cobrança* says of a selection, a preview and a batch, and how it derives its rows."""

from typing import Any

import pyarrow as pa
import pytest

from stfc.domain.competence import Competence
from stfc.domain.eligibility import Rule
from stfc.domain.money import Centavos
from stfc.services.billing import Preview
from stfc.services.ports import OpenedBatch
from stfc.services.queries import ContractQuery, ContractTotals
from stfc.ui import billing_act, billing_list, labels
from stfc.ui.billing_choice import Choice
from stfc.ui.filters import Chosen

OCTOBER = Competence.parse("2026-10")
NBSP = "\N{NO-BREAK SPACE}"


def a_choice(
    count: int = 312,
    *,
    eligible: int = 1432,
    matching: int | None = None,
    within: int | None = None,
    with_history: int | None = None,
    with_cautions: int = 0,
    preview: Preview | None = None,
) -> Choice:
    totals = ContractTotals(
        count=count,
        with_history=count if with_history is None else with_history,
        expected_calls=96_410,
        expected_amount=Centavos(4_821_000),
        with_cautions=with_cautions,
        cautions={},
    )
    ids = frozenset(str(number) for number in range(count))
    return Choice(
        ids, totals, eligible, eligible if matching is None else matching, count if within is None else within, preview
    )


def a_preview(*, platform: int = 287, history: int = 25, contracts: int = 312, amount: int = 5_000_000) -> Preview:
    return Preview(OCTOBER, contracts, 100_000, Centavos(amount), platform, history, {}, (), None)


def test_bar_says_how_many_of_how_many_and_what_they_come_to() -> None:
    said = billing_act.facts_line(a_choice())
    assert said == "**312** de 1.432 selecionados · cerca de **R$\xa048.210,00** · 96.410 ligações previstas"


def test_primary_button_states_its_effect_with_numbers() -> None:
    assert billing_act.bill_words(a_choice()) == "Gerar Cobrança de 312 contratos · cerca de R$\xa048.210,00"
    assert billing_act.bill_words(a_choice(1)).startswith("Gerar Cobrança de 1 contrato · ")


def test_a_value_that_nobody_knows_is_not_shown_as_zero() -> None:
    unknown = a_choice(3, with_history=0)
    assert billing_act.facts_line(unknown) == "**3** de 1.432 selecionados"
    assert billing_act.bill_words(unknown) == "Gerar Cobrança de 3 contratos"


def test_a_preview_of_the_selection_replaces_its_history() -> None:
    seen = a_choice(preview=a_preview())
    assert "R$\xa050.000,00" in billing_act.facts_line(seen)
    assert "100.000 ligações" in billing_act.facts_line(seen)
    assert labels.SCOPE_PREVIEWED in billing_act.scope_line(seen)


@pytest.mark.parametrize(
    ("choice", "said"),
    [
        (a_choice(0), labels.SCOPE_NONE),
        (a_choice(1432), labels.SCOPE_ALL),
        (a_choice(312, matching=312), labels.SCOPE_FILTER),
        (a_choice(312, matching=300, within=300), "12 deles fora do filtro atual"),
        (a_choice(312, matching=311, within=311), "1 deles fora do filtro atual"),
        (a_choice(312, with_cautions=34), "34 com aviso"),
        (a_choice(312, with_history=300, with_cautions=34), "34 com aviso · 12 sem histórico"),
        (a_choice(312), ""),
    ],
)
def test_scope_says_where_the_selection_lies(choice: Choice, said: str) -> None:
    assert billing_act.scope_line(choice) == said


def test_sources_of_a_preview_add_up_to_its_contracts() -> None:
    said = billing_act.sources(a_preview(platform=280, history=25)).replace(NBSP, " ")
    assert said == "280 pela Summit · 25 pelo histórico · 7 sem histórico"
    assert billing_act.sources(a_preview(platform=312, history=0)).replace(NBSP, " ") == "312 pela Summit"


def test_expected_value_is_compared_only_where_the_platform_said_it() -> None:
    assert billing_act.against_usual(a_preview(amount=4_937_000), 4_821_000) == "+2,4% sobre o mês usual"
    assert billing_act.against_usual(a_preview(platform=0), 4_821_000) == labels.PREVIEW_USUAL
    assert billing_act.against_usual(a_preview(), 0) == labels.PREVIEW_USUAL


def test_notice_after_the_act_names_batch_and_who_was_left_out() -> None:
    whole, icon = billing_act.opened_words(OpenedBatch(48, 312, {}), "out/2026")
    assert (whole, icon) == ("Lote 48 aberto com 312 contratos de out/2026.", ":material/check_circle:")
    part, _ = billing_act.opened_words(OpenedBatch(48, 310, {"1": "no_charge", "2": "no_charge"}), "out/2026")
    assert part == "Lote 48 aberto com 310 contratos de out/2026; 2 já não eram elegíveis."
    none, _ = billing_act.opened_words(OpenedBatch(None, 0, {"1": "no_charge", "2": "not_invoiced"}), "out/2026")
    assert none == ("Nenhum lote aberto: os contratos já não são elegíveis (1 já cobrados ou na fila, 1 já faturados).")


def test_empty_list_says_why_with_numbers_most_first() -> None:
    words = billing_list.nothing_words({"no_charge": 1188, "not_invoiced": 212, "within_billing_window": 32}, OCTOBER)
    assert words.startswith(
        "Os 1.432 contratos estão fora da lista: 1.188 já cobrados ou na fila, 212 já faturados e 32 fora da vigência."
    )
    assert billing_list.nothing_words({"": 0}, OCTOBER) == labels.NOTHING_AT_ALL
    assert billing_list.nothing_words({"approved": 1}, OCTOBER).startswith("O único contrato")


def test_change_is_a_percentage_of_the_last_charge_and_missing_where_there_is_none() -> None:
    rows = pa.table(
        {
            "city": ["Campinas", None, "Joinville", "Sobral"],
            "state": ["SP", "MG", None, "CE"],
            "expected_amount": pa.array([1250, 1000, None, 500], pa.int64()),
            "last_amount": pa.array([1000, 0, 900, None], pa.int64()),
        }
    )
    derived = billing_list.with_derived(rows)
    assert derived["change"].to_pylist() == [25.0, None, None, None]
    assert derived["city"].to_pylist() == ["Campinas/SP", "MG", "Joinville", "Sobral/CE"]


@pytest.mark.parametrize("rule", list(Rule))
def test_every_rule_has_a_reason_for_the_list_of_those_kept_out(rule: Rule) -> None:
    row = {"first_failed": rule.key, "stage": "in_approval", "status": "suspended", "deleted": False, "outcome": "held"}
    assert billing_list.reason(row)
    assert labels.KEPT_OUT_BY[rule.key]
    assert labels.KEPT_OUT_SHORT[rule.key]
    assert labels.RULES_SHORT[rule.key]


def test_reasons_carry_what_the_row_knows() -> None:
    row = {"first_failed": "no_charge", "stage": "approved", "status": "normal", "deleted": False, "outcome": "held"}
    assert billing_list.reason(row) == "Já tem cobrança na competência: retido"
    assert "Suspenso" in billing_list.reason(row | {"first_failed": "normal_status", "status": "suspended"})
    assert "deletado" in billing_list.reason(row | {"first_failed": "approved", "deleted": True})


def chosen(**values: Any) -> Chosen:
    nothing: dict[str, Any] = {
        "search": "",
        "no_caution": False,
        "cut_day_not_reached": False,
        "integration_error": False,
        "states": (),
        "plans": (),
        "cut_days": (),
        "cautions": (),
        "least_expected": None,
        "most_expected": None,
    }
    every = nothing | values
    empty = tuple(name for name, value in every.items() if value in ("", (), None, False))
    return Chosen(tuple(every.items()), empty)


def test_no_filter_asks_for_everything() -> None:
    assert billing_list.query(chosen(), eligible=True) == ContractQuery(eligible=True)


def test_pills_and_the_advanced_warning_add_up() -> None:
    asked = billing_list.query(chosen(no_caution=True, cut_day_not_reached=True, cautions=("no_line",)))
    assert asked.cautions == ("", "cut_day_not_reached", "no_line")


def test_filters_reach_the_query_as_its_own_values() -> None:
    asked = billing_list.query(
        chosen(search="silva", states=("SP",), plans=("fixo-500", "-"), cut_days=("5", "10"), least_expected=1000)
    )
    assert asked == ContractQuery(
        search="silva", states=("SP",), plans=("fixo-500", ""), cut_days=(5, 10), least_expected=1000
    )
