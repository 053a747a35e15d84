"""Splitting a charge over its classes, and minutes (PRODUCT 8)."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stfc.domain.fiscal import minutes, split
from stfc.domain.money import MICROS_PER_CENTAVO, Centavos, cut


@pytest.mark.parametrize(
    ("amount", "weights", "shares"),
    [
        (1742, [10_000_000, 7_420_000], [1000, 742]),
        (100, [333_333, 333_333, 333_334], [33, 33, 34]),
        (1, [5_000, 5_000], [1, 0]),
        (0, [0, 0], [0, 0]),
        (0, [4_000, 5_999], [0, 0]),
        (7, [0, 0], [7, 0]),
        (0, [], []),
    ],
)
def test_charge_is_split_by_weight_and_the_rest_goes_to_the_largest_fraction(
    amount: int, weights: list[int], shares: list[int]
) -> None:
    assert split(Centavos(amount), weights) == shares


weights_of_classes = st.lists(st.integers(0, 10**15), min_size=1, max_size=10)


@given(weights_of_classes)
def test_shares_add_up_to_the_charge_that_is_cut_from_the_weights(weights: list[int]) -> None:
    amount = cut(sum(weights))
    shares = split(amount, weights)
    assert sum(shares) == amount
    assert all(share >= 0 for share in shares)


@given(st.lists(st.integers(0, 10**9), min_size=1, max_size=10))
def test_weights_of_whole_centavos_come_out_as_they_are(centavos: list[int]) -> None:
    assert split(Centavos(sum(centavos)), [one * MICROS_PER_CENTAVO for one in centavos]) == centavos


@pytest.mark.parametrize(
    ("seconds", "expected"), [(0, "0.00"), (60, "1.00"), (42, "0.70"), (1, "0.02"), (61, "1.02"), (3, "0.05")]
)
def test_minutes_have_two_decimals(seconds: int, expected: str) -> None:
    assert minutes(seconds) == Decimal(expected)
