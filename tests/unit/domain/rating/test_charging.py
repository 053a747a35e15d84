"""Whose amount is charged, and what is held (PRODUCT 6, 7; PLANS)."""

from collections.abc import Mapping

import pytest

from stfc.domain import text
from stfc.domain.money import Centavos
from stfc.domain.plan import Mode
from stfc.domain.plan_file import parse
from stfc.domain.rating.charging import Charging, OurRating, charging


def ours(
    mode: Mode, amount: int, platform: int, missing: Mapping[str, int] | None = None, tolerance: str = "0.05"
) -> OurRating:
    """Our rating under a plan of that mode."""
    head = f'[[plan]]\ncode = "p"\nname = "P"\nvalid_from = 2026-01-01\nmode = "{mode}"'
    (version,) = parse(f'{head}\ntolerance_amount = "{tolerance}"\n[plan.price]\nLOCAL = "0.1"'.encode())
    return OurRating(version, Centavos(amount), Centavos(platform), missing or {})


def codes(found: Charging) -> tuple[list[str], list[str]]:
    return [one.code for one in found.findings], [one.code for one in found.warnings]


def test_without_a_plan_summit_is_charged() -> None:
    assert charging(Centavos(100), None) == Charging(Centavos(100))


@pytest.mark.parametrize(
    ("mode", "amount", "held", "said"),
    [(Mode.PLATFORM, 100, [], []), (Mode.RERATE, 94, ["TAR-DIF"], []), (Mode.CHECK, 100, ["TAR-DIF"], [])],
)
def test_mode_says_whose_amount_is_charged_and_whether_a_difference_holds_it(
    mode: Mode, amount: int, held: list[str], said: list[str]
) -> None:
    found = charging(Centavos(100), ours(mode, 94, 100))
    assert found.amount == amount
    assert codes(found) == (held, said)


@pytest.mark.parametrize("amount", [95, 105])
def test_difference_as_large_as_the_tolerance_is_tolerated(amount: int) -> None:
    assert codes(charging(Centavos(100), ours(Mode.CHECK, amount, 100))) == ([], [])
    assert codes(charging(Centavos(100), ours(Mode.CHECK, amount, 100, tolerance="0.0499"))) == (["TAR-DIF"], [])


@pytest.mark.parametrize(
    ("mode", "held", "said"),
    [(Mode.PLATFORM, [], ["TAR-SEM"]), (Mode.RERATE, ["TAR-SEM"], []), (Mode.CHECK, ["TAR-SEM"], [])],
)
def test_missing_tariff_holds_where_our_rating_is_needed(mode: Mode, held: list[str], said: list[str]) -> None:
    # Of the 150 that Summit says, 50 are of calls without a price: they are no difference.
    assert codes(charging(Centavos(150), ours(mode, 100, 100, {"LDI": 2}))) == (held, said)


def test_findings_read_in_portuguese() -> None:
    found = charging(Centavos(4_000), ours(Mode.CHECK, 3_697, 3_742, {"LDI": 1, "UNKNOWN": 2}))
    assert [text.sentence(one.code, one.facts) for one in found.findings] == [
        "A nossa tarifação (p@2026-01-01) dá R$ 36,97 e a Summit R$ 37,42: diferença de R$ 0,45, além da tolerância de "
        "R$ 0,05",
        "3 ligações sem tarifa no plano p@2026-01-01: LDI, Desconhecida",
    ]
