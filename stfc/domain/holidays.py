"""Brazilian national holidays, by year."""

from datetime import date
from functools import cache


@cache
def national_holidays(year: int) -> frozenset[date]:
    """The national holidays of ``year``; carnival and Corpus Christi are not among them."""
    # Imported on use: it takes a fifth of a second, which only those pay who price a call.
    import holidays

    return frozenset(holidays.country_holidays("BR", years=year))


def is_holiday(day: date) -> bool:
    """Whether ``day`` is a national holiday."""
    return day in national_holidays(day.year)
