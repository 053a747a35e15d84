"""Exact money (PRODUCT 6)."""

from decimal import ROUND_DOWN, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stfc.domain import money
from stfc.errors import InvalidInputError

amounts = st.decimals(0, 999_999_999, places=6)


@given(amounts)
def test_micros_hold_every_decimal_of_the_text(amount: Decimal) -> None:
    assert Decimal(money.micros_from_text(f"{amount:f}")).scaleb(-6) == amount


@given(amounts)
def test_a_comma_is_as_good_as_a_dot(amount: Decimal) -> None:
    text = f"{amount:f}"
    assert money.micros_from_text(text.replace(".", ",")) == money.micros_from_text(text)


@given(amounts)
def test_the_fraction_of_a_centavo_is_cut(amount: Decimal) -> None:
    micros = money.micros_from_text(f"{amount:f}")
    assert money.reais(money.cut(micros)) == amount.quantize(Decimal("0.01"), ROUND_DOWN)


@pytest.mark.parametrize(
    "text", ["", "-1", "+1", "1.", ".5", "1,234,5", "1.2345678", "1e3", "1 000", "R$ 1", "١", "1234567890"]
)
def test_other_forms_are_refused(text: str) -> None:
    with pytest.raises(InvalidInputError):
        money.micros_from_text(text)


@pytest.mark.parametrize(
    ("micros", "text"),
    [
        (0, "0.00"),
        (110_000, "0.11"),
        (110_500, "0.1105"),
        (1, "0.000001"),
        (5_010_000, "5.01"),
        (100_000_000, "100.00"),
    ],
)
def test_micros_are_written_short_and_exact(micros: int, text: str) -> None:
    assert money.plain_micros(micros) == text


@given(st.integers(-(10**12), 10**12))
def test_centavos_survive_their_plain_text(centavos: int) -> None:
    assert money.centavos_from_decimal(Decimal(money.plain(centavos))) == centavos


def test_a_fraction_of_a_centavo_is_no_charge() -> None:
    with pytest.raises(InvalidInputError):
        money.centavos_from_decimal(Decimal("0.001"))
