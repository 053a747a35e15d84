"""The month that a charge belongs to (PRODUCT 2)."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stfc.domain.competence import Competence, last_months, local_day
from stfc.errors import InvalidInputError

competences = st.builds(Competence, st.integers(2000, 2100), st.integers(1, 12))


@given(competences)
def test_written_form_reads_back(competence: Competence) -> None:
    assert Competence.parse(str(competence)) == competence


@pytest.mark.parametrize(
    "text", ["", "2026", "2026-13", "2026-00", "26-10", "2026-1", "2026/10", "1999-12", "2026-10-01", "٢٠٢٦-10"]
)
def test_other_forms_are_refused_with_what_was_written(text: str) -> None:
    with pytest.raises(InvalidInputError) as refused:
        Competence.parse(text)
    assert refused.value.facts["value"] == text


@given(competences, st.dates(date(2000, 1, 1), date(2100, 12, 31)))
def test_a_day_belongs_to_the_month_it_is_written_in(competence: Competence, day: date) -> None:
    assert (day in competence) == (Competence.of(day) == competence)


@given(competences, st.integers(-500, 500))
def test_months_go_forth_and_back(competence: Competence, months: int) -> None:
    assert competence.plus(months).plus(-months) == competence
    assert (competence.plus(months) > competence) == (months > 0)


def test_the_month_ends_before_the_first_of_the_next() -> None:
    december = Competence(2026, 12)
    assert december.end_day == date(2027, 1, 1)
    assert december.last_day == date(2026, 12, 31)
    assert december.end_day not in december


@pytest.mark.parametrize(
    ("competence", "number", "day"),
    [
        ("2026-02", 31, date(2026, 2, 28)),
        ("2028-02", 30, date(2028, 2, 29)),
        ("2026-10", 31, date(2026, 10, 31)),
        ("2026-10", 1, date(2026, 10, 1)),
    ],
)
def test_a_day_that_the_month_lacks_is_its_last(competence: str, number: int, day: date) -> None:
    assert Competence.parse(competence).day(number) == day


def test_the_last_months_end_with_the_one_asked_for() -> None:
    assert [str(c) for c in last_months(Competence(2026, 2), 3)] == ["2025-12", "2026-01", "2026-02"]


def test_the_local_day_changes_at_midnight_in_sao_paulo() -> None:
    midnight = datetime(2026, 11, 1, 3, 0, tzinfo=UTC)
    assert local_day(midnight) == date(2026, 11, 1)
    assert local_day(midnight - timedelta(seconds=1)) == date(2026, 10, 31)
