"""Masked numbers and documents (PRODUCT 9)."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stfc.domain.masking import _masked, mask_document, mask_number, without_numbers


@pytest.mark.parametrize(
    ("number", "masked"),
    [
        ("11987654321", "(11) 9****-4321"),
        ("1133224455", "(11) ****-4455"),
        ("01511987654321", "015 (11) 9****-4321"),
        ("901511987654321", "9015 (11) 9****-4321"),
        ("9090987654321", "9090 9****-4321"),
        ("909033224455", "9090 ****-4455"),
        ("5511987654321", "55 (11) 9****-4321"),
        ("+5511987654321", "+55 (11) 9****-4321"),
        ("987654321", "9****-4321"),
        ("33224455", "****-4455"),
        ("002112125550123", "0021 +1 ******0123"),
        ("+351912345678", "+351 *****5678"),
        ("08007771234", "0800 ****234"),
        ("03001234567", "0300 ****567"),
        ("190", "190"),
        ("10315", "****5"),
        ("*144", "***4"),
        ("", ""),
        ("12345678901234567890", "****************7890"),
    ],
)
def test_middle_of_a_number_is_hidden(number: str, masked: str) -> None:
    assert mask_number(number) == masked


@given(st.from_regex(r"\A(\+|0|00|90|55|0[358]0)?[0-9]{0,14}\Z"))
def test_what_is_remembered_of_other_numbers_changes_no_mask(number: str) -> None:
    assert mask_number(number) == _masked(number)


@pytest.mark.parametrize(
    ("document", "masked"),
    [
        ("12345412000199", "••.•••.412/0001-••"),
        ("12.345.412/0001-99", "••.•••.412/0001-••"),
        ("12ABC34501DE35", "••.•••.345/01DE-••"),
        ("11122233344", "•••.•••.333-••"),
        ("111.222.333-44", "•••.•••.333-••"),
        ("123", "•••"),
        ("", ""),
    ],
)
def test_most_of_a_document_is_hidden(document: str, masked: str) -> None:
    assert mask_document(document) == masked


@given(st.from_regex(r"\A[0-9#+][0-9*#+]{3,40}\Z"))
def test_subscriber_never_shows_more_than_four_digits_at_its_end(number: str) -> None:
    masked = mask_number(number)
    assert "*" in masked
    tail = re.search(r"[0-9#+*]*\Z", masked)
    assert tail is not None
    assert len(tail[0].lstrip("*")) <= 4
    assert number not in masked


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("abc", "abc"),
        ("-0.11", "-0.11"),
        ("2026-13-40T08:03:11-03:00", "2026-13-40T08:03:11-03:00"),
        ("11987654321", "(11) 9****-4321"),
        ("(11) 98765-4321", "((11) 9****-4321"),
        ("11122233344 x", "********344 x"),
    ],
)
def test_numbers_inside_a_text_are_hidden_and_days_are_not(text: str, shown: str) -> None:
    assert without_numbers(text) == shown


@given(prefix=st.text(st.characters(exclude_categories=["Nd"]), max_size=5), number=st.from_regex(r"\A[0-9]{8,15}\Z"))
def test_no_long_number_survives_inside_a_text(prefix: str, number: str) -> None:
    assert number not in without_numbers(prefix + number)
