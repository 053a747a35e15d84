"""A contract's month beside its own past."""

from typing import Any

from stfc.domain.competence import Competence
from stfc.ui import contract_past

OCTOBER = Competence(2026, 10)


def row(month: str, call_class: str, micros: int, calls: int = 1) -> dict[str, Any]:
    return {"competence": month, "class": call_class, "calls": calls, "micros": micros}


def test_classes_are_compared_with_the_median_of_the_months_before() -> None:
    rows = [row("2026-08", "LDI", 100), row("2026-09", "VC1", 400), row("2026-10", "LDI", 900, calls=7)]
    assert [
        (one["calls"], one["micros"], one["usual"], one["more"]) for one in contract_past.by_class(rows, OCTOBER)
    ] == [(7, 900, 50, 850), (0, 0, 200, -200)]


def test_the_value_is_compared_with_the_median_of_the_months_with_calls() -> None:
    rows = [
        row("2026-07", "LDN", 10_000_000),
        row("2026-09", "LDN", 30_000_000),
        row("2026-09", "VC1", 10_000_000),
        row("2026-10", "LDN", 50_000_000),
        row("2026-11", "LDN", 990_000_000),
    ]
    said = contract_past.words(rows, OCTOBER)
    assert "+100,0%" in said
    assert "R$\N{NO-BREAK SPACE}25,00" in said
    assert "2 meses anteriores" in said


def test_the_first_month_has_nothing_to_be_compared_with() -> None:
    assert "primeira" in contract_past.words([row("2026-10", "LDN", 1)], OCTOBER).lower()
