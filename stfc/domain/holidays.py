"""Brazilian national holidays, by year."""

from collections.abc import Mapping
from datetime import date
from functools import cache


@cache
def national_holidays(year: int) -> Mapping[date, str]:
    """The national holidays of ``year`` and their names; carnival and Corpus Christi are not among them."""
    # Imported on use: it takes a fifth of a second, which only those pay who price a call.
    import holidays

    return dict(holidays.country_holidays("BR", years=year, language="pt_BR"))


def holiday(day: date) -> str | None:
    """The name of the national holiday that ``day`` is; None when it is none."""
    return national_holidays(day.year).get(day)
