"""The pure parts of *Conferência*: what a filter leaves, what three sources say, and how it is said."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from stfc.domain.competence import Competence
from stfc.domain.correction import FiledCall, Remedy, difference
from stfc.domain.money import Centavos, Micros
from stfc.domain.outcome import Finding
from stfc.services.corrected_files import CorrectedFile
from stfc.services.ports import CorrectionDecision, CorrectionRow, HoldDecision, HoldRow, LogLine, SettledCorrection
from stfc.ui import completeness, corrected, corrected_case, reconciliation, reconciliation_act
from stfc.ui import reconciliation_case as case
from stfc.ui.filters import Chosen

OCTOBER = Competence(2026, 10)
NBSP = "\N{NO-BREAK SPACE}"
NOW = datetime(2026, 11, 10, 15, tzinfo=UTC)
NOTHING: dict[str, Any] = {
    "only_month": False,
    "kinds": (),
    "codes": (),
    "detectors": (),
    "least": None,
    "most": None,
}
TOTALS = Finding(
    "ARQ-TOT",
    {
        "source": "trailer",
        "declared": {"records": 9, "amount_micros": 2_000_000},
        "found": {"records": 8, "amount_micros": 1_500_000},
    },
)
BURST = Finding("CON-ANO", {"detector": "night_burst", "calls": 40, "before": 0})


def a_hold(*findings: Finding, hold: int = 1, amount: int = 150, month: Competence = OCTOBER) -> HoldRow:
    code = findings[0].code if findings else "ARQ-TOT"
    return HoldRow(hold, 10 + hold, 1, f"47{hold}", month, Centavos(amount), 8, code, findings, NOW)


def chosen(**values: Any) -> Chosen:
    return Chosen(tuple((NOTHING | values).items()), ())


def a_log(**events: dict[str, Any]) -> list[LogLine]:
    return [LogLine(NOW, "ok", "check", event, facts) for event, facts in events.items()]


@pytest.mark.parametrize(
    ("values", "fits"),
    [
        ({}, True),
        ({"only_month": True}, True),
        ({"kinds": ("totais",)}, False),
        ({"kinds": ("totais", "anomalia")}, True),
        ({"codes": ("CON-ANO",)}, True),
        ({"detectors": ("night_burst",)}, True),
        ({"detectors": ("new_country",)}, False),
        ({"least": 150, "most": 150}, True),
        ({"least": 151}, False),
        ({"most": 149}, False),
    ],
)
def test_a_filter_leaves_what_is_of_its_kind(values: dict[str, Any], fits: bool) -> None:
    assert reconciliation.fits(a_hold(BURST), chosen(**values), OCTOBER) == fits


def test_another_month_is_not_of_the_header() -> None:
    assert not reconciliation.fits(a_hold(BURST, month=OCTOBER.plus(-1)), chosen(only_month=True), OCTOBER)


def test_three_figures_stand_side_by_side() -> None:
    log = a_log(
        parsed={"records": 8, "amount_micros": 1_500_000},
        amount={"calls": 8, "amount_micros": 1_500_000},
        rated={"ours": 147, "platform": 150},
    )
    found = case.figures(a_hold(TOTALS), log)
    assert (found.declared, found.summed, found.ours) == (2_000_000, 1_500_000, 147)
    assert case.declared_words(found) == "9 registros declarados"
    assert case.summed_words(found) == "8 registros, diferença −R$\xa00,50"
    assert case.ours_words(found) == "−2,0% sobre a Summit"


def test_a_file_without_findings_declares_what_it_sums_to() -> None:
    found = case.figures(a_hold(BURST), a_log(parsed={"records": 8, "amount_micros": 1_500_000}))
    assert (found.declared, found.summed, found.ours) == (1_500_000, 1_500_000, None)
    assert case.summed_words(found) == "diferença R$\xa00,00"
    assert case.ours_words(found) == "contrato sem plano tarifário"


def test_figures_whose_log_is_gone_say_nothing() -> None:
    found = case.figures(a_hold(BURST), [])
    assert {case.declared_words(found), case.summed_words(found)} == {"—"}


def test_like_decisions_are_those_of_the_same_code() -> None:
    def decision(code: str, released: bool) -> HoldDecision:
        return HoldDecision("4711", OCTOBER, Centavos(1), code, released, "x", "ivo", NOW)

    every = [decision("CON-ANO", True), decision("CON-ANO", False), decision("ARQ-TOT", True)]
    assert case.similar("CON-ANO", every) == "Decisões parecidas (CON-ANO): 1 liberada, 1 rejeitada."
    assert case.similar("TAR-DIF", every) == "Nenhuma cobrança com TAR-DIF foi decidida ainda."


def test_a_confirmation_names_months_count_value_and_contracts() -> None:
    few = [a_hold(BURST, hold=1), a_hold(BURST, hold=2, month=OCTOBER.plus(-1))]
    said = reconciliation_act.confirmation(few, {"471": "Padaria"})
    head, named = said.splitlines()
    assert head.strip() == "Competências **set/2026, out/2026** · **2 cobranças** · **R$\xa03,00**"
    assert named == "471 Padaria, 472"
    many = [a_hold(BURST, hold=number) for number in range(1, 9)]
    assert reconciliation_act.confirmation(many, {}).endswith("471, 472, 473, 474, 475, 476 e mais 2")


def test_days_without_a_call_lie_between_the_first_and_the_last_with_one() -> None:
    first = date(2026, 9, 21)
    days = [{"local_day": first + timedelta(days=number), "calls": 5} for number in (0, 1, 3, 9)]
    assert completeness.gaps(days) == [first + timedelta(days=number) for number in (2, 4, 5, 6, 7, 8)]
    assert completeness.gap_words(days).endswith("23/09/2026, 25/09/2026, 26/09/2026, 27/09/2026, 28/09/2026 e mais 1.")
    mondays, grid = completeness.weeks(days)
    assert mondays == [first, first + timedelta(weeks=1)]
    assert [row[0] for row in grid] == [5, 5, 0, 5, 0, 0, 0]
    assert [row[1] for row in grid] == [0, 0, 5, None, None, None, None]


# --- Where prices differ ---------------------------------------------------------------------------------------------


def a_call(name: str, amount: int, ours: int | None) -> dict[str, Any]:
    facts = {"class": name, "amount": amount, "our_price": ours, "duration": 60}
    return facts | {"started_at": NOW, "called": "11987654321"}


def test_classes_whose_prices_differ_come_first_and_the_cut_of_a_fraction_is_no_difference() -> None:
    calls = [a_call("VC1", 505_000, 500_000), a_call("LDN", 100_000, 900_000), a_call("LDI", 2_000_000, None)]
    assert [(row["class"], row["calls"], row["more"]) for row in case.by_price(calls)] == [
        ("LDI", 1, -2_000_000),
        ("LDN", 1, 800_000),
    ]
    (first, second) = case.furthest(calls, 5)
    assert (first["amount"], first["ours"], second["amount"], second["ours"]) == (2_000_000, None, 100_000, 900_000)
    assert first["called"] == "(11) 9****-4321"
    assert len(case.furthest(calls, 1)) == 1


# --- Corrected files -------------------------------------------------------------------------------------------------

ROW = CorrectionRow(7, 70, 1, "4711", OCTOBER, "cd", "ab", Centavos(1000), Centavos(1100), False, NOW)
BEFORE = FiledCall("a", "1133334444", "11987654321", NOW, 60, "VC1", Micros(1_000_000))
AFTER = FiledCall("a", "1133334444", "11987654321", NOW, 60, "VC1", Micros(2_000_000))
OTHER = FiledCall("b", "1133334444", "1133330000", NOW, 60, "LOCAL", Micros(5))


def a_file(*remedies: Remedy) -> CorrectedFile:
    found = difference([BEFORE, OTHER], [AFTER, OTHER])
    return CorrectedFile(ROW, found, Centavos(1000), Centavos(1100), OCTOBER.plus(1), remedies, Centavos(0))


def test_a_corrected_files_difference_names_what_differs_only() -> None:
    found = a_file().difference
    assert [(row["class"], row["calls"], row["more"]) for row in corrected_case.class_rows(found)] == [
        ("VC1", "1 → 1", 100)
    ]
    assert [(row["change"], row["called"]) for row in corrected_case.call_rows(found.calls)] == [
        ("Alterada", "(11) 9****-4321")
    ]


@pytest.mark.parametrize("remedy", Remedy)
def test_each_decision_says_what_it_does_to_the_money(remedy: Remedy) -> None:
    found = a_file(remedy, Remedy.DISMISS)
    said = [corrected.preview(remedy, found), corrected.verb(remedy, found), corrected_case.said(found)]
    assert not any("{" in one for one in said)
    assert "R$ 10,00" in said[0].replace(NBSP, " ")
    assert "R$ 1,00" in said[0].replace(NBSP, " ")


@pytest.mark.parametrize(
    ("remedy", "is_over", "may"),
    [
        (Remedy.COMPLEMENT, False, True),
        (Remedy.COMPLEMENT, True, False),
        (Remedy.CHARGE_AGAIN, False, False),
    ],
)
def test_only_what_still_stands_and_charged_nothing_anew_can_be_taken_back(
    remedy: Remedy, is_over: bool, may: bool
) -> None:
    decision = CorrectionDecision(7, "4711", OCTOBER, remedy, 3, "STFC-C7", Centavos(100), OCTOBER.plus(1))
    one = SettledCorrection(ROW, decision, NOW, "gil", "*nova* versão", is_over)
    assert corrected.may_undo(one) is may
    assert "{" not in corrected.settled_words(one)
