"""What a contract's month should come to, and its range (PRODUCT 3, preview)."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stfc.domain.competence import Competence
from stfc.domain.forecast import EVEN, MONTHS, Forecast, PastMonth, forecast, month_weight, profile, weekday_counts
from stfc.domain.money import Centavos

OCTOBER = Competence(2026, 10)
competences = st.builds(Competence, st.integers(2000, 2099), st.integers(1, 12))


def _past(*amounts: int, weight: int = 30_000) -> list[PastMonth]:
    return [PastMonth(Centavos(amount), weight) for amount in amounts]


@pytest.mark.parametrize("amounts", [(), (100,)])
def test_with_fewer_than_two_months_nothing_is_foretold(amounts: tuple[int, ...]) -> None:
    assert forecast(_past(*amounts), 30_000) is None


@pytest.mark.parametrize(
    ("amounts", "expected"),
    [
        ((1000, 1000), (1000, 850, 1150)),
        ((1000, 1100), (1050, 894, 1206)),
        ((1000, 1100, 9000), (1100, 800, 1400)),
        ((0, 0), (0, 0, 0)),
        ((0, 1000), (500, 0, 2000)),
        ((9, 9, 9, 9, 9, 9), (9, 9, 9)),
        # The oldest of seven is not looked at.
        ((10**9, 1000, 1000, 1000, 1000, 1000, 1000), (1000, 850, 1150)),
    ],
)
def test_value_is_the_median_and_the_range_three_deviations_but_at_least_fifteen_percent(
    amounts: tuple[int, ...], expected: tuple[int, int, int]
) -> None:
    found = forecast(_past(*amounts), 30_000)
    assert found is not None
    assert (found.value, found.low, found.high) == expected


def test_a_month_is_scaled_to_the_weekdays_of_the_one_asked_for() -> None:
    workdays = profile([(OCTOBER, {day: 100 * weekday_counts(OCTOBER)[day] for day in range(5)})])
    assert workdays[5:] == (0, 0)
    # 22 working days in September 2026, 20 in February.
    february, september = (month_weight(Competence(2026, month), workdays) for month in (2, 9))
    found = forecast([PastMonth(Centavos(22_000), september)] * 2, february)
    assert found is not None
    assert found.value == pytest.approx(20_000, abs=1)


@given(competences)
def test_weekdays_of_a_month_are_those_of_the_calendar(month: Competence) -> None:
    days = [month.first_day + timedelta(days=n) for n in range(month.last_day.day)]
    assert weekday_counts(month) == tuple(sum(day.weekday() == weekday for day in days) for weekday in range(7))


@given(competences, st.dictionaries(st.integers(0, 6), st.integers(0, 10**15)))
def test_a_month_always_weighs_something(month: Competence, sums: dict[int, int]) -> None:
    weekdays = profile([(month, sums)])
    assert month_weight(month, weekdays) > 0
    assert weekdays == EVEN or sum(weekdays) <= 7000


@given(st.lists(st.integers(0, 10**11), min_size=2, max_size=MONTHS), st.integers(1, 40_000))
def test_the_range_holds_the_value_and_no_order_of_months_changes_it(amounts: list[int], weight: int) -> None:
    found = forecast(_past(*amounts), weight)
    assert found is not None
    assert 0 <= found.low <= found.value <= found.high
    assert forecast(_past(*reversed(amounts)), weight) == found


def test_what_the_platform_announces_has_no_range() -> None:
    announced = Forecast.announced(Centavos(5))
    assert [announced.holds(amount) for amount in (4, 5, 6)] == [False, True, False]
