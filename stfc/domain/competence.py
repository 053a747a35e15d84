"""The calendar month that a charge belongs to (PRODUCT 2)."""

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from stfc.errors import InvalidInputError

SAO_PAULO = ZoneInfo("America/Sao_Paulo")
"""The zone of competences and of every day that the product speaks of."""

_FORM = re.compile(r"(\d{4})-(\d{2})", re.ASCII)
_FIRST_YEAR, _LAST_YEAR = 2000, 2100


@dataclass(frozen=True, order=True)
class Competence:
    """A month, written ``2026-10``: the half-open ``[first_day, end_day)`` in America/Sao_Paulo.

    Ordered by time, hashable; ``str`` gives the written form and ``Competence.parse`` takes it back.
    """

    year: int
    month: int

    @classmethod
    def parse(cls, text: str) -> "Competence":
        """The competence that ``text`` writes, or ``InvalidInputError``."""
        match = _FORM.fullmatch(text.strip())
        if match:
            year, month = int(match[1]), int(match[2])
            if _FIRST_YEAR <= year <= _LAST_YEAR and 1 <= month <= 12:
                return cls(year, month)
        raise InvalidInputError(field="competence", value=text, cause="competence")

    @classmethod
    def of(cls, day: date) -> "Competence":
        """The competence that ``day`` falls in."""
        return cls(day.year, day.month)

    def __str__(self) -> str:
        return f"{self.year:04d}-{self.month:02d}"

    def plus(self, months: int) -> "Competence":
        """The competence ``months`` later (or earlier, when negative)."""
        index = self.year * 12 + self.month - 1 + months
        return Competence(index // 12, index % 12 + 1)

    @property
    def first_day(self) -> date:
        """The first day of the month, inclusive."""
        return date(self.year, self.month, 1)

    @property
    def end_day(self) -> date:
        """The first day of the next month, exclusive."""
        return self.plus(1).first_day

    @property
    def last_day(self) -> date:
        """The last day of the month, inclusive."""
        return self.end_day - timedelta(days=1)

    def __contains__(self, day: date) -> bool:
        return self.first_day <= day < self.end_day

    def day(self, number: int) -> date:
        """Day ``number`` of the month; a month too short for it ends on its last day."""
        return min(self.first_day + timedelta(days=number - 1), self.last_day)


def last_months(until: Competence, count: int) -> list[Competence]:
    """The ``count`` competences that end with ``until``, oldest first."""
    return [until.plus(offset) for offset in range(1 - count, 1)]


def local_day(instant: datetime) -> date:
    """The day in America/Sao_Paulo of an aware instant."""
    return instant.astimezone(SAO_PAULO).date()
